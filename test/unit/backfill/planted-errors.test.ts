import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mend } from "../../../src/backfill/mend.js";
import { prepareBackfill } from "../../../src/backfill/prepare.js";
import { reconcile } from "../../../src/backfill/reconcile.js";
import { runBackfill } from "../../../src/backfill/run.js";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import { openPglite } from "../../../src/connections/pglite.js";
import type { DuckDb, Pg } from "../../../src/core/session.js";
import type { DuckDbSession, SourceTable } from "../../../src/core/source.js";
import type { TargetTable } from "../../../src/core/target.js";
import { duckdbTarget } from "../../../src/engines/duckdb/load.js";
import { openDuckdbTable } from "../../../src/engines/duckdb/read.js";
import { pgTarget } from "../../../src/engines/postgres/load.js";
import { openPgTable } from "../../../src/engines/postgres/read.js";
import { t } from "../../../src/index.js";
import { openSource } from "../../../src/sources/index.js";
import { planted, READINGS, readingsTable } from "../../backfill/planted.js";

let folder: string;
let pg: Pg;
let duckdb: DuckDb;
let db: DuckDbSession & { close: () => Promise<void> };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-planted-"));
  await mkdir(join(folder, "scratch"));
  pg = await openPglite(join(folder, "pg"));
  duckdb = await openDuckDb({ path: join(folder, "warehouse.duckdb") });
  db = await duckdb.session();
  await db.run(`CREATE TABLE origin AS ${READINGS}`);
  for (const format of ["parquet", "csv"]) await db.run(`COPY origin TO '${join(folder, `origin.${format}`)}' (FORMAT ${format})`);
  await db.run(
    `COPY (SELECT * REPLACE (strftime(seen, '%Y-%m-%dT%H:%M:%SZ') AS seen, CAST(paid AS VARCHAR) AS paid) FROM origin) TO '${join(folder, "origin.jsonl")}' (FORMAT json)`,
  );
}, 120_000);

afterAll(async () => {
  await pg.close();
  await duckdb.close();
  await rm(folder, { recursive: true, force: true });
});

const typed = {
  id: t.bigint().column,
  seen: t.instant().column,
  paid: t.decimal(12, 3).column,
  city: t.text().nullable().column,
  mail: t.text().nullable().column,
};

const file = (format: string) => (): Promise<SourceTable> => openSource(`${format}:origin.${format}`, { at: {}, cwd: folder, typed });

const sources: Readonly<Record<string, () => Promise<SourceTable>>> = {
  Parquet: file("parquet"),
  CSV: file("csv"),
  "JSON Lines": file("jsonl"),
  DuckDB: () => openDuckdbTable(duckdb, { name: ["main", "origin"], scratch: join(folder, "scratch") }),
  PostgreSQL: async () => {
    await pg.query(`DROP TABLE IF EXISTS origin; ${readingsTable("origin")}`);
    const [{ n } = { n: "" }] = await db.rows<{ n: string }>(
      "SELECT string_agg('(' || id || ', ''' || seen || ''', ' || paid || ', ''' || city || ''', ''' || mail || ''')', ', ') AS n FROM origin",
    );
    await pg.query(`INSERT INTO origin VALUES ${n}`);
    return openPgTable(pg, { schema: "public", table: "origin", scratch: join(folder, "scratch") });
  },
};

interface Place {
  readonly run: (sql: string) => Promise<unknown>;
  readonly target: () => Promise<TargetTable>;
}

const places: Readonly<Record<string, Place>> = {
  PostgreSQL: {
    run: (sql) => pg.query(sql),
    target: async () =>
      pgTarget(pg, { engine: "postgres", schema: "public", table: "readings", pii: new Set(["mail"]), scratch: join(folder, "scratch") }),
  },
  DuckDB: {
    run: (sql) => db.run(sql),
    target: () => duckdbTarget({ engine: "duckdb", name: ["readings"], merge: { merge: "append" }, connect: () => duckdb.session() }),
  },
};

test.each(Object.keys(sources).flatMap((source) => Object.keys(places).map((place) => ({ source, place }))))(
  "$source to $place: every planted mistake is found, named and mended",
  async ({ source, place }) => {
    const at = places[place];
    const open = sources[source];
    if (at === undefined || open === undefined) throw new Error(source);
    for (const sql of ["DROP TABLE IF EXISTS readings", readingsTable("readings")]) await at.run(sql);
    const [table, target] = [await open(), await at.target()];
    const signal = new AbortController().signal;
    const connect = () => duckdb.session();
    const request = {
      name: `${source} to ${place}`,
      source: table,
      target,
      targetModel: { columns: { ...typed, mail: { ...typed.mail, pii: true as const } } },
    };
    const prepared = await prepareBackfill(request, db);
    const run = await runBackfill(prepared, { connect, signal, notice: () => {}, waits: [] });
    const options = { environment: "test", connect, now: "2026-01-01T00:00:00Z", key: ["id"] };
    expect((await reconcile(prepared, run, options)).findings).toEqual([]);
    for (const { mistake, sql, names, column } of planted) {
      for (const statement of sql("readings")) await at.run(statement);
      const found = await reconcile(prepared, run, options);
      const rows = found.differences.map(({ row }) => row);
      expect({ mistake, verdict: found.verdict, rows }).toMatchObject({ verdict: "different", rows: expect.arrayContaining([...names]) });
      const changed = found.differences.flatMap(({ columns = [] }) => columns.map(({ name }) => name));
      if (column !== undefined) expect({ mistake, changed }).toMatchObject({ changed: expect.arrayContaining([column]) });
      expect(JSON.stringify(found)).not.toMatch(/PERSONAL|@example/);
      await mend(prepared, run, { connect, key: ["id"], signal });
      expect({ mistake, findings: (await reconcile(prepared, run, options)).findings }).toEqual({ mistake, findings: [] });
    }
    await target.close();
    await table.close();
  },
  60_000,
);

test("a row with a key that was overwritten is put right in one commit", async () => {
  for (const [name, at] of Object.entries(places)) {
    await at.run("DROP TABLE IF EXISTS readings");
    await at.run(
      "CREATE TABLE readings (id bigint PRIMARY KEY, seen timestamptz NOT NULL, paid numeric(12,3) NOT NULL, city text, mail text)",
    );
    const source = await openSource("csv:origin.csv", { at: {}, cwd: folder, typed });
    const target = await at.target();
    const connect = () => duckdb.session();
    const prepared = await prepareBackfill({ name: `keyed ${name}`, source, target, where: "id NOT IN (10, 11)" }, db);
    const run = await runBackfill(prepared, { connect, signal: new AbortController().signal, notice: () => {}, waits: [] });
    await at.run("UPDATE readings SET paid = 0 WHERE id IN (5, 6)");
    expect(await mend(prepared, run, { connect, key: ["id"], signal: new AbortController().signal })).toMatchObject({
      removed: 2,
      copied: 2,
    });
    expect((await reconcile(prepared, run, { environment: "test", connect, now: "", key: ["id"] })).verdict).toBe("equal");
    await target.close();
    await source.close();
  }
}, 60_000);
