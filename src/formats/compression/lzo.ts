import { copyMatch } from "./lz4.js";

/**
 * Decompresses one LZO1X block into at most `limit` bytes. The format has no specification of its own; this follows
 * https://docs.kernel.org/staging/lzo.html
 * Throws RangeError for damaged input, which one that outgrows `limit` is taken for: its size is not announced.
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one state machine; its four instructions share every variable
export function lzoBlock(source: Uint8Array, limit: number): Uint8Array {
  const out = new Uint8Array(limit);
  let from = 0;
  let to = 0;
  /** Literals after the last instruction: 0, 1 to 3 (as said by it), or 4 for a longer run. */
  let state = 0;

  const byte = (): number => {
    const value = source[from++];
    if (value === undefined) throw new RangeError("LZO instruction runs past the input");
    return value;
  };
  const longLength = (bits: number): number => {
    let total = bits;
    for (;;) {
      const value = byte();
      if (value !== 0) return total + value;
      total += 255;
    }
  };
  const literals = (count: number): void => {
    if (from + count > source.length || to + count > limit) throw new RangeError("LZO literals run past a buffer");
    out.set(source.subarray(from, from + count), to);
    from += count;
    to += count;
  };
  const match = (distance: number, length: number, trailing: number): void => {
    if (distance > to || to + length > limit) throw new RangeError("LZO match lies outside the output");
    copyMatch(out, to, distance, length);
    to += length;
    literals(trailing);
    state = trailing;
  };

  const first = source[0] ?? 0;
  if (first > 17) {
    from = 1;
    literals(first - 17);
    state = Math.min(first - 17, 4);
  }
  for (;;) {
    const code = byte();
    if (code >= 64) {
      const length = code >= 128 ? 5 + ((code >> 5) & 3) : 3 + ((code >> 5) & 1);
      const distance = (byte() << 3) + ((code >> 2) & 7) + 1;
      match(distance, length, code & 3);
    } else if (code >= 32) {
      const length = 2 + (code & 31 || longLength(31));
      const tail = byte() | (byte() << 8);
      match((tail >> 2) + 1, length, tail & 3);
    } else if (code >= 16) {
      const length = 2 + (code & 7 || longLength(7));
      const tail = byte() | (byte() << 8);
      const distance = 16384 + ((code & 8) << 11) + (tail >> 2);
      if (distance === 16384) return out.subarray(0, to); // the end marker
      match(distance, length, tail & 3);
    } else if (state === 0) {
      literals(3 + (code || longLength(15)));
      state = 4;
    } else {
      const near = state < 4;
      const distance = (byte() << 2) + (code >> 2) + (near ? 1 : 2049);
      match(distance, near ? 2 : 3, code & 3);
    }
  }
}
