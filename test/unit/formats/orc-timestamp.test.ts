import { expect, test } from "vitest";
import { timestampReader } from "../../../src/formats/orc/timestamp.js";

const seconds2015 = Date.UTC(2015, 0, 1) / 1000;
const read = (zone: string, second: number): bigint | undefined =>
  timestampReader(zone, "micros", false)(BigInt64Array.of(BigInt(second - seconds2015)), BigInt64Array.of(0n))[0];

test("a timestamp is the wall-clock time that the writer saw, in the zones that change their clocks, too", () => {
  const berlin = Date.UTC(2024, 6, 1, 12) / 1000; // noon on the writer's clock
  expect(read("UTC", berlin)).toBe(BigInt(berlin) * 1_000_000n);
  expect(read("Europe/Berlin", berlin - 3600)).toBe(BigInt(berlin) * 1_000_000n); // summer is an hour ahead of January 2015
});

test("a timestamp beyond the years that time zones are known for is damage, and no exception of another kind", () => {
  expect(() => read("Europe/Berlin", 8_640_000_000_001)).toThrow("The ORC file is damaged: a timestamp of");
  expect(() => read("Europe/Berlin", -8_640_000_000_001)).toThrow("The ORC file is damaged: a timestamp of");
});
