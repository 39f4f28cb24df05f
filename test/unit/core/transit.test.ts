import { expect, test } from "vitest";
import { carried, logicalType, quoteName, quoteText, transitType } from "../../../src/core/transit.js";
import type { LogicalType } from "../../../src/core/types.js";

const cases: readonly [LogicalType, string][] = [
  [{ kind: "int", bits: 128, unsigned: true }, "UHUGEINT"],
  [{ kind: "decimal", precision: 38, scale: 18 }, "DECIMAL(38,18)"],
  [{ kind: "time", precision: 6 }, "TIME"],
  [{ kind: "time", precision: 9 }, "TIME_NS"],
  [{ kind: "timestamp", precision: 6, zoned: true }, "TIMESTAMP WITH TIME ZONE"],
  [{ kind: "timestamp", precision: 9, zoned: false }, "TIMESTAMP_NS"],
  [{ kind: "list", element: { type: { kind: "list", element: { type: { kind: "date" }, nullable: true } }, nullable: true } }, "DATE[][]"],
  [{ kind: "map", key: { kind: "text" }, value: { type: { kind: "uuid" }, nullable: true } }, "MAP(VARCHAR, UUID)"],
  [
    { kind: "struct", fields: [{ name: 'a, "b" (c', type: { kind: "decimal", precision: 4, scale: 1 }, nullable: true }] },
    'STRUCT("a, ""b"" (c" DECIMAL(4,1))',
  ],
];

test("a logical type travels as a DuckDB type and is recognised again", () => {
  for (const [type, text] of cases) {
    expect(transitType(type)).toBe(text);
    expect(logicalType(text)).toEqual(type);
  }
});

test("what DuckDB cannot hold travels as text or is refused, never rounded", () => {
  expect(transitType({ kind: "decimal", precision: 39, scale: 2 })).toBe("VARCHAR");
  expect(transitType({ kind: "timestamp", precision: 9, zoned: true })).toBe("TIMESTAMP_NS");
  expect(transitType({ kind: "struct", fields: [] })).toBeUndefined();
  const field = (name: string) => ({ name, nullable: true, type: { kind: "date" } as const });
  expect(() => carried("s", { kind: "struct", fields: [field("a"), field("A")] })).toThrow(/cannot carry/);
});

test("types as DESCRIBE prints them are read, and those that only DuckDB has stay its own", () => {
  expect(logicalType("STRUCT(a INTEGER, b STRUCT(c MAP(VARCHAR, DECIMAL(10,2)[])))[]")).toMatchObject({
    element: { type: { fields: [{ name: "a" }, { name: "b", type: { fields: [{ name: "c", type: { kind: "map" } }] } }] } },
  });
  expect(logicalType("ENUM('it''s', 'b,c')")).toEqual({ kind: "enum", values: ["it's", "b,c"] });
  expect(logicalType("BIT")).toEqual({ kind: "native", engine: "duckdb", type: "BIT" });
});

test("hostile names and values stay one name and one value", () => {
  expect(quoteName('a"; DROP TABLE b')).toBe('"a""; DROP TABLE b"');
  expect(quoteText("it's \\ fine")).toBe("'it''s \\ fine'");
  expect(() => quoteText("a\0b")).toThrow(/NUL/);
  expect(() => quoteName("")).toThrow(/empty name/);
});
