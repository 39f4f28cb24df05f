import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runChecks } from "../../../src/app/check/run.js";
import { type AskableSlot, checkSlot } from "../../../src/app/check/slot.js";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import { openPglite } from "../../../src/connections/pglite.js";
import type { AnyCheck } from "../../../src/core/check-spec.js";
import { quoting as duckdbQuoting } from "../../../src/engines/duckdb/dialect.js";
import { postgres } from "../../../src/engines/postgres/index.js";
import {
  acceptedValues,
  completeSeries,
  defineTable,
  freshness,
  noRows,
  notNull,
  number,
  pattern,
  range,
  references,
  rowCount,
  statistic,
  t,
  textLength,
  unique,
} from "../../../src/index.js";

/* The same planted rows in each engine: the same verdict has to come out. */

const folder = mkdtempSync(join(tmpdir(), "dw-truth-"));
const now = Date.UTC(2024, 5, 1, 12);
const slots = new Map<string, AskableSlot>();
const closers: (() => Promise<void>)[] = [];

const planted = [
  `CREATE TABLE readings (id BIGINT, city VARCHAR, email VARCHAR, score DOUBLE PRECISION, paid NUMERIC(18,4), seen TIMESTAMP, arrived TIMESTAMP WITH TIME ZONE)`,
  `INSERT INTO readings VALUES
    (1, 'Lyon',  'a@x.fr', 1.5,   10.0000, '2024-06-01 11:00:00', '2024-06-01 11:00:00+00'),
    (2, 'Paris', NULL,     'NaN', 10.0000, '2024-06-01 10:00:00', '2024-06-01 09:00:00+00'),
    (2, 'Pairs', 'b@x.fr', 99,    -1.0000, '2024-06-01 09:00:00', NULL),
    (NULL, NULL, 'c@x.fr', NULL,  NULL,    NULL,                  NULL)`,
  "CREATE TABLE cities (name VARCHAR)",
  "INSERT INTO cities VALUES ('Lyon'), ('Paris')",
  "CREATE TABLE empty_readings (id BIGINT, city VARCHAR, email VARCHAR, score DOUBLE PRECISION, paid NUMERIC(18,4), seen TIMESTAMP, arrived TIMESTAMP WITH TIME ZONE)",
  "CREATE TABLE ahead (seen TIMESTAMP)",
  "INSERT INTO ahead VALUES ('2024-06-01 12:00:00'), ('2024-06-02 12:00:00')",
];

const columns = {
  id: t.bigint().nullable(),
  city: t.text().nullable(),
  email: t.text().nullable().pii(),
  score: t.double().nullable(),
  paid: t.decimal(18, 4).nullable(),
  seen: t.datetime().nullable(),
  arrived: t.instant().nullable(),
};
const readings = defineTable("readings", { grain: "one row per reading", columns, on: {} });

beforeAll(async () => {
  const duckdb = await openDuckDb({});
  const session = await duckdb.session();
  for (const sql of planted) await session.run(sql);
  closers.push(session.close, duckdb.close);
  slots.set("duckdb", checkSlot("duckdb", { kind: "duckdb", duckdb, embedded: true }));
  const pg = await openPglite(join(folder, "pg"));
  for (const sql of planted) await pg.query(sql);
  closers.push(pg.close);
  slots.set("postgres", checkSlot("postgres", { kind: "pg", pg, embedded: true }));
}, 60_000);

afterAll(async () => {
  for (const close of closers) await close();
  rmSync(folder, { recursive: true, force: true });
});

async function verdicts(engine: string, checks: readonly AnyCheck[], table = "readings", model = readings) {
  const slot = slots.get(engine);
  const quoting = engine === "duckdb" ? duckdbQuoting : postgres.quoting;
  if (!slot || !quoting) throw new Error(`no ${engine}`);
  const { ident, literal } = quoting;
  const checkTable = {
    dialect: slot.dialect,
    model: table,
    from: ident(table),
    columns: model.columns,
    key: ["id"],
    table: ident,
    ident,
    literal,
  };
  const task = { warehouse: "w", model, slot, table: checkTable, checks };
  return runChecks([task], { now, signal: new AbortController().signal });
}

