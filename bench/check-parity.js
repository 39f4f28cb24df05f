/*
 * The same 40 promises on the same PostgreSQL, in Great Expectations and in dw: where the verdicts differ, and how.
 *
 *   npm run build && node bench/check-parity.js --gx PYTHON [--url postgres://…] [--port 21760]
 *
 * PYTHON has great_expectations, sqlalchemy and psycopg2. README.md ("Checks") explains the differences.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import pg from "pg";
import { startPostgres } from "./postgres.js";

const { values: options } = parseArgs({
  options: { gx: { type: "string" }, url: { type: "string" }, port: { type: "string", default: "21760" } },
});

/** A promise in both tools' words: the class and arguments of Great Expectations, an expression of dw. */
const pairs = [
  ["a column without NULL", "NotBeNull", { column: "day" }, 'notNull("day")'],
  ["a column with a NULL", "NotBeNull", { column: "id" }, 'notNull("id")'],
  ["a NULL in less than a tenth", "NotBeNull", { column: "id", mostly: 0.9 }, 'notNull("id", { fail: "10%" })'],
  ["NULL in more than a tenth", "NotBeNull", { column: "email", mostly: 0.9 }, 'notNull("email", { fail: "10%" })'],
  ["a column of NULLs only", "NotBeNull", { column: "note" }, 'notNull("note")'],
  ["a column of NULLs only, in range", "BeBetween", { column: "nothing", min_value: 0 }, 'range("nothing", { min: 0 })'],
  ["unique values and a NULL", "BeUnique", { column: "serial" }, 'unique("serial")'],
  ["a repeated value", "BeUnique", { column: "id" }, 'unique("id")'],
  ["a repeated value, one tolerated", "BeUnique", { column: "id", mostly: 0.95 }, 'unique("id", { fail: "5%" })'],
  ["a key of two columns", "compound", { column_list: ["id", "serial"] }, 'unique(["id", "serial"])'],
  ["a key of two columns that repeats", "compound", { column_list: ["id", "city"] }, 'unique(["id", "city"])'],
  [
    "values of a set",
    "BeInSet",
    { column: "city", value_set: ["Lyon", "Paris", "Lille", "paris"] },
    'acceptedValues("city", ["Lyon", "Paris", "Lille", "paris"])',
  ],
  ["a value outside a set", "BeInSet", { column: "city", value_set: ["Lyon", "Paris"] }, 'acceptedValues("city", ["Lyon", "Paris"])'],
  [
    "a value in another case",
    "BeInSet",
    { column: "city", value_set: ["Lyon", "Paris", "Lille"] },
    'acceptedValues("city", ["Lyon", "Paris", "Lille"])',
  ],
  [
    "values outside a set, half tolerated",
    "BeInSet",
    { column: "city", value_set: ["Lyon"], mostly: 0.3 },
    'acceptedValues("city", ["Lyon"], { fail: "70%" })',
  ],
  ["decimals in range", "BeBetween", { column: "paid", min_value: 0, max_value: 1000 }, 'range("paid", { min: 0, max: 1000 })'],
  ["a decimal below", "BeBetween", { column: "paid", min_value: 1 }, 'range("paid", { min: 1 })'],
  ["a decimal at the bound", "BeBetween", { column: "paid", min_value: 0 }, 'range("paid", { min: 0 })'],
  ["a NaN above a lower bound", "BeBetween", { column: "score", min_value: 0 }, 'range("score", { min: 0 })'],
  ["a NaN below an upper bound", "BeBetween", { column: "score", max_value: 100 }, 'range("score", { max: 100 })'],
  ["lengths that fit", "lengths", { column: "city", min_value: 4, max_value: 5 }, 'textLength("city", { min: 4, max: 5 })'],
  ["a text that is too long", "lengths", { column: "city", max_value: 4 }, 'textLength("city", { max: 4 })'],
  ["a pattern for the whole text", "MatchRegex", { column: "city", regex: "^[A-Za-z]+$" }, 'pattern("city", "[A-Za-z]+")'],
  ["a pattern that only begins alike", "MatchRegex", { column: "city", regex: "^[LP]$" }, 'pattern("city", "[LP]")'],
  ["a pattern without anchors", "MatchRegex", { column: "city", regex: "[LPp]" }, 'pattern("city", "[LPp]")'],
  ["a mean", "mean", { column: "paid", min_value: 100, max_value: 900 }, 'statistic("paid", "mean", { min: 100, max: 900 })'],
  ["a mean that is too high", "mean", { column: "paid", max_value: 1 }, 'statistic("paid", "mean", { max: 1 })'],
  ["a mean with NaN", "mean", { column: "score", min_value: 0 }, 'statistic("score", "mean", { min: 0 })'],
  ["a mean of NULLs only", "mean", { column: "nothing", min_value: 0 }, 'statistic("nothing", "mean", { min: 0 })'],
  [
    "a standard deviation",
    "stdev",
    { column: "paid", min_value: 200, max_value: 400 },
    'statistic("paid", "stddev", { min: 200, max: 400 })',
  ],
  ["a sum", "sum", { column: "paid", min_value: 1, max_value: 100000 }, 'statistic("paid", "sum", { min: 1, max: 100000 })'],
  ["a smallest value", "min", { column: "paid", min_value: 0, max_value: 0 }, 'statistic("paid", "min", { min: 0, max: 0 })'],
  ["a largest value", "max", { column: "paid", max_value: 500 }, 'statistic("paid", "max", { max: 500 })'],
  [
    "a median",
    "median",
    { column: "paid", min_value: 400, max_value: 600 },
    'statistic("paid", "quantile", { at: 0.5, min: 400, max: 600 })',
  ],
  ["distinct values", "distinct", { column: "city", min_value: 4, max_value: 4 }, 'statistic("city", "distinct", { min: 4, max: 4 })'],
  ["too few distinct values", "distinct", { column: "city", min_value: 5 }, 'statistic("city", "distinct", { min: 5 })'],
  ["enough rows", "rows", { min_value: 100, max_value: 100 }, "rowCount({ min: 100, max: 100 })"],
  ["too few rows", "rows", { min_value: 101 }, "rowCount({ min: 101 })"],
  [
    "NULL in rows that are not there",
    "NotBeNull",
    { column: "id", row_condition: 'col("id") < 0', condition_parser: "great_expectations" },
    'notNull("id", { where: "id < 0" })',
  ],
  [
    "a share of rows that are not there",
    "NotBeNull",
    { column: "id", mostly: 0.9, row_condition: 'col("id") < 0', condition_parser: "great_expectations" },
    'notNull("id", { where: "id < 0", fail: "10%" })',
  ],
];

