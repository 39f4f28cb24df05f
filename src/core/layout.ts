/** Physical layout words shared by engines' options. `C` is the union of the model's column names. */

export type TimeUnit = "hour" | "day" | "week" | "month" | "year";

export interface TimePartition<C extends string> {
  readonly by: "time";
  readonly column: C;
  readonly unit: TimeUnit;
}

export interface ColumnsPartition<C extends string> {
  readonly by: "columns";
  readonly columns: readonly C[];
}

export interface HashDistribution<C extends string> {
  readonly by: "hash";
  readonly columns: readonly C[];
  /** Number of buckets; the engine decides when absent. */
  readonly buckets?: number;
}

export interface RandomDistribution {
  readonly by: "random";
  readonly buckets?: number;
}
