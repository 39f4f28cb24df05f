import { type RunTerms, runChecks } from "../../src/app/check/run.js";
import type { AskableSlot } from "../../src/app/check/slot.js";
import type { CheckTable, Past } from "../../src/core/check.js";
import type { AnyCheck } from "../../src/core/check-spec.js";
import type { Quoting } from "../../src/core/sql.js";
import {
  acceptedValues,
  anomaly,
  attained,
  completeSeries,
  defineTable,
  drift,
  expected,
  freshness,
  latency,
  monotonic,
  noDuplicates,
  noRows,
  notNull,
  number,
  pattern,
  range,
  references,
  rowCount,
  rowsLike,
  sameAs,
  statistic,
  t,
  textLength,
  unique,
} from "../../src/index.js";

/*
 * The truth table of checks: planted rows, and the verdict that each kind has to reach, whatever the engine.
 */

/** Saturday noon, UTC. */
export const now = Date.UTC(2024, 5, 1, 12);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const columns =
  "id BIGINT, city VARCHAR(64), email VARCHAR(64), score DOUBLE PRECISION, paid NUMERIC(18,4), seen DATETIME, arrived INSTANT";

/** In words that `plant` puts into an engine's own: DATETIME has no zone, INSTANT is an instant, NAN is one where there is any. */
const planted = [
  `CREATE TABLE readings (${columns})`,
  `INSERT INTO readings VALUES
    (1, 'Lyon',  'a@x.fr', 1.5,   10.0000, '2024-06-01 11:00:00', '2024-06-01 11:00:00+00'),
    (2, 'Paris', NULL,     NAN,   10.0000, '2024-06-01 10:00:00', '2024-06-01 09:00:00+00'),
    (2, 'Pairs', 'b@x.fr', 99,    -1.0000, '2024-06-01 09:00:00', NULL),
    (NULL, NULL, 'c@x.fr', NULL,  NULL,    NULL,                  NULL)`,
  "CREATE TABLE cities (name VARCHAR(64))",
  "INSERT INTO cities VALUES ('Lyon'), ('Paris')",
  `CREATE TABLE empty_readings (${columns})`,
  "CREATE TABLE ahead (seen DATETIME)",
  "INSERT INTO ahead VALUES ('2024-06-01 12:00:00'), ('2024-06-02 12:00:00')",
  // what a load that was repeated leaves, NULLs and all
  "CREATE TABLE loads (id BIGINT, city VARCHAR(64), loaded_at INSTANT)",
  `INSERT INTO loads VALUES
    (1, 'Lyon', '2024-06-01 10:00:00+00'), (1, 'Lyon', '2024-06-01 11:00:00+00'),
    (2, NULL,   '2024-06-01 10:00:00+00'), (2, NULL,   '2024-06-01 11:00:00+00'), (2, NULL, '2024-06-01 11:30:00+00'),
    (3, 'lyon', '2024-06-01 10:00:00+00'), (3, 'Lyon', '2024-06-01 10:00:00+00')`,
  // Friday has one row less than Thursday and two less than the Friday before; a station fell silent; one message arrived before it left
  "CREATE TABLE events (station VARCHAR(64), place BIGINT, sent INSTANT, stored INSTANT, day DATE, dt VARCHAR(64))",
  `INSERT INTO events VALUES
    ('a', 1, '2024-05-24 08:00:00+00', '2024-05-24 08:00:01+00', '2024-05-24', '2024-05-24'),
    ('a', 2, '2024-05-24 09:00:00+00', '2024-05-24 09:00:01+00', '2024-05-24', '2024-05-24'),
    ('a', 3, '2024-05-24 10:00:00+00', '2024-05-24 10:00:01+00', '2024-05-24', '2024-05-24'),
    ('a', 4, '2024-05-30 08:00:00+00', '2024-05-30 08:00:02+00', '2024-05-30', '2024-05-30'),
    ('b', 2, '2024-05-30 09:00:00+00', '2024-05-30 09:00:02+00', '2024-05-30', '2024-05-30'),
    ('a', 5, '2024-05-31 08:00:00+00', '2024-05-31 08:00:10+00', '2024-05-31', '2024-05-31'),
    ('a', 4, '2024-06-01 11:00:00+00', NULL,                     '2024-06-01', '2024-06-01')`,
  "CREATE TABLE clocks (wall DATETIME, stored INSTANT, sent INSTANT)",
  // every hour that Paris had in two nights: one lacks 02:00, the other shows it twice
  `INSERT INTO clocks VALUES
    ('2024-03-31 00:00:00', '2024-03-30 23:00:00+00', '2024-03-30 23:00:00+00'), ('2024-03-31 01:00:00', '2024-03-31 00:00:00+00', '2024-03-31 00:00:00+00'),
    ('2024-03-31 03:00:00', '2024-03-31 01:00:00+00', '2024-03-31 01:00:00+00'), ('2024-03-31 04:00:00', '2024-03-31 02:00:00+00', '2024-03-31 02:00:00+00'),
    ('2024-10-27 01:00:00', '2024-10-26 23:00:00+00', '2024-10-26 23:00:00+00'), ('2024-10-27 02:00:00', '2024-10-27 00:00:00+00', '2024-10-27 00:00:00+00'),
    ('2024-10-27 02:00:00', '2024-10-27 01:00:00+00', '2024-10-27 01:00:00+00'), ('2024-10-27 03:00:00', '2024-10-27 02:00:00+00', '2024-10-27 02:00:01+00')`,
];

