import type { Severity } from "./model.js";

/*
 * Checks as authors write them, one interface a kind, typed over the model's column names `C`, so that a misspelt column
 * does not compile. checks/define.ts makes them; checks/<kind>.ts compiles and judges them.
 */

/** Rows as a number, a share of the rows as `"0.5%"`, or both: exceeded when either is. */
export type Threshold = number | `${number}%` | { readonly rows: number; readonly share: `${number}%` };

export interface CheckOptions {
  /** Says what is promised, in the words of the table's readers; part of history and alerts. */
  readonly name?: string;
  readonly severity?: Severity;
  readonly tags?: readonly string[];
  readonly owner?: string;
  /** How much this check counts in the score of its layer; 1 when absent. */
  readonly weight?: number;
  /** SQL predicate in the engine's dialect: only these rows count. */
  readonly where?: string;
  /** Warn above this many violations; without `warn` and `fail` every violation counts, by `severity`. */
  readonly warn?: Threshold;
  readonly fail?: Threshold;
  /** Rows whose `column` is younger than `by` may still change: they are not judged yet. */
  readonly late?: { readonly column: string; readonly by: string };
  /** Only rows whose `column` lies in the last `last`. Where it is the table's partition column, only those partitions are read. */
  readonly recent?: { readonly column: string; readonly last: string };
  /** Judges a random share of the rows, and says so. Only kinds that count rows one by one can. */
  readonly sample?: `${number}%`;
  /** Until that day (`2026-12-31`, included, UTC) a violation is shown and remembered, but fails no run, no score and alerts nobody. */
  readonly suppress?: { readonly until: string; readonly reason: string };
}

export interface NotNullSpec<C extends string = string> extends CheckOptions {
  readonly check: "not-null";
  readonly column: C;
}

/**
 * Rows in which any of the columns is NULL do not count, as in SQL's UNIQUE. With `within`, two rows repeat each other only
 * when they are less than that apart in the column `by`: the same sensor may say the same again tomorrow.
 */
export interface UniqueSpec<C extends string = string> extends CheckOptions {
  readonly check: "unique";
  readonly columns: readonly C[];
  readonly by?: C;
  readonly within?: string;
}

/**
 * No row is there twice, whatever the key: what a load that was repeated leaves behind. Rows are equal when all columns but
 * `except` are; here NULL equals NULL. Columns of type json are not compared.
 */
export interface NoDuplicatesSpec<C extends string = string> extends CheckOptions {
  readonly check: "no-duplicates";
  readonly except?: readonly C[];
}

/** In the order of `by`, within each `per`, the column never falls (`strictly`: always rises). Rows with a NULL do not count. */
export interface MonotonicSpec<C extends string = string> extends CheckOptions {
  readonly check: "monotonic";
  readonly column: C;
  readonly by: C;
  readonly per?: readonly C[];
  readonly strictly?: boolean;
}

/** NULL is not a violation; say not-null too where it is. */
export interface AcceptedValuesSpec<C extends string = string> extends CheckOptions {
  readonly check: "accepted-values";
  readonly column: C;
  readonly values: readonly (string | number | boolean)[];
}

/** Bounds are inclusive; NULL is not a violation, NaN is. Decimals, dates and timestamps as text. */
export interface RangeSpec<C extends string = string> extends CheckOptions {
  readonly check: "range";
  readonly column: C;
  readonly min?: number | string;
  readonly max?: number | string;
}

/** The whole text matches a regular expression (RE2 syntax where the engine has it, else the engine's own). NULL is not a violation. */
export interface PatternSpec<C extends string = string> extends CheckOptions {
  readonly check: "pattern";
  readonly column: C;
  readonly matches: string;
}

/** Characters of a text, bounds inclusive. NULL is not a violation. */
export interface LengthSpec<C extends string = string> extends CheckOptions {
  readonly check: "length";
  readonly column: C;
  readonly min?: number;
  readonly max?: number;
}

/**
 * One number over the column lies between `min` and `max`. Shares are of all rows, 0 to 1; `stddev` is the sample's;
 * `quantile` needs `at` (0.5 is the median). Without rows the number does not exist: not evaluated.
 */
