import type { Hole } from "../../core/catalog.js";

type PerEnvironment<T> = T | Hole;

/** `identity` by name alone; the transforms of the Iceberg specification. */
export type IcebergPartition<C extends string> =
  | C
  | { readonly by: "hour" | "day" | "month" | "year"; readonly column: C }
  | { readonly by: "bucket"; readonly column: C; readonly buckets: number }
  | { readonly by: "truncate"; readonly column: C; readonly width: number };

/** What a table model can say for Iceberg, as Spark SQL with Iceberg's extensions says it. */
export interface IcebergTableOptions<C extends string> {
  /** Name of the catalog in Spark; default `lake`. */
  readonly catalog?: string;
  readonly database?: string;
  readonly name?: string;
  readonly partitionedBy?: readonly IcebergPartition<C>[];
  /** Order in which writers sort the rows of a file. */
  readonly sortedBy?: readonly (C | { readonly column: C; readonly order: "asc" | "desc" })[];
  readonly formatVersion?: 1 | 2 | 3;
  readonly format?: "parquet" | "orc" | "avro";
  /** How updates and deletes are written: whole files anew, or beside the old ones. */
  readonly changes?: "copy-on-write" | "merge-on-read";
  readonly location?: PerEnvironment<string>;
  readonly properties?: Readonly<Record<string, PerEnvironment<string>>>;
}
