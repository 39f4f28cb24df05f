/*
 * A process that can be killed at any instant: it loads a fixture's rows, cut into parts, into one target, reconciles, and
 * prints the verdict as JSON. It runs what was built, like a user's dw. One argument: a JSON object, see harness.ts.
 */
import { mkdir, rm } from "node:fs/promises";
import { prepareBackfill } from "../../dist/backfill/prepare.js";
import { reconcile } from "../../dist/backfill/reconcile.js";
import { runBackfill } from "../../dist/backfill/run.js";
import { openDuckDb } from "../../dist/connections/duckdb.js";
import { openPg } from "../../dist/connections/pg.js";
import { openPglite } from "../../dist/connections/pglite.js";
import { isDwError } from "../../dist/core/errors.js";
import { duckdbTarget } from "../../dist/engines/duckdb/load.js";
import { mapType as duckdbType } from "../../dist/engines/duckdb/types.js";
import { pgTarget } from "../../dist/engines/postgres/load.js";
import { mapType as postgresType } from "../../dist/engines/postgres/types.js";
import { openIceberg } from "../../dist/sources/iceberg/index.js";
import { openPaimon } from "../../dist/sources/paimon/index.js";
import { openLocal } from "../../dist/storage/local.js";

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
        })),
      );
      const open = async (chunk, db) => {
        const opened = await plan.open(chunk.whole, db);
        const row = plan.columns.map(({ name }) => ident(name)).join(", ");
        return { ...opened, sql: `SELECT * FROM (${opened.sql}) AS whole WHERE hash(${row}) % ${parts} = ${chunk.part}` };
      };
      return { ...plan, chunks, open };
    },
  };
}

async function openTarget(columns) {
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
    return { table, close: () => duckdb.close() };
  }
  const pg = job.target === "pglite" ? await openPglite(job.path) : await openPg(job.connection, undefined);
  await pg.query(
    `CREATE TABLE IF NOT EXISTS ${ident(job.table)} (${columns.map(({ name, type }) => `${ident(name)} ${postgresType(type).native}`)})`,
  );
  const options = { engine: "postgres", schema: "public", table: job.table, pii: new Set(), scratch: job.scratch };
  return { table: pgTarget(pg, options), close: () => pg.close() };
}

async function main() {
  await rm(job.scratch, { recursive: true, force: true });
  await mkdir(job.scratch, { recursive: true });
  const storage = await openLocal(job.fixture);
  const whole = await (job.format === "iceberg" ? openIceberg(storage, { at: {} }) : openPaimon(storage, { at: {} }));
  const source = cut(whole, job.parts);
  const target = await openTarget(source.columns);
  const reading = await openDuckDb({});
  const connect = target.table.reader ?? (() => reading.session());
  const db = await connect();
  const prepared = await prepareBackfill({ name: job.table, source, target: target.table, sourceZone: "UTC" }, db);
  await db.close();
  const run = await runBackfill(prepared, { connect, signal: new AbortController().signal, notice: () => {}, waits: [50, 100, 200, 400] });
  const certificate = await reconcile(prepared, run, { environment: "faults", connect, now: new Date().toISOString(), key: [] });
  process.stdout.write(
    `${JSON.stringify({ verdict: certificate.verdict, rows: certificate.rows, findings: certificate.findings, loadedNow: run.loadedNow })}\n`,
  );
  await target.table.close();
  await reading.close();
  await target.close();
}

main().catch((error) => {
  process.stderr.write(`${isDwError(error) ? `${error.code} ${error.what} ${error.why}` : error?.stack}\n`);
  process.exitCode = isDwError(error) ? error.exitCode : 70;
});
