import type {
  AcceptedValuesSpec,
  AnomalySpec,
  AttainmentSpec,
  CheckOptions,
  Comparison,
  CompleteSeriesSpec,
  DriftSpec,
  ExpectedSpec,
  FreshnessSpec,
  LagSpec,
  LatencyBounds,
  LatencySpec,
  Learning,
  LengthSpec,
  MeasuredSpec,
  MessagesSpec,
  MonotonicSpec,
  NoDuplicatesSpec,
  NotNullSpec,
  PatternSpec,
  RangeSpec,
  ReconcileSpec,
  ReferenceSpec,
  RowChangeSpec,
  RowCountSpec,
  SchemaSpec,
  SqlSpec,
  StatisticSpec,
  UniqueSpec,
} from "../core/check-spec.js";

/* What authors write in `checks:`. Plain data out; no SQL, no engine. */

export function notNull<const C extends string>(column: C, options: CheckOptions = {}): NotNullSpec<C> {
  return { check: "not-null", column, ...options };
}

/** With `by` and `within`: repeated less than that apart in the column `by`. */
export function unique<const C extends string>(
  columns: C | readonly C[],
  options: CheckOptions & { readonly by?: C; readonly within?: string } = {},
): UniqueSpec<C> {
  return { check: "unique", columns: typeof columns === "string" ? [columns] : columns, ...options };
}

/** No row is there twice, all columns compared but `except`: what a repeated load leaves behind. */
export function noDuplicates<const C extends string>(options: CheckOptions & { readonly except?: readonly C[] } = {}): NoDuplicatesSpec<C> {
  return { check: "no-duplicates", ...options };
}

/** In the order of `by`, within each `per`, the column never falls; `strictly`: always rises. */
export function monotonic<const C extends string>(
  column: C,
  order: { readonly by: C; readonly per?: readonly C[]; readonly strictly?: boolean },
  options: CheckOptions = {},
): MonotonicSpec<C> {
  return { check: "monotonic", column, ...order, ...options };
}

/** The number of rows is within a share of yesterday's, or of the same weekday's; of whole days when `column` is given. */
export function rowsLike<const C extends string>(
  against: RowChangeSpec["against"],
  terms: { readonly within: `${number}%`; readonly column?: C } & Learning,
  options: CheckOptions = {},
): RowChangeSpec<C> {
  return { check: "row-change", against, ...terms, ...options };
}

/** The same numbers as at `place` (`MODEL`, `MODEL@ENGINE` or a SOURCE): rows, or sums, bounds, distinct values and NULLs of columns. */
export function sameAs<const C extends string>(
  place: string,
  compare: readonly Comparison<C>[] = ["rows"],
  options: CheckOptions & { readonly within?: `${number}%`; readonly theirWhere?: string } = {},
): ReconcileSpec<C> {
  return { check: "reconcile", with: place, compare, ...options };
}

/** Values are spread over `bins` as in the baseline. */
export function drift<const C extends string>(
  column: C,
  terms: Omit<DriftSpec<C>, "check" | "column" | keyof CheckOptions>,
  options: CheckOptions = {},
): DriftSpec<C> {
  return { check: "drift", column, ...terms, ...options };
}

/** The table that is there has the model's columns and types. */
export function schema(options: CheckOptions & { readonly others?: "allowed" } = {}): SchemaSpec {
  return { check: "schema", ...options };
}

/** Rows of each day of the calendar are there by a clock time of the zone. */
export function expected<const C extends string>(
  column: C,
  terms: Omit<ExpectedSpec<C>, "check" | "column" | keyof CheckOptions>,
  options: CheckOptions = {},
): ExpectedSpec<C> {
  return { check: "expected", column, ...terms, ...options };
}

/** Percentiles of the time between two columns, or of a column of milliseconds. */
export function latency<const C extends string>(
  between: readonly [C, C] | C,
  within: LatencyBounds,
  options: CheckOptions = {},
): LatencySpec<C> {
  return { check: "latency", between, within, ...options };
}

