import type { Hole } from "../../core/catalog.js";

type PerEnvironment<T> = T | Hole;

/** A table that Flink reads or writes through a connector. `WITH` as in the connector's manual. */
export interface FlinkTableOptions<C extends string> {
  /** Name in Flink when it is not the model's. */
  readonly name?: string;
  /** `kafka`, `upsert-kafka`, `mysql-cdc`, `starrocks`, `jdbc`, … */
  readonly connector: string;
  /** By the connector's own names. Secrets as variables of the platform that runs the job: `${MYSQL_PASSWORD}`. */
  readonly properties?: Readonly<Record<string, PerEnvironment<string>>>;
  /** Event time: rows may be later than others by `delay`, such as `5 SECOND`. */
  readonly watermark?: { readonly column: C; readonly delay: string };
  /** Columns that the connector fills: `{ read_at: "timestamp" }`. */
  readonly metadata?: Readonly<Partial<Record<C, string>>>;
  readonly partitionedBy?: readonly C[];
  /** False: the model's key is not said to Flink, which then appends instead of updating. */
  readonly key?: boolean;
}

/** A view with `job` is a Flink SQL job: its rows are written into a table for as long as it runs. */
export interface FlinkViewOptions {
  readonly name?: string;
  readonly job?: {
    /** A model that is on flink or on paimon. */
    readonly into: { readonly name: string } | string;
    readonly parallelism: PerEnvironment<number>;
    /** Time between checkpoints: `30 s`. Absent: a batch job. */
    readonly checkpoint?: PerEnvironment<string>;
    /** Any other setting by Flink's own name. */
    readonly settings?: Readonly<Record<string, PerEnvironment<string>>>;
  };
}

/** Where a table lies in a Paimon catalog: what Flink SQL needs to say its name. */
export interface InPaimonCatalog {
  /** Name of the catalog in Flink; default `paimon`. */
  readonly catalog?: string;
  /** The catalog's folder: `s3://lake/paimon`. */
  readonly warehouse: PerEnvironment<string>;
  readonly database?: string;
  readonly name?: string;
}
