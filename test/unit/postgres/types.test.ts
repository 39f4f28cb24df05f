import { expect, test } from "vitest";
import type { LossLevel } from "../../../src/core/loss.js";
import type { LogicalType } from "../../../src/core/types.js";
import { retyping } from "../../../src/engines/postgres/retype.js";
import { canonicalType, logicalType, mapType } from "../../../src/engines/postgres/types.js";
import { t } from "../../../src/index.js";

const cases: readonly (readonly [LogicalType, string, LossLevel])[] = [
  [t.tinyint().column.type, "smallint", "widened"],
  [t.bigint().column.type, "bigint", "lossless"],
  [t.largeint().column.type, "numeric(39,0)", "widened"],
  [{ kind: "int", bits: 64, unsigned: true }, "numeric(20,0)", "widened"],
  [t.decimal(38, 10).column.type, "numeric(38,10)", "lossless"],
  [{ kind: "decimal", precision: 1001, scale: 0 }, "", "impossible"],
  [t.varchar(20).column.type, "character varying(20)", "lossless"],
  [t.fixed(16).column.type, "bytea", "widened"],
  [t.instant("", 9).column.type, "timestamp with time zone", "lossy"],
  [t.datetime("", 3).column.type, "timestamp(3) without time zone", "lossless"],
  [t.json().column.type, "jsonb", "lossless"],
  [t.enum(["a"]).column.type, "text", "widened"],
  [t.list(t.bigint()).column.type, "bigint[]", "lossless"],
  [t.list(t.instant("", 9)).column.type, "timestamp with time zone[]", "lossy"],
  [t.map(t.text(), t.int()).column.type, "jsonb", "widened"],
  [t.native("starrocks", "HLL").column.type, "", "impossible"],
];

test.each(cases)("%j is %s in PostgreSQL (%s)", (type, native, level) => {
  expect(mapType(type)).toMatchObject({ native, level });
  if (level !== "impossible") expect(mapType(type).note === "").toBe(level === "lossless");
});

test("type texts of authors are spelt as the server spells them", () => {
  expect(canonicalType("timestamptz(3)")).toBe("timestamp(3) with time zone");
  expect(canonicalType("VARCHAR (10)")).toBe("character varying(10)");
  expect(canonicalType("decimal(10)")).toBe("numeric(10,0)");
  expect(canonicalType("int4[][]")).toBe("integer[]");
  expect(canonicalType("float8")).toBe("double precision");
});

test("the server's types come back as logical ones, and what has none stays native", () => {
  expect(logicalType("numeric(18,4)")).toEqual({ kind: "decimal", precision: 18, scale: 4 });
  expect(logicalType("timestamp(3) with time zone")).toEqual({ kind: "timestamp", precision: 3, zoned: true });
  expect(logicalType("bigint[]")).toMatchObject({ kind: "list", element: { type: { kind: "int", bits: 64 } } });
  expect(logicalType("numeric")).toEqual({ kind: "native", engine: "postgres", type: "numeric" });
});

test("a change of type is a matter of the catalog, a rewrite, or a loss", () => {
  expect(retyping("character varying(10)", "text")).toBe("metadata");
  expect(retyping("numeric(10,2)", "numeric(12,2)")).toBe("metadata");
  expect(retyping("integer", "bigint")).toBe("rewrite");
  expect(retyping("integer", "numeric(18,4)")).toBe("rewrite");
  expect(retyping("bigint", "integer")).toBe("narrowing");
  expect(retyping("bigint", "double precision")).toBe("narrowing");
  expect(retyping("timestamp without time zone", "timestamp with time zone")).toBe("narrowing");
});
