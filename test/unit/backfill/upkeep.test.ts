import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type BackfillRequest, prepareBackfill } from "../../../src/backfill/prepare.js";
import { runBackfill } from "../../../src/backfill/run.js";
import { policiesToPause, touchedRanges } from "../../../src/backfill/upkeep.js";
import { openPglite } from "../../../src/connections/pglite.js";
import type { Pg } from "../../../src/core/session.js";
import type { TargetTable } from "../../../src/core/target.js";
import { pgTarget } from "../../../src/engines/postgres/load.js";
import { hypertableUpkeep } from "../../../src/engines/timescale/upkeep.js";
import { openDatabase, type TestDatabase } from "../../backfill/duckdb.js";
import { columnsOf, sourceOf, t } from "../../backfill/source.js";

let folder: string;
let pg: Pg;
let database: TestDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-upkeep-"));
  pg = await openPglite(join(folder, "pg"));
  database = await openDatabase();
});

afterAll(async () => {
  await pg.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await pg.query("DROP SCHEMA IF EXISTS dw_state CASCADE");
  for (const view of ["per_week", "per_day"]) await pg.query(`DROP MATERIALIZED VIEW IF EXISTS ${view}`);
  await pg.query("DROP TABLE IF EXISTS measured");
  await pg.query("CREATE TABLE measured (seen timestamptz NOT NULL, value float8)");
  await pg.query("SELECT create_hypertable('measured', by_range('seen', interval '7 days'))");
  await pg.query(
    "CREATE MATERIALIZED VIEW per_day WITH (timescaledb.continuous) AS SELECT time_bucket('1 day', seen) AS day, count(*) AS n FROM measured GROUP BY 1 WITH NO DATA",
  );
  await pg.query(
    "CREATE MATERIALIZED VIEW per_week WITH (timescaledb.continuous) AS SELECT time_bucket('7 days', day) AS week, sum(n) AS n FROM per_day GROUP BY 1 WITH NO DATA",
  );
  await pg.query("SELECT add_retention_policy('measured', interval '30 days')");
  await pg.query("ALTER TABLE measured SET (timescaledb.compress)");
  await pg.query("SELECT add_compression_policy('measured', interval '60 days')");
});

const columns = columnsOf({ seen: t.instant(), value: t.double().nullable() });
const hours = (day: string, count: number): string =>
  `SELECT TIMESTAMPTZ '${day} 00:00:00+00' + n * INTERVAL 1 HOUR AS seen, n / 2 AS value FROM range(0, ${count}) r(n)`;

const target = (): TargetTable => ({
  ...pgTarget(pg, { engine: "timescale", schema: "public", table: "measured", pii: new Set(), scratch: folder }),
  upkeep: hypertableUpkeep(pg, { schema: "public", table: "measured" }),
});

async function prepared(chunks: readonly string[]) {
  const request: BackfillRequest = { name: "history", source: sourceOf("archive", columns, chunks), target: target() };
  const db = await database.connect();
  const result = await prepareBackfill(request, db);
  await db.close();
  return result;
}

const scheduled = async (): Promise<unknown[]> =>
  (await pg.query("SELECT scheduled FROM timescaledb_information.jobs WHERE hypertable_name = 'measured' ORDER BY job_id")).map(
    (row) => row.scheduled,
  );

test("a retention policy that would delete the history refuses it before the first row, unless its owner lets it be paused", async () => {
  const old = await prepared([hours("2024-01-01", 48)]);
  const refused = await policiesToPause(old, false, database.connect).catch((error) => error);
  expect(refused).toMatchObject({ code: "DW-POLICY-IN-THE-WAY" });
  expect(refused.what).toContain(
    "retention (30 days), that would delete what backfill history brings: its oldest row is of 2024-01-01T00:00:00.000Z",
  );
  expect((await policiesToPause(old, true, database.connect)).map(({ what }) => what)).toEqual([
    "retention (30 days)",
    "columnstore after 60 days",
  ]);
  const recent = await prepared([`SELECT now()::TIMESTAMPTZ AS seen, 1.0::DOUBLE AS value`]);
  expect(await policiesToPause(recent, false, database.connect)).toEqual([]);
});

test("what a run has paused runs again after it, also when the run died, and when two runs had paused it, after both", async () => {
  const upkeep = hypertableUpkeep(pg, { schema: "public", table: "measured" });
  await upkeep.pause("first", await upkeep.policies());
  expect(await scheduled()).toEqual([false, false]);
  const later = hypertableUpkeep(pg, { schema: "public", table: "measured" }); // of another process
  expect(await later.policies()).toEqual([]);
  await later.pause("second", await later.policies());
  expect(await upkeep.restore("first")).toEqual([]);
  expect(await scheduled()).toEqual([false, false]);
  expect(await later.restore("second")).toEqual(["retention (30 days)", "columnstore after 60 days"]);
  expect(await scheduled()).toEqual([true, true]);
  expect(await later.restore("second")).toEqual([]);
});

test("continuous aggregates are refreshed where rows were added, those over others after them, and nowhere else", async () => {
  await pg.query("INSERT INTO measured SELECT timestamptz '2023-06-01' + n * interval '1 hour' FROM generate_series(0, 23) n");
  const plan = await prepared([hours("2024-01-01", 48), hours("2024-01-02", 48), hours("2024-03-01", 24)]);
  const upkeep = hypertableUpkeep(pg, { schema: "public", table: "measured" });
  await upkeep.oweRefresh("history");
  const run = await runBackfill(plan, { connect: database.connect, signal: new AbortController().signal, notice: () => {} });
  const ranges = touchedRanges(plan, "seen", run.chunks);
  expect(ranges.length).toBe(2);
  expect(await upkeep.owesRefresh("history")).toBe(true);
  expect(await upkeep.refresh("history", ranges)).toEqual(["public.per_day", "public.per_week"]);
  expect(await upkeep.owesRefresh("history")).toBe(false);
  const kept = await pg.query("SELECT day::date::text AS day, n FROM per_day ORDER BY 1");
  expect(kept.map(({ day, n }) => `${day} ${n}`)).toEqual(["2024-01-01 24", "2024-01-02 48", "2024-01-03 24", "2024-03-01 24"]);
  expect((await pg.query("SELECT sum(n)::text AS n FROM per_week"))[0]?.n).toBe("120");
});
