import type { Hole } from "../../core/catalog.js";
import type { ColumnsPartition, HashDistribution, RandomDistribution, TimePartition, TimeUnit } from "../../core/layout.js";

type PerEnvironment<T> = T | Hole;

/** `PARTITION BY RANGE (…)` with partitions that are named one by one. A bound that is left out is open. */
export interface RangePartitions<C extends string> {
  readonly by: "range";
  readonly columns: readonly C[];
  readonly partitions: readonly {
    readonly name: string;
    /** One value a partition column. */
    readonly from?: readonly string[];
    readonly to?: readonly string[];
  }[];
}

/** `PARTITION BY LIST (…)`. */
export interface ListPartitions<C extends string> {
  readonly by: "list";
  readonly columns: readonly C[];
  readonly partitions: readonly { readonly name: string; readonly values: readonly (readonly (string | null)[])[] }[];
}

/** Any other partition expression, as StarRocks SQL: `time_slice(at, INTERVAL 7 DAY)`. */
export interface SqlPartition {
  readonly by: "sql";
  readonly expressions: readonly string[];
}

/** Partitions that the engine makes ahead of time; needs `partitionBy` of kind `range`. Properties `dynamic_partition.*`. */
export interface DynamicPartitions {
  readonly unit: TimeUnit;
  /** How many units back partitions are kept, as a negative number; absent: for ever. */
  readonly start?: PerEnvironment<number>;
  /** How many units ahead partitions are made. */
  readonly end: PerEnvironment<number>;
  readonly prefix?: string;
  readonly buckets?: PerEnvironment<number>;
  readonly timeZone?: string;
  /** How many units back partitions are made at once. */
  readonly history?: number;
  readonly startDayOfWeek?: 1 | 2 | 3 | 4 | 5 | 6 | 7;
  readonly startDayOfMonth?: number;
  readonly replication?: PerEnvironment<number>;
  readonly enabled?: PerEnvironment<boolean>;
}

export interface StarrocksIndex<C extends string> {
  /** Made from the column when absent. */
  readonly name?: string;
  readonly column: C;
  readonly using: "bitmap" | "ngram" | "inverted" | "vector";
  readonly properties?: Readonly<Record<string, string>>;
  readonly comment?: string;
}

interface Storage {
  readonly database?: PerEnvironment<string>;
  /** Name in the engine when it is not the model's. */
  readonly name?: string;
  /** Copies of each tablet; the cluster's default when absent. */
  readonly replication?: PerEnvironment<number>;
  readonly compression?: "lz4" | "zstd" | "snappy" | "zlib";
  readonly colocateWith?: string;
  /** Drops partitions older than this: `12 MONTH`. */
  readonly partitionTtl?: PerEnvironment<string>;
  /** Any other property by StarRocks's own name. */
  readonly properties?: Readonly<Record<string, PerEnvironment<string>>>;
}

/** What a table model can say for StarRocks. Clause by clause as in CREATE TABLE of the StarRocks manual. */
export interface StarrocksTableOptions<C extends string> extends Storage {
  readonly table: "duplicate" | "aggregate" | "unique" | "primary";
  /** Key columns; the model's key when absent. They come first in the table, in this order. */
  readonly key?: readonly C[];
  /** Aggregate function of each value column of an aggregate table: SUM, MIN, MAX, REPLACE, … */
  readonly aggregate?: Readonly<Partial<Record<C, string>>>;
  readonly autoIncrement?: C;
  readonly partitionBy?: TimePartition<C> | ColumnsPartition<C> | RangePartitions<C> | ListPartitions<C> | SqlPartition;
  readonly dynamicPartitions?: DynamicPartitions;
  /** Keeps only the newest partitions. */
  readonly partitionLiveNumber?: PerEnvironment<number>;
  /** Keeps partitions for which this SQL is true (from 3.5). */
  readonly partitionRetention?: PerEnvironment<string>;
  readonly distributeBy?: HashDistribution<C> | RandomDistribution;
  readonly orderBy?: readonly C[];
  readonly bloomFilter?: readonly C[];
  readonly bitmapIndexes?: readonly C[];
  readonly indexes?: readonly StarrocksIndex<C>[];
  /** Primary-key index on disk (`enable_persistent_index`). */
  readonly persistentIndex?: boolean;
}

/** What a materialized view model can say for StarRocks: an asynchronous materialized view. */
export interface StarrocksMaterializedViewOptions<C extends string> extends Storage {
  /** `async`: whenever a base table changes; `every`: `1 HOUR`; `start`: `2031-01-02 03:04:05`. */
  readonly refresh: "manual" | "async" | { readonly every: string; readonly start?: string };
  /** Filled by the first refresh instead of at creation. */
  readonly deferred?: boolean;
  readonly partitionBy?: TimePartition<C> | ColumnsPartition<C> | SqlPartition;
  readonly distributeBy?: HashDistribution<C> | RandomDistribution;
  readonly orderBy?: readonly C[];
}

export interface StarrocksViewOptions {
  readonly database?: PerEnvironment<string>;
  readonly name?: string;
}
