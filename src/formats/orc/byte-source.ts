/**
 * Where a file's bytes come from. Synchronous, because decoders pull small pieces in the middle of a loop; a remote file is
 * spooled to a local one first.
 */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `start`; the caller keeps both inside `size`. */
  readonly read: (start: number, length: number) => Uint8Array;
}