const cases: readonly (readonly [string, AnyCheck, string, string])[] = [
  ["a column without NULL", notNull("email", { where: "id = 1" }), "pass", "none of 1 rows are NULL"],
  ["a column with a NULL", notNull("id"), "fail", "1 of 4 rows are NULL"],
  ["a NULL below the allowed share", notNull("id", { fail: "25%" }), "pass", "1 of 4 rows are NULL"],
  ["a NULL above the allowed share", notNull("id", { warn: "24%" }), "warn", "1 of 4 rows are NULL"],
  ["a NULL where the check only warns", notNull("id", { severity: "warn" }), "warn", "1 of 4 rows are NULL"],
  ["a repeated key; NULL repeats nothing", unique("id"), "fail", "1 of 4 rows repeat another row's id"],
  ["a compound key that is unique", unique(["id", "city"]), "pass", "none of 4 rows repeat another row's id, city"],
  ["a value that nobody accepts", acceptedValues("city", ["Lyon", "Paris"]), "fail", "1 of 4 rows have another value"],
  ["NaN is outside every range, NULL is not", range("score", { min: 0 }), "fail", "1 of 4 rows are not at least 0"],
  ["a decimal below its bound", range("paid", { min: "0", max: "100" }), "fail", "1 of 4 rows are not between 0 and 100"],
  ["a table that is large enough", rowCount({ min: 4 }), "pass", "4 rows; at least 4 wanted"],
  ["a table that is too large", rowCount({ max: 3 }), "fail", "4 rows; at most 3 wanted"],
  ["a value without a match in the other table", references("city", "cities", "name"), "fail", "1 of 4 rows have no match in cities"],
  ["a fresh instant", freshness("arrived", "2h"), "pass", "1 h old; 2h allowed"],
  ["a stale instant", freshness("arrived", "30 min"), "fail", "1 h old; 30 min allowed"],
  ["a text that does not match", pattern("city", "[A-Z][a-z]+"), "pass", "none of 4 rows do not match"],
  ["a text that matches only inside", pattern("city", "Par"), "fail", "3 of 4 rows do not match Par"],
  ["a text that is too long", textLength("city", { max: 4 }), "fail", "2 of 4 rows do not have at most 4 characters"],
  ["a mean inside its bounds", statistic("paid", "mean", { min: 6, max: 7 }), "pass", "the mean of paid is 6.33"],
  ["a share of NULL that is too high", statistic("id", "null-share", { max: 0.2 }), "fail", "the null-share of id is 0.25"],
  ["a median", statistic("paid", "quantile", { at: 0.5, min: 10, max: 10 }), "pass", "the 0.5 quantile of paid is 10"],
  ["distinct values", statistic("id", "distinct", { min: 3 }), "fail", "the distinct of id is 2"],
  ["a statistic of no rows", statistic("paid", "mean", { min: 0 }, { where: "id > 100" }), "not-evaluated", "does not exist"],
  ["a series without a gap", completeSeries("seen", { every: "1h" }), "pass", "none of 3 intervals of 1h are missing"],
  ["a series with gaps", completeSeries("seen", { every: "30 min" }), "fail", "2 of 5 intervals of 30 min are missing"],
  ["a series for each group", completeSeries("seen", { every: "1h", per: ["id"] }), "pass", "none of 3 intervals of 1h are missing"],
  [
    "a query that finds rows",
    noRows({ duckdb: "SELECT * FROM readings WHERE id = 2", postgres: "SELECT * FROM readings WHERE id = 2" }),
    "fail",
    "the query finds 2 rows",
  ],
  [
    "a query's number inside its bounds",
    number({ duckdb: "SELECT count(*) FROM cities", postgres: "SELECT count(*) FROM cities" }, { min: 2, max: 2 }),
    "pass",
    "2; 2 to 2 wanted",
  ],
  [
    "a division by zero is not evaluated",
    number({ duckdb: "SELECT 1 / 0.0 * 0", postgres: "SELECT 1 / 0" }, { min: 0 }),
    "not-evaluated",
    "",
  ],
  ["a query that no one wrote for this engine", noRows({ starrocks: "SELECT 1" }), "not-evaluated", "has no query for"],
  ["a column that the model lacks", notNull("colour"), "not-evaluated", "which the model does not have"],
  ["a predicate that the engine refuses", notNull("id", { where: "no_such_column > 1" }), "not-evaluated", "no_such_column"],
];

for (const engine of ["duckdb", "postgres"]) {
  describe(`on ${engine}`, () => {
    for (const [title, spec, outcome, message] of cases) {
      test(`${title}: ${outcome}`, async () => {
        const [verdict] = await verdicts(engine, [spec]);
        expect(verdict?.outcome).toBe(outcome);
        expect(verdict?.message).toContain(message);
      });
    }

    test("one bad predicate leaves only its own check open", async () => {
      const outcomes = await verdicts(engine, [notNull("id"), notNull("id", { where: "no_such_column > 1" }), rowCount({ min: 1 })]);
      expect(outcomes.map((shown) => shown.outcome)).toEqual(["fail", "not-evaluated", "pass"]);
    });

    test("an empty table is not fresh, has no share, and breaks nothing else", async () => {
      const checks = [freshness("arrived", "2h"), notNull("id"), notNull("id", { fail: "1%" }), unique("id"), rowCount({ min: 1 })];
      const outcomes = await verdicts(engine, checks, "empty_readings");
      expect(outcomes.map((shown) => shown.outcome)).toEqual(["fail", "pass", "not-evaluated", "pass", "fail"]);
    });

    test("a newest value in the future hides whether data still arrives: it fails", async () => {
      const model = { ...readings, zone: "UTC" };
      const [verdict] = await verdicts(engine, [freshness("seen", "2h")], "ahead", model);
      expect(verdict).toMatchObject({ outcome: "fail", message: "the newest value 2024-06-02 12:00:00 lies 1 d in the future" });
    });

    test("a zone-less time is read in the model's zone", async () => {
      // 11:00 in Paris is 09:00 UTC in summer: three hours before noon.
      const [verdict] = await verdicts(engine, [freshness("seen", "2h")], "readings", { ...readings, zone: "Europe/Paris" });
      expect(verdict).toMatchObject({ outcome: "fail", message: expect.stringContaining("3 h old") });
    });

    test("a failure shows the rows, with personal data masked", async () => {
      const [verdict] = await verdicts(engine, [notNull("email")]);
      expect(verdict?.sample).toEqual({ columns: ["id", "email"], rows: [["2", null]] });
      const [masked] = await verdicts(engine, [acceptedValues("email", ["a@x.fr"])]);
      expect(masked?.sample?.rows.map((row) => row[0])).toEqual(["***", "***"]);
    });
  });
}
