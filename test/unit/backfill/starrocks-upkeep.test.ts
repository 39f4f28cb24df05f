import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openMysqlServer } from "../../../src/connections/mysql.js";
import { fingerprintQuery, readFingerprint } from "../../../src/core/fingerprint.js";
import type { Mysql } from "../../../src/core/session.js";
import type { LoadableChunk, TargetTable, Upkeep } from "../../../src/core/target.js";
import { duckdbCanonical } from "../../../src/engines/duckdb/canonical.js";
import { starrocksTarget } from "../../../src/engines/starrocks/load.js";
import { openDatabase } from "../../backfill/duckdb.js";
import { type FakeServer, startFakeStarrocks } from "../../live/starrocks-fake/server.js";

/* Properties by which StarRocks drops partitions, while history is loaded. */

let server: FakeServer;
let mysql: Mysql;

beforeAll(async () => {
  server = await startFakeStarrocks();
  server.fake.holdsClock = true;
  mysql = await openMysqlServer("starrocks", { host: "127.0.0.1", port: server.port, user: "root" });
}, 60_000);
afterAll(async () => {
  await mysql.close();
  await server.stop();
});
beforeEach(async () => {
  server.fake.reset();
  await mysql.query("CREATE DATABASE air");
});

const PARTITIONS = 'PARTITION BY RANGE (day) (PARTITION p1 VALUES [("2024-01-01"), ("2024-02-01")))';
const DYNAMIC =
  '"dynamic_partition.enable" = "true", "dynamic_partition.time_unit" = "DAY", "dynamic_partition.start" = "-30", "dynamic_partition.end" = "3", "dynamic_partition.prefix" = "p"';

async function table(properties: string): Promise<{ readonly target: TargetTable; readonly upkeep: Upkeep }> {
  await mysql.query(
    `CREATE TABLE air.hourly (day DATE NOT NULL, n BIGINT NULL) DUPLICATE KEY (day) ${PARTITIONS} DISTRIBUTED BY HASH (day) BUCKETS 1 PROPERTIES ("replication_num" = "1", ${properties})`,
  );
  const http = { host: "127.0.0.1", port: server.httpPort, user: "root" };
  const target = await starrocksTarget({ http, connect: () => mysql.session(), name: ["air", "hourly"], pause: 1 });
  if (target.upkeep === undefined) throw new Error("a table of StarRocks has upkeep");
  return { target, upkeep: target.upkeep };
}

const shown = async (): Promise<string> => (await mysql.query("SHOW CREATE TABLE air.hourly"))[0]?.["Create Table"] ?? "";
const DAY = 86_400_000_000n;

const CASES = [
  {
    properties: DYNAMIC,
    what: "dynamic partitions (-30 DAY)",
    days: 30n,
    paused: '"dynamic_partition.enable" = "false"',
    live: '"dynamic_partition.enable" = "true"',
  },
  {
    properties: '"partition_ttl" = "12 MONTH"',
    what: "partition_ttl (12 MONTH)",
    days: 365n,
    paused: '"partition_ttl" = "1000 YEAR"',
    live: '"partition_ttl" = "12 MONTH"',
  },
  {
    properties: '"partition_live_number" = "7"',
    what: "partition_live_number (7)",
    days: undefined,
    paused: '"partition_live_number" = "-1"',
    live: '"partition_live_number" = "7"',
  },
] as const;

test.each(CASES)(
  "$what is found with what it drops, paused, and runs again as it was",
  async ({ properties, what, days, paused, live }) => {
    const { target, upkeep } = await table(properties);
    const [policy, ...others] = await upkeep.policies();
    expect([policy?.what, policy?.drops?.column, others]).toEqual([what, "day", []]);
    const before = BigInt(policy?.drops?.before ?? "0");
    const age = (BigInt(Date.now()) * 1000n - before) / DAY;
    expect(days === undefined ? before > BigInt(Date.now()) * 1000n : age >= days && age <= days + 2n).toBe(true);

    await upkeep.pause("history", await upkeep.policies());
    expect(await shown()).toContain(paused);
    expect(await upkeep.policies()).toEqual([]);
    // Another run, after a crash: what was is known from the record.
    expect(await upkeep.restore("history")).toEqual([what]);
    expect(await shown()).toContain(live);
    expect(await upkeep.restore("history")).toEqual([]);
    await target.close();
  },
);

