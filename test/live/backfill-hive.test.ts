import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openHive } from "../../src/connections/hive.js";
import type { Hive } from "../../src/core/session.js";
import type { StorageWriter } from "../../src/core/storage.js";
import { openWriter } from "../../src/storage/open.js";
import { hiveTarget } from "../../src/targets/hive/index.js";
import { addressOf } from "../../src/targets/hive/location.js";
import { openDatabase, type TestDatabase } from "../backfill/duckdb.js";
import { backfill } from "../backfill/load.js";
import { columnsOf, sourceOf, t } from "../backfill/source.js";
import { startHive } from "./hive.js";

/* Parquet tables of a real Hive as targets; their files lie in a local folder, which is where this Hive keeps its warehouse. */

const server = await startHive();
const hive = server && (await openHive(server.connection, undefined));
let database: TestDatabase;
beforeAll(async () => {
  database = await openDatabase();
});
afterAll(async () => {
  await hive?.close();
  await server?.stop();
  await database.close();
});
const live = hive as Hive; // tests run only where there is one

const writer = (location: string): Promise<StorageWriter> => openWriter(addressOf(location, {}), { cwd: "/" });

describe.skipIf(server === undefined)("backfill into Hive", () => {
  test("every type arrives as it was, in partitions that Hive knows, once", async () => {
    await live.query(
      `CREATE EXTERNAL TABLE typed (tiny TINYINT, n INT, big BIGINT, low DECIMAL(9,2), mid DECIMAL(18,4), high DECIMAL(38,10), ratio DOUBLE, small FLOAT,
       name STRING, code VARCHAR(5), ok BOOLEAN, born DATE, seen TIMESTAMP, raw BINARY) PARTITIONED BY (dt DATE, region STRING) STORED AS PARQUET`,
    );
    const shape = {
      ...{ tiny: t.tinyint(), n: t.int(), big: t.bigint(), low: t.decimal(9, 2), mid: t.decimal(18, 4), high: t.decimal(38, 10) },
      ...{ ratio: t.double(), small: t.float(), name: t.text(), code: t.text(), ok: t.boolean(), born: t.date(), seen: t.datetime() },
      ...{ raw: t.binary(), dt: t.date(), region: t.text() },
    };
    const row = (n: number, values: string): string => `SELECT ${values}, DATE '2024-01-0${n}' AS dt, 'a/b=c ü%' AS region`;
    const names = Object.keys(shape).slice(0, 14);
    const typed = (values: readonly string[]): string => values.map((value, index) => `${value} AS "${names[index]}"`).join(", ");
    const first = typed([
      ...["(-128)::TINYINT", "2147483647::INT", "(-9223372036854775808)::BIGINT", "1234567.80::DECIMAL(9,2)", "(-0.0001)::DECIMAL(18,4)"],
      ...[
        "1234567890123456789012345678.0000000001::DECIMAL(38,10)",
        "0.1::DOUBLE",
        "0.5::FLOAT",
        `'é"''\\N' || chr(10) || '🦆'`,
        "'abcde'",
      ],
      ...["true", "DATE '1969-12-31'", "TIMESTAMP '1969-12-31 23:59:59.999999'", "'\\x00\\xFF'::BLOB"],
    ]);
    const second = typed([
      ...["NULL::TINYINT", "0::INT", "NULL::BIGINT", "NULL::DECIMAL(9,2)", "10::DECIMAL(18,4)", "0::DECIMAL(38,10)", "NULL::DOUBLE"],
      ...["NULL::FLOAT", "''", "NULL::VARCHAR", "false", "DATE '1500-02-28'", "TIMESTAMP '2024-03-31 02:30:00.5'", "NULL::BLOB"],
    ]);
    const chunks = [`${row(1, first)} UNION ALL ${row(2, second)}`, row(2, second)];
    const load = async () => {
      const target = await hiveTarget({ hive: live, database: "default", table: "typed", writer });
      try {
        return await backfill({ name: "typed", source: sourceOf("typed", columnsOf(shape), chunks), target }, database.connect);
      } finally {
        await target.close();
      }
    };
    const certificate = await load();
    expect(certificate.findings).toEqual([]);
    expect(certificate).toMatchObject({ verdict: "equal", engine: "hive", rows: { source: "3", target: "3" } });
    expect(certificate.columns.filter(({ compared }) => compared !== "every value").map(({ name }) => name)).toEqual(["ratio", "small"]);
    expect((await live.query("SHOW PARTITIONS typed")).length).toBe(2);
    expect(await load()).toMatchObject({ verdict: "equal", rows: { target: "3" } });
    expect(await live.query("SELECT ratio, small, seen FROM typed WHERE n > 0")).toEqual([
      { ratio: "0.1", small: "0.5", seen: "1969-12-31 23:59:59.999999" },
    ]);
  }, 400_000);

  test("what a run that died has left is settled, in a managed table without partitions, too", async () => {
    await live.query("CREATE TABLE plain (n INT) STORED AS PARQUET");
    const chunks = [0, 10].map((from) => `SELECT i::INT AS n FROM range(${from}, ${from + 10}) AS r(i)`);
    const load = async (using: typeof writer) => {
      const target = await hiveTarget({ hive: live, database: "default", table: "plain", writer: using });
      try {
        return await backfill({ name: "plain", source: sourceOf("plain", columnsOf({ n: t.int() }), chunks), target }, database.connect);
      } finally {
        await target.close();
      }
    };
    let puts = 0;
    const dying = async (location: string): Promise<StorageWriter> => {
      const real = await writer(location);
      const put = async (local: string, path: string): Promise<void> => {
        await real.put(local, path);
        if (++puts === 3) throw new Error("killed"); // the first file has its name, and the ledger does not say so yet
      };
      return { ...real, put };
    };
    await expect(load(dying)).rejects.toThrow("killed");
    expect(await load(writer)).toMatchObject({ verdict: "equal", rows: { source: "20", target: "20", before: "0" } });
    expect(await live.query("SELECT count(*) AS n FROM plain")).toEqual([{ n: "20" }]);
  }, 400_000);

  test("a table whose files are Hive's own affair is refused", async () => {
    await live.query("CREATE TABLE lines (n INT) STORED AS TEXTFILE");
    await expect(hiveTarget({ hive: live, database: "default", table: "lines", writer })).rejects.toMatchObject({
      code: "DW-CONNECTION-UNSUPPORTED",
    });
    await expect(hiveTarget({ hive: live, database: "default", table: "nothing", writer })).rejects.toMatchObject({
      code: "DW-TABLE-MISSING",
    });
  }, 100_000);
});
