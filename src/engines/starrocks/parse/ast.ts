import type { Property } from "./cursor.js";

/*
 * What a statement says, before anybody judges it. Names are as written; nothing is resolved. Offsets (`at`) point into the
 * file, so that a finding can name its line and column.
 */

export type DataType =
  | { readonly kind: "scalar"; readonly name: string; readonly length?: number; readonly scale?: number }
  | { readonly kind: "array"; readonly element: DataType }
  | { readonly kind: "map"; readonly key: DataType; readonly value: DataType }
  | { readonly kind: "struct"; readonly fields: readonly { readonly name: string; readonly type: DataType }[] };

export type Expression =
  | { readonly kind: "column"; readonly path: readonly string[]; readonly at: number }
  | { readonly kind: "literal"; readonly type: LiteralType; readonly text: string; readonly at: number }
  | { readonly kind: "interval"; readonly value: Expression; readonly unit: string; readonly at: number }
  | {
      readonly kind: "call";
      /** Lower case. */
      readonly name: string;
      readonly args: readonly Expression[];
      readonly distinct: boolean;
      /** `count(*)`. */
      readonly star: boolean;
      readonly window?: readonly Expression[];
      readonly at: number;
    }
  | { readonly kind: "operator"; readonly operator: string; readonly args: readonly Expression[]; readonly at: number }
  | { readonly kind: "cast"; readonly arg: Expression; readonly type: DataType; readonly at: number }
  | {
      readonly kind: "case";
      readonly subject?: Expression;
      readonly branches: readonly (readonly [Expression, Expression])[];
      readonly otherwise?: Expression;
      readonly at: number;
    }
  | { readonly kind: "subquery"; readonly query: Query; readonly at: number }
  | { readonly kind: "lambda"; readonly parameters: readonly string[]; readonly body: Expression; readonly at: number }
  | { readonly kind: "field"; readonly base: Expression; readonly field: string; readonly at: number }
  | { readonly kind: "collection"; readonly type?: DataType; readonly items: readonly Expression[]; readonly at: number };

export type LiteralType = "null" | "boolean" | "integer" | "decimal" | "double" | "string" | "date" | "datetime" | "binary";

export interface Query {
  readonly with: readonly { readonly name: string; readonly columns?: readonly string[]; readonly query: Query }[];
  readonly body: QueryBody;
  readonly orderBy: readonly Expression[];
  readonly limit?: number;
  readonly at: number;
}

export type QueryBody =
  | ({ readonly kind: "select" } & Select)
  | { readonly kind: "set"; readonly operator: string; readonly all: boolean; readonly left: QueryBody; readonly right: QueryBody }
  | { readonly kind: "parenthesized"; readonly query: Query };

export interface Select {
  readonly distinct: boolean;
  readonly items: readonly SelectItem[];
  readonly from: readonly Relation[];
  readonly where?: Expression;
  readonly groupBy: readonly Expression[];
  readonly having?: Expression;
  readonly at: number;
}

export type SelectItem =
  | { readonly kind: "expression"; readonly expression: Expression; readonly alias?: string }
  | { readonly kind: "star"; readonly qualifier?: readonly string[]; readonly except: readonly string[] };

export type Relation =
  | { readonly kind: "table"; readonly name: readonly string[]; readonly alias?: string; readonly at: number }
  | { readonly kind: "subquery"; readonly query: Query; readonly alias?: string; readonly columns?: readonly string[]; readonly at: number }
  | {
      readonly kind: "function";
      readonly name: string;
      readonly args: readonly Expression[];
      readonly alias?: string;
      readonly columns?: readonly string[];
      readonly at: number;
    }
  | {
      readonly kind: "values";
      readonly rows: readonly (readonly Expression[])[];
      readonly alias?: string;
      readonly columns?: readonly string[];
      readonly at: number;
    }
  | {
      readonly kind: "join";
      readonly join: string;
      readonly left: Relation;
      readonly right: Relation;
      readonly on?: Expression;
      readonly using?: readonly string[];
    };

export type ColumnDefault =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "null" }
  | { readonly kind: "now"; readonly precision?: number }
  | { readonly kind: "function"; readonly name: string };