export interface PlantWords {
  readonly DATETIME: string;
  readonly INSTANT: string;
  /** NULL where the engine holds no NaN. */
  readonly NAN: string;
  /** Whether a text with `+00` is an instant to it. */
  readonly offsets: boolean;
}

/** The statements that make the planted tables. */
export function plant(words: PlantWords): string[] {
  return planted.map((sql) => {
    const own = sql.replace(/\b(DATETIME|INSTANT|NAN)\b/g, (word) => words[word as "DATETIME" | "INSTANT" | "NAN"]); // the three of the pattern
    return words.offsets ? own : own.replaceAll("+00'", "'");
  });
}

const readingColumns = {
  id: t.bigint().nullable(),
  city: t.text().nullable(),
  email: t.text().nullable().pii(),
  score: t.double().nullable(),
  paid: t.decimal(18, 4).nullable(),
  seen: t.datetime().nullable(),
  arrived: t.instant().nullable(),
};
export const readings = defineTable("readings", { grain: "one row per reading", columns: readingColumns, on: {} });
const emptyReadings = { ...readings, name: "empty_readings" };
const ahead = defineTable("ahead", { grain: "one row", columns: { seen: t.datetime() }, on: {} });
const loads = defineTable("loads", {
  grain: "one row per load",
  columns: { id: t.bigint(), city: t.text().nullable(), loaded_at: t.instant() },
  on: {},
});
const events = defineTable("events", {
  grain: "one row per event",
  columns: {
    station: t.text(),
    place: t.bigint(),
    sent: t.instant(),
    stored: t.instant().nullable(),
    day: t.date(),
    dt: t.text(),
  },
  on: {},
});
const clocks = defineTable("clocks", {
  grain: "one row per hour",
  columns: { wall: t.datetime(), stored: t.instant(), sent: t.instant() },
  zone: "Europe/Paris",
  on: {},
});

type Model = typeof readings | typeof ahead | typeof loads | typeof events | typeof clocks;

export interface TruthCase {
  readonly title: string;
  readonly spec: AnyCheck;
  readonly outcome: string;
  readonly message: string;
  readonly model: Model;
  /** What the check remembers of itself, or of the check that it names. */
  readonly past?: readonly Past[];
  /** Engines that cannot hold the planted value. */
  readonly not?: readonly string[];
}

type Row = readonly [title: string, spec: AnyCheck, outcome: string, message: string, more?: Pick<TruthCase, "past" | "not">];