export interface StatisticSpec<C extends string = string> extends CheckOptions {
  readonly check: "statistic";
  readonly column: C;
  readonly of: "mean" | "stddev" | "sum" | "min" | "max" | "distinct" | "null-share" | "zero-share" | "quantile";
  readonly at?: number;
  readonly min?: number;
  readonly max?: number;
}

/**
 * Every group (`per`) has a row in each interval between its first and its last one: the missing hours of a station.
 * `every` is a duration of at least a second.
 */
export interface CompleteSeriesSpec<C extends string = string> extends CheckOptions {
  readonly check: "complete-series";
  readonly column: C;
  readonly every: string;
  readonly per?: readonly C[];
}

export interface RowCountSpec extends CheckOptions {
  readonly check: "row-count";
  readonly min?: number;
  readonly max?: number;
}

/** A check that compares with what it remembers: what it says before it remembers enough; not-evaluated when absent. */
export interface Learning {
  readonly learning?: "warn" | "not-evaluated";
}

/**
 * The number of rows is near an earlier one: at most `within` (a share of the earlier) away. With `column`, the last whole day
 * of it (in the column's zone) is compared with the day or the week before, from the rows themselves; without, the table's
 * size with what an earlier run remembered about a day or a week ago.
 */
export interface RowChangeSpec<C extends string = string> extends CheckOptions, Learning {
  readonly check: "row-change";
  readonly against: "yesterday" | "same weekday";
  readonly within: `${number}%`;
  readonly column?: C;
}

/** One number of both sides. `as` is the column's name on the other side, when it is another. */
export type Comparison<C extends string = string> =
  | "rows"
  | { readonly of: "sum" | "min" | "max" | "distinct" | "nulls"; readonly column: C; readonly as?: string };

/**
 * The same numbers here and at `with`: `MODEL`, `MODEL@ENGINE` or a SOURCE (`pgsource:public.orders`, `iceberg:PATH`). Exact
 * numbers are equal, or within `within` of theirs; floats always have a billionth.
 */
export interface ReconcileSpec<C extends string = string> extends CheckOptions {
  readonly check: "reconcile";
  readonly with: string;
  readonly compare: readonly Comparison<C>[];
  readonly within?: `${number}%`;
  /** SQL predicate in the other side's dialect. */
  readonly theirWhere?: string;
}

/**
 * The values are spread as they were: the population stability index, or Kolmogorov and Smirnov's distance, between counts by
 * bin now and in the baseline, is at most `max` (0.2 and 0.1 when absent). `bins` are ascending inner edges of a number
 * column, or values of a text column; NULL and other values are bins of their own. The baseline is `baseline` (a count a
 * bin, then others, then NULL), else the earliest remembered counts, not before `since`.
 */
export interface DriftSpec<C extends string = string> extends CheckOptions, Learning {
  readonly check: "drift";
  readonly column: C;
  readonly bins: readonly number[] | readonly string[];
  readonly by?: "psi" | "ks";
  readonly max?: number;
  readonly baseline?: readonly number[];
  /** `2026-01-31`, UTC. */
  readonly since?: string;
}

/** The table that is there has the model's columns with their types, and no others unless `others` allows them. */
export interface SchemaSpec extends CheckOptions {
  readonly check: "schema";
  readonly others?: "allowed";
}

export type Weekday = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";

/** Days on which nothing is expected are left out. */
export interface Calendar {
  /** All seven when absent. */
  readonly days?: readonly Weekday[];
  /** Holidays: `2026-05-01`. */
  readonly except?: readonly string[];
}

/**
 * Rows of each day of the calendar are there by a clock time of the zone: those of Monday by `by` on Tuesday (`after: 1`, days
 * later). Looks at the last `last` days that are due (1 when absent); each has `min` rows (1). The column is a date, a
 * timestamp, a text that begins with YYYY-MM-DD or a number YYYYMMDD.
 */
export interface ExpectedSpec<C extends string = string> extends CheckOptions {
  readonly check: "expected";
  readonly column: C;
  readonly by: string;
  /** IANA; the column's own when absent. */
  readonly zone?: string;
  readonly after?: number;
  readonly last?: number;
  readonly min?: number;
  readonly calendar?: Calendar;
}

export type LatencyBounds = Readonly<Partial<Record<"p50" | "p90" | "p95" | "p99" | "max", string>>>;

