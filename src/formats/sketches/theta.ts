import { damaged, unreadable } from "./letters.js";

/*
 * Theta sketches of Apache DataSketches: the smallest hashes of a set, below a threshold theta. A union keeps the hashes
 * below the smallest theta, at most 4096 of them, and is written compact and ordered: the bytes follow from the set alone.
 * https://datasketches.apache.org/docs/Theta/ThetaSketches.html
 */

interface Theta {
  readonly theta: bigint;
  readonly hashes: readonly bigint[];
}

const MAX_THETA = 2n ** 63n - 1n;
const NOMINAL_ENTRIES = 4096;
/** Of the seed 9001, which all sketches share that do not ask for another. */
const SEED_HASH = 0x93cc;
const FLAG = { empty: 4, compact: 8, ordered: 16, single: 32, readOnly: 2 } as const;
const COMPACT_FAMILY = 3;

/** The union of two serialised sketches. `file` is for messages. Errors: DW-FILE-CORRUPT, DW-SOURCE-UNSUPPORTED. */
export function unionTheta(a: Uint8Array, b: Uint8Array, file: string): Uint8Array {
  const [left, right] = [parse(a, file), parse(b, file)];
  const [limit = MAX_THETA] = [left.theta, right.theta].sort((x, y) => (x < y ? -1 : 1));
  const hashes = [...new Set([...left.hashes, ...right.hashes])].filter((hash) => hash < limit).sort((x, y) => (x < y ? -1 : 1));
  const theta = hashes[NOMINAL_ENTRIES] ?? limit;
  return write({ theta, hashes: hashes.slice(0, NOMINAL_ENTRIES) });
}

const NOTHING: Theta = { theta: MAX_THETA, hashes: [] };

function parse(bytes: Uint8Array, file: string): Theta {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 16) return NOTHING; // as the reference reads whatever is too short
  const [longs, version, family, flags] = [view.getUint8(0) & 0x3f, view.getUint8(1), view.getUint8(2), view.getUint8(5)];
  if (version !== 3) throw unreadable(`a theta sketch of the serial version ${version}`, file);
  if (family < 1 || family > COMPACT_FAMILY) throw damaged(file, "theta sketch");
  if (longs === 1) return isSingle(family, flags) ? { theta: MAX_THETA, hashes: [view.getBigInt64(8, true)] } : NOTHING;
  if (view.getUint16(6, true) !== SEED_HASH) throw unreadable("a theta sketch with a seed of its own", file);
  const count = view.getInt32(8, true);
  if (longs === 2 && count === 0) return NOTHING;
  const theta = longs === 2 ? MAX_THETA : bytes.length < 24 ? 0n : view.getBigInt64(16, true);
  // A sketch that was not made compact is its hash table: free places are zeros.
  const places = (flags & FLAG.compact) === 0 ? 2 ** view.getUint8(4) : count;
  if (count < 0 || theta <= 0n || (longs + places) * 8 > bytes.length) throw damaged(file, "theta sketch");
  const all = Array.from({ length: places }, (_, index) => view.getBigInt64((longs + index) * 8, true));
  return { theta, hashes: all.filter((hash) => hash > 0n && hash < theta) };
}

function isSingle(family: number, flags: number): boolean {
  const wanted = FLAG.readOnly | FLAG.compact | FLAG.ordered;
  return family === COMPACT_FAMILY && (flags & wanted) === wanted && (flags & FLAG.empty) === 0;
}

function write({ theta, hashes }: Theta): Uint8Array {
  const empty = hashes.length === 0 && theta === MAX_THETA;
  const single = hashes.length === 1 && theta === MAX_THETA;
  const longs = theta < MAX_THETA ? 3 : hashes.length > 1 ? 2 : 1;
  const out = Buffer.alloc((longs + hashes.length) * 8);
  const flags = FLAG.readOnly | FLAG.compact | FLAG.ordered | (empty ? FLAG.empty : 0) | (single ? FLAG.single : 0);
  out.set([longs, 3, COMPACT_FAMILY, 0, 0, flags]);
  if (!empty) out.writeUInt16LE(SEED_HASH, 6);
  if (longs > 1) {
    out.writeInt32LE(hashes.length, 8);
    out.writeFloatLE(1, 12);
  }
  if (longs > 2) out.writeBigInt64LE(theta, 16);
  for (const [index, hash] of hashes.entries()) out.writeBigInt64LE(hash, (longs + index) * 8);
  return out;
}
