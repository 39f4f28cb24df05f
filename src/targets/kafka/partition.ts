/*
 * Which partition a key goes to, as Kafka's own producers decide it (murmur2, BuiltInPartitioner.partitionForKey): messages of
 * one key stay in one partition, whoever sends them.
 */

const SEED = 0x9747b28c;
const MIX = 0x5bd1e995;

export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

function murmur2(bytes: Uint8Array): number {
  const words = bytes.length >> 2;
  let hash = SEED ^ bytes.length;
  for (let word = 0; word < words; word++) {
    const at = word * 4;
    let part = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    part = Math.imul(part, MIX);
    part = Math.imul(part ^ (part >>> 24), MIX);
    hash = Math.imul(hash, MIX) ^ part;
  }
  const rest = words * 4;
  const left = bytes.length - rest;
  if (left === 3) hash ^= (bytes[rest + 2] ?? 0) << 16;
  if (left >= 2) hash ^= (bytes[rest + 1] ?? 0) << 8;
  if (left >= 1) hash = Math.imul(hash ^ (bytes[rest] ?? 0), MIX);
  hash = Math.imul(hash ^ (hash >>> 13), MIX);
  return hash ^ (hash >>> 15);
}
