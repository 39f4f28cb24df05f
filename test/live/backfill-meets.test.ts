import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { planIncrement } from "../../src/backfill/increment.js";
import { mend } from "../../src/backfill/mend.js";
import { prepareBackfill } from "../../src/backfill/prepare.js";
import { reconcile } from "../../src/backfill/reconcile.js";
import { runBackfill } from "../../src/backfill/run.js";
import { openPg } from "../../src/connections/pg.js";
import type { Pg } from "../../src/core/session.js";
import { pgTarget } from "../../src/engines/postgres/load.js";
import { openPgTable } from "../../src/engines/postgres/read.js";
import { openDatabase, type TestDatabase } from "../backfill/duckdb.js";
import { planted, readingsTable } from "../backfill/planted.js";
import { startPostgres } from "./postgres.js";

/* A server takes rows in COPY's binary form, also where they meet rows that are there. */

const server = await startPostgres();
let pg: Pg;
let folder: string;
let database: TestDatabase;
const signal = new AbortController().signal;

beforeAll(async () => {
  if (server === undefined) return;
  folder = await mkdtemp(join(tmpdir(), "dw-meets-"));
  pg = await openPg(server.connection, undefined);
  database = await openDatabase();
  await pg.query(readingsTable("origin"));
  await pg.query(`INSERT INTO origin SELECT n, timestamptz '2024-03-30 22:00:00+00' + n * interval '13 minutes', n * 1.237, 'city ' || n % 7, 'mail' || n || '@example.org'
    FROM (SELECT generate_series(0, 299) AS n UNION ALL SELECT unnest(ARRAY[10, 11])) numbers`);
});

afterAll(async () => {
  await pg?.close();
  await database?.close();
  await server?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

const target = (table: string) => pgTarget(pg, { engine: "postgres", schema: "public", table, pii: new Set(), scratch: folder });
const options = () => ({ environment: "test", connect: database.connect, now: "2026-01-01T00:00:00Z", key: ["id"] });

test.runIf(server)("planted mistakes are found and mended on a server", async () => {
  await pg.query(readingsTable("readings"));
  const source = await openPgTable(pg, { schema: "public", table: "origin", scratch: folder });
  const db = await database.connect();
  const prepared = await prepareBackfill({ name: "planted", source, target: target("readings") }, db);
  const run = await runBackfill(prepared, { connect: database.connect, signal, notice: () => {}, waits: [] });
  for (const { mistake, sql, names } of planted) {
    for (const statement of sql("readings")) await pg.query(statement);
    const { verdict, differences } = await reconcile(prepared, run, options());
    const rows = differences.map(({ row }) => row);
    expect({ mistake, verdict, rows }).toMatchObject({ verdict: "different", rows: expect.arrayContaining([...names]) });
    await mend(prepared, run, { connect: database.connect, key: ["id"], signal });
    expect({ mistake, findings: (await reconcile(prepared, run, options())).findings }).toEqual({ mistake, findings: [] });
  }
  await source.close();
  await db.close();
});

test.runIf(server)("ranges of a changing table replace rows by their key, or give way as a whole", async () => {
  await pg.query("CREATE TABLE moving (id bigint PRIMARY KEY, changed timestamptz NOT NULL, paid numeric(12,3))");
  await pg.query("CREATE TABLE keyed (LIKE moving INCLUDING ALL); CREATE TABLE plain (LIKE moving)");
  await pg.query(
    "INSERT INTO moving SELECT n, timestamptz '2024-01-01 00:00+00' + n * interval '1 minute', n FROM generate_series(1, 500) n",
  );
  const run = async (table: string, meeting: Parameters<typeof planIncrement>[1]["meeting"]): Promise<void> => {
    const source = await openPgTable(await openPg(connection(), undefined), { schema: "public", table: "moving", scratch: folder });
    const db = await database.connect();
    const to = target(table);
    const base = await prepareBackfill({ name: table, source, target: to, ranged: true }, db);
    const incremental = { column: "changed", lateness: "30 min" };
    const plan = await planIncrement(base, { incremental, meeting, ledger: await to.ledger(table), connect: database.connect, signal });
    await runBackfill(plan, { connect: database.connect, signal, notice: () => {}, waits: [] });
    await source.close();
    await db.close();
  };
  const both = async (): Promise<void> => {
    await run("keyed", { meet: "upsert", key: ["id"] });
    await run("plain", { meet: "replace", column: "changed" });
  };
  const differing = async (table: string): Promise<string> =>
    String((await pg.query(`SELECT count(*) AS n FROM (TABLE moving EXCEPT TABLE ${table}) d`))[0]?.n);
  await both();
  expect([await differing("keyed"), await differing("plain")]).toEqual(["0", "0"]);
  await pg.query("UPDATE moving SET paid = -1, changed = '2024-01-02 00:00+00' WHERE id = 3");
  await pg.query("INSERT INTO moving VALUES (900, '2024-01-01 08:10+00', 1), (901, '2024-01-02 01:00+00', 2)");
  await both();
  expect([await differing("keyed"), await differing("plain")]).toEqual(["0", "0"]);
  const counts = await pg.query("SELECT (SELECT count(*) FROM keyed)::text AS keyed, (SELECT count(*) FROM plain)::text AS plain");
  expect(counts[0]).toEqual({ keyed: "502", plain: "503" }); // without a key the older version of row 3 stays, below the lateness
});

function connection(): NonNullable<typeof server>["connection"] {
  if (server === undefined) throw new Error("no server");
  return server.connection;
}
