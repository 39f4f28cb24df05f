/**
 * Decompresses one raw LZ4 block (no frame) into at most `limit` bytes.
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 * Throws RangeError for damaged input, which one that outgrows `limit` is taken for: its size is not announced.
 */
export function lz4Block(source: Uint8Array, limit: number): Uint8Array {
  const out = new Uint8Array(limit);
  let from = 0;
  let to = 0;
  const length = (nibble: number): number => {
    if (nibble < 15) return nibble;
    let total = nibble;
    for (;;) {
      const byte = source[from++];
      if (byte === undefined) throw new RangeError("LZ4 length runs past the input");
      total += byte;
      if (byte < 255) return total;
    }
  };
  while (from < source.length) {
    const token = source[from++] ?? 0;
    const literals = length(token >> 4);
    if (from + literals > source.length || to + literals > limit) throw new RangeError("LZ4 literals run past a buffer");
    out.set(source.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from === source.length) break; // the last sequence is literals only
    const offset = (source[from] ?? 0) | ((source[from + 1] ?? 0) << 8);
    from += 2;
    const matched = length(token & 15) + 4;
    if (offset === 0 || offset > to || to + matched > limit) throw new RangeError("LZ4 match lies outside the output");
    copyMatch(out, to, offset, matched);
    to += matched;
  }
  return out.subarray(0, to);
}

/** A match may overlap what it writes (offset < length repeats a pattern). */
export function copyMatch(out: Uint8Array, to: number, offset: number, length: number): void {
  if (offset >= length) out.copyWithin(to, to - offset, to - offset + length);
  else for (let i = 0; i < length; i++) out[to + i] = out[to - offset + i] ?? 0;
}
