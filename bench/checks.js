/*
 * 200 checks over 20 tables, each candidate a process of its own in the same run on the same server: `dw check`, one
 * hand-written aggregate query a table on as many connections, and the peers that are installed. Medians of wall time, their
 * ratios, and how often the server scanned the tables (pg_stat_user_tables).
 *
 *   npm run build && node bench/checks.js [--rows 1000000] [--tables 20] [--rounds 3] [--url postgres://…]
 *     [--soda3 BIN] [--soda4 PYTHON] [--gx PYTHON] [--dbt BIN]
 *
 * Soda 3 is soda-core-postgres, Soda 4 a Python with soda-postgres (contracts), gx a Python with great_expectations, sqlalchemy and psycopg2.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "./postgres.js";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: "string", default: "1000000" },
    tables: { type: "string", default: "20" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "2" },
    port: { type: "string", default: "21750" },
    url: { type: "string" },
    soda3: { type: "string" },
    soda4: { type: "string" },
    gx: { type: "string" },
    dbt: { type: "string" },
  },
});
const self = fileURLToPath(import.meta.url);
const say = (line) => process.stdout.write(`${line}\n`);
const names = Array.from({ length: Number(options.tables) }, (_, index) => `orders_${String(index + 1).padStart(2, "0")}`);
const cities = ["Lyon", "Paris", "Lille", "Nice", "Brest"];

/** What a person would write who wants the ten answers of a table at once. */
const byHand = (table) => `SELECT count(*),
  count(*) FILTER (WHERE id IS NULL), count(*) FILTER (WHERE city IS NULL), count(*) FILTER (WHERE paid IS NULL),
  count(DISTINCT id), count(*) FILTER (WHERE city NOT IN (${cities.map((city) => `'${city}'`).join(", ")})),
  count(*) FILTER (WHERE paid < 0 OR paid > 1000), count(*) FILTER (WHERE score < 0 OR score > 100 OR score = 'NaN'),
  count(*) FILTER (WHERE char_length(email) > 64), avg(paid), max(arrived)
FROM ${table}`;

if (positionals[0] === "hand") {
  const pool = new pg.Pool({ connectionString: options.url, max: Number(options.connections) });
  await Promise.all(names.map((name) => pool.query(byHand(name))));
  await pool.end();
  process.exit(0);
}

const server = options.url ? { url: options.url, stop: async () => undefined } : await startPostgres(Number(options.port));
const folder = mkdtempSync(join(tmpdir(), "dw-bench-"));
const client = new pg.Client({ connectionString: server.url });
await client.connect();

try {
  say(`${names.length} tables of ${options.rows} rows, 10 checks each; ${options.connections} connections`);
  for (const name of names) await client.query(tableSql(name));
  await client.query("VACUUM ANALYZE");
  const at = new URL(server.url);
  const place = { host: at.hostname, port: Number(at.port), database: at.pathname.slice(1), user: at.username };
  const candidates = [
    [
      "hand-written",
      [process.execPath, self, "hand", "--url", server.url, "--tables", options.tables, "--connections", options.connections],
    ],
    ["dw check", dwCheck(place)],
    ...(options.soda4 ? [["Soda 4", soda4(place)]] : []),
    ...(options.soda3 ? [["Soda 3", soda3(place)]] : []),
    ...(options.gx ? [["Great Expectations", gx(server.url)]] : []),
    ...(options.dbt ? [["dbt", dbt(place)]] : []),
  ];
  const results = new Map(candidates.map(([name]) => [name, { times: [], scans: 0 }]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [name, command] of candidates) {
      const before = await scans();
      const seconds = await timed(name, command);
      await new Promise((done) => setTimeout(done, 1500)); // statistics arrive a second late
      const result = results.get(name);
      result.times.push(seconds);
      process.stderr.write(`round ${round + 1}: ${name} ${seconds.toFixed(1)} s\n`);
      result.scans = (await scans()) - before;
    }
  }
  const median = (times) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
  const hand = median(results.get("hand-written").times);
  for (const [name, { times, scans: seen }] of results) {
    const time = median(times);
    say(
      `${name.padEnd(20)} ${time.toFixed(1).padStart(7)} s  ${(time / hand).toFixed(2).padStart(6)} × hand-written  ${String(seen).padStart(4)} scans`,
    );
  }
} finally {
  await client.end();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

function tableSql(name) {
  const list = cities.map((city) => `'${city}'`).join(", ");
  return `DROP TABLE IF EXISTS ${name};
    CREATE TABLE ${name} AS SELECT n::bigint AS id, (ARRAY[${list}])[1 + n % 5] AS city, 'user' || n || '@example.org' AS email,
      (n % 1000 / 10.0)::double precision AS score, (n % 100000 / 100.0)::numeric(18,4) AS paid,
      now() - (n % 1000) * interval '1 second' AS arrived FROM generate_series(1, ${options.rows}) AS n`;
}

async function scans() {
  const { rows } = await client.query(
    "SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)::int AS scans FROM pg_stat_user_tables WHERE relname LIKE 'orders%'",
  );
  return rows[0].scans;
}

/** A check that fails is no result of a benchmark: everything planted passes. */
function timed(name, { 0: command, ...rest }) {
  const args = Object.values(rest);
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: folder,
      env: {
        ...process.env,
        SODA_TELEMETRY: "off",
        DO_NOT_TRACK: "1",
        SEND_ANONYMOUS_USAGE_STATS: "False",
        DBT_SEND_ANONYMOUS_USAGE_STATS: "False",
      },
    });
    let output = "";
    child.stdout.on("data", (piece) => (output += piece));
    child.stderr.on("data", (piece) => (output += piece));
    child.on("exit", (code) => {
      if (code === 0) resolve((performance.now() - start) / 1000);
      else reject(new Error(`${name} ended with ${code}:\n${output.slice(-3000)}`));
    });
  });
}