const classes = {
  NotBeNull: "ExpectColumnValuesToNotBeNull",
  BeUnique: "ExpectColumnValuesToBeUnique",
  compound: "ExpectCompoundColumnsToBeUnique",
  BeInSet: "ExpectColumnValuesToBeInSet",
  BeBetween: "ExpectColumnValuesToBeBetween",
  lengths: "ExpectColumnValueLengthsToBeBetween",
  MatchRegex: "ExpectColumnValuesToMatchRegex",
  mean: "ExpectColumnMeanToBeBetween",
  stdev: "ExpectColumnStdevToBeBetween",
  sum: "ExpectColumnSumToBeBetween",
  min: "ExpectColumnMinToBeBetween",
  max: "ExpectColumnMaxToBeBetween",
  median: "ExpectColumnMedianToBeBetween",
  distinct: "ExpectColumnUniqueValueCountToBeBetween",
  rows: "ExpectTableRowCountToBeBetween",
};

const planted = `DROP TABLE IF EXISTS readings;
  CREATE TABLE readings AS SELECT CASE n WHEN 100 THEN 99 WHEN 1 THEN NULL ELSE n END::bigint AS id,
    CASE n WHEN 5 THEN NULL ELSE n END::bigint AS serial,
    CASE WHEN n = 7 THEN 'paris' WHEN n = 8 THEN NULL ELSE (ARRAY['Lyon', 'Paris', 'Lille'])[1 + n % 3] END AS city,
    CASE WHEN n % 5 > 0 THEN 'user' || n || '@example.org' END AS email,
    CASE n WHEN 9 THEN 'NaN'::double precision ELSE n END AS score, (n * 10 - 10)::numeric(18,4) AS paid,
    DATE '2024-01-01' + n AS day, NULL::text AS note, NULL::bigint AS nothing FROM generate_series(1, 100) AS n;
  UPDATE readings SET city = 'Lyon' WHERE id = 99`;

