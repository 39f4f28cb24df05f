import type { CatalogObject, Hole } from "../../core/catalog.js";
import type { Json, JsonObject } from "../../core/json.js";

/*
 * What a StarRocks object is in the catalog. Both `resolve` (models) and a parser of hand-written SQL end here, and
 * `create` starts here. Type aliases instead of interfaces: only those are JsonObject to the compiler.
 *
 * Column references are whole strings (never inside text), so that a rename finds them; the exceptions are SQL texts:
 * queries, generated columns and partition expressions that are not a plain function of one column.
 */

/** A value that may still be a hole; generate and render see it filled. */
export type Held<T extends Json> = T | (Hole & JsonObject);

export type DatabaseBody = {
  readonly database: Held<string>;
  readonly properties: Properties;
};

/** By StarRocks's own names. Values are what stands between the quotes. */
export type Properties = { readonly [name: string]: Held<string> };

export type TableKind = "duplicate" | "aggregate" | "unique" | "primary";

export type DefaultBody =
  /** The text between the quotes, as written: the engine keeps "007" and "7" apart. */
  | { readonly literal: string }
  /** `CURRENT_TIMESTAMP`, `current_timestamp(3)`, `(uuid())`, `(uuid_numeric())`. */
  | { readonly expression: string };

export type ColumnBody = {
  readonly name: string;
  /** Folded as in types.ts: lower case, no display width, STRING as varchar(65533). */
  readonly type: string;
  readonly nullable: boolean;
  /** SUM, MIN, MAX, REPLACE, … or an aggregate state such as `avg(double)`; only in aggregate tables. */
  readonly aggregate?: string;
  readonly default?: DefaultBody;
  readonly autoIncrement?: true;
  /** Expression of a generated column. */
  readonly generated?: string;
  readonly comment: string;
};

export type IndexBody = {
  readonly name: string;
  readonly columns: readonly string[];
  readonly using: "BITMAP" | "NGRAMBF" | "GIN" | "VECTOR";
  readonly properties: { readonly [name: string]: string };
  readonly comment: string;
};

/** One member of an expression partition: a column, a function of a column, or other SQL. */
export type PartitionExpression =
  | { readonly column: string }
  | { readonly dateTrunc: string; readonly unit: "hour" | "day" | "week" | "month" | "year" }
  | { readonly sql: string };

/** `null` is the lowest (`from`) or MAXVALUE (`to`); a bound has one value a partition column. */
export type RangePartition = {
  readonly name: string;
  readonly from: readonly (string | null)[];
  readonly to: readonly (string | null)[];
  readonly properties?: { readonly [name: string]: string };
};

export type ListPartition = {
  readonly name: string;
  /** One tuple a member; a tuple has one value a partition column. */
  readonly values: readonly (readonly (string | null)[])[];
};

export type PartitionBody =
  | { readonly by: "expression"; readonly expressions: readonly PartitionExpression[] }
  | { readonly by: "range"; readonly columns: readonly string[]; readonly partitions: readonly RangePartition[] }
  | { readonly by: "list"; readonly columns: readonly string[]; readonly partitions: readonly ListPartition[] };

/** `buckets` absent: the engine decides. */
export type DistributionBody =
  | { readonly by: "hash"; readonly columns: readonly string[]; readonly buckets?: Held<number> }
  | { readonly by: "random"; readonly buckets?: Held<number> };

export type TableBody = {
  readonly database: Held<string>;
  readonly table: TableKind;
  readonly columns: readonly ColumnBody[];
  readonly indexes: readonly IndexBody[];
  readonly key: readonly string[];
  readonly comment: string;
  readonly partition?: PartitionBody;
  readonly distribution: DistributionBody;
  /** Sort key; empty: the key columns. */
  readonly orderBy: readonly string[];
  readonly properties: Properties;
};

/** SQL text; in pieces where a database name still is a hole (already quoted in each environment). */
export type SqlText = string | readonly Held<string>[];

/** The query in StarRocks's dialect, and in DuckDB's where the embedded profile is to run it. */
export type QueryBody = {
  readonly starrocks: SqlText;
  readonly duckdb?: SqlText;
};

export type ViewColumn = { readonly name: string; readonly comment: string };

export type ViewBody = {
  readonly database: Held<string>;
  readonly columns: readonly ViewColumn[];
  readonly comment: string;
  readonly query: QueryBody;
};

export type RefreshBody = {
  readonly mode: "manual" | "async";
  /** Immediate: filled when created; deferred: at the first refresh. */
  readonly moment: "immediate" | "deferred";
  /** `INTERVAL` text: `1 HOUR`. Absent and async: whenever a base table changes. */
  readonly every?: string;
  /** `2031-01-02 03:04:05`. */
  readonly start?: string;
};

export type MaterializedViewBody = ViewBody & {
  readonly partition: readonly PartitionExpression[];
  readonly distribution?: DistributionBody;
  readonly orderBy: readonly string[];
  readonly refresh: RefreshBody;
  readonly properties: Properties;
};

export type StarrocksObject =
  | (CatalogObject<DatabaseBody> & { readonly kind: "database" })
  | (CatalogObject<TableBody> & { readonly kind: "table" })
  | (CatalogObject<ViewBody> & { readonly kind: "view" })
  | (CatalogObject<MaterializedViewBody> & { readonly kind: "materialized-view" });

const kinds: ReadonlySet<string> = new Set(["database", "table", "view", "materialized-view"]);

/** The object with its body typed by its kind: bodies of this slot are made by resolve, parse and introspect only. */
export function starrocksObject(object: CatalogObject): StarrocksObject {
  if (object.slot !== "starrocks" || !kinds.has(object.kind)) throw new Error(`${object.id} is not an object of StarRocks`);
  return object as StarrocksObject;
}

/** The text of a query whose holes are filled. */
export function sqlText(text: SqlText): string {
  return typeof text === "string" ? text : text.map(filled).join("");
}

/** A value that must be filled by now; a hole here is a bug of the caller. */
export function filled<T extends string | number>(value: Held<T>): T {
  if (typeof value === "object") throw new Error("a value that differs per environment was used before its environment was known");
  return value;
}

/** Database and name as the engine is to see them: the body's database differs per environment, the id does not. */
export function qualifiedName(object: StarrocksObject): readonly [string, string] | readonly [string] {
  const database = filled(object.body.database);
  return object.kind === "database" ? [database] : [database, object.name.at(-1) ?? ""];
}
