import type { Hole } from "../../core/catalog.js";

type PerEnvironment<T> = T | Hole;

export interface PostgresIndex<C extends string> {
  /** Made from table and columns when absent. */
  readonly name?: string;
  readonly columns: readonly (C | { readonly column: C; readonly order: "asc" | "desc" })[];
  readonly unique?: boolean;
  readonly method?: "btree" | "hash" | "gin" | "gist" | "brin";
  readonly where?: string;
}

/** A value of a partition's bound: dates and times as ISO 8601 (UTC without an offset), wide numbers as text. */
export type PartitionValue = string | number | boolean;
/** `{ min: true }` and `{ max: true }`: below and above every value. */
export type PartitionEdge = PartitionValue | { readonly min: true } | { readonly max: true };

interface PartitionBase<C extends string> {
  readonly name: string;
  /** It is partitioned again. */
  readonly partitionBy?: PostgresPartitioning<C>;
}

export interface RangePartition<C extends string> extends PartitionBase<C> {
  /** Included; below every value when absent. Several columns: one value each. */
  readonly from?: PartitionEdge | readonly PartitionEdge[];
  /** Excluded; above every value when absent. */
  readonly to?: PartitionEdge | readonly PartitionEdge[];
}

export interface ListPartition<C extends string> extends PartitionBase<C> {
  readonly values: readonly (PartitionValue | null)[];
}

interface PartitioningBase<C extends string> {
  /** Name of the partition for rows that no other takes. */
  readonly default?: string;
  /** How each partition is partitioned that says nothing of its own. */
  readonly each?: PostgresPartitioning<C>;
}

/**
 * Partitions are named, or made `every` step (`1 month`, `7 days`, or a number) between two values; a larger `until` is more
 * partitions in the next migration. Generated names are the table's with the first value behind it: `orders_2024_01`.
 */
export interface RangePartitioning<C extends string> extends PartitioningBase<C> {
  readonly by: "range";
  readonly columns: readonly C[];
  readonly partitions?: readonly RangePartition<C>[];
  readonly every?: { readonly step: string | number; readonly from: string | number; readonly until: string | number };
}

export interface ListPartitioning<C extends string> extends PartitioningBase<C> {
  readonly by: "list";
  readonly columns: readonly [C];
  readonly partitions?: readonly ListPartition<C>[];
}

/** So many partitions by the hash of the columns: `orders_0` to `orders_7`. */
export interface HashPartitioning<C extends string> {
  readonly by: "hash";
  readonly columns: readonly C[];
  readonly modulus: number;
  /** By remainder, where they are called otherwise. */
  readonly names?: readonly string[];
  readonly each?: PostgresPartitioning<C>;
}

/** Native partitioning (PostgreSQL manual, 5.12). */
export type PostgresPartitioning<C extends string> = RangePartitioning<C> | ListPartitioning<C> | HashPartitioning<C>;

/** What a table model can say for PostgreSQL; TimescaleDB adds to it. */
export interface PostgresTableOptions<C extends string> {
  readonly schema?: PerEnvironment<string>;
  readonly name?: string;
  readonly indexes?: readonly PostgresIndex<C>[];
  readonly partitionBy?: PostgresPartitioning<C>;
}

export interface PostgresViewOptions {
  readonly schema?: PerEnvironment<string>;
  readonly name?: string;
}

export interface PostgresMaterializedViewOptions<C extends string> extends PostgresViewOptions {
  readonly indexes?: readonly PostgresIndex<C>[];
}

export interface PostgresFunctionOptions extends PostgresViewOptions {}
