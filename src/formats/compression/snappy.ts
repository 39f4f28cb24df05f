import { copyMatch } from "./lz4.js";
import { overLimit } from "./over-limit.js";

/**
 * Decompresses one raw Snappy block (no framing) of at most `limit` bytes.
 * https://github.com/google/snappy/blob/main/format_description.txt
 * Throws RangeError for damaged input, OverLimit.
 */
export function snappyBlock(source: Uint8Array, limit: number): Uint8Array {
  let from = 0;
  let size = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = source[from++];
    if (byte === undefined || shift > 28) throw new RangeError("Snappy size is damaged");
    size += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  if (size > limit) throw overLimit(limit);
  const out = new Uint8Array(size);
  let to = 0;
  while (from < source.length) {
    const tag = source[from++] ?? 0;
    if ((tag & 3) === 0) {
      const [literals, extra] = literalLength(source, from, tag >> 2);
      from += extra;
      if (from + literals > source.length || to + literals > size) throw new RangeError("Snappy literal runs past a buffer");
      out.set(source.subarray(from, from + literals), to);
      from += literals;
      to += literals;
      continue;
    }
    const { length, offset, extra } = copyTag(source, from, tag);
    from += extra;
    if (offset === 0 || offset > to || to + length > size) throw new RangeError("Snappy copy lies outside the output");
    copyMatch(out, to, offset, length);
    to += length;
  }
  if (to !== size) throw new RangeError("Snappy block is shorter than it says");
  return out;
}

/** Literals above 60 bytes say their length in the next one to four bytes. */
function literalLength(source: Uint8Array, at: number, code: number): [length: number, extra: number] {
  if (code < 60) return [code + 1, 0];
  const extra = code - 59;
  let length = 0;
  for (let i = 0; i < extra; i++) length += (source[at + i] ?? 0) * 2 ** (8 * i);
  return [length + 1, extra];
}

function copyTag(source: Uint8Array, at: number, tag: number): { length: number; offset: number; extra: number } {
  const byte = (i: number): number => source[at + i] ?? 0;
  if ((tag & 3) === 1) return { length: ((tag >> 2) & 7) + 4, offset: ((tag >> 5) << 8) | byte(0), extra: 1 };
  const length = (tag >> 2) + 1;
  if ((tag & 3) === 2) return { length, offset: byte(0) | (byte(1) << 8), extra: 2 };
  return { length, offset: byte(0) + byte(1) * 256 + byte(2) * 65536 + byte(3) * 16777216, extra: 4 };
}
