import { crc32 } from "node:zlib";
import { corrupt } from "../../formats/damage.js";
import { readBitmap64 } from "../../formats/roaring.js";

/*
 * Deletion vectors (Puffin spec, blob type `deletion-vector-v1`): a length, a magic number, a 64-bit Roaring bitmap in
 * the portable format (RoaringFormatSpec, "Extension for 64-bit implementations") and a CRC-32 over the two before it.
 */

const MAGIC = 0x6439d3d1; // bytes D1 D3 39 64, read little-endian
/** Positions of one vector that are held at once; a file with more rows deleted than this would have been rewritten. */
const MAX_POSITIONS = 64 * 1024 * 1024;

/** Deleted positions, rising. `rows` is how many the manifest says; a run of four bytes can stand for 65,536. */
export function* readDeletionVector(blob: Uint8Array, rows: number, file: string): Generator<number> {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  if (blob.length < 20 || view.getUint32(0) !== blob.length - 8)
    throw corrupt(file, "A deletion vector in it has another length than its manifest says.");
  if (view.getUint32(4, true) !== MAGIC) throw corrupt(file, "A deletion vector in it does not start with its magic number.");
  const body = blob.subarray(4, blob.length - 4);
  if (crc32(body) !== view.getUint32(blob.length - 4)) throw corrupt(file, "A deletion vector in it does not match its checksum.");
  if (rows > MAX_POSITIONS) throw corrupt(file, "A deletion vector in it is absurdly large.");
  const bitmap = readBitmap64(body, 4, file);
  let found = 0;
  if (bitmap.end === body.length) {
    for (const position of bitmap.positions()) {
      if (++found > rows) break;
      yield position;
    }
  }
  if (found !== rows || bitmap.end !== body.length)
    throw corrupt(file, "A deletion vector in it does not hold as many positions as its manifest says.");
}
