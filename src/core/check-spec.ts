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
}

export interface NotNullSpec<C extends string = string> extends CheckOptions {
  readonly check: "not-null";
  readonly column: C;
}

/** Rows in which any of the columns is NULL do not count, as in SQL's UNIQUE. */
export interface UniqueSpec<C extends string = string> extends CheckOptions {
  readonly check: "unique";
  readonly columns: readonly C[];
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
  | SqlSpec;
