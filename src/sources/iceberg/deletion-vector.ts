import { crc32 } from "node:zlib";
import { corrupt } from "../../formats/damage.js";

/*
 * Deletion vectors (Puffin spec, blob type `deletion-vector-v1`): a length, a magic number, a 64-bit Roaring bitmap in
 * the portable format (RoaringFormatSpec, "Extension for 64-bit implementations") and a CRC-32 over the two before it.
 */

const MAGIC = 0x6439d3d1; // bytes D1 D3 39 64, read little-endian
/** Positions of one vector that are held at once; a file with more rows deleted than this would have been rewritten. */
const MAX_POSITIONS = 64 * 1024 * 1024;

/** Deleted positions in rising order, one array for each 32-bit bitmap in the blob. `rows` is what the manifest says. */
export function readDeletionVector(blob: Uint8Array, rows: number, file: string): readonly Positions[] {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  if (blob.length < 20 || view.getUint32(0) !== blob.length - 8)
    throw corrupt(file, "A deletion vector in it has another length than its manifest says.");
  if (view.getUint32(4, true) !== MAGIC) throw corrupt(file, "A deletion vector in it does not start with its magic number.");
  if (crc32(blob.subarray(4, blob.length - 4)) !== view.getUint32(blob.length - 4)) {
    throw corrupt(file, "A deletion vector in it does not match its checksum.");
  }
  if (rows > MAX_POSITIONS) throw corrupt(file, "A deletion vector in it is absurdly large.");
  try {
    return read(new Bytes(view, 8, blob.length - 4), rows);
  } catch (error) {
    throw corrupt(file, "A deletion vector in it is malformed.", error);
  }
}

export interface Positions {
  /** The upper 32 bits of all of them. */
  readonly high: number;
  readonly low: Uint32Array;
}

/** Reads little-endian numbers; reading past the end throws. */
class Bytes {
  constructor(
    private readonly view: DataView,
    private at: number,
    private readonly end: number,
  ) {}

  uint8 = (): number => this.view.getUint8(this.advance(1));
  uint16 = (): number => this.view.getUint16(this.advance(2), true);
  uint32 = (): number => this.view.getUint32(this.advance(4), true);

  advance(length: number): number {
    const start = this.at;
    if (start + length > this.end) throw new RangeError("past the end");
    this.at = start + length;
    return start;
  }

  get done(): boolean {
    return this.at === this.end;
  }
}

function read(bytes: Bytes, rows: number): readonly Positions[] {
  const bitmaps = bytes.uint32();
  if (bytes.uint32() !== 0) throw new RangeError("more bitmaps than memory");
  const found: Positions[] = [];
  let left = rows;
  for (let index = 0; index < bitmaps; index++) {
    const high = bytes.uint32();
    const low = bitmap(bytes, left);
    left -= low.length;
    found.push({ high, low });
  }
  if (left !== 0 || !bytes.done) throw new RangeError("not as many positions as the manifest says");
  return found;
}

const COOKIE = 12347; // with run containers
const COOKIE_NO_RUNS = 12346;
const OFFSETS_FROM = 4; // with runs, offsets are written only for at least so many containers
const ARRAY_LIMIT = 4096;
const BITSET_BYTES = 8192;

function bitmap(bytes: Bytes, limit: number): Uint32Array {
  const cookie = bytes.uint32();
  const runs = (cookie & 0xffff) === COOKIE;
  if (!runs && cookie !== COOKIE_NO_RUNS) throw new RangeError("no cookie");
  const count = runs ? (cookie >>> 16) + 1 : bytes.uint32();
  if (count > 65536) throw new RangeError("too many containers");
  const runFlags = runs ? Array.from({ length: (count + 7) >> 3 }, bytes.uint8) : [];
  const heads = Array.from({ length: count }, () => ({ key: bytes.uint16(), size: bytes.uint16() + 1 }));
  if (!runs || count >= OFFSETS_FROM) bytes.advance(4 * count); // containers follow one another; their offsets say nothing new
  const out = new Uint32Array(limit);
  let length = 0;
  const add = (position: number): void => {
    if (length >= limit) throw new RangeError("more positions than the manifest says");
    out[length++] = position;
  };
  for (const [index, { key, size }] of heads.entries()) {
    const base = key * 65536;
    const isRun = ((runFlags[index >> 3] ?? 0) >> (index & 7)) & 1;
    if (isRun) readRuns(bytes, base, add);
    else if (size <= ARRAY_LIMIT) for (let item = 0; item < size; item++) add(base + bytes.uint16());
    else readBitset(bytes, base, add);
  }
  return out.subarray(0, length);
}

function readRuns(bytes: Bytes, base: number, add: (position: number) => void): void {
  for (let runs = bytes.uint16(); runs > 0; runs--) {
    const start = bytes.uint16();
    const more = bytes.uint16();
    if (start + more > 0xffff) throw new RangeError("a run leaves its container");
    for (let offset = 0; offset <= more; offset++) add(base + start + offset);
  }
}

function readBitset(bytes: Bytes, base: number, add: (position: number) => void): void {
  for (let index = 0; index < BITSET_BYTES; index++) {
    const byte = bytes.uint8();
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) add(base + index * 8 + bit);
  }
}
