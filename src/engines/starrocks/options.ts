import type { Hole } from "../../core/catalog.js";
import type { ColumnsPartition, HashDistribution, RandomDistribution, TimePartition } from "../../core/layout.js";

type PerEnvironment<T> = T | Hole;

/** What a table model can say for StarRocks. Clause by clause as in CREATE TABLE of the StarRocks manual. */
export interface StarrocksTableOptions<C extends string> {
  readonly database?: PerEnvironment<string>;
  /** Table name in the engine when it is not the model's. */
  readonly name?: string;
  readonly table: "duplicate" | "aggregate" | "unique" | "primary";
  /** Key columns; the model's key when absent. */
  readonly key?: readonly C[];
  /** Aggregate function of each value column of an aggregate table: SUM, MIN, MAX, REPLACE, … */
  readonly aggregate?: Readonly<Partial<Record<C, string>>>;
  readonly partitionBy?: TimePartition<C> | ColumnsPartition<C>;
  readonly distributeBy?: HashDistribution<C> | RandomDistribution;
  readonly orderBy?: readonly C[];
  readonly bloomFilter?: readonly C[];
  readonly bitmapIndexes?: readonly C[];
  readonly properties?: Readonly<Record<string, PerEnvironment<string>>>;
}

/** What a materialized view model can say for StarRocks (asynchronous unless `synchronous`). */
export interface StarrocksMaterializedViewOptions<C extends string> {
  readonly database?: PerEnvironment<string>;
  readonly name?: string;
  readonly refresh: "manual" | "async" | { readonly every: string; readonly start?: string };
  readonly partitionBy?: TimePartition<C> | ColumnsPartition<C>;
  readonly distributeBy?: HashDistribution<C> | RandomDistribution;
  readonly orderBy?: readonly C[];
  readonly properties?: Readonly<Record<string, PerEnvironment<string>>>;
}

export interface StarrocksViewOptions {
  readonly database?: PerEnvironment<string>;
  readonly name?: string;
}