export interface ColumnDef {
  readonly name: string;
  readonly type?: DataType;
  readonly key: boolean;
  readonly aggregate?: AggregateDef;
  /** Undefined when nothing was said. */
  readonly nullable?: boolean;
  readonly default?: ColumnDefault;
  readonly autoIncrement: boolean;
  readonly generated?: Expression;
  readonly comment?: string;
  readonly at: number;
}

/** `SUM`, or a generic aggregate state: `avg(INT, …)`. */
export interface AggregateDef {
  readonly function: string;
  readonly argumentTypes?: readonly { readonly type: DataType; readonly nullable?: boolean }[];
}

export interface IndexDef {
  readonly name: string;
  readonly columns: readonly string[];
  readonly using?: string;
  readonly properties: readonly Property[];
  readonly comment?: string;
  readonly at: number;
}

export type KeyType = "AGGREGATE" | "UNIQUE" | "PRIMARY" | "DUPLICATE";

export interface KeyDef {
  readonly type: KeyType;
  readonly columns: readonly string[];
  readonly at: number;
}

export type RangeItem =
  | {
      readonly kind: "less-than";
      readonly name: string;
      readonly ifNotExists: boolean;
      readonly values: readonly PartitionBoundValue[] | "MAXVALUE";
      readonly properties: readonly Property[];
      readonly at: number;
    }
  | {
      readonly kind: "fixed";
      readonly name: string;
      readonly ifNotExists: boolean;
      readonly lower: readonly PartitionBoundValue[];
      readonly upper: readonly PartitionBoundValue[];
      readonly properties: readonly Property[];
      readonly at: number;
    }
  | {
      readonly kind: "batch";
      readonly start: string;
      readonly end: string;
      readonly every: { readonly value: number; readonly unit?: string };
      readonly at: number;
    };

export type PartitionBoundValue = { readonly max: true } | { readonly max: false; readonly value: string };

export interface ListItem {
  readonly kind: "list";
  readonly name: string;
  readonly ifNotExists: boolean;
  /** One tuple a member; single columns have tuples of one. `multi` when written as a list of tuples. */
  readonly values: readonly (readonly (string | null)[])[];
  readonly multi: boolean;
  readonly properties: readonly Property[];
  readonly at: number;
}

export type PartitionDef =
  | {
      readonly kind: "range";
      readonly columns: readonly string[];
      readonly expression?: Expression;
      readonly items: readonly RangeItem[];
      readonly at: number;
    }
  | {
      readonly kind: "list";
      readonly columns: readonly string[];
      readonly explicit: boolean;
      readonly items: readonly ListItem[];
      readonly at: number;
    }
  | { readonly kind: "expression"; readonly expressions: readonly Expression[]; readonly items: readonly RangeItem[]; readonly at: number };

export interface DistributionDef {
  readonly kind: "hash" | "random";
  readonly columns: readonly string[];
  readonly buckets?: number;
  readonly at: number;
}

export interface RollupDef {
  readonly name: string;
  readonly columns: readonly string[];
  readonly duplicateKey?: readonly string[];
  readonly from?: string;
  readonly properties: readonly Property[];
}

export interface CreateTable {
  readonly statement: "create-table";
  readonly name: readonly string[];
  readonly ifNotExists: boolean;
  readonly temporary: boolean;
  readonly external: boolean;
  readonly columns: readonly ColumnDef[];
  readonly indexes: readonly IndexDef[];
  readonly engine?: string;
  readonly key?: KeyDef;
  readonly comment?: string;
  readonly partition?: PartitionDef;
  readonly distribution?: DistributionDef;
  readonly orderBy?: readonly string[];
  readonly rollups: readonly RollupDef[];
  readonly properties: readonly Property[];
}

/** Columns are names only: their types come from the query. */
export interface CreateTableAsSelect {
  readonly statement: "create-table-as";
  readonly name: readonly string[];
  readonly ifNotExists: boolean;
  readonly temporary: boolean;
  readonly columns?: readonly string[];
  readonly indexes: readonly IndexDef[];
  readonly key?: KeyDef;
  readonly comment?: string;
  readonly partition?: PartitionDef;
  readonly distribution?: DistributionDef;
  readonly orderBy?: readonly string[];
  readonly properties: readonly Property[];
  readonly query: Query;
}

export interface CreateTableLike {
  readonly statement: "create-table-like";
  readonly name: readonly string[];
  readonly ifNotExists: boolean;
  readonly temporary: boolean;
  readonly partition?: PartitionDef;
  readonly distribution?: DistributionDef;
  readonly properties: readonly Property[];
  readonly like: readonly string[];
}

