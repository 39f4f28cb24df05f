import { expect, test } from "vitest";
import { partitionOf } from "../../../src/targets/kafka/partition.js";

/** Hashes of Kafka's own test (UtilsTest.testMurmur2). */
const hashes: readonly (readonly [key: string, hash: number])[] = [
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
];

test.each(hashes)("the key %s goes to the partition that Kafka's own producer chooses", (key, hash) => {
  for (const partitions of [1, 3, 12, 1000]) expect(partitionOf(Buffer.from(key), partitions)).toBe((hash & 0x7fffffff) % partitions);
});
