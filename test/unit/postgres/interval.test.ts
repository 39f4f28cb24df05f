import { expect, test } from "vitest";
import { chunkIntervalText, parseInterval, sameIntervalText } from "../../../src/engines/postgres/interval.js";

test("one interval has one spelling, whether an author or the server wrote it", () => {
  expect(sameIntervalText("26h")).toBe("26 hours");
  expect(sameIntervalText("26:00:00")).toBe("26 hours");
  expect(sameIntervalText("1 year 1 mon")).toBe(sameIntervalText("13 months"));
  expect(sameIntervalText("2 weeks")).toBe("14 days");
  expect(sameIntervalText("01:30:00")).toBe("1 hour 30 minutes");
  expect(sameIntervalText("-1 days -02:00:00")).toBe("-1 day -2 hours");
});

test("a day is not 24 hours and a month is not 30 days, except as the length of a chunk", () => {
  expect(sameIntervalText("24 hours")).not.toBe(sameIntervalText("1 day"));
  expect(chunkIntervalText("24 hours")).toBe(chunkIntervalText("1 day"));
  expect(chunkIntervalText("1 month")).toBe("30 days");
});

test("what is no interval is left alone", () => {
  expect(parseInterval("soon")).toBeUndefined();
  expect(parseInterval("")).toBeUndefined();
  expect(parseInterval("1.5 months")).toBeUndefined();
  expect(chunkIntervalText("86400000")).toBe("86400000");
});