test("what two backfills have paused runs again when both have ended", async () => {
  const { target, upkeep } = await table(DYNAMIC);
  await upkeep.pause("one", await upkeep.policies());
  await upkeep.pause("two", await upkeep.policies());
  expect(await upkeep.restore("one")).toEqual([]);
  expect(await shown()).toContain('"dynamic_partition.enable" = "false"');
  expect(await upkeep.restore("two")).toEqual(["dynamic partitions (-30 DAY)"]);
  expect(await shown()).toContain('"dynamic_partition.enable" = "true"');
  await target.close();
});

test("history before the first partition of a table that follows the clock gets partitions while that is paused", async () => {
  const { target, upkeep } = await table(DYNAMIC);
  const db = await (await openDatabase()).connect();
  const columns = (await target.columns([])).map(({ name, type }) => ({ name, type }));
  const signal = new AbortController().signal;
  const chunk = async (id: string, from: string): Promise<LoadableChunk> => {
    const sql = `SELECT DATE '${from}' + CAST(i AS INTEGER) AS day, CAST(i AS BIGINT) AS n FROM range(0, 3) AS numbers(i)`;
    const [row] = await db.rows(fingerprintQuery(duckdbCanonical, columns, `(${sql})`));
    return { chunk: { id, title: id, bytes: 1 } as never, db, sql, fingerprint: readFingerprint(columns, row ?? {}) };
  };
  const session = await target.start({ backfill: "history", source: "", digest: "" }, columns);
  await expect(session.load(await chunk("refused", "2023-12-30"), signal)).rejects.toMatchObject({
    fix: expect.stringContaining('policies: "pause"'),
  });
  await upkeep.pause("history", await upkeep.policies());
  const chunks = [await chunk("b", "2023-12-30"), await chunk("c", "2023-12-20"), await chunk("a", "2024-01-05")];
  await Promise.all(chunks.map((one) => session.load(one, signal)));
  expect(server.fake.executed.filter((sql) => sql.includes("ADD PARTITIONS"))).toEqual([
    'ALTER TABLE `air`.`hourly` ADD PARTITIONS START ("2023-12-30") END ("2024-01-01") EVERY (INTERVAL 1 DAY)',
    'ALTER TABLE `air`.`hourly` ADD PARTITIONS START ("2023-12-20") END ("2023-12-30") EVERY (INTERVAL 1 DAY)',
  ]);
  expect((await target.fingerprint(columns)).rows).toBe("9");
  await db.close();
  await target.close();
});

test("a property that does not come back is said", async () => {
  const { target, upkeep } = await table('"partition_ttl" = "12 MONTH"');
  await upkeep.pause("history", await upkeep.policies());
  server.fake.misbehaviours.push({ does: "swallow", at: /partition_ttl/ });
  await expect(upkeep.restore("history")).rejects.toMatchObject({ code: "DW-POLICY-PAUSED", fix: expect.stringContaining("12 MONTH") });
  expect(await upkeep.restore("history")).toEqual(["partition_ttl (12 MONTH)"]);
  await target.close();
});

test("only manual views over the table are refreshed, in the days that were loaded where they are partitioned", async () => {
  const { target, upkeep } = await table('"compression" = "LZ4"');
  const view = (name: string, partition: string, from: string): string =>
    `CREATE MATERIALIZED VIEW air.${name} ${partition} DISTRIBUTED BY HASH (day) REFRESH DEFERRED MANUAL AS SELECT day, count(*) AS n FROM air.${from} GROUP BY day`;
  await mysql.query("CREATE TABLE air.other (day DATE NOT NULL) DUPLICATE KEY (day) DISTRIBUTED BY HASH (day) BUCKETS 1");
  await mysql.query(view("by_day", "PARTITION BY (day)", "hourly"));
  await mysql.query(view("whole", "", "hourly"));
  await mysql.query(view("elsewhere", "", "other"));
  await upkeep.oweRefresh("history");
  expect(await upkeep.owesRefresh("history")).toBe(true);
  const at = (day: string): string => String(BigInt(Date.parse(day)) * 1000n);
  expect(await upkeep.refresh("history", [{ min: at("2024-01-03"), max: at("2024-01-05") }])).toEqual(["air.by_day", "air.whole"]);
  expect(server.fake.executed.filter((sql) => sql.startsWith("REFRESH"))).toEqual([
    'REFRESH MATERIALIZED VIEW `air`.`by_day` PARTITION START ("2024-01-03") END ("2024-01-06")',
    "REFRESH MATERIALIZED VIEW `air`.`whole`",
  ]);
  expect(await upkeep.owesRefresh("history")).toBe(false);
  await target.close();
});
