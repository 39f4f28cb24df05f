/*
 * Loading, each candidate in the same run on the same server, medians of wall time and their ratios:
 *
 *   Parquet → PostgreSQL      dw | psql \copy of the already extracted CSV
 *   CSV → PostgreSQL          dw | psql \copy of the same file
 *   PostgreSQL → PostgreSQL   dw | COPY (binary) TO STDOUT piped into COPY (binary) FROM STDIN
 *   with --peer PATH          timescaledb-parallel-copy of the extracted CSV
 *
 * dw's time is that of a process of its own from its start until every chunk is committed; reconciliation, which the peers have
 * not, is told apart: it hashes both sides. Peak memory is the kernel's for that process.
 *
 *   npm run build && node bench/backfill.js [--rows 10000000] [--rounds 3] [--port 21650] [--peer PATH]
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "./postgres.js";

const { values: options } = parseArgs({
  options: {
    rows: { type: "string", default: "10000000" },
    rounds: { type: "string", default: "3" },
    port: { type: "string", default: "21650" },
    peer: { type: "string" },
    worker: { type: "string" },
  },
});
const self = fileURLToPath(import.meta.url);
const say = (line) => process.stdout.write(`${line}\n`);
const columns = "station_id bigint, measured_at timestamptz, pm25 float8, humidity real, amount numeric(18,4), city text, flag boolean";
const rowsSql = (rows) => `SELECT i AS station_id, TIMESTAMPTZ '2020-01-01 00:00:00+00' + to_seconds(i * 7) AS measured_at,
  (i % 9973) / 7 AS pm25, ((i % 101) / 3)::FLOAT AS humidity, ((i % 100003) / 17)::DECIMAL(18, 4) AS amount,
  CASE i % 5 WHEN 0 THEN NULL ELSE 'city ' || i % 1000 END AS city, i % 2 = 0 AS flag FROM range(${rows}) r(i)`;

/** In a process of its own: one backfill, its phases as JSON. */
async function work(job) {
  const { openDuckDb, CHUNK_READING } = await import("../dist/connections/duckdb.js");
  const { openPg } = await import("../dist/connections/pg.js");
  const { pgTarget } = await import("../dist/engines/postgres/load.js");
  const { openPgTable } = await import("../dist/engines/postgres/read.js");
  const { openSource } = await import("../dist/sources/index.js");
  const { prepareBackfill } = await import("../dist/backfill/prepare.js");
  const { runBackfill } = await import("../dist/backfill/run.js");
  const { reconcile } = await import("../dist/backfill/reconcile.js");
  const begun = performance.now();
  const connection = { kind: "postgres", host: "127.0.0.1", port: job.port, database: "postgres", user: "postgres" };
  const server = await openPg(connection, undefined);
  const typed = Object.fromEntries(Object.entries(job.typed ?? {}).map(([name, type]) => [name, { type, nullable: true, comment: "" }]));
  const source = job.source.startsWith("postgres:")
    ? await openPgTable(server, { schema: "public", table: job.source.slice(9), scratch: job.scratch })
    : await openSource(job.source, { at: {}, cwd: "/", ...(job.typed && { typed }) });
  const target = pgTarget(server, { engine: "postgres", schema: "public", table: job.table, pii: new Set(), scratch: job.scratch });
  const reading = await openDuckDb(CHUNK_READING);
  const connect = () => reading.session();
  const db = await connect();
  const prepared = await prepareBackfill({ name: job.table, source, target, sourceZone: "UTC" }, db);
  const run = await runBackfill(prepared, { connect, signal: new AbortController().signal, notice: () => {} });
  const loaded = performance.now();
  const certificate = await reconcile(prepared, run, { environment: "bench", connect, now: new Date().toISOString(), key: [] });
  const reconciled = performance.now();
  await source.close();
  await reading.close();
  await server.close();
  const peak = process.resourceUsage().maxRSS / 1024;
  say(
    JSON.stringify({ load: loaded - begun, reconcile: reconciled - loaded, verdict: certificate.verdict, peak, chunks: run.chunks.length }),
  );
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

function timed(work_) {
  const begun = performance.now();
  work_();
  return performance.now() - begun;
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "dw-bench-backfill-"));
  const server = await startPostgres(Number(options.port));
  try {
    const files = await extract(folder, Number(options.rows));
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const psql = (...args) =>
      execFileSync("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", server.url, ...args], { stdio: ["ignore", "ignore", "inherit"] });
    const empty = async (table) => {
      await client.query(`DROP TABLE IF EXISTS ${table}; CREATE TABLE ${table} (${columns})`);
      await client.query("DROP SCHEMA IF EXISTS dw_state CASCADE; CHECKPOINT");
    };
    const copy = (table) => timed(() => psql("-c", `\\copy ${table} FROM '${files.csv}' (FORMAT csv, HEADER)`));
    const dw = (source, typed) =>
      JSON.parse(runWorker({ source, table: "loaded", port: Number(options.port), scratch: files.scratch, ...(typed && { typed }) }));
    await empty("origin");
    copy("origin");
    const peers = {
      "Parquet → PostgreSQL": [() => dw(`parquet:${files.parquet}`), () => copy("loaded"), "\\copy of the extracted CSV"],
      "CSV → PostgreSQL": [() => dw(`csv:${files.csv}`, files.typed), () => copy("loaded"), "\\copy of the same CSV"],
      "PostgreSQL → PostgreSQL": [() => dw("postgres:origin"), () => binaryPipe(server.url), "binary COPY | COPY"],
    };
    say(`${options.rows} rows, ${options.rounds} rounds, medians`);
    for (const [name, [mine, theirs, peer]] of Object.entries(peers)) {
      const [ours, others] = [[], []];
      for (let round = 0; round < Number(options.rounds); round++) {
        await empty("loaded");
        ours.push(mine());
        await empty("loaded");
        others.push(theirs());
      }
      const [load, other] = [median(ours.map((one) => one.load)), median(others)];
      const peak = Math.round(Math.max(...ours.map((one) => one.peak)));
      const seconds = (value) => `${(value / 1000).toFixed(2)} s`;
      say(
        `${name}: dw ${seconds(load)}, ${peer} ${seconds(other)}, ratio ${(load / other).toFixed(2)}; reconciliation ${seconds(median(ours.map((one) => one.reconcile)))} (${ours[0].verdict}), ${ours[0].chunks} chunks, peak ${peak} MiB`,
      );
    }
    if (options.peer === undefined) say("timescaledb-parallel-copy: not given (--peer PATH)");
    else {
      const times = [];
      for (let round = 0; round < Number(options.rounds); round++) {
        await empty("loaded");
        times.push(
          timed(() =>
            execFileSync(options.peer, [
              "--connection",
              server.url,
              "--table",
              "loaded",
              "--file",
              files.csv,
              "--workers",
              "2",
              "--skip-header",
            ]),
          ),
        );
      }
      say(`timescaledb-parallel-copy of the extracted CSV: ${(median(times) / 1000).toFixed(2)} s`);
    }
    await client.end();
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const runWorker = (job) =>
  execFileSync(process.execPath, [self, "--worker", JSON.stringify(job)], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

function binaryPipe(url) {
  const script = `psql -X -q "${url}" -c "COPY origin TO STDOUT (FORMAT binary)" | psql -X -q "${url}" -c "COPY loaded FROM STDIN (FORMAT binary)"`;
  return timed(() => execFileSync("bash", ["-o", "pipefail", "-c", script], { stdio: ["ignore", "ignore", "inherit"] }));
}

/** The same rows as Parquet and as CSV, written by DuckDB. */
async function extract(folder, rows) {
  const { openDuckDb } = await import("../dist/connections/duckdb.js");
  const scratch = join(folder, "scratch");
  const parquet = join(folder, "parquet");
  const csv = join(folder, "rows.csv");
  mkdirSync(scratch);
  mkdirSync(parquet);
  const duckdb = await openDuckDb({});
  const db = await duckdb.session();
  const step = Math.ceil(rows / 8);
  for (let part = 0; part < 8; part++) {
    const slice = `SELECT * FROM (${rowsSql(rows)}) WHERE station_id >= ${part * step} AND station_id < ${(part + 1) * step}`;
    await db.run(`COPY (${slice}) TO '${join(parquet, `part-${part}.parquet`)}' (FORMAT parquet)`);
  }
  await db.run(`COPY (${rowsSql(rows)}) TO '${csv}' (FORMAT csv, HEADER)`);
  await duckdb.close();
  const typed = {
    station_id: { kind: "int", bits: 64 },
    measured_at: { kind: "timestamp", precision: 6, zoned: true },
    pm25: { kind: "float", bits: 64 },
    humidity: { kind: "float", bits: 32 },
    amount: { kind: "decimal", precision: 18, scale: 4 },
    city: { kind: "text" },
    flag: { kind: "boolean" },
  };
  return { scratch, parquet, csv, typed };
}

if (options.worker === undefined) await main();
else await work(JSON.parse(options.worker));
