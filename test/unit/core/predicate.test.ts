import { expect, test } from "vitest";
import { conditions } from "../../../src/core/predicate.js";

const number = (text: string) => ({ kind: "number", text });
const text = (value: string, type?: string) => ({ kind: "text", text: value, ...(type !== undefined && { type }) });

test("a conjunction of simple comparisons is understood, whatever its brackets", () => {
  expect(conditions(`((dt = '2024-01-01') AND ("Sta""tion" >= -1.50 and 7 > hr) AND flag = true)`)).toEqual([
    { column: "dt", op: "=", value: text("2024-01-01") },
    { column: 'Sta"tion', op: ">=", value: number("-1.50") },
    { column: "hr", op: "<", value: number("7") },
    { column: "flag", op: "=", value: { kind: "boolean", text: "true" } },
  ]);
});

test("IN, BETWEEN, IS NULL and typed literals are understood", () => {
  expect(conditions("a IN (1, 2) AND b BETWEEN DATE '2024-01-01' AND '2024-01-31'::DATE AND c IS NULL AND d IS NOT NULL")).toEqual([
    { column: "a", op: "in", values: [number("1"), number("2")] },
    { column: "b", op: ">=", value: text("2024-01-01", "DATE") },
    { column: "b", op: "<=", value: text("2024-01-31", "DATE") },
    { column: "c", op: "is null" },
    { column: "d", op: "is not null" },
  ]);
  expect(conditions("ts < CAST('2024-01-01 00:00:00' AS TIMESTAMP)")).toEqual([
    { column: "ts", op: "<", value: text("2024-01-01 00:00:00", "TIMESTAMP") },
  ]);
});

test("one part that is not understood does not spoil the others", () => {
  expect(conditions("length(a) > 3 AND b = 1 AND (c = 1 OR c = 2) AND NOT d AND e <> 4 AND f = g AND h + 1 = 2")).toEqual([]);
  expect(conditions("length(a) > 3 AND b = 1 AND (c = 1 OR c = 2) AND NOT d AND e <> 4 AND f = g AND NOT (i = 1)")).toEqual([
    { column: "b", op: "=", value: number("1") },
  ]);
});

test.each([
  "a = 1 OR b = 2",
  "NOT (a = 1)",
  "NOT a = 1",
  "a = 1 -- AND b = 2",
  "a = 1 /* or */",
  "a = '1' COLLATE NOCASE",
  "a NOT IN (1)",
  "a NOT BETWEEN 1 AND 2",
  "a IS NOT DISTINCT FROM 1",
  "a = 1 + 1",
  "a IN (1, b)",
  "a = E'\\n'",
  "a::INT = 4",
  "a = '1.5'::INT",
  "t.a = 1",
  "a = 1) OR (b = 2",
  "a LIKE 'x%'",
  "",
])("%j prunes nothing", (predicate) => {
  expect(conditions(predicate)).toEqual([]);
});
