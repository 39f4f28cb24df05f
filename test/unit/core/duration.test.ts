import { expect, test } from "vitest";
import { durationText, parseDuration } from "../../../src/core/duration.js";
import { instantOf } from "../../../src/core/instant.js";

test("durations are numbers with units of fixed length", () => {
  expect(parseDuration("26h")).toBe(26 * 3_600_000);
  expect(parseDuration("5 min")).toBe(300_000);
  expect(parseDuration("7 days")).toBe(7 * 86_400_000);
  expect(parseDuration("1 day 12 hours")).toBe(36 * 3_600_000);
  for (const wrong of ["", "soon", "5", "5 months", "1 day and a bit", "constructor"]) {
    expect(() => parseDuration(wrong), wrong).toThrow(expect.objectContaining({ code: "DW-MODEL-INVALID" }));
  }
});

test("a duration is told in its two largest units", () => {
  expect(durationText(93_600_000)).toBe("1 d 2 h");
  expect(durationText(61_000)).toBe("1 min 1 s");
  expect(durationText(12)).toBe("12 ms");
});

test("engines' texts of a time become instants, with the zone of zone-less ones", () => {
  const noon = Date.UTC(2024, 0, 31, 12);
  expect(instantOf("2024-01-31 12:00:00", "UTC")).toBe(noon);
  expect(instantOf("2024-01-31T12:00:00.123456Z", "Europe/Paris")).toBe(noon + 123);
  expect(instantOf("2024-01-31 13:00:00+01", "UTC")).toBe(noon);
  expect(instantOf("2024-01-31 17:30:00+05:30", "UTC")).toBe(noon);
  expect(instantOf("2024-01-31 13:00:00", "Europe/Paris")).toBe(noon);
  expect(instantOf("2024-01-31", "UTC")).toBe(Date.UTC(2024, 0, 31));
  expect(instantOf("infinity", "UTC")).toBeUndefined();
});

test("of the hour that Paris repeats in October the earlier one is meant", () => {
  expect(instantOf("2024-10-27 02:30:00", "Europe/Paris")).toBe(Date.UTC(2024, 9, 27, 0, 30));
});
