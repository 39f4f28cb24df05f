import type {
  AcceptedValuesSpec,
  CheckOptions,
  CompleteSeriesSpec,
  FreshnessSpec,
  LengthSpec,
  NotNullSpec,
  PatternSpec,
  RangeSpec,
  ReferenceSpec,
  RowCountSpec,
  SqlSpec,
  StatisticSpec,
  UniqueSpec,
} from "../core/check-spec.js";

/* What authors write in `checks:`. Plain data out; no SQL, no engine. */

export function notNull<const C extends string>(column: C, options: CheckOptions = {}): NotNullSpec<C> {
  return { check: "not-null", column, ...options };
}

export function unique<const C extends string>(columns: C | readonly C[], options: CheckOptions = {}): UniqueSpec<C> {
  return { check: "unique", columns: typeof columns === "string" ? [columns] : columns, ...options };
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

export function freshness<const C extends string>(column: C, within: string, options: CheckOptions = {}): FreshnessSpec<C> {
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
