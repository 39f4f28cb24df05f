import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPg } from "../../src/connections/pg.js";
import { startPostgres } from "../live/postgres.js";
import { differing, type Kept, microseconds, nanoseconds } from "../support/kept-rows.js";
import type { Expected } from "../support/rows.js";
import { type Ended, killedAfter, type LoadJob, loadWorker, openProxy, randomFrom, seed, start, WORKING } from "./harness.js";

/*
 * Loads that are killed at random instants and run again end with the rows of the reference reader, each once. By default a
 * few kills for some of the tables; FAULT_KILLS=50 kills so often for every table below, half of them on each PostgreSQL.
 */

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));
const server = await startPostgres();
const asked = process.env.FAULT_KILLS;
const KILLS = Number(asked ?? 5);
/** Small fixtures have to be killable in the middle: each chunk is cut into so many. */
const PARTS = 6;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-faults-"));
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Place {
  readonly title: string;
  readonly kept: Kept;
  readonly where: () => Pick<LoadJob, "target" | "path" | "connection"> | undefined;
}

const embedded: Place = {
  title: "embedded TimescaleDB",
  kept: microseconds,
  where: () => ({ target: "pglite", path: join(folder, "pglite") }),
};
const postgres: Place = {
  title: "a PostgreSQL server",
  kept: microseconds,
  where: () => server && { target: "postgres", connection: server.connection },
};
const duckdb: Place = {
  title: "DuckDB",
  kept: nanoseconds,
  where: () => ({ target: "duckdb", path: join(folder, "warehouse.duckdb") }),
};

const parquet: Place = {
  title: "Parquet files",
  kept: nanoseconds,
  where: () => ({ target: "parquet", path: join(folder, "lake") }),
};

/** What is killed every day, beside the server's own table: one table for each way of reading. */
const some = ["iceberg/i02_v2_days", "iceberg/i05_position_deletes", "iceberg/i08_schema_evolution", "iceberg/i21_large_narrow"].concat(
  ["paimon/p01_ods_append_dt_hr", "paimon/p03_pk_uncompacted", "paimon/p13_all_types_parquet", "paimon/p19_large_pk"],
  ["plain/d02_dremio_flat_parquet", "postgres"],
);
const others = [
  "i01_v1_all_types",
  "i03_v2_bucket_identity",
  "i04_v2_truncate_identity",
  "i09_partition_evolution",
  "i10_time_travel",
].concat([
  "i11_add_files_name_mapping",
  "i15_many_small_files",
  "i17_copy_on_write_compaction",
  "i18_all_rows_deleted",
  "i20_pyiceberg_sql_catalog",
]);
const moreLakes = [
  "p04_pk_levels",
  "p11_changelog_input",
  "p16_tags_expired",
  "p17_partition_names",
  "p20_rollback",
  "p21_spark_ods_append",
].concat(["p22_spark_dynamic_bucket", "p24_spark_evolution", "p26_spark_types"]);
const every = [
  ...some,
  ...others.map((name) => `iceberg/${name}`),
  ...moreLakes.map((name) => `paimon/${name}`),
  "plain/d01_spark_hive_parquet",
];

/** The server's own table without DuckDB on the way: one server's COPY into the other's. */
const RELAYED = "postgres relayed";

const isOrigin = (table: string): boolean => table === "postgres" || table === RELAYED;

const rotation = [embedded, postgres, duckdb, parquet];
const matrix: readonly (readonly [table: string, place: string, Place])[] =
  asked === undefined
    ? [...some.map((table, index) => pair(table, rotation[index % rotation.length] ?? postgres)), pair(RELAYED, postgres)]
    : every.flatMap((table) => [pair(table, embedded), pair(table, postgres)]).concat([pair(RELAYED, postgres)]);

function pair(table: string, place: Place): [string, string, Place] {
  return [table, place.title, place];
}

const kills = asked === undefined ? KILLS : Math.ceil(KILLS / 2);
/** Every fifth kill may come before the work begins: while connections open and the ledger is made. */
const EARLY = 5;

interface Wanted {
  readonly rows: number;
  readonly columns: readonly Expected[];
}

const sourceOf = (table: string): string => {
  const [format = "", name = ""] = table.split("/");
  return `${format === "plain" ? "parquet" : format}:${join(fixtures, format, name, "table")}`;
};

/** The table of the PostgreSQL source is a lake table that was loaded there before. */
const ORIGIN = "iceberg/i02_v2_days";

async function jobOf(place: Pick<LoadJob, "target" | "path" | "connection">, table: string, name: string): Promise<LoadJob> {
  const origin = { source: "postgres:origin", from: server?.connection ?? {}, ...(table === RELAYED && { relay: true }) };
  const from = isOrigin(table) ? origin : { source: sourceOf(table) };
  return { ...place, ...from, table: name, parts: PARTS, scratch: join(folder, `scratch_${name}`), dump: join(folder, `${name}.jsonl`) };
}

const argsOf = (job: LoadJob): string[] => [loadWorker, JSON.stringify(job)];

const folderOf = (table: string): string => join(fixtures, isOrigin(table) ? ORIGIN : table);

async function wantedOf(table: string): Promise<Wanted> {
  return JSON.parse(await readFile(join(folderOf(table), "expected.json"), "utf8")) as Wanted; // written by the fixtures' generator
}

