declare module "snappyjs" {
  /** Throws for a malformed stream and above `maxLength` bytes; does not notice output that stays shorter than announced. */
  export function uncompress(compressed: Uint8Array, maxLength?: number): Uint8Array;
}
