import type { Hole } from "../../core/catalog.js";
import type { PostgresIndex, PostgresTableOptions, PostgresViewOptions } from "../postgres/options.js";

type PerEnvironment<T> = T | Hole;

/** Columnstore settings of a hypertable or continuous aggregate. `after` starts the policy that converts chunks. */
export interface Columnstore<C extends string> {
  readonly segmentBy?: readonly C[];
  readonly orderBy?: readonly (C | { readonly column: C; readonly order: "asc" | "desc" })[];
  readonly after?: PerEnvironment<string>;
  /** Sparse indexes over compressed batches (TimescaleDB 2.22): equality, and ranges. */
  readonly bloom?: readonly C[];
  readonly minmax?: readonly C[];
}

interface HashDimension<C extends string> {
  readonly column: C;
  readonly partitions: number;
}

/** What a table model can say for TimescaleDB. Without `timeColumn` it is a plain table. */
export interface TimescaleTableOptions<C extends string> extends PostgresTableOptions<C> {
  /** Makes the table a hypertable, partitioned by this column. */
  readonly timeColumn?: C;
  /** `7 days`; affects future chunks only. */
  readonly chunkInterval?: PerEnvironment<string>;
  /** Hash dimensions; what is unique has to contain their columns. */
  readonly spaceBy?: HashDimension<C> | readonly HashDimension<C>[];
  readonly columnstore?: Columnstore<C>;
  /** Columns whose range is kept for each chunk of the columnstore; queries need `timescaledb.enable_chunk_skipping`. */
  readonly chunkSkipping?: readonly C[];
  /** Writes older chunks again in the order of this index. */
  readonly reorderBy?: string;
  /** Drops chunks older than this. */
  readonly retention?: PerEnvironment<string>;
}

/** What a materialized view model can say for TimescaleDB: a continuous aggregate. */
export interface TimescaleAggregateOptions<C extends string> extends PostgresViewOptions {
  /** False: queries also see rows that were not materialized yet (real-time). */
  readonly materializedOnly?: boolean;
  readonly refresh?: {
    readonly startOffset: PerEnvironment<string> | null;
    readonly endOffset: PerEnvironment<string> | null;
    readonly every: PerEnvironment<string>;
    /** With `initialStart` (an instant in ISO 8601) the schedule keeps its time of day, in this zone. */
    readonly timezone?: string;
    readonly initialStart?: string;
    /** Since TimescaleDB 2.19: a run refreshes in batches, at most so many. */
    readonly bucketsPerBatch?: number;
    readonly maxBatches?: number;
    /** Since TimescaleDB 2.20. */
    readonly newestFirst?: boolean;
    readonly includeTiered?: boolean;
  };
  readonly columnstore?: Columnstore<C>;
  readonly retention?: PerEnvironment<string>;
  readonly indexes?: readonly PostgresIndex<C>[];
}