async function expectRows(ended: Ended, job: LoadJob, table: string, kept: Kept): Promise<void> {
  expect(`${ended.code} ${ended.signal} ${ended.stderr}`).toBe("0 null ");
  const wanted = await wantedOf(table);
  const rows = String(wanted.rows);
  const verdict = ended.stdout.trimEnd().split("\n").at(-1) ?? "";
  expect(JSON.parse(verdict)).toMatchObject({ verdict: "equal", findings: [], rows: { source: rows, target: rows, before: "0" } });
  const lines = (await readFile(job.dump ?? "", "utf8")).split("\n");
  const found = differing(lines, join(folderOf(table), "expected.jsonl"), wanted.columns, kept);
  expect(found).toEqual({ rows: wanted.rows, extra: [], missing: [] });
}

/** What a killed worker was doing. */
function doing({ stdout }: Ended): "starting" | "inside a chunk" | "between chunks" | "reconciling" {
  if (!stdout.includes(WORKING)) return "starting";
  const count = (event: string): number => stdout.split("\n").filter((line) => line.startsWith(`${event} `)).length;
  if (count("started") === 0) return "starting";
  if (count("started") > count("loaded")) return "inside a chunk";
  return stdout.includes(`-${PARTS - 1}\n`) ? "reconciling" : "between chunks";
}

/** Runs to the end. On a machine that is too busy to answer a login in time a run ends as unreachable: a scheduler runs it again. */
async function runWhole(job: LoadJob): Promise<Ended> {
  for (let attempt = 1; ; attempt++) {
    const ended = await start(argsOf(job)).ended;
    if (ended.code !== UNREACHABLE || attempt === 3) return ended;
  }
}

const UNREACHABLE = 3;

async function loadOrigin(): Promise<void> {
  if (server === undefined) return;
  const job = { ...(await jobOf({ target: "postgres", connection: server.connection }, ORIGIN, "origin")) };
  await expectRows(await runWhole(job), job, ORIGIN, microseconds);
}

/** Milliseconds. */
const TIME_LIMIT = asked === undefined ? 900_000 : 7_200_000;

test.each(matrix)(
  "%s, killed at random instants and run again: %s has every row once",
  { timeout: TIME_LIMIT },
  async (table, _, place) => {
    const where = place.where();
    if (where === undefined || (isOrigin(table) && server === undefined)) return;
    if (isOrigin(table)) await loadOrigin();
    const named = (round: number): Promise<LoadJob> => jobOf(where, table, `${table.replace(/\W/g, "_")}_${round}`);
    const random = randomFrom(seed());
    const [begun, whole] = [Date.now(), await named(0)];
    const timed = await timedRun(whole);
    await expectRows(timed.ended, whole, table, place.kept);
    const total = Date.now() - begun;
    const places = new Map<string, number>();
    let [round, finished, working] = [1, 0, timed.working];
    for (let kill = 0; kill < kills; ) {
      const job = await named(round);
      const early = kill % EARLY === EARLY - 1;
      const ended = early ? await killedAfter(random() * total, argsOf(job)) : await killedAfter(random() * working, argsOf(job), WORKING);
      if (ended.signal === "SIGKILL") {
        kill++;
        places.set(doing(ended), (places.get(doing(ended)) ?? 0) + 1);
      } else if (ended.code !== UNREACHABLE) {
        await expectRows(ended, job, table, place.kept);
        finished++;
        round++;
        working = Math.max(working * 0.7, 50); // the first run was slower than what was left to do, or than the machine is now
      }
    }
    const last = await named(round);
    await expectRows(await runWhole(last), last, table, place.kept);
    const summary = [...places].map(([what, count]) => `${count} ${what}`).join(", ");
    process.stderr.write(`${table}, ${place.title}: ${kills} kills (${summary}), ${finished} runs finished before theirs\n`);
  },
);

/** A run that nobody disturbs, and for how many milliseconds it worked after it was ready to. */
async function timedRun(job: LoadJob): Promise<{ readonly ended: Ended; readonly working: number }> {
  const { child, ended } = start(argsOf(job));
  let ready: number | undefined;
  child.stdout?.on("data", (text) => {
    if (String(text).includes(WORKING)) ready = Date.now();
  });
  const result = await ended;
  return { ended: result, working: Date.now() - (ready ?? Date.now()) };
}

test.runIf(server)("connections that are lost in the middle of COPY cost a retry, never a row", async () => {
  if (server === undefined) return;
  const table = "paimon/p19_large_pk";
  const random = randomFrom(seed());
  const proxy = await openProxy(server.port);
  proxy.cutAfter(() => 2_000 + random() * 60_000);
  const job = await jobOf({ target: "postgres", connection: { ...server.connection, port: proxy.port } }, table, "lossy");
  let losses = 0;
  for (;;) {
    const ended = await start(argsOf(job)).ended;
    if (ended.code === 0) {
      await expectRows(ended, job, table, microseconds);
      break;
    }
    expect([3, ended.stderr]).toEqual([ended.code, ended.stderr]); // unreachable: a scheduler may run it again
    losses++;
    if (losses > 20) proxy.cutAfter(() => Number.POSITIVE_INFINITY);
  }
  await proxy.close();
  const pg = await openPg(server.connection, undefined);
  const [row] = await pg.query("SELECT count(*) AS n, count(DISTINCT t::text) AS d FROM lossy t");
  await pg.close();
  expect(row).toMatchObject({ n: String((await wantedOf(table)).rows) });
});
