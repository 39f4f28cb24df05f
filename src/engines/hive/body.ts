import type { CatalogObject, Hole } from "../../core/catalog.js";
import type { Json, JsonObject } from "../../core/json.js";

/*
 * What a Hive object is in the catalog. Column references are whole strings, so that a rename finds them.
 */

/** A value that may still be a hole; generate and render see it filled. */
export type Held<T extends Json> = T | (Hole & JsonObject);

export type Properties = { readonly [name: string]: Held<string> };

export type DatabaseBody = { readonly database: Held<string> };

export type ColumnBody = {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  /** SQL text. */
  readonly default?: string;
  readonly comment: string;
};

export type PartitionColumn = { readonly name: string; readonly type: string; readonly comment: string };

export type SortColumn = { readonly column: string; readonly order: "asc" | "desc" };

export type FormatBody = {
  /** Upper case, as in `STORED AS`; absent where a storage handler keeps the rows. */
  readonly storedAs?: string;
  /** `ICEBERG` or a class name. */
  readonly storedBy?: string;
  readonly serde?: string;
  readonly serdeProperties: { readonly [name: string]: string };
  readonly delimited: { readonly [part: string]: string };
};

export type ReferenceBody = { readonly columns: readonly string[]; readonly table: readonly string[]; readonly to: readonly string[] };

export type TableBody = {
  readonly database: Held<string>;
  readonly table: "managed" | "external" | "transactional";
  readonly columns: readonly ColumnBody[];
  readonly partitions: readonly PartitionColumn[];
  readonly clusteredBy: readonly string[];
  readonly sortedBy: readonly SortColumn[];
  readonly buckets?: number;
  readonly skewed?: {
    readonly columns: readonly string[];
    readonly values: readonly (readonly string[])[];
    readonly asDirectories: boolean;
  };
  readonly format: FormatBody;
  readonly location?: Held<string>;
  readonly properties: Properties;
  readonly notNull: "enforce" | "rely" | "none";
  readonly key: readonly string[];
  readonly references: readonly ReferenceBody[];
  readonly comment: string;
};

export type ViewColumn = { readonly name: string; readonly comment: string };

/** Names of databases in a query stand as they are by default: Hive has no text in which a hole could stay. */
export type ViewBody = {
  readonly database: Held<string>;
  readonly columns: readonly ViewColumn[];
  readonly query: string;
  /** The query in DuckDB's words, where the embedded profile is to run it; Hive never sees it. */
  readonly duckdb?: string;
  readonly comment: string;
};

export type MaterializedViewBody = ViewBody & {
  readonly partitions: readonly string[];
  readonly rewrite: boolean;
  readonly storedAs?: string;
  readonly location?: Held<string>;
  readonly properties: Properties;
};

export type HiveObject =
  | (CatalogObject<DatabaseBody> & { readonly kind: "database" })
  | (CatalogObject<TableBody> & { readonly kind: "table" })
  | (CatalogObject<ViewBody> & { readonly kind: "view" })
  | (CatalogObject<MaterializedViewBody> & { readonly kind: "materialized-view" });

const kinds: ReadonlySet<string> = new Set(["database", "table", "view", "materialized-view"]);

/** The object with its body typed by its kind: bodies of this slot are made by resolve only. */
export function hiveObject(object: CatalogObject): HiveObject {
  if (object.slot !== "hive" || !kinds.has(object.kind)) throw new Error(`${object.id} is not an object of Hive`);
  return object as HiveObject;
}

/** The name as SQL has to say it, once holes are filled. */
export function qualifiedName(object: CatalogObject): readonly string[] {
  const { body, name } = hiveObject(object);
  return [String(body.database), ...name.slice(1)];
}