// ---------------------------------------------------------------------------------------------- the same promises, in each tool's words

function dwCheck(place) {
  const project = join(folder, "dw");
  mkdirSync(join(project, "models/shop"), { recursive: true });
  const connection = JSON.stringify({ kind: "postgres", ...place });
  writeFileSync(
    join(project, "dw.config.ts"),
    `import { defineConfig } from "dwright";
export default defineConfig({
  connections: { server: ${connection} },
  environments: { bench: { slots: { postgres: "server" }, state: "server" } },
  checks: { concurrency: { postgres: ${options.connections} } },
});
`,
  );
  for (const name of names) {
    writeFileSync(
      join(project, "models/shop", `${name}.ts`),
      `import { acceptedValues, defineTable, freshness, notNull, range, statistic, t, textLength, unique } from "dwright";
export default defineTable("${name}", {
  grain: "one row per order",
  columns: { id: t.bigint().nullable(), city: t.text().nullable(), email: t.text().nullable(), score: t.double().nullable(), paid: t.decimal(18, 4).nullable(), arrived: t.instant().nullable() },
  checks: [
    notNull("id"), notNull("city"), notNull("paid"), unique("id"), acceptedValues("city", ${JSON.stringify(cities)}),
    range("paid", { min: 0, max: 1000 }), range("score", { min: 0, max: 100 }), textLength("email", { max: 64 }),
    statistic("paid", "mean", { min: 1, max: 999 }), freshness("arrived", "48h"),
  ],
  on: { postgres: {} },
});
`,
    );
  }
  return [
    process.execPath,
    fileURLToPath(new URL("../bin/run.js", import.meta.url)),
    "check",
    "--cwd",
    project,
    "--env",
    "bench",
    "--quiet",
  ];
}

function soda3(place) {
  const source = `data_source server:\n  type: postgres\n  host: ${place.host}\n  port: ${place.port}\n  username: ${place.user}\n  password: x\n  database: ${place.database}\n  schema: public\n`;
  writeFileSync(join(folder, "soda3.yml"), source);
  const checks = names.map(
    (name) => `checks for ${name}:
  - missing_count(id) = 0
  - missing_count(city) = 0
  - missing_count(paid) = 0
  - duplicate_count(id) = 0
  - invalid_count(city) = 0:
      valid values: [${cities.join(", ")}]
  - invalid_count(paid) = 0:
      valid min: 0
      valid max: 1000
  - invalid_count(score) = 0:
      valid min: 0
      valid max: 100
  - invalid_count(email) = 0:
      valid max length: 64
  - avg(paid) between 1 and 999
  - freshness(arrived) < 48h
`,
  );
  writeFileSync(join(folder, "checks3.yml"), checks.join(""));
  return [options.soda3, "scan", "-d", "server", "-c", "soda3.yml", "checks3.yml"];
}

