import { afterAll, beforeAll, expect, test } from "vitest";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import type { DuckDb, DuckDbConnection } from "../../../src/core/session.js";
import { quoteName } from "../../../src/core/transit.js";
import type { LogicalType } from "../../../src/core/types.js";
import { csvHeader, csvLine } from "../../../src/formats/csv.js";
import { jsonLine } from "../../../src/formats/jsonl.js";

let database: DuckDb;
let db: DuckDbConnection;
beforeAll(async () => {
  database = await openDuckDb({ memoryLimit: 256 * 1024 ** 2 });
  db = await database.session();
});
afterAll(() => database.close());

type Value = readonly [sql: string, type: LogicalType];

async function encoded(make: "json" | "csv", values: Readonly<Record<string, Value>>): Promise<string | null | undefined> {
  const columns = Object.entries(values).map(([name, [, type]]) => ({ name, type, nullable: true }));
  const list = Object.entries(values).map(([name, [sql]]) => `${sql} AS ${quoteName(name)}`);
  const line = make === "json" ? jsonLine(columns) : csvLine(columns);
  for await (const [first] of db.strings(`SELECT ${line} FROM (SELECT ${list.join(", ")})`)) return first;
  return undefined;
}

const text: LogicalType = { kind: "text" };
const int = (bits: 8 | 32 | 64 | 128): LogicalType => ({ kind: "int", bits });
const list = (type: LogicalType): LogicalType => ({ kind: "list", element: { type, nullable: true } });
const timestamp = (precision: 6 | 9, zoned: boolean): LogicalType => ({ kind: "timestamp", precision, zoned });

test("numbers: wide ones are strings, floats are numbers of the same value, and -0.0 stays", async () => {
  expect(
    await encoded("json", {
      i: ["(-5)::INT", int(32)],
      l: ["9007199254740993::BIGINT", int(64)],
      d: ["1.5::DECIMAL(18,4)", { kind: "decimal", precision: 18, scale: 4 }],
      f: ["0.1::FLOAT", { kind: "float", bits: 32 }],
      z: ["'-0.0'::DOUBLE", { kind: "float", bits: 64 }],
      n: ["'nan'::DOUBLE", { kind: "float", bits: 64 }],
      m: ["'-inf'::FLOAT", { kind: "float", bits: 32 }],
      s: ["5e-324::DOUBLE", { kind: "float", bits: 64 }],
      x: ["NULL::DOUBLE", { kind: "float", bits: 64 }],
      b: ["true", { kind: "boolean" }],
    }),
  ).toBe(
    '{"i":-5,"l":"9007199254740993","d":"1.5000","f":0.10000000149011612,"z":-0.0,"n":"NaN","m":"-Infinity","s":5e-324,"x":null,"b":true}',
  );
});

test("times: six or nine digits, Z for instants, and years outside of 1 to 9999 in ISO 8601's expanded form", async () => {
  expect(
    await encoded("json", {
      a: ["TIMESTAMP '2024-02-29 12:34:56.7'", timestamp(6, false)],
      b: ["TIMESTAMPTZ '1500-01-01 00:00:00Z'", timestamp(6, true)],
      c: ["'2024-01-01 00:00:00.000000001'::TIMESTAMP_NS", timestamp(9, true)],
      d: ["TIMESTAMP '0044-03-15 (BC) 00:00:00'", timestamp(6, false)],
      e: ["TIMESTAMP '12345-01-01 00:00:00'", timestamp(6, false)],
      f: ["DATE '0001-01-01 (BC)'", { kind: "date" }],
      g: ["DATE '12345-06-07'", { kind: "date" }],
      h: ["TIME '24:00:00'", { kind: "time", precision: 6 }],
      i: ["'01:02:03.000000004'::TIME_NS", { kind: "time", precision: 9 }],
      j: ["'infinity'::TIMESTAMPTZ", timestamp(6, true)],
    }),
  ).toBe(
    '{"a":"2024-02-29T12:34:56.700000","b":"1500-01-01T00:00:00.000000Z","c":"2024-01-01T00:00:00.000000001Z","d":"-0043-03-15T00:00:00.000000","e":"+12345-01-01T00:00:00.000000","f":"0000-01-01","g":"+12345-06-07","h":"24:00:00.000000","i":"01:02:03.000000004","j":"infinityZ"}',
  );
});

test("texts are escaped and keep their byte order mark; hostile column names stay names", async () => {
  const line = await encoded("json", {
    "a\"b\\'; DROP": ["chr(65279) || 'q\"\\' || chr(0) || chr(10) || chr(127) || chr(128512)", text],
    e: ["''", text],
    __proto__x: ["'y'", text],
  });
  expect(JSON.parse(line ?? "")).toEqual({ "a\"b\\'; DROP": '\ufeffq"\\\0\n\x7f😀', e: "", __proto__x: "y" });
});

test("nested values: nulls at every depth, maps in the order of their keys, every field of a struct", async () => {
  const struct: LogicalType = {
    kind: "struct",
    fields: [
      { name: "a b", type: int(64), nullable: true },
      { name: "l", type: list(list(text)), nullable: true },
    ],
  };
  expect(
    await encoded("json", {
      s: ["{'a b': 1::BIGINT, 'l': [['x', NULL], NULL, []]}", struct],
      t: [`NULL::STRUCT("a b" BIGINT, l VARCHAR[][])`, struct],
      m: ["MAP {'b': [1], 'a': NULL}", { kind: "map", key: text, value: { type: list(int(32)), nullable: true } }],
      n: ["MAP {}::MAP(VARCHAR, BIGINT)", { kind: "map", key: text, value: { type: int(64), nullable: true } }],
    }),
  ).toBe('{"s":{"a b":"1","l":[["x",null],null,[]]},"t":null,"m":[["a",null],["b",[1]]],"n":[]}');
});

test("binary is base64, uuid lower case, JSON its text", async () => {
  expect(
    await encoded("json", {
      b: ["'\\xFF\\x00'::BLOB", { kind: "binary" }],
      e: ["''::BLOB", { kind: "binary" }],
      u: ["'F0000000-0000-0000-0000-00000000000A'::UUID", { kind: "uuid" }],
      j: [`'{"a": 1}'`, { kind: "json" }],
    }),
  ).toBe('{"b":"/wA=","e":"","u":"f0000000-0000-0000-0000-00000000000a","j":"{\\"a\\": 1}"}');
});

test("CSV tells NULL from an empty text and quotes what must be quoted", async () => {
  expect(csvHeader([{ name: 'a,"b', type: text, nullable: true }])).toBe('"a,""b"');
  expect(
    await encoded("csv", {
      a: ["NULL::VARCHAR", text],
      b: ["''", text],
      c: ["'x,\"y' || chr(10)", text],
      d: ["1.50::DECIMAL(4,2)", { kind: "decimal", precision: 4, scale: 2 }],
      e: ["[1, NULL]", list(int(32))],
    }),
  ).toBe(',"","x,""y\n",1.50,"[1,null]"');
});
