import type { ColumnsPartition, HashDistribution, RandomDistribution, TimePartition, TimeUnit } from "../core/layout.js";

export type { ColumnsPartition, HashDistribution, RandomDistribution, TimePartition, TimeUnit };

const time =
  (unit: TimeUnit) =>
  <const C extends string>(column: C): TimePartition<C> => ({ by: "time", column, unit });

/** One partition an hour, day, week, month or year of a date or timestamp column. */
export const hour = time("hour");
export const day = time("day");
export const week = time("week");
export const month = time("month");
export const year = time("year");

/** One partition a distinct combination of values. */
export function values<const C extends string>(...columns: readonly C[]): ColumnsPartition<C> {
  return { by: "columns", columns };
}

export function hash<const C extends string>(columns: readonly C[], buckets?: number): HashDistribution<C> {
  return buckets === undefined ? { by: "hash", columns } : { by: "hash", columns, buckets };
}

export function random(buckets?: number): RandomDistribution {
  return buckets === undefined ? { by: "random" } : { by: "random", buckets };
}