export type ColumnPosition = { readonly first: true } | { readonly after: string };

export type AlterClause =
  | { readonly clause: "add-index"; readonly index: IndexDef }
  | { readonly clause: "drop-index"; readonly name: string }
  | { readonly clause: "rename"; readonly to: string }
  | { readonly clause: "swap"; readonly with: string }
  | { readonly clause: "set"; readonly properties: readonly Property[] }
  | { readonly clause: "comment"; readonly comment: string }
  | {
      readonly clause: "add-column";
      readonly column: ColumnDef;
      readonly position?: ColumnPosition;
      readonly rollup?: string;
      readonly properties: readonly Property[];
    }
  | {
      readonly clause: "add-columns";
      readonly columns: readonly ColumnDef[];
      readonly rollup?: string;
      readonly properties: readonly Property[];
    }
  | { readonly clause: "drop-column"; readonly column: string; readonly rollup?: string; readonly properties: readonly Property[] }
  | {
      readonly clause: "modify-column";
      readonly column: ColumnDef;
      readonly position?: ColumnPosition;
      readonly rollup?: string;
      readonly properties: readonly Property[];
    }
  | { readonly clause: "modify-column-comment"; readonly column: string; readonly comment: string }
  | { readonly clause: "rename-column"; readonly from: string; readonly to: string }
  | { readonly clause: "reorder"; readonly columns: readonly string[]; readonly rollup?: string; readonly properties: readonly Property[] }
  | { readonly clause: "rename-rollup"; readonly from: string; readonly to: string }
  | { readonly clause: "compact"; readonly partitions: readonly string[] }
  | {
      readonly clause: "optimize";
      readonly partitions?: PartitionNames;
      readonly key?: KeyDef;
      readonly partition?: PartitionDef;
      readonly orderBy?: readonly string[];
      readonly distribution?: DistributionDef;
      readonly between?: readonly [string, string];
    }
  | {
      readonly clause: "add-field";
      readonly column: string;
      readonly path: readonly string[];
      readonly type: DataType;
      readonly position?: ColumnPosition;
    }
  | { readonly clause: "drop-field"; readonly column: string; readonly path: readonly string[] }
  | {
      readonly clause: "add-partition";
      readonly temporary: boolean;
      readonly item: RangeItem | ListItem;
      readonly distribution?: DistributionDef;
      readonly properties: readonly Property[];
    }
  | {
      readonly clause: "drop-partition";
      readonly temporary: boolean;
      readonly ifExists: boolean;
      readonly names: readonly string[];
      readonly batch?: RangeItem;
      readonly where?: Expression;
      readonly all: boolean;
      readonly force: boolean;
    }
  | { readonly clause: "truncate-partition"; readonly partitions: PartitionNames }
  | { readonly clause: "modify-partition"; readonly names: readonly string[] | "*"; readonly properties: readonly Property[] }
  | { readonly clause: "modify-partition-distribution"; readonly distribution: DistributionDef }
  | {
      readonly clause: "replace-partition";
      readonly partitions: PartitionNames;
      readonly with: PartitionNames;
      readonly properties: readonly Property[];
    }
  | { readonly clause: "rename-partition"; readonly from: string; readonly to: string }
  | { readonly clause: "add-rollup"; readonly rollups: readonly RollupDef[] }
  | { readonly clause: "drop-rollup"; readonly names: readonly string[] };

export interface PartitionNames {
  readonly temporary: boolean;
  readonly names: readonly string[];
}

export interface AlterTable {
  readonly statement: "alter-table";
  readonly name: readonly string[];
  readonly clauses: readonly AlterClause[];
}

export interface ViewColumn {
  readonly name: string;
  readonly comment?: string;
}

export type RefreshScheme = {
  readonly moment?: "IMMEDIATE" | "DEFERRED";
  readonly kind: "ASYNC" | "INCREMENTAL" | "MANUAL";
  readonly start?: string;
  readonly every?: { readonly value: Expression; readonly unit: string };
};