if (!options.gx) throw new Error("name a Python with great_expectations: --gx PYTHON");
const server = options.url ? { url: options.url, stop: async () => undefined } : await startPostgres(Number(options.port));
const folder = mkdtempSync(join(tmpdir(), "dw-parity-"));
try {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    await client.query(planted);
  } finally {
    await client.end();
  }
  const theirs = greatExpectations();
  const ours = dw();
  const differing = pairs.filter((_, index) => theirs[index] !== ours[index].outcome);
  for (const [index, [title]] of pairs.entries()) {
    const mark = theirs[index] === ours[index].outcome ? " " : "≠";
    process.stdout.write(
      `${mark} ${title.padEnd(44)} ${theirs[index].padEnd(6)} ${ours[index].outcome.padEnd(14)} ${ours[index].message}\n`,
    );
  }
  process.stdout.write(`\n${pairs.length - differing.length} of ${pairs.length} verdicts are the same\n`);
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

function greatExpectations() {
  const literal = (value) => JSON.stringify(value);
  const built = pairs.map(([, name, args]) => `e.${classes[name]}(**json.loads(${literal(JSON.stringify(args))}))`);
  const script = `import json, logging
logging.disable(logging.CRITICAL)
import great_expectations as gx
import great_expectations.expectations as e
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
source = context.data_sources.add_postgres("server", connection_string="${server.url.replace("postgres://", "postgresql+psycopg2://")}")
batch = source.add_table_asset("readings", table_name="readings").add_batch_definition_whole_table("all").get_batch()
def verdict(expectation):
    result = batch.validate(expectation)
    if result.exception_info and (result.exception_info.get("raised_exception") or any(isinstance(v, dict) and v.get("raised_exception") for v in result.exception_info.values())):
        return "error"
    return "pass" if result.success else "fail"
print("\\n" + json.dumps([verdict(each) for each in [${built.join(",\n")}]]))
`;
  writeFileSync(join(folder, "gx.py"), script);
  return JSON.parse(
    answered(options.gx, [join(folder, "gx.py")])
      .trim()
      .split("\n")
      .at(-1),
  );
}

function dw() {
  const at = new URL(server.url);
  const connection = { kind: "postgres", host: at.hostname, port: Number(at.port), database: at.pathname.slice(1), user: at.username };
  mkdirSync(join(folder, "models/shop"), { recursive: true });
  writeFileSync(
    join(folder, "dw.config.ts"),
    `import { defineConfig } from "dwright";
export default defineConfig({ connections: { server: ${JSON.stringify(connection)} }, environments: { bench: { slots: { postgres: "server" }, state: "server" } } });
`,
  );
  writeFileSync(
    join(folder, "models/shop/readings.ts"),
    `import { acceptedValues, defineTable, notNull, pattern, range, rowCount, statistic, t, textLength, unique } from "dwright";
const columns = { id: t.bigint().nullable(), serial: t.bigint().nullable(), city: t.text().nullable(), email: t.text().nullable(), score: t.double().nullable(),
  paid: t.decimal(18, 4).nullable(), day: t.date(), note: t.text().nullable(), nothing: t.bigint().nullable() };
export default defineTable("readings", { grain: "one row per reading", columns, checks: [${pairs.map(([, , , check]) => check).join(",\n")}], on: { postgres: {} } });
`,
  );
  const run = fileURLToPath(new URL("../bin/run.js", import.meta.url));
  return JSON.parse(answered(process.execPath, [run, "check", "--cwd", folder, "--env", "bench", "--json"])).outcomes;
}

/** What a process prints, whatever its exit code: failed checks are the point. */
function answered(command, args) {
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26, cwd: folder });
  if (error || stdout.trim() === "") throw new Error(`${command}: ${error ?? stderr.slice(-2000)}`);
  return stdout;
}