const of = (model: Model, rows: readonly Row[]): TruthCase[] =>
  rows.map(([title, spec, outcome, message, more]) => ({ title, spec, outcome, message, model, ...more }));

const every = (ms: number, values: readonly number[], wrap: (value: number) => Past["value"], outcome = "pass"): Past[] =>
  values.map((value, index) => ({ at: now - (values.length - index) * ms, outcome, value: wrap(value) }));
const measured = (value: number): Past["value"] => ({ value });
const calm = every(DAY, [4, 5, 4, 3, 4, 5, 4, 4, 3, 5], measured);

export const truth: readonly TruthCase[] = [
  ...of(readings, [
    ["a column without NULL", notNull("email", { where: "id = 1" }), "pass", "none of 1 rows are NULL"],
    ["a column with a NULL", notNull("id"), "fail", "1 of 4 rows are NULL"],
    ["a NULL below the allowed share", notNull("id", { fail: "25%" }), "pass", "1 of 4 rows are NULL"],
    ["a NULL above the allowed share", notNull("id", { warn: "24%" }), "warn", "1 of 4 rows are NULL"],
    ["a NULL below a number and above a share", notNull("id", { fail: { rows: 1, share: "24%" } }), "fail", "1 of 4 rows are NULL"],
    ["a NULL where the check only warns", notNull("id", { severity: "warn" }), "warn", "1 of 4 rows are NULL"],
    [
      "a NULL in a row that may still change",
      notNull("email", { late: { column: "arrived", by: "4h" } }),
      "pass",
      "none of 0 rows are NULL",
    ],
    ["rows of the last two hours only", rowCount({ max: 1 }, { recent: { column: "arrived", last: "2h" } }), "pass", "1 rows"],
    ["a repeated key; NULL repeats nothing", unique("id"), "fail", "1 of 4 rows repeat another row's id"],
    ["a compound key that is unique", unique(["id", "city"]), "pass", "none of 4 rows repeat another row's id, city"],
    [
      "a key that repeats an hour later",
      unique("id", { by: "seen", within: "2h" }),
      "fail",
      "1 of 4 rows repeat another row's id within 2h",
    ],
    [
      "a key that repeats, but not so soon",
      unique("id", { by: "seen", within: "1h" }),
      "pass",
      "none of 4 rows repeat another row's id within 1h",
    ],
    ["a value that nobody accepts", acceptedValues("city", ["Lyon", "Paris"]), "fail", "1 of 4 rows have another value"],
    ["a value in another case", acceptedValues("city", ["lyon", "Paris", "Pairs"]), "fail", "1 of 4 rows have another value"],
    ["NaN is outside every range, NULL is not", range("score", { min: 0 }), "fail", "1 of 4 rows are not at least 0", { not: ["mysql"] }],
    ["a decimal below its bound", range("paid", { min: "0", max: "100" }), "fail", "1 of 4 rows are not between 0 and 100"],
    ["a table that is large enough", rowCount({ min: 4 }), "pass", "4 rows; at least 4 wanted"],
    ["a table that is too large", rowCount({ max: 3 }), "fail", "4 rows; at most 3 wanted"],
    ["a value without a match in the other table", references("city", "cities", "name"), "fail", "1 of 4 rows have no match in cities"],
    ["a fresh instant", freshness("arrived", "2h"), "pass", "1 h old; 2h allowed"],
    ["a stale instant", freshness("arrived", "30 min"), "fail", "1 h old; 30 min allowed"],
    ["a text that matches wholly", pattern("city", "[A-Z][a-z]+"), "pass", "none of 4 rows do not match"],
    ["a text that matches only inside", pattern("city", "Par"), "fail", "3 of 4 rows do not match Par"],
    ["a text in another case", pattern("city", "lyon|[P].*"), "fail", "1 of 4 rows do not match"],
    ["a text that is too long", textLength("city", { max: 4 }), "fail", "2 of 4 rows do not have at most 4 characters"],
    ["a mean inside its bounds", statistic("paid", "mean", { min: 6, max: 7 }), "pass", "the mean of paid is 6.33"],
    [
      "a mean with NaN among the values",
      statistic("score", "mean", { min: 0 }),
      "not-evaluated",
      "NaN or infinity among them",
      { not: ["mysql"] },
    ],
    ["a share of NULL that is too high", statistic("id", "null-share", { max: 0.2 }), "fail", "the null-share of id is 0.25"],
    ["a median", statistic("paid", "quantile", { at: 0.5, min: 10, max: 10 }), "pass", "the 0.5 quantile of paid is 10"],
    ["a quartile between two values", statistic("paid", "quantile", { at: 0.25, min: 4.5, max: 4.5 }), "pass", "is 4.5"],
    ["distinct values", statistic("id", "distinct", { min: 3 }), "fail", "the distinct of id is 2"],
    ["a statistic of no rows", statistic("paid", "mean", { min: 0 }, { where: "id > 100" }), "not-evaluated", "does not exist"],
    ["a series without a gap", completeSeries("seen", { every: "1h" }), "pass", "none of 3 intervals of 1h are missing"],
    ["a series with gaps", completeSeries("seen", { every: "30 min" }), "fail", "2 of 5 intervals of 30 min are missing"],
    ["a series for each group", completeSeries("seen", { every: "1h", per: ["id"] }), "pass", "none of 3 intervals of 1h are missing"],
    ["a query that finds rows", noRows("SELECT * FROM readings WHERE id = 2"), "fail", "the query finds 2 rows"],
    ["a query's number inside its bounds", number("SELECT count(*) FROM cities", { min: 2, max: 2 }), "pass", "2; 2 to 2 wanted"],
    ["a division by zero", number("SELECT 1 / (count(*) - 4) * 0.0 FROM readings", { min: 0 }), "not-evaluated", ""],
    ["a query that no one wrote for this engine", noRows({ flink: "SELECT 1" }), "not-evaluated", "has no query for"],
    ["a column that the model lacks", notNull("colour"), "not-evaluated", "which the model does not have"],
    ["a predicate that the engine refuses", notNull("id", { where: "no_such_column > 1" }), "not-evaluated", "no_such_column"],
    ["a division by zero", number("SELECT 1.0 / (count(*) - count(*)) AS share FROM readings", { min: 0 }), "not-evaluated", ""],
    [
      "a division by zero in a predicate",
      rowCount({ min: 1 }, { where: "1 / (id - id) > 0" }),
      "not-evaluated",
      "division by zero",
      { not: ["duckdb", "mysql", "hive"] },
    ],
    ["a sample of rows that are all right", range("id", { min: 1 }, { sample: "100%" }), "pass", "(in a sample of 100%)"],
    ["a sample that holds no row", notNull("city", { sample: "0.000001%" }), "not-evaluated", "nothing was looked at"],
    ["a sample of what needs all rows", unique("id", { sample: "10%" }), "not-evaluated", "asks for a sample of 10%"],
    [
      "counts spread as in the baseline",
      drift("id", { bins: [2], baseline: [10, 20, 10] }),
      "pass",
      "stability index 0.0000; at most 0.2 allowed",
    ],
    ["counts spread otherwise", drift("id", { bins: [2], baseline: [39, 1, 0] }), "fail", "stability index"],
    [
      "counts of texts, by their largest distance",
      drift("city", { bins: ["Lyon", "Paris"], by: "ks", baseline: [2, 2, 0, 0] }),
      "fail",
      "distance 0.5000",
    ],
    ["counts that nobody has remembered yet", drift("id", { bins: [2] }), "not-evaluated", "remembered as the baseline"],
    [
      "counts as the earliest remembered ones",
      drift("id", { bins: [2] }),
      "pass",
      "0.0000",
      { past: every(DAY, [1, 9], (first) => ({ bins: ["2"], counts: [first, 2, 1] })) },
    ],
    ["as many rows as usual", anomaly(rowCount({})), "pass", "4, usually 4 (10 values): robust z-score 0", { past: calm }],
    [
      "far fewer rows than usual",
      anomaly(rowCount({})),
      "fail",
      "robust z-score -",
      { past: every(DAY, [100, 101, 99, 100, 102, 98, 100], measured) },
    ],
    [
      "few rows, where only many are watched",
      anomaly(rowCount({}), { direction: "up" }),
      "pass",
      "z-score -",
      { past: every(DAY, [100, 101, 99, 100, 102, 98, 100], measured) },
    ],
    [
      "an anomaly check that still learns",
      anomaly(rowCount({})),
      "not-evaluated",
      "still learning: 2 of 7",
      { past: every(DAY, [4, 4], measured) },
    ],
    ["one that is told to warn meanwhile", anomaly(rowCount({}), { learning: "warn" }), "warn", "still learning", { past: [] }],
    [
      "a Saturday among Saturdays",
      anomaly(rowCount({}), { season: "day of week", atLeast: 4, training: "60 days" }),
      "pass",
      "(8 values)",
      {
        past: every(
          DAY,
          Array.from({ length: 59 }, (_, i) => ((59 - i) % 7 === 0 ? 4 : 900)),
          measured,
        ),
      },
    ],
    [
      "a noon among noons",
      anomaly(rowCount({}), { season: "hour of day", atLeast: 4 }),
      "pass",
      "(5 values)",
      {
        past: every(
          HOUR,
          Array.from({ length: 120 }, (_, i) => ((120 - i) % 24 === 0 ? 4 : 900)),
          measured,
        ),
      },
    ],
    [
      "a first of the month among firsts",
      anomaly(rowCount({}), { season: "day of month", atLeast: 2, training: "300 days" }),
      "pass",
      "(3 values)",
      {
        past: every(
          DAY,
          Array.from({ length: 100 }, (_, i) => (new Date(now - (100 - i) * DAY).getUTCDate() === 1 ? 4 : 900)),
          measured,
        ),
      },
    ],
    [
      "a wild week that is not learnt from",
      anomaly(rowCount({}), { exclude: [{ from: "2024-05-20", to: "2024-05-31", reason: "migration" }] }),
      "not-evaluated",
      "still learning: 0 of 7",
      { past: calm },
    ],
    [
      "a mean of no rows, as usual or not",
      anomaly(statistic("paid", "mean", {}, { where: "id > 100" })),
      "not-evaluated",
      "nothing to measure",
      { past: calm },
    ],
    [
      "a promise that was kept all month",
      attained("rows are there", { over: "10 days", min: "99%" }),
      "pass",
      "held for 100 %",
      { past: every(DAY, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], measured) },
    ],
    [
      "a promise that was broken for half a day of ten",
      attained("rows are there", { over: "10 days", min: "99%" }),
      "fail",
      "held for 95 %",
      {
        past: [
          { at: now - 10 * DAY, outcome: "pass", value: null },
          { at: now - 8 * DAY, outcome: "pass", value: null },
          { at: now - 6 * DAY, outcome: "fail", value: null },
          { at: now - 5.5 * DAY, outcome: "pass", value: null },
          { at: now - 4 * DAY, outcome: "pass", value: null },
          { at: now - 2 * DAY, outcome: "pass", value: null },
        ],
      },
    ],
    [
      "a promise of which nothing is known",
      attained("rows are there", { over: "10 days", min: "99%" }),
      "not-evaluated",
      "no remembered outcome",
    ],
    [
      "as many rows as a day ago",
      rowsLike("yesterday", { within: "10%" }),
      "pass",
      "4 rows after 4 a day ago: 0 %",
      { past: every(DAY, [4], (rows) => ({ rows: String(rows) })) },
    ],
    [
      "half of the rows of a week ago",
      rowsLike("same weekday", { within: "10%" }),
      "fail",
      "-50 %",
      { past: every(7 * DAY, [8], (rows) => ({ rows: String(rows) })) },
    ],
    ["a day that nobody remembers", rowsLike("yesterday", { within: "10%" }), "not-evaluated", "nothing to compare with", { past: [] }],
    [
      "the same numbers elsewhere",
      sameAs("readings", ["rows", { of: "sum", column: "paid" }, { of: "max", column: "seen" }]),
      "pass",
      "on both sides",
    ],
    ["other numbers elsewhere", sameAs("cities"), "fail", "rows 4 here, 2 there"],
    ["other numbers, near enough", sameAs("cities", ["rows"], { within: "100%" }), "pass", "on both sides"],
    ["another table that is not there", sameAs("nowhere"), "not-evaluated", "nowhere"],
  ]),
  ...of(emptyReadings, [
    ["an empty table is not fresh", freshness("arrived", "2h"), "fail", "nothing has arrived"],
    ["nor is any group of it", freshness("arrived", "2h", { per: ["id"] }), "fail", "nothing has arrived"],
    ["an empty table has no NULL", notNull("id"), "pass", "none of 0 rows"],
    ["but no share of them either", notNull("id", { fail: "1%" }), "not-evaluated", "cannot be computed"],
    ["an empty table repeats nothing", unique("id"), "pass", "none of 0 rows"],
    ["an empty table has no copies", noDuplicates(), "pass", "none of 0 rows"],
    ["an empty table has no rows", rowCount({ min: 1 }), "fail", "0 rows"],
    ["an empty table has no spread", drift("id", { bins: [2], baseline: [1, 1, 1] }), "not-evaluated", "no rows"],
    ["an empty table has no latency", latency(["seen", "seen"], { p50: "1s" }), "not-evaluated", "nothing to measure"],
    ["an empty table misses its day", expected("arrived", { by: "06:00" }), "fail", "2024-05-31 is missing"],
    [
      "no rows after some cannot be told from none after none",
      rowsLike("yesterday", { within: "10%", column: "arrived" }),
      "pass",
      "no rows, and none",
    ],
  ]),
  ...of(ahead, [
    [
      "a newest value in the future hides whether data still arrives",
      freshness("seen", "2h"),
      "fail",
      "the newest value 2024-06-02 12:00:00",
    ],
    ["a group's newest value in the future does, too", freshness("seen", "2h", { per: ["seen"] }), "fail", "1 of 2 values of seen"],
  ]),
  ...of({ ...readings, zone: "Europe/Paris" }, [
    // 11:00 in Paris is 09:00 UTC in summer: three hours before noon
    ["a zone-less time is read in the model's zone", freshness("seen", "2h"), "fail", "3 h old"],
  ]),
  ...of(loads, [
    ["rows that a second load repeated", noDuplicates({ except: ["loaded_at"] }), "fail", "3 of 7 rows are copies of another row"],
    ["rows that differ by when they were loaded", noDuplicates(), "pass", "none of 7 rows are copies of another row"],
  ]),
  ...of(events, [
    [
      "a number that never falls by station",
      monotonic("place", { by: "sent", per: ["station"] }),
      "fail",
      "1 of 7 rows have a place below the one before",
    ],
    [
      "a number that always rises, before it fell",
      monotonic("place", { by: "sent", per: ["station"], strictly: true }, { where: "stored is not null" }),
      "pass",
      "none of 6",
    ],
    [
      "each station is fresh",
      freshness("sent", "26h", { per: ["station"] }),
      "fail",
      "1 of 2 values of station have nothing of the last 26h",
    ],
    ["a station may fall silent", freshness("sent", "26h", { per: ["station"], fail: 1 }), "pass", "1 of 2 values"],
    [
      "yesterday's rows against the day before",
      rowsLike("yesterday", { within: "50%", column: "sent" }),
      "pass",
      "1 rows after 2 the day before: -50 %",
    ],
    [
      "yesterday's rows against the same weekday",
      rowsLike("same weekday", { within: "50%", column: "day" }),
      "fail",
      "1 rows after 3 the same weekday",
    ],
    ["yesterday's rows by a text that is a day", rowsLike("yesterday", { within: "10%", column: "dt" }), "fail", "1 rows after 2"],
    ["yesterday was due this morning", expected("sent", { by: "06:00" }), "pass", "2024-05-31 has 1 rows"],
    ["yesterday's partition was due", expected("dt", { by: "06:00", zone: "Europe/Paris" }), "pass", "2024-05-31 has 1 rows"],
    [
      "a deadline that has not come leaves the day before",
      expected("day", { by: "14:01", zone: "Europe/Paris" }),
      "pass",
      "2024-05-30 has 2 rows",
    ],
    ["fourteen o'clock in Paris is noon", expected("day", { by: "14:00", zone: "Europe/Paris" }), "pass", "2024-05-31 has 1 rows"],
    ["three days, one of them missing", expected("day", { by: "06:00", last: 3 }), "fail", "2024-05-29 is missing"],
    [
      "a holiday is not expected",
      expected("day", { by: "06:00", last: 2, calendar: { except: ["2024-05-31"] } }),
      "fail",
      "2024-05-29 is missing; due by",
    ],
    [
      "Thursdays and Fridays only",
      expected("day", { by: "06:00", last: 3, calendar: { days: ["thu", "fri"] } }),
      "pass",
      "the last 3 days are there",
    ],
    ["too few rows of a day", expected("day", { by: "06:00", min: 2 }), "fail", "2024-05-31 has 1 rows, 2 wanted"],
    [
      "latencies inside their bounds",
      latency(["sent", "stored"], { p50: "2s", max: "10s" }),
      "pass",
      "p50 1 s, 2s allowed; max 10 s, 10s allowed",
    ],
    ["a percentile that is too slow", latency(["sent", "stored"], { p95: "5s" }), "fail", "p95 8 s, 5s allowed"],
    [
      "rows that were not stored yet have no latency",
      latency(["sent", "stored"], { max: "1s" }, { where: "stored is null" }),
      "not-evaluated",
      "nothing to measure",
    ],
  ]),
  ...of(clocks, [
    [
      "a wall clock lacks the hour that summer time skips",
      completeSeries("wall", { every: "1h" }, { where: "wall < '2024-04-01'" }),
      "pass",
      "none of 4",
    ],
    ["and shows one hour twice in autumn", completeSeries("wall", { every: "1h" }, { where: "wall > '2024-10-01'" }), "pass", "none of 3"],
    [
      "an hour that is missing beside it",
      completeSeries("wall", { every: "1h" }, { where: "wall < '2024-04-01' and wall <> '2024-03-31 03:00:00'" }),
      "fail",
      "1 of 4",
    ],
    [
      "instants know nothing of summer time",
      completeSeries("stored", { every: "1h" }, { where: "stored < '2024-04-01'" }),
      "pass",
      "none of 4",
    ],
    [
      "a day in Paris begins before it does in Greenwich",
      rowCount({ min: 2, max: 2 }, { where: "stored < '2024-03-31 00:30:00'" }),
      "pass",
      "2 rows",
    ],
    ["what was stored before it was sent", latency(["sent", "stored"], { p50: "1s" }), "fail", "1 of 8 rows arrive before they left"],
  ]),
];

export interface TruthEngine {
  readonly name: string;
  readonly slot: AskableSlot;
  readonly quoting: Quoting;
}

/** Runs checks on a planted table as `dw check` would. */
export async function verdicts(
  engine: TruthEngine,
  checks: readonly AnyCheck[],
  model: Model = readings,
  past: readonly Past[] = [],
  sampleRows = 5,
) {
  const at = (name: string): CheckTable => {
    const { ident, literal } = engine.quoting;
    const zone = model.zone === undefined ? {} : { zone: model.zone };
    return {
      dialect: engine.slot.dialect,
      model: name,
      from: ident(name),
      columns: model.columns,
      key: ["id"],
      ...zone,
      now,
      table: ident,
      ident,
      literal,
    };
  };
  const around = { elsewhere: async (place: string) => ({ slot: engine.slot, table: at(place) }) };
  const terms: RunTerms = { now, signal: new AbortController().signal, past: async () => past, sampleRows };
  return runChecks([{ warehouse: "w", model, slot: engine.slot, table: at(model.name), checks, around }], terms);
}
