/*
 * Reading legacy lakes, each against a named peer in the same run: medians of wall time of whole processes (loading included),
 * their ratio, and the peak memory of each process.
 *
 *   npm run build && node bench/lakes.js [--rounds 3] [--scale 1] [--only plan,stream,merge,orc] [--python python3]
 *
 * Peers: pyiceberg and pyarrow where that Python has them, DuckDB on the bare files. Tables are generated in a temporary folder.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import duckdb from "@duckdb/node-api";
import { icebergTable, longBytes, paimonTable } from "./tables.js";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
    only: { type: "string", default: "plan,stream,merge,orc" },
    python: { type: "string", default: "python3" },
  },
});
const self = fileURLToPath(import.meta.url);
const say = (line) => process.stdout.write(`${line}\n`);

/** What a child process does: `node bench/lakes.js NAME ARGUMENT…`. Each is one candidate. */
const candidates = {
  plan: async (source) => {
    const { openSource } = await import("../dist/sources/index.js");
    const table = await openSource(source, { cwd: "/", at: {} });
    const plan = await table.plan({});
    await table.close();
    return plan.chunks.reduce((sum, chunk) => sum + chunk.files.length, 0);
  },
  read: async (source, to) => {
    const { openSource } = await import("../dist/sources/index.js");
    const { CHUNK_READING, openDuckDb } = await import("../dist/connections/duckdb.js");
    const database = await openDuckDb(CHUNK_READING);
    const db = await database.session();
    const table = await openSource(source, { cwd: "/", at: {} });
    const plan = await table.plan({});
    for (const [index, chunk] of plan.chunks.entries()) {
      const open = await plan.open(chunk, db);
      await db.run(`COPY (${open.sql}) TO '${to}-${index}.parquet' (FORMAT parquet)`);
      await open.close();
    }
    await table.close();
    await database.close();
    return plan.chunks.length;
  },
  duckdb: async (sql) => {
    const connection = await (await duckdb.DuckDBInstance.create(":memory:")).connect();
    await connection.run(sql);
    return 0;
  },
};

if (positionals.length > 0) {
  const [name, ...rest] = positionals;
  say(`${await candidates[name](...rest)} ${process.resourceUsage().maxRSS}`);
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), "dw-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const scale = Number(options.scale);
const output = join(folder, "out");

function timed(command, args) {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  const ms = performance.now() - start;
  if (status !== 0) throw new Error(`${command} ${args[0]}: ${stderr.slice(-2000)}`);
  return { ms, mib: Number(stdout.trim().split(/\s+/).at(-1)) / 1024 };
}

const ours =
  (...args) =>
  () =>
    timed(process.execPath, [self, ...args]);
const python =
  (code, ...args) =>
  () =>
    timed(options.python, ["-c", `${code}\nimport resource\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)`, ...args]);
const hasPython = (module) => spawnSync(options.python, ["-c", `import ${module}`]).status === 0;

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Candidates take turns, so that a busy machine is busy for both. */
function compare(title, run, peerName, peer, goal) {
  const results = { ours: [], peer: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    results.ours.push(run());
    if (peer !== undefined) results.peer.push(peer());
  }
  const line = (name, list) =>
    `  ${name.padEnd(34)} ${median(list.map(({ ms }) => ms))
      .toFixed(0)
      .padStart(7)} ms  peak ${Math.max(...list.map(({ mib }) => mib)).toFixed(0)} MiB`;
  say(title);
  say(line("dw", results.ours));
  if (peer === undefined) return say(`  ${peerName} is not installed: nothing to compare with`);
  say(line(peerName, results.peer));
  const ratio = median(results.ours.map(({ ms }) => ms)) / median(results.peer.map(({ ms }) => ms));
  say(`  ratio ${ratio.toFixed(2)} (goal: at most ${goal})`);
}

async function sql(text) {
  const instance = await duckdb.DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run("SET threads = 2");
  await connection.run(text);
  connection.closeSync();
  instance.closeSync();
}