/** What another check measures is as usual. */
export function anomaly<const C extends string>(
  of: MeasuredSpec<C>,
  terms: Omit<AnomalySpec<C>, "check" | "of" | keyof CheckOptions> = {},
  options: CheckOptions = {},
): AnomalySpec<C> {
  return { check: "anomaly", of, ...terms, ...options };
}

/** Another check of the model, by its name, passed during at least `min` of the last `over`. */
export function attained(
  of: string,
  terms: { readonly over: string; readonly min: `${number}%` } & Learning,
  options: CheckOptions = {},
): AttainmentSpec {
  return { check: "attainment", of, ...terms, ...options };
}

/** A consumer group is at most `max` messages behind. */
export function lag(group: string, max: number, options: CheckOptions = {}): LagSpec {
  return { check: "lag", group, max, ...options };
}

/** The newest messages of a topic have the model's columns and types. */
export function messages(options: CheckOptions & { readonly last?: number } = {}): MessagesSpec {
  return { check: "messages", ...options };
}

export function acceptedValues<const C extends string>(
  column: C,
  values: readonly (string | number | boolean)[],
  options: CheckOptions = {},
): AcceptedValuesSpec<C> {
  return { check: "accepted-values", column, values, ...options };
}

export function range<const C extends string>(
  column: C,
  bounds: { readonly min?: number | string; readonly max?: number | string },
  options: CheckOptions = {},
): RangeSpec<C> {
  return { check: "range", column, ...bounds, ...options };
}

export function pattern<const C extends string>(column: C, matches: string, options: CheckOptions = {}): PatternSpec<C> {
  return { check: "pattern", column, matches, ...options };
}

export function textLength<const C extends string>(
  column: C,
  bounds: { readonly min?: number; readonly max?: number },
  options: CheckOptions = {},
): LengthSpec<C> {
  return { check: "length", column, ...bounds, ...options };
}

export function statistic<const C extends string>(
  column: C,
  of: StatisticSpec["of"],
  bounds: { readonly min?: number; readonly max?: number; readonly at?: number },
  options: CheckOptions = {},
): StatisticSpec<C> {
  return { check: "statistic", column, of, ...bounds, ...options };
}

export function completeSeries<const C extends string>(
  column: C,
  series: { readonly every: string; readonly per?: readonly C[] },
  options: CheckOptions = {},
): CompleteSeriesSpec<C> {
  return { check: "complete-series", column, ...series, ...options };
}

export function rowCount(bounds: { readonly min?: number; readonly max?: number }, options: CheckOptions = {}): RowCountSpec {
  return { check: "row-count", ...bounds, ...options };
}

export function references<const C extends string>(
  columns: C | readonly C[],
  model: { readonly name: string } | string,
  to: string | readonly string[],
  options: CheckOptions = {},
): ReferenceSpec<C> {
  return {
    check: "reference",
    columns: typeof columns === "string" ? [columns] : columns,
    model: typeof model === "string" ? model : model.name,
    to: typeof to === "string" ? [to] : to,
    ...options,
  };
}

/** With `per`, each partition, station or shop has to be fresh. */
export function freshness<const C extends string>(
  column: C,
  within: string,
  options: CheckOptions & { readonly per?: readonly C[] } = {},
): FreshnessSpec<C> {
  return { check: "freshness", column, within, ...options };
}

/** The query returns the rows that are wrong. */
export function noRows(sql: SqlSpec["sql"], options: CheckOptions = {}): SqlSpec {
  return { check: "sql", sql, expect: "rows", ...options };
}

/** The query returns one number between `min` and `max`. */
export function number(sql: SqlSpec["sql"], bounds: { readonly min?: number; readonly max?: number }, options: CheckOptions = {}): SqlSpec {
  return { check: "sql", sql, expect: "number", ...bounds, ...options };
}
