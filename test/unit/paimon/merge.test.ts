import { afterAll, beforeAll, expect, test } from "vitest";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import type { DuckDb, DuckDbConnection } from "../../../src/core/session.js";
import { type MergeColumn, mergeOf, type Versions } from "../../../src/sources/paimon/merge.js";
import { tableOptions } from "../../../src/sources/paimon/options.js";
import type { TableSchema } from "../../../src/sources/paimon/schema.js";
import { parseFields } from "../../../src/sources/paimon/types.js";

let database: DuckDb;
let db: DuckDbConnection;
beforeAll(async () => {
  database = await openDuckDb();
  db = await database.session();
});
afterAll(() => database.close());

const types = { id: "INT NOT NULL", seq: "INT", num: "INT", real: "DOUBLE", word: "STRING", flag: "BOOLEAN", items: "ARRAY<DOUBLE>" };

function merge(options: Readonly<Record<string, string>>, key = types.id, real = types.real) {
  const fields = parseFields(
    Object.entries(types).map(([name, type], id) => ({
      id,
      name,
      type: name === "items" ? { type: "ARRAY", element: "DOUBLE" } : name === "id" ? key : name === "real" ? real : type,
    })),
    "schema-0",
  );
  const schema: TableSchema = { id: 0, fields, partitionKeys: [], primaryKeys: ["id"], options: new Map(Object.entries(options)) };
  const columns: MergeColumn[] = fields.map((field, index) => ({ alias: `c${index}`, field }));
  return { columns, ...mergeOf(schema, tableOptions(schema)) };
}

/** Seven versions or so of each of fifty keys, with nulls; nothing is taken back. */
const changes = `SELECT 0 AS g, i AS s, CAST(0 AS TINYINT) AS k, 0 AS l, CAST(i % 50 AS INTEGER) AS c0,
  CASE WHEN hash(i) % 5 > 0 THEN CAST(hash(i) % 4 AS INTEGER) END AS c1, CASE WHEN hash(i, 1) % 4 > 0 THEN CAST(hash(i, 2) % 100 AS INTEGER) END AS c2,
  CASE hash(i, 3) % 4 WHEN 0 THEN -0.0::DOUBLE WHEN 1 THEN 'NaN'::DOUBLE WHEN 2 THEN 1.5 END AS c3,
  CASE hash(i, 4) % 3 WHEN 0 THEN '' WHEN 1 THEN 'w' || i END AS c4, CASE WHEN hash(i, 5) % 3 > 0 THEN hash(i, 6) % 2 = 0 END AS c5,
  CASE WHEN hash(i, 7) % 3 > 0 THEN [CAST(i AS DOUBLE), -0.0] END AS c6 FROM range(350) AS r(i)`;
const versions: Versions = { changes, newer: false, single: false, plain: true };

async function rows(sql: string): Promise<string[]> {
  const found = await db.rows<{ row: string }>(`SELECT CAST(t AS VARCHAR) AS row FROM (${sql}) AS t`);
  return found.map(({ row }) => row).sort();
}

const functions = (names: readonly string[]) =>
  Object.fromEntries(
    Object.keys(types).flatMap((column, index) => (names[index] ? [[`fields.${column}.aggregate-function`, names[index]]] : [])),
  );

const tables: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["sums and extremes", functions(["", "max", "sum", "max", "listagg", "bool_and", "collect"])],
  [
    "first and last values",
    functions(["", "first_value", "last_value", "first_non_null_value", "last_value", "first_value", "last_value"]),
  ],
  ["a sequence field", { ...functions(["", "", "sum", "first_value", "last_value", "bool_or", ""]), "sequence.field": "seq" }],
];

type Named = readonly [string, Readonly<Record<string, string>>];

const merged: readonly Named[] = [
  ...tables.map(([name, options]): Named => [`aggregation: ${name}`, { "merge-engine": "aggregation", ...options }]),
  ["partial-update", { "merge-engine": "partial-update" }],
  [
    "partial-update: a sequence group",
    { "merge-engine": "partial-update", "fields.seq.sequence-group": "num,real,items", "fields.num.aggregate-function": "sum" },
  ],
];

