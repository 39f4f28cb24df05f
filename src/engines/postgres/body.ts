import type { CatalogObject, Hole } from "../../core/catalog.js";
import type { JsonObject } from "../../core/json.js";

/*
 * What PostgreSQL objects are, as plain JSON. Type texts are spelt as `format_type()` spells them, so that what was applied
 * reads back equal; names of constraints and indexes are explicit for the same reason.
 */

export type ColumnBody = {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly comment: string;
  /** SQL expression. */
  readonly default?: string;
  /** SQL expression of a stored generated column. */
  readonly generated?: string;
};

export type OrderedColumn = { readonly column: string; readonly order: "asc" | "desc" };

export type IndexBody = {
  readonly name: string;
  readonly columns: readonly OrderedColumn[];
  readonly unique: boolean;
  readonly method: string;
  readonly where?: string;
};

export type KeyBody = { readonly name: string; readonly columns: readonly string[] };

export type ForeignKeyBody = {
  readonly name: string;
  readonly columns: readonly string[];
  /** Qualified name of the other table. */
  readonly table: readonly string[];
  readonly to: readonly string[];
};

export type CheckBody = { readonly name: string; readonly expression: string };

/** Settings and policies that TimescaleDB adds to a table or a continuous aggregate. */
export type ColumnstoreBody = {
  readonly segmentBy: readonly string[];
  readonly orderBy: readonly OrderedColumn[];
  /** Indexes over compressed batches, sorted by kind and column; absent: none but TimescaleDB's own. */
  readonly sparse?: readonly SparseIndexBody[];
};

export type SparseIndexBody = { readonly kind: "bloom" | "minmax"; readonly column: string };

/** Intervals as text (`7 days`), or one an environment. */
export type IntervalText = string | (Hole & JsonObject);

export type PoliciesBody = {
  readonly columnstoreAfter?: IntervalText;
  readonly retention?: IntervalText;
  /** Name of the index in whose order older chunks are written again. */
  readonly reorder?: string;
};

export type HashDimension = { readonly column: string; readonly partitions: number };

export type HypertableBody = {
  readonly timeColumn: string;
  readonly chunkInterval: IntervalText;
  readonly spaceBy?: HashDimension;
  /** Further hash dimensions, in their order. */
  readonly alsoBy?: readonly HashDimension[];
  /** Columns whose range is kept for each chunk, so that queries skip chunks by them; sorted. */
  readonly skipping?: readonly string[];
};

/** Values of bounds are SQL literals, spelt alike by resolve and introspect (partitions.ts). */
export type BoundsBody =
  | { readonly from: readonly string[]; readonly to: readonly string[] }
  | { readonly values: readonly string[] }
  | { readonly modulus: number; readonly remainder: number }
  | { readonly default: true };

/** A partition is a table in its parent's schema. */
export type PartitionBody = { readonly name: string; readonly bounds: BoundsBody; readonly partitioning?: PartitioningBody };

export type PartitioningBody = {
  readonly strategy: "range" | "list" | "hash";
  readonly columns: readonly string[];
  /** Sorted by name. */
  readonly partitions: readonly PartitionBody[];
};

export function hashDimensions({ spaceBy, alsoBy = [] }: HypertableBody): readonly HashDimension[] {
  return spaceBy === undefined ? [] : [spaceBy, ...alsoBy];
}

export type TableBody = {
  readonly comment: string;
  readonly columns: readonly ColumnBody[];
  readonly primaryKey?: KeyBody;
  readonly indexes: readonly IndexBody[];
  readonly foreignKeys: readonly ForeignKeyBody[];
  readonly checks: readonly CheckBody[];
  readonly partitioning?: PartitioningBody;
  readonly hypertable?: HypertableBody;
  readonly columnstore?: ColumnstoreBody;
  readonly policies?: PoliciesBody;
};

export type ViewColumnBody = { readonly name: string; readonly comment: string };

export type ViewBody = { readonly comment: string; readonly columns: readonly ViewColumnBody[]; readonly query: string };

export type MaterializedViewBody = ViewBody & { readonly indexes: readonly IndexBody[] };

export type RefreshBody = {
  readonly startOffset: IntervalText | null;
  readonly endOffset: IntervalText | null;
  readonly every: IntervalText;
  /** Zone of a schedule that keeps its time of day. */
  readonly timezone?: string;
  /** ISO-8601 in UTC. */
  readonly initialStart?: string;
  readonly bucketsPerBatch?: number;
  readonly maxBatches?: number;
  readonly newestFirst?: boolean;
  readonly includeTiered?: boolean;
};

export type AggregateBody = MaterializedViewBody & {
  readonly materializedOnly: boolean;
  readonly refresh?: RefreshBody;
  readonly columnstore?: ColumnstoreBody;
  readonly policies?: PoliciesBody;
};

export type ParameterBody = { readonly name: string; readonly type: string };

export type FunctionBody = {
  readonly comment: string;
  readonly arguments: readonly ParameterBody[];
  /** A type, or the columns of a table. */
  readonly returns: string | readonly ParameterBody[];
  readonly language: "sql" | "plpgsql";
  readonly volatility: "immutable" | "stable" | "volatile";
  readonly source: string;
};

export type EnumBody = { readonly comment: string; readonly values: readonly string[] };

export type RoleAttributes = {
  readonly login: boolean;
  readonly inherit: boolean;
  readonly createDatabase: boolean;
  readonly createRole: boolean;
  readonly replication: boolean;
  readonly bypassRowSecurity: boolean;
  readonly superuser: boolean;
  /** -1: none. */
  readonly connectionLimit: number;
  /** ISO-8601 in UTC. */
  readonly validUntil?: string;
};

/** Rights on one thing, as GRANT names it: `TABLE public.orders`. `name` tells those that may be passed on. */
export type GrantBody = {
  readonly name: string;
  readonly object: string;
  readonly on: string;
  /** `SELECT`, or `SELECT (paid)`; sorted. */
  readonly privileges: readonly string[];
  readonly grantable?: true;
};

export type RoleBody = {
  readonly comment: string;
  readonly attributes: RoleAttributes;
  /** A reference to a secret. */
  readonly password?: JsonObject;
  readonly memberOf: readonly string[];
  readonly grants: readonly GrantBody[];
};

export type SchemaBody = { readonly comment: string };

/** An object of PostgreSQL or TimescaleDB, told apart by `kind`. */
export type PostgresObject =
  | (CatalogObject<SchemaBody> & { readonly kind: "schema" })
  | (CatalogObject<EnumBody> & { readonly kind: "enum" })
  | (CatalogObject<RoleBody> & { readonly kind: "role" })
  | (CatalogObject<TableBody> & { readonly kind: "table" })
  | (CatalogObject<ViewBody> & { readonly kind: "view" })
  | (CatalogObject<MaterializedViewBody> & { readonly kind: "materialized-view" })
  | (CatalogObject<AggregateBody> & { readonly kind: "continuous-aggregate" })
  | (CatalogObject<FunctionBody> & { readonly kind: "function" });

const KINDS: ReadonlySet<string> = new Set([
  "schema",
  "enum",
  "role",
  "table",
  "view",
  "materialized-view",
  "continuous-aggregate",
  "function",
]);

/** A catalog object as this engine reads it. Bodies of these slots are only ever written by resolve and introspect, which type them. */
export function postgresObject(object: CatalogObject): PostgresObject {
  if (!KINDS.has(object.kind)) throw new Error(`${object.id} is a ${object.kind}, which PostgreSQL does not have.`);
  return object as PostgresObject;
}