/**
 * Percentiles (interpolated) of the time between two timestamps of a row, or of a column of milliseconds, are at most these durations. Rows
 * in which one is missing do not count; a row that arrives before it left violates.
 */
export interface LatencySpec<C extends string = string> extends CheckOptions {
  readonly check: "latency";
  readonly between: readonly [C, C] | C;
  readonly within: LatencyBounds;
}

/** A stretch of time that is not learnt from: `from` and `to` are ISO-8601, both included. */
export interface Exclusion {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/**
 * What another check measures (a count, a share of violations, a statistic, an age in seconds, a query's number) is as usual:
 * its robust z-score against what this check itself remembers is at most `sensitivity` (3.5). `season` compares with the
 * same hour, weekday or day of the month only. Fewer than `atLeast` (7) values: still learning.
 */
export interface AnomalySpec<C extends string = string> extends CheckOptions, Learning {
  readonly check: "anomaly";
  readonly of: MeasuredSpec<C>;
  readonly sensitivity?: number;
  readonly direction?: "both" | "up" | "down";
  readonly season?: "hour of day" | "day of week" | "day of month";
  /** IANA zone of the season's clock; UTC when absent. */
  readonly zone?: string;
  /** How far back values are learnt from; 60 days when absent. */
  readonly training?: string;
  readonly atLeast?: number;
  readonly exclude?: readonly Exclusion[];
  /** A difference from the usual value below this is never an anomaly. */
  readonly tolerance?: number;
}

/**
 * Another check of the model passed (or warned) during at least `min` of the last `over`: each remembered outcome holds until
 * the next one. What was not evaluated did not pass; the time before the first outcome does not count.
 */
export interface AttainmentSpec extends CheckOptions, Learning {
  readonly check: "attainment";
  /** The other check's name. */
  readonly of: string;
  readonly over: string;
  readonly min: `${number}%`;
}

/** A consumer group has at most `max` messages still to read in the topic. */
export interface LagSpec extends CheckOptions {
  readonly check: "lag";
  readonly group: string;
  readonly max: number;
}

/** The newest `last` messages of each partition (100 when absent) have the model's columns and types. */
export interface MessagesSpec extends CheckOptions {
  readonly check: "messages";
  readonly last?: number;
}

/** Every combination of values (without NULL) exists in the other model. */
export interface ReferenceSpec<C extends string = string> extends CheckOptions {
  readonly check: "reference";
  readonly columns: readonly C[];
  readonly model: string;
  readonly to: readonly string[];
}

/** The newest value is no older than `within` (`26h`, `5 min`). An empty table and a newest value in the future fail. */
export interface FreshnessSpec<C extends string = string> extends CheckOptions {
  readonly check: "freshness";
  readonly column: C;
  readonly within: string;
  /** Each partition, station or shop has to be fresh: thresholds count those that are not. */
  readonly per?: readonly C[];
}

/**
 * The author's own query, in the dialects that it is meant for. `rows`: it returns the violating rows. `number`: it
 * returns one number that must lie between `min` and `max`. `${model}` holes are resolved by defineCheck's `sql` bodies.
 */
export interface SqlSpec extends CheckOptions {
  readonly check: "sql";
  readonly sql: string | { readonly [dialect: string]: string };
  readonly expect?: "rows" | "number";
  readonly min?: number;
  readonly max?: number;
}

/** Checks that measure a number, which can be as usual or not. */
export type MeasuredSpec<C extends string = string> = Exclude<AnyCheck<C>, { check: "anomaly" | "attainment" | "schema" | "reconcile" }>;

export type AnyCheck<C extends string = string> =
  | NotNullSpec<C>
  | UniqueSpec<C>
  | AcceptedValuesSpec<C>
  | RangeSpec<C>
  | PatternSpec<C>
  | LengthSpec<C>
  | StatisticSpec<C>
  | CompleteSeriesSpec<C>
  | RowCountSpec
  | ReferenceSpec<C>
  | FreshnessSpec<C>
  | NoDuplicatesSpec<C>
  | MonotonicSpec<C>
  | RowChangeSpec<C>
  | ReconcileSpec<C>
  | DriftSpec<C>
  | SchemaSpec
  | ExpectedSpec<C>
  | LatencySpec<C>
  | AnomalySpec<C>
  | AttainmentSpec
  | LagSpec
  | MessagesSpec
  | SqlSpec;
