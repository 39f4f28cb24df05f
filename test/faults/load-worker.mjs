/*
 * A process that can be killed at any instant: it loads a source's rows, cut into parts, into one target, reconciles, and
 * prints the verdict as JSON. It runs what was built, like a user's dw. One argument: a JSON object, see harness.ts.
 */
import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import { prepareBackfill } from "../../dist/backfill/prepare.js";
import { reconcile } from "../../dist/backfill/reconcile.js";
import { runBackfill } from "../../dist/backfill/run.js";
import { openDuckDb } from "../../dist/connections/duckdb.js";
import { openMysqlServer } from "../../dist/connections/mysql.js";
import { openPg } from "../../dist/connections/pg.js";
import { openPglite } from "../../dist/connections/pglite.js";
import { isDwError } from "../../dist/core/errors.js";
import { duckdbTarget } from "../../dist/engines/duckdb/load.js";
import { openDuckdbTable } from "../../dist/engines/duckdb/read.js";
import { mapType as duckdbType } from "../../dist/engines/duckdb/types.js";
import { pgTarget } from "../../dist/engines/postgres/load.js";
import { openPgTable } from "../../dist/engines/postgres/read.js";
import { mapType as postgresType } from "../../dist/engines/postgres/types.js";
import { starrocksTarget } from "../../dist/engines/starrocks/load.js";
import { jsonLine } from "../../dist/formats/jsonl.js";
import { openSource } from "../../dist/sources/index.js";
import { localWriter } from "../../dist/storage/local-writer.js";
import { filesTarget } from "../../dist/targets/files/index.js";

const job = JSON.parse(process.argv[2]);
const ident = (name) => `"${name.replaceAll('"', '""')}"`;

/** The same rows in `parts` chunks instead of one: small fixtures have to be killable in the middle. */
function cut(source, parts) {
  return {
    ...source,
    plan: async (request) => {
      const plan = await source.plan(request);
      const chunks = plan.chunks.flatMap((chunk) =>
        Array.from({ length: parts }, (_, part) => ({
          ...chunk,
          id: `${chunk.id.slice(0, 50)}-${part}`,
          title: `${chunk.title} part ${part}`,
          part,
          whole: chunk,
          // What is large is sent in two phases.
          ...(job.large && { bytes: 2 ** 30 }),
        })),
      );
      const open = async (chunk, db) => {
        const opened = await plan.open(chunk.whole, db);
        const row = plan.columns.map(({ name }) => ident(name)).join(", ");
        return { ...opened, sql: `SELECT * FROM (${opened.sql}) AS whole WHERE hash(${row}) % ${parts} = ${chunk.part}` };
      };
      return { ...plan, chunks, open, relay: undefined };
    },
  };
}

async function openTarget(columns) {
  if (job.target === "parquet") {
    const folder = `${job.path}/${job.table}`;
    const table = filesTarget({ format: "parquet", writer: localWriter(folder), partitionBy: [] });
    const read = () => openSource(`parquet:${folder}`, { at: {}, cwd: "/" });
    return { table, read, close: async () => {} };
  }
  if (job.target === "starrocks") {
    const mysql = await openMysqlServer("starrocks", job.connection);
    const name = ["lake", job.table];
    const table = await starrocksTarget({ http: job.http, connect: () => mysql.session(), name, pause: 5 });
    return { table, close: () => mysql.close() };
  }
  if (job.target === "duckdb") {
    const duckdb = await openDuckDb({ path: job.path });
    const db = await duckdb.session();
    await db.run(
      `CREATE TABLE IF NOT EXISTS main.${ident(job.table)} (${columns.map(({ name, type }) => `${ident(name)} ${duckdbType(type).native}`)})`,
    );
    await db.close();
    const table = await duckdbTarget({
      engine: "duckdb",
      name: ["main", job.table],
      merge: { merge: "append" },
      connect: () => duckdb.session(),
    });
    const read = () => openDuckdbTable(duckdb, { name: ["main", job.table], scratch: job.scratch });
    return { table, read, close: () => duckdb.close() };
  }
  const pg = job.target === "pglite" ? await openPglite(job.path) : await openPg(job.connection, undefined);
  await pg.query(
    `CREATE TABLE IF NOT EXISTS ${ident(job.table)} (${columns.map(({ name, type }) => `${ident(name)} ${postgresType(type).native}`)})`,
  );
  const options = { engine: "postgres", schema: "public", table: job.table, pii: new Set(), scratch: job.scratch };
  const read = () => openPgTable(pg, { schema: "public", table: job.table, scratch: job.scratch });
  return { table: pgTarget(pg, options), read, close: () => pg.close() };
}

async function openFrom() {
  if (!job.source.startsWith("postgres:")) return { source: await openSource(job.source, { at: {}, cwd: "/" }), close: async () => {} };
  const pg = await openPg(job.from, undefined);
  const table = job.source.slice("postgres:".length);
  const source = await openPgTable(pg, { schema: "public", table, scratch: job.scratch, ...(job.relay && { pages: 1 }) });
  return { source, close: () => pg.close() };
}

/** Rows as JSON Lines, chunk by chunk. */
async function dump(table, db, file) {
  await writeFile(file, "");
  const plan = await table.plan({});
  for (const chunk of plan.chunks) {
    const open = await plan.open(chunk, db);
    for await (const lines of db.strings(`SELECT ${jsonLine(plan.columns)} FROM (${open.sql})`))
      await appendFile(file, `${lines.join("\n")}\n`);
    await open.close();
  }
  await table.close();
}

/** What the kill interrupts is told from these lines: they are written before the next step begins. */
function say({ event, chunk }) {
  if (event === "started" || event === "loaded") process.stdout.write(`${event} ${chunk.id}\n`);
}

/** Nanoseconds are cut by PostgreSQL; the author of a model would have to say so. */
const accepting = (columns) =>
  Object.fromEntries(
    columns.map(({ name, type, nullable }) => [
      name,
      { type, nullable, comment: "", accept: { postgres: "tested", timescale: "tested", duckdb: "tested", starrocks: "tested" } },
    ]),
  );

async function main() {
  await rm(job.scratch, { recursive: true, force: true });
  await mkdir(job.scratch, { recursive: true });
  const from = await openFrom();
  const source = job.relay ? from.source : cut(from.source, job.parts);
  const target = await openTarget(source.columns);
  const reading = await openDuckDb({});
  const connect = target.table.reader ?? (() => reading.session());
  const db = await connect();
  const targetModel = { columns: accepting(source.columns), zone: "UTC" };
  const prepared = await prepareBackfill({ name: job.table, source, target: target.table, sourceZone: "UTC", targetModel }, db);
  process.stdout.write("working\n");
  const run = await runBackfill(prepared, { connect, signal: new AbortController().signal, notice: say, waits: [50, 100, 200, 400] });
  const certificate = await reconcile(prepared, run, { environment: "faults", connect, now: new Date().toISOString(), key: [] });
  if (job.dump !== undefined) await dump(await target.read(), db, job.dump);
  await db.close();
  await from.source.close();
  process.stdout.write(
    `${JSON.stringify({ verdict: certificate.verdict, rows: certificate.rows, findings: certificate.findings, loadedNow: run.loadedNow })}\n`,
  );
  await target.table.close();
  await reading.close();
  await target.close();
  await from.close();
}

main().catch((error) => {
  process.stderr.write(`${isDwError(error) ? `${error.code} ${error.what} ${error.why}` : error?.stack}\n`);
  process.exitCode = isDwError(error) ? error.exitCode : 70;
});
