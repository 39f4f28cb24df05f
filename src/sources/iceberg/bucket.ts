import type { Ordered } from "./ordered.js";
import type { IcebergType } from "./schema.js";

/* The bucket transform (spec, "Bucket Transform Details" and Appendix B, "32-bit Hash Requirements"). */

/** undefined for types that this does not hash. */
export function bucketOf(value: Ordered, type: IcebergType, buckets: number): number | undefined {
  const bytes = hashed(value, type);
  return bytes === undefined ? undefined : (murmur3(bytes) & 0x7fffffff) % buckets;
}

function hashed(value: Ordered, type: IcebergType): Uint8Array | undefined {
  if (value instanceof Uint8Array) return type.kind === "string" ? value : undefined;
  if (typeof value !== "bigint") return undefined;
  switch (type.kind) {
    case "int":
    case "long":
    case "date":
    case "timestamp":
    case "timestamptz":
      return longBytes(value);
    case "timestamp_ns":
    case "timestamptz_ns":
      return longBytes(BigInt.asIntN(64, floorDivide(value, 1000n))); // hashes like its microseconds
    case "decimal":
      return shortest(value);
    default:
      return undefined;
  }
}

function floorDivide(value: bigint, by: bigint): bigint {
  return value / by - (value % by < 0n ? 1n : 0n);
}

function longBytes(value: bigint): Uint8Array | undefined {
  if (BigInt.asIntN(64, value) !== value) return undefined;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

/** Big-endian two's complement of as few bytes as possible. */
function shortest(value: bigint): Uint8Array {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length++;
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, "0"),
    "hex",
  );
}

/** MurmurHash3, x86, 32 bits, seed 0. */
export function murmur3(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = bytes.length >> 2;
  let hash = 0;
  for (let index = 0; index < blocks; index++) {
    hash ^= mixed(view.getUint32(index * 4, true));
    hash = Math.imul(rotated(hash, 13), 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let index = bytes.length - 1; index >= blocks * 4; index--) tail = (tail << 8) | (bytes[index] ?? 0);
  if (bytes.length % 4 > 0) hash ^= mixed(tail);
  return finished(hash ^ bytes.length);
}

function mixed(word: number): number {
  return Math.imul(rotated(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function finished(start: number): number {
  let hash = start;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