export type Statement =
  | CreateTable
  | CreateTableAsSelect
  | CreateTableLike
  | AlterTable
  | {
      readonly statement: "drop-table";
      readonly name: readonly string[];
      readonly ifExists: boolean;
      readonly temporary: boolean;
      readonly force: boolean;
    }
  | {
      readonly statement: "create-view";
      readonly name: readonly string[];
      readonly orReplace: boolean;
      readonly ifNotExists: boolean;
      readonly columns?: readonly ViewColumn[];
      readonly comment?: string;
      readonly security?: string;
      readonly query: Query;
    }
  | {
      readonly statement: "alter-view";
      readonly name: readonly string[];
      readonly columns?: readonly ViewColumn[];
      readonly query?: Query;
      readonly properties?: readonly Property[];
      readonly security?: string;
    }
  | { readonly statement: "drop-view"; readonly name: readonly string[]; readonly ifExists: boolean }
  | CreateMaterializedView
  | { readonly statement: "alter-materialized-view"; readonly name: readonly string[]; readonly change: MaterializedViewChange }
  | { readonly statement: "drop-materialized-view"; readonly name: readonly string[]; readonly ifExists: boolean }
  | {
      readonly statement: "create-database";
      readonly name: readonly string[];
      readonly ifNotExists: boolean;
      readonly properties: readonly Property[];
    }
  | { readonly statement: "drop-database"; readonly name: readonly string[]; readonly ifExists: boolean; readonly force: boolean }
  | { readonly statement: "use"; readonly name: readonly string[] }
  | { readonly statement: "create-index"; readonly table: readonly string[]; readonly index: IndexDef }
  | { readonly statement: "drop-index"; readonly table: readonly string[]; readonly name: string }
  | { readonly statement: "query"; readonly query: Query }
  | { readonly statement: "access"; readonly of: AccessStatement }
  /** Something that is no definition: read as far as its first words. */
  | { readonly statement: "other"; readonly words: string };

/** Whose rights they are: a role's, a user's or, since 3.5, those of a group that another system knows. */
export type Side = { readonly role?: string; readonly user?: string; readonly group?: string };

/** `type` in the singular; `all`: ALL TABLES and the like, in databases or not. A name has its parts, `*` among them. */
export interface GrantTarget {
  readonly type: string;
  readonly names: readonly (readonly string[])[];
  readonly all?: "everywhere" | "in-databases";
}

/** What a cluster keeps beside databases. */
export type AccessStatement =
  | { readonly access: "create-role"; readonly ifNotExists: boolean; readonly names: readonly string[] }
  | { readonly access: "drop-role"; readonly ifExists: boolean; readonly names: readonly string[] }
  | {
      readonly access: "create-user";
      readonly ifNotExists: boolean;
      readonly name: string;
      readonly plugin?: string;
      readonly defaultRoles: readonly string[];
    }
  | { readonly access: "grant" | "revoke"; readonly privileges: readonly string[]; readonly target: GrantTarget; readonly to: Side }
  | { readonly access: "grant-role" | "revoke-role"; readonly roles: readonly string[]; readonly to: Side }
  | { readonly access: "create-catalog"; readonly ifNotExists: boolean; readonly name: string; readonly properties: readonly Property[] }
  | { readonly access: "drop-catalog"; readonly ifExists: boolean; readonly name: string }
  | {
      readonly access: "create-volume";
      readonly name: string;
      readonly type: string;
      readonly locations: readonly string[];
      readonly properties: readonly Property[];
    }
  | {
      readonly access: "create-group";
      readonly name: string;
      readonly classifiers: readonly Readonly<Record<string, string>>[];
      readonly limits: readonly Property[];
    };

export interface CreateMaterializedView {
  readonly statement: "create-materialized-view";
  readonly name: readonly string[];
  readonly ifNotExists: boolean;
  readonly columns?: readonly ViewColumn[];
  readonly indexes: readonly IndexDef[];
  readonly comment?: string;
  readonly partitionBy?: readonly Expression[];
  readonly distribution?: DistributionDef;
  readonly orderBy?: readonly string[];
  readonly refresh?: RefreshScheme;
  readonly properties: readonly Property[];
  readonly query: Query;
}

export type MaterializedViewChange =
  | { readonly change: "refresh"; readonly refresh: RefreshScheme }
  | { readonly change: "rename"; readonly to: string }
  | { readonly change: "set"; readonly properties: readonly Property[] }
  | { readonly change: "swap"; readonly with: string }
  | { readonly change: "status"; readonly active: boolean };
