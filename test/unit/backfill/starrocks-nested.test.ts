import { afterAll, beforeAll, expect, test } from "vitest";
import { openMysqlServer } from "../../../src/connections/mysql.js";
import { type Fingerprint, fingerprintQuery, readFingerprint } from "../../../src/core/fingerprint.js";
import type { Mysql } from "../../../src/core/session.js";
import { duckdbCanonical } from "../../../src/engines/duckdb/canonical.js";
import { starrocksTarget } from "../../../src/engines/starrocks/load.js";
import { openDatabase, type Reader } from "../../backfill/duckdb.js";
import { type FakeServer, startFakeStarrocks } from "../../live/starrocks-fake/server.js";

/* Floats and nested values go through Stream Load, and both engines' own SQL says the same of every value. */

let server: FakeServer;
let mysql: Mysql;
let db: Reader;

beforeAll(async () => {
  server = await startFakeStarrocks();
  mysql = await openMysqlServer("starrocks", { host: "127.0.0.1", port: server.port, user: "root" });
  db = await (await openDatabase()).connect();
  await mysql.query("CREATE DATABASE shop");
}, 60_000);
afterAll(async () => {
  await db.close();
  await mysql.close();
  await server.stop();
});

interface Case {
  readonly starrocks: string;
  readonly duckdb: string;
  readonly values: readonly string[];
}

const CASES: readonly Case[] = [
  {
    starrocks: "DOUBLE",
    duckdb: "DOUBLE",
    values: [
      ...["0.0", "'-0.0'", "1.0", "-1.0", "0.1", "-0.1", "3.0", "1e300", "-1e-300", "1.7976931348623157e308", "-1.7976931348623157e308"],
      // Around the smallest normal number, below it, and on both sides of powers of two.
      ...["2.2250738585072014e-308", "2.225073858507201e-308", "5e-324", "-5e-324", "1e-310"],
      ...[
        "9007199254740992.0",
        "9007199254740991.0",
        "0.49999999999999994",
        "0.9999999999999999",
        "1.0000000000000002",
        "4503599627370495.5",
      ],
    ],
  },
  { starrocks: "FLOAT", duckdb: "FLOAT", values: ["0.1", "'-0.0'", "3.4028235e38", "1e-45", "16777217.0", "-0.33333334"] },
  {
    starrocks: "ARRAY<STRING>",
    duckdb: "VARCHAR[]",
    values: ["[]", "['a', NULL, '']", "['[1,2]', '\"', 'it''s', chr(10) || chr(1) || chr(2), '\\N', 'null', 'é😀']"],
  },
  { starrocks: "ARRAY<ARRAY<INT>>", duckdb: "INTEGER[][]", values: ["[[1, NULL], [], NULL]", "[]", "[[-2147483648, 2147483647]]"] },
  { starrocks: "ARRAY<DOUBLE>", duckdb: "DOUBLE[]", values: ["[0.1, -1e-310, NULL, 1e300]"] },
  { starrocks: "ARRAY<DECIMAL(38, 10)>", duckdb: "DECIMAL(38,10)[]", values: ["[9999999999999999999999999999.9999999999, -0.0000000001]"] },
  { starrocks: "ARRAY<BIGINT>", duckdb: "BIGINT[]", values: ["[9223372036854775807, -9223372036854775808]"] },
  {
    starrocks: "MAP<STRING, DATE>",
    duckdb: "MAP(VARCHAR, DATE)",
    values: ["MAP {}", "MAP {'b': DATE '2024-02-29', 'a': NULL, '': DATE '0001-01-01', '\"x': DATE '9999-12-31'}"],
  },
  { starrocks: "MAP<INT, ARRAY<BOOLEAN>>", duckdb: "MAP(INTEGER, BOOLEAN[])", values: ["MAP {10: [true, NULL, false], -2: NULL, 9: []}"] },
  {
    starrocks: "STRUCT<a INT, b_c STRING, t DATETIME, s STRUCT<x ARRAY<DOUBLE>>>",
    duckdb: "STRUCT(a INTEGER, b_c VARCHAR, t TIMESTAMP, s STRUCT(x DOUBLE[]))",
    values: [
      "{'a': 1, 'b_c': 'x,y', 't': TIMESTAMP '1969-12-31 23:59:59.999999', 's': {'x': [0.1]}}",
      "{'a': NULL, 'b_c': NULL, 't': NULL, 's': NULL}",
      "{'a': NULL, 'b_c': NULL, 't': NULL, 's': {'x': NULL}}",
    ],
  },
  {
    starrocks: "ARRAY<STRUCT<k STRING, v MAP<STRING, BIGINT>>>",
    duckdb: "STRUCT(k VARCHAR, v MAP(VARCHAR, BIGINT))[]",
    values: ["[{'k': 'a', 'v': MAP {'x': 1, 'a': 9007199254740993}}, NULL, {'k': NULL, 'v': NULL}]"],
  },
];

test.each(CASES)(
  "$starrocks arrives equal, value by value, and no two values have one fingerprint",
  async ({ starrocks, duckdb, values }) => {
    await mysql.query("DROP TABLE IF EXISTS shop.probe");
    await mysql.query(
      `CREATE TABLE shop.probe (id INT NOT NULL, v ${starrocks} NULL) DUPLICATE KEY (id) DISTRIBUTED BY HASH (id) BUCKETS 1 PROPERTIES ("replication_num" = "1")`,
    );
    const http = { host: "127.0.0.1", port: server.httpPort, user: "root" };
    const target = await starrocksTarget({ http, connect: () => mysql.session(), name: ["shop", "probe"] });
    const columns = (await target.columns([])).map(({ name, type }) => ({ name, type }));
    const seen = new Map<string, string>();
    for (const [index, value] of [...values, "NULL"].entries()) {
      await mysql.query("TRUNCATE TABLE shop.probe");
      const sql = `SELECT 1::INTEGER AS id, CAST(${written(value)} AS ${duckdb}) AS v`;
      const fingerprint = readFingerprint(columns, (await db.rows(fingerprintQuery(duckdbCanonical, columns, `(${sql})`)))[0] ?? {});
      const session = await target.start({ backfill: `${starrocks} ${index}`, source: "", digest: "" }, columns);
      await session.load(
        { chunk: { id: "one", title: "one", bytes: 1, files: [] } as never, db, sql, fingerprint },
        new AbortController().signal,
      );
      expect({ value, ...hashed(await target.fingerprint(columns)) }).toEqual({ value, ...hashed(fingerprint) });
      const hash = fingerprint.hash.join();
      expect([value, seen.get(hash)]).toEqual([value, undefined]);
      seen.set(hash, value);
    }
    await target.close();
  },
);

/** A number as a text: DuckDB reads a bare one as a decimal, whose way to a double may round. */
const written = (value: string): string => (/^-?[\d.e+-]+$/.test(value) ? `'${value}'` : value);

/** Bounds of floats are the same numbers in other digits. */
function hashed({ rows, hash, columns }: Fingerprint) {
  return { rows, hash, nulls: columns.map(({ nulls }) => nulls) };
}
