import { expect, test } from "vitest";
import { partitionTimes } from "../../../src/sources/paimon/chain-steps.js";

const at = (text: string): number => Date.parse(`${text}Z`);

test("days and hours of partitions are read and written by the table's pattern", () => {
  const days = partitionTimes(["dt"], "$dt", "yyyyMMdd");
  expect(days?.timeOf(["20250811"])).toBe(at("2025-08-11T00:00:00"));
  expect(days?.textsOf(at("2025-08-11T00:00:00"))).toEqual(["20250811"]);
  const hours = partitionTimes(["dt", "hh"], "$dt $hh:00:00", "yyyy-MM-dd HH:mm:ss");
  expect(hours?.timeOf(["2025-08-11", "07"])).toBe(at("2025-08-11T07:00:00"));
  expect(hours?.textsOf(at("2025-08-11T07:00:00"))).toEqual(["2025-08-11", "07"]);
  const quoted = partitionTimes(["hh", "dt"], "$dt-$hh", "dd.MM.yyyy'-'HH");
  expect(quoted?.timeOf(["23", "01.02.2025"])).toBe(at("2025-02-01T23:00:00"));
});

test("the 30th of February is its last day, as Java has it, and is not written so", () => {
  const days = partitionTimes(["dt"], "$dt", "yyyyMMdd");
  expect(days?.timeOf(["20250230"])).toBe(at("2025-02-28T00:00:00"));
  expect(days?.textsOf(at("2025-02-28T00:00:00"))).toEqual(["20250228"]);
});

test.each(["2025-08-11", "2025081", "20251301", "20250800", "bad", "202508111"])("%s is no day of the format yyyyMMdd", (text) => {
  expect(partitionTimes(["dt"], "$dt", "yyyyMMdd")?.timeOf([text])).toBeUndefined();
});

test.each([
  ["$dt", "yyMMdd"],
  ["$dt", "yyyy-MMM-dd"],
  ["$dt", "yyyyMM"],
  ["$dt", "yyyyMMdd[HH]"],
  ["$day", "yyyyMMdd"],
  ["20250811", "yyyyMMdd"],
])("the pattern %s with the format %s is not followed", (pattern, format) => {
  expect(partitionTimes(["dt"], pattern, format)).toBeUndefined();
});