function soda4(place) {
  writeFileSync(
    join(folder, "soda4.yml"),
    `type: postgres\nname: server\nconnection:\n  host: ${place.host}\n  port: ${place.port}\n  user: ${place.user}\n  password: x\n  database: ${place.database}\n`,
  );
  const files = names.map((name) => {
    const file = `${name}.contract.yml`;
    const missing = "checks:\n      - missing:";
    writeFileSync(
      join(folder, file),
      `dataset: server/${place.database}/public/${name}
columns:
  - name: id
    ${missing}
      - duplicate:
  - name: city
    ${missing}
      - invalid:
          valid_values: [${cities.join(", ")}]
  - name: paid
    ${missing}
      - invalid:
          valid_min: 0
          valid_max: 1000
      - aggregate:
          function: avg
          threshold:
            must_be_between:
              greater_than_or_equal: 1
              less_than_or_equal: 999
  - name: score
    checks:
      - invalid:
          valid_min: 0
          valid_max: 100
  - name: email
    checks:
      - invalid:
          valid_max_length: 64
  - name: arrived
checks:
  - freshness:
      column: arrived
      threshold:
        unit: hour
        must_be_less_than: 48
`,
    );
    return file;
  });
  // Its command takes one contract a process; its library takes all of them, which is kinder to it.
  writeFileSync(
    join(folder, "soda4.py"),
    `import sys
from soda_core.common.yaml import ContractYamlSource, DataSourceYamlSource
from soda_core.contracts.contract_verification import ContractVerificationSession
result = ContractVerificationSession.execute(
    contract_yaml_sources=[ContractYamlSource.from_file_path(file) for file in ${JSON.stringify(files)}],
    data_source_yaml_sources=[DataSourceYamlSource.from_file_path("soda4.yml")])
print(result.get_errors_str())
sys.exit(0 if result.is_passed else 1)
`,
  );
  return [options.soda4, "soda4.py"];
}

function gx(url) {
  writeFileSync(
    join(folder, "gx.py"),
    `import datetime, logging, sys
logging.disable(logging.CRITICAL)
import great_expectations as gx
import great_expectations.expectations as e
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
source = context.data_sources.add_postgres("server", connection_string="${url.replace("postgres://", "postgresql+psycopg2://")}")
old = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=48)
ok = True
for name in ${JSON.stringify(names)}:
    batch = source.add_table_asset(name, table_name=name).add_batch_definition_whole_table("all")
    suite = gx.ExpectationSuite(name=name, expectations=[
        e.ExpectColumnValuesToNotBeNull(column="id"), e.ExpectColumnValuesToNotBeNull(column="city"), e.ExpectColumnValuesToNotBeNull(column="paid"),
        e.ExpectColumnValuesToBeUnique(column="id"), e.ExpectColumnValuesToBeInSet(column="city", value_set=${JSON.stringify(cities)}),
        e.ExpectColumnValuesToBeBetween(column="paid", min_value=0, max_value=1000), e.ExpectColumnValuesToBeBetween(column="score", min_value=0, max_value=100),
        e.ExpectColumnValueLengthsToBeBetween(column="email", max_value=64), e.ExpectColumnMeanToBeBetween(column="paid", min_value=1, max_value=999),
        e.ExpectColumnMaxToBeBetween(column="arrived", min_value=old)])
    result = batch.get_batch().validate(suite)
    if not result.success:
        ok = False
        print(result)
sys.exit(0 if ok else 1)
`,
  );
  return [options.gx, "gx.py"];
}

function dbt(place) {
  const project = join(folder, "dbt");
  mkdirSync(join(project, "models"), { recursive: true });
  mkdirSync(join(project, "macros"), { recursive: true });
  writeFileSync(join(project, "dbt_project.yml"), "name: bench\nversion: '1.0'\nprofile: bench\n");
  const output = {
    type: "postgres",
    host: place.host,
    port: place.port,
    user: place.user,
    pass: "x",
    dbname: place.database,
    schema: "public",
    threads: 4,
  };
  writeFileSync(join(project, "profiles.yml"), JSON.stringify({ bench: { target: "bench", outputs: { bench: output } } }));
  const macro = (name, args, where) => `{% test ${name}(model${args}) %}select * from {{ model }} where ${where}{% endtest %}\n`;
  writeFileSync(
    join(project, "macros/tests.sql"),
    macro("between", ", column_name, low, high", "{{ column_name }} < {{ low }} or {{ column_name }} > {{ high }}") +
      macro("at_most", ", column_name, size", "char_length({{ column_name }}) > {{ size }}") +
      "{% test mean(model, column_name, low, high) %}select avg({{ column_name }}) from {{ model }} having avg({{ column_name }}) not between {{ low }} and {{ high }}{% endtest %}\n" +
      "{% test fresh(model, column_name) %}select max({{ column_name }}) from {{ model }} having max({{ column_name }}) < now() - interval '48 hours'{% endtest %}\n",
  );
  const column = (name, tests) => ({ name, data_tests: tests });
  const table = (name) => ({
    name,
    columns: [
      column("id", ["not_null", "unique"]),
      column("city", ["not_null", { accepted_values: { values: cities } }]),
      column("paid", ["not_null", { between: { low: 0, high: 1000 } }, { mean: { low: 1, high: 999 } }]),
      column("score", [{ between: { low: 0, high: 100 } }]),
      column("email", [{ at_most: { size: 64 } }]),
      column("arrived", ["fresh"]),
    ],
  });
  writeFileSync(
    join(project, "models/sources.yml"),
    JSON.stringify({ version: 2, sources: [{ name: "shop", schema: "public", tables: names.map(table) }] }),
  );
  return [options.dbt, "test", "--project-dir", project, "--profiles-dir", project];
}
