import { inflateRawSync } from "node:zlib";
import { Decompress } from "fzstd";
import snappy from "snappyjs";
import { isDwError } from "../core/errors.js";
import { corrupt, tooLarge } from "./damage.js";

/** Bytes that one compressed block may grow to. Writers flush blocks of 16 KiB (Avro) to some MiB. */
export const MAX_BLOCK_BYTES = 256 * 1024 * 1024;
/** A Zstandard decoder allocates its window before it reads a byte; the format's own advice is to refuse more than this. */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024;

/** `file` is named in errors: DW-FILE-CORRUPT, and DW-FILE-TOO-LARGE above `limit` bytes of output. */
export type Inflate = (bytes: Uint8Array, file: string, limit?: number) => Uint8Array;

/** DEFLATE without a header (RFC 1951). */
export const inflateRaw: Inflate = (bytes, file, limit = MAX_BLOCK_BYTES) =>
  guarded(file, "deflate", limit, () => inflateRawSync(bytes, { maxOutputLength: limit }));

/** Snappy's raw format. It has no checksum; the caller compares the one of its container. */
export const inflateSnappy: Inflate = (bytes, file, limit = MAX_BLOCK_BYTES) => {
  if (announcedSnappyLength(bytes) > limit) throw tooLarge(file, "A compressed block", limit);
  return guarded(file, "snappy", limit, () => snappy.uncompress(bytes, limit));
};

/** Zstandard frames (RFC 8878). Node 20's zlib has no decoder. */
export const inflateZstd: Inflate = (bytes, file, limit = MAX_BLOCK_BYTES) =>
  guarded(file, "zstandard", limit, () => {
    if (zstdWindow(bytes) > MAX_WINDOW_BYTES) throw tooLarge(file, "A Zstandard window", MAX_WINDOW_BYTES);
    const pieces: Uint8Array[] = [];
    let length = 0;
    const stream = new Decompress((piece) => {
      length += piece.length;
      if (length > limit) throw tooLarge(file, "A compressed block", limit);
      pieces.push(piece);
    });
    stream.push(bytes, true);
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces, length);
  });

function guarded(file: string, codec: string, limit: number, inflate: () => Uint8Array): Uint8Array {
  try {
    return inflate();
  } catch (error) {
    if (isDwError(error)) throw error;
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(file, "A compressed block", limit);
    }
    throw corrupt(file, `A block does not decompress with ${codec}.`, error);
  }
}

function announcedSnappyLength(bytes: Uint8Array): number {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = bytes[index] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) break;
  }
  return length;
}

/** Window size that the first frame's header asks for (RFC 8878, 3.1.1.1); 0 for what is no frame. */
function zstdWindow(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 14 || view.getUint32(0, true) !== 0xfd2fb528) return 0;
  const flags = view.getUint8(4);
  const singleSegment = (flags & 0x20) !== 0;
  if (!singleSegment) {
    const descriptor = view.getUint8(5);
    const base = 2 ** (10 + (descriptor >> 3));
    return base + (base / 8) * (descriptor & 7);
  }
  const at = 5 + ([0, 1, 2, 4][flags & 3] ?? 0);
  const sizes = [() => view.getUint8(at), () => view.getUint16(at, true) + 256, () => view.getUint32(at, true)];
  // a content size of eight bytes, or one that lies beyond the bytes, has no place in a block
  const read = sizes[flags >> 6];
  return read === undefined ? Number.POSITIVE_INFINITY : read();
}