const benchmarks = {
  plan: async () => {
    const files = Array.from({ length: Math.round(10_000 * scale) }, (_, index) => ({
      path: join(folder, "plan/data", `part-${index}.parquet`),
      rows: 1000,
      size: 1 << 20,
      bounds: Object.fromEntries([1, 2, 3, 4, 5].map((id) => [id, [longBytes(index * 1000), longBytes(index * 1000 + 999)]])),
    }));
    const columns = ["a", "b", "c", "d", "e"].map((name) => [name, "long"]);
    const metadata = await icebergTable(join(folder, "plan"), columns, files);
    const code =
      "import sys\nfrom pyiceberg.table import StaticTable\nprint(len(list(StaticTable.from_metadata(sys.argv[1]).scan().plan_files())))";
    const peer = hasPython("pyiceberg") ? python(code, metadata) : undefined;
    compare(
      `planning an Iceberg table of ${files.length} data files`,
      ours("plan", `iceberg:${join(folder, "plan")}`),
      "pyiceberg",
      peer,
      1,
    );
  },

  stream: async () => {
    const data = join(folder, "stream/data");
    mkdirSync(data, { recursive: true });
    const rows = Math.round(1_250_000 * scale);
    const files = [];
    for (let index = 0; index < 8; index++) {
      const path = join(data, `part-${index}.parquet`);
      const from = index * rows;
      await sql(
        `COPY (SELECT range AS id, range % 1000 AS station, (range * 7919 % 100000) / 100.0::DOUBLE AS value, 'city ' || (range % 500) AS city, TIMESTAMP '2024-01-01' + to_seconds(range) AS at FROM range(${from}, ${from + rows})) TO '${path}' (FORMAT parquet)`,
      );
      files.push({ path, rows, size: statSync(path).size, bounds: { 1: [longBytes(from), longBytes(from + rows - 1)] } });
    }
    const columns = [
      ["id", "long"],
      ["station", "long"],
      ["value", "double"],
      ["city", "string"],
      ["at", "timestamp"],
    ];
    await icebergTable(join(folder, "stream"), columns, files);
    const list = files.map(({ path }) => `'${path}'`).join(", ");
    compare(
      `streaming ${8 * rows} rows of a plain Iceberg table into Parquet`,
      ours("read", `iceberg:${join(folder, "stream")}`, output),
      "DuckDB on the bare files",
      ours("duckdb", `COPY (FROM read_parquet([${list}])) TO '${output}.parquet' (FORMAT parquet)`),
      1.2,
    );
  },

  merge: async () => {
    const root = join(folder, "merge");
    const keys = Math.round(5_000_000 * scale);
    const files = [];
    for (let bucket = 0; bucket < 4; bucket++) {
      mkdirSync(join(root, `bucket-${bucket}`), { recursive: true });
      const rows = Math.floor((keys - bucket + 3) / 4);
      for (const [level, step] of [
        [5, 1],
        [0, 5],
      ]) {
        const name = `data-${bucket}-${level}.parquet`;
        const path = join(root, `bucket-${bucket}`, name);
        const sequence = level === 0 ? keys : 0;
        const count = Math.ceil(rows / step);
        await sql(
          `COPY (SELECT id AS "_KEY_id", id + ${sequence} AS "_SEQUENCE_NUMBER", 0::TINYINT AS "_VALUE_KIND", id, (id * 7919 % 100000)::DOUBLE + ${level} AS value, 'city ' || (id % 500) AS city, TIMESTAMP '2024-01-01' + to_seconds(id) AS at FROM (SELECT range * ${4 * step} + ${bucket} AS id FROM range(${count}))) TO '${path}' (FORMAT parquet)`,
        );
        const high = (count - 1) * 4 * step + bucket;
        files.push({
          bucket,
          name,
          size: statSync(path).size,
          rows: count,
          keys: [bucket, high],
          sequences: [sequence + bucket, sequence + high],
          level,
        });
      }
    }
    const fields = [
      { name: "id", type: "BIGINT NOT NULL" },
      { name: "value", type: "DOUBLE" },
      { name: "city", type: "STRING" },
      { name: "at", type: "TIMESTAMP(6)" },
    ];
    await paimonTable(root, fields, 4, files);
    const of = (level) => `read_parquet('${root}/bucket-*/data-*-${level}.parquet', hive_partitioning = false)`;
    const bare = `SELECT id, value, city, "at" FROM ${of(0)} UNION ALL SELECT id, value, city, "at" FROM ${of(5)} AS b ANTI JOIN ${of(0)} AS u USING (id)`;
    compare(
      `merging ${keys} keys of a Paimon table, 20 % updated, 4 buckets`,
      ours("read", `paimon:${root}`, output),
      "DuckDB, anti-join of bare files",
      ours("duckdb", `COPY (${bare}) TO '${output}.parquet' (FORMAT parquet)`),
      1.3,
    );
  },

  orc: async () => {
    if (!hasPython("pyarrow")) return say("ORC: pyarrow is not installed: nothing to compare with, and nothing to write the file");
    const path = join(folder, "big.orc");
    const rows = Math.round(2_000_000 * scale);
    const write = `import pyarrow as pa, pyarrow.orc as o, sys\nn=int(sys.argv[2])\nt=pa.table({'id':pa.array(range(n),pa.int64()),'station':pa.array([i%1000 for i in range(n)],pa.int32()),'value':pa.array([(i*7919%100000)/100 for i in range(n)],pa.float64()),'city':pa.array(['city %d'%(i%500) for i in range(n)]),'at':pa.array([1704067200000000+i*1000000 for i in range(n)],pa.timestamp('us'))})\no.write_table(t,sys.argv[1],compression='zstd')`;
    python(write, path, String(rows))();
    const read =
      "import sys\nimport pyarrow.orc as o, pyarrow.parquet as p\nf=o.ORCFile(sys.argv[1])\nw=None\nfor i in range(f.nstripes):\n  t=f.read_stripe(i)\n  w=w or p.ParquetWriter(sys.argv[2],t.schema)\n  w.write_batch(t)\nw.close()";
    compare(
      `reading ${rows} rows of an ORC file (zstd) into Parquet`,
      ours("read", `orc:${path}`, output),
      "pyarrow, stripe by stripe",
      python(read, path, `${output}-py.parquet`),
      2,
    );
  },
};

for (const name of options.only.split(",")) await benchmarks[name]();
