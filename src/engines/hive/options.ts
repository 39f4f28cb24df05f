import type { Hole } from "../../core/catalog.js";

type PerEnvironment<T> = T | Hole;

/** File formats of `STORED AS`. JSONFILE needs Hive 4.0. */
export type HiveFormat = "textfile" | "sequencefile" | "rcfile" | "orc" | "parquet" | "avro" | "jsonfile";

interface Placed {
  readonly database?: PerEnvironment<string>;
  /** Name in the engine when it is not the model's. */
  readonly name?: string;
}

interface Stored {
  readonly storedAs?: HiveFormat;
  /** Where the files lie: `hdfs://lake/sales/orders`. */
  readonly location?: PerEnvironment<string>;
  /** `TBLPROPERTIES` by Hive's own names. */
  readonly properties?: Readonly<Record<string, PerEnvironment<string>>>;
}

/** What a table model can say for Hive. Clause by clause as in CREATE TABLE of the Hive language manual. */
export interface HiveTableOptions<C extends string> extends Placed, Stored {
  /** External: the files belong to somebody else and outlive the table. Transactional: managed, ACID, ORC unless insert-only. */
  readonly table: "managed" | "external" | "transactional";
  /** Columns of the model that are directories instead of values in files; they come last in the table, in this order. */
  readonly partitionedBy?: readonly C[];
  readonly clusteredBy?: readonly C[];
  readonly sortedBy?: readonly (C | { readonly column: C; readonly order: "asc" | "desc" })[];
  readonly buckets?: number;
  readonly skewedBy?: {
    readonly columns: readonly C[];
    /** One tuple a skewed value; a tuple has one text a column. */
    readonly values: readonly (readonly string[])[];
    readonly asDirectories?: boolean;
  };
  /** A storage handler instead of a format. */
  readonly storedBy?: "iceberg" | { readonly handler: string };
  /** `ROW FORMAT SERDE`. */
  readonly serde?: { readonly class: string; readonly properties?: Readonly<Record<string, string>> };
  /** `ROW FORMAT DELIMITED`; only for text and sequence files. */
  readonly delimited?: {
    readonly fields?: string;
    readonly escape?: string;
    readonly items?: string;
    readonly mapKeys?: string;
    readonly nullAs?: string;
  };
  /**
   * How NOT NULL is meant. `enforce`: Hive refuses rows (managed tables only). `rely`: DISABLE NOVALIDATE RELY, which the
   * optimizer trusts. `none`: not said. Default: `enforce`, and `none` for external tables.
   */
  readonly notNull?: "enforce" | "rely" | "none";
}

export interface HiveViewOptions extends Placed {}

export interface HiveMaterializedViewOptions<C extends string> extends Placed, Stored {
  readonly partitionedBy?: readonly C[];
  /** Whether the optimizer may answer queries from it. Default: true. */
  readonly rewrite?: boolean;
}