test.each(merged)("%s: columns by themselves come out as versions folded one after the other", async (_, options) => {
  const { sql, columns } = merge(options);
  const [byColumn, folded] = [sql(versions, columns), sql({ ...versions, plain: false }, columns)];
  expect(folded).toContain("list_reduce(items");
  expect(byColumn).toContain("GROUP BY");
  expect(byColumn).not.toContain("list_reduce(items");
  expect(await rows(byColumn)).toEqual(await rows(folded));
});

test("a fold of many keys in pieces comes out as at once", async () => {
  const { sql, pieces, columns } = merge({
    "merge-engine": "aggregation",
    ...functions(["", "max", "sum", "max", "listagg", "bool_and", "collect"]),
  });
  const base = changes.replace("range(350)", "range(100)").replace("0 AS g, i AS s", "0 AS g, i - 1000 AS s").replace("i % 50", "i");
  const layered = { ...versions, base, plain: false };
  const parts = pieces(layered, columns, 350_000);
  expect(parts?.folded.length).toBe(4);
  expect(await rows([parts?.streamed, ...(parts?.folded ?? [])].join(" UNION ALL "))).toEqual(await rows(sql(layered, columns)));
  expect(pieces(layered, columns, 1000)).toBeUndefined();
});

test("-0.0 and 0.0 are two keys", async () => {
  for (const options of [{}, { "merge-engine": "partial-update" }, { "merge-engine": "aggregation" }]) {
    const { sql, columns } = merge(options, "DOUBLE NOT NULL");
    const key = (values: string): string => changes.replace("CAST(i % 50 AS INTEGER) AS c0", `${values} AS c0`);
    const zeros = key("CASE i % 2 WHEN 0 THEN 0.0::DOUBLE ELSE -0.0::DOUBLE END");
    const ids = `SELECT DISTINCT CAST(c0 AS VARCHAR) AS id FROM (${sql({ ...versions, changes: zeros }, columns)})`;
    expect(await rows(ids)).toHaveLength(2);
    const layered = { ...versions, base: key("-0.0::DOUBLE").replace("range(350)", "range(1)"), changes: key("0.0::DOUBLE") };
    expect(await rows(`SELECT CAST(c0 AS VARCHAR) AS id FROM (${sql(layered, columns)})`)).toHaveLength(2);
  }
});

test.each(["FLOAT", "DOUBLE"])("a %s of -0.0 stays so, whichever of a key's values is kept", async (type) => {
  const real = changes.replace(/CASE hash\(i, 3\).* AS c3/, `-0.0::${type} AS c3`);
  for (const name of ["last_value", "last_non_null_value", "first_value", "first_non_null_value"]) {
    const { sql, columns } = merge({ "merge-engine": "aggregation", "fields.real.aggregate-function": name }, types.id, type);
    expect(await rows(`SELECT DISTINCT CAST(c3 AS VARCHAR) AS c3 FROM (${sql({ ...versions, changes: real }, columns)})`)).toEqual([
      "{'c3': -0.0}",
    ]);
  }
});

test("a sequence field of -0.0 stays so, and is older than 0.0", async () => {
  const { sql, columns } = merge({ "sequence.field": "real" });
  const real = changes.replace("'NaN'::DOUBLE", "-0.0::DOUBLE").replace("THEN 1.5 END AS c3", "THEN NULL ELSE -0.0::DOUBLE END AS c3");
  const found = await rows(`SELECT DISTINCT c3 FROM (${sql({ ...versions, changes: real }, columns)})`);
  expect(found).toEqual(["{'c3': -0.0}"]);
  const zero = `${real}\nUNION ALL\nSELECT 0, -1, 0, 0, 1, 1, 1, 0.0::DOUBLE, '', true, []`;
  expect(await rows(`SELECT c3 FROM (${sql({ ...versions, changes: zero }, columns)}) WHERE c0 = 1`)).toEqual(["{'c3': 0.0}"]);
});
