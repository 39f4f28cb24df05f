import type { ColumnDefault, Expression, KeyType, Query } from "../parse/ast.js";
import type { SqlType } from "./sql-type.js";

/*
 * What exists after the statements judged so far. Objects are plain data and never changed in place: a statement that is
 * refused has nothing to undo.
 */

export interface Column {
  readonly name: string;
  /** The name that the column had at first: a renamed column still blocks it. */
  readonly id: string;
  readonly type: SqlType;
  readonly key: boolean;
  /** Written or implied: `SUM`, `REPLACE` of unique and primary tables, `NONE` of duplicate tables; none for keys. */
  readonly aggregate?: string;
  readonly nullable: boolean;
  readonly default?: ColumnDefault;
  readonly autoIncrement: boolean;
  readonly generated?: Expression;
  readonly comment: string;
}

export interface Index {
  readonly name: string;
  readonly column: string;
  readonly using: string;
}

/** One value of a partition's bound; `undefined` where we cannot compare it. */
export type Bound = readonly (bigint | string | "MIN" | "MAX" | undefined)[];

export interface Partition {
  readonly name: string;
  readonly range?: { readonly lower: Bound; readonly upper: Bound };
  /** Values of a LIST partition, each as one text. */
  readonly values?: readonly string[];
}

export interface Partitioning {
  readonly kind: "none" | "range" | "list" | "expression-range";
  readonly columns: readonly string[];
  /** The engine makes partitions when rows arrive. */
  readonly automatic: boolean;
  /** The type of the bounds. */
  readonly type?: SqlType;
  /** `day` of date_trunc('day', …). */
  readonly unit?: string;
  readonly expressions: readonly Expression[];
}

export interface Distribution {
  readonly kind: "hash" | "random";
  readonly columns: readonly string[];
  /** Undefined: the engine chooses. */
  readonly buckets?: number;
}

/** A rollup, or what a synchronous materialized view is: an index of its base table. */
export interface Rollup {
  readonly name: string;
  readonly columns: readonly string[];
  /** Base columns that a synchronous view reads, in lower case; they can no longer be changed. */
  readonly reads?: readonly string[];
}

export interface Table {
  readonly kind: "table";
  readonly keys: KeyType;
  readonly columns: readonly Column[];
  readonly orderBy?: readonly string[];
  readonly partitioning: Partitioning;
  readonly partitions: readonly Partition[];
  readonly temporary: readonly Partition[];
  readonly distribution: Distribution;
  readonly indexes: readonly Index[];
  readonly rollups: readonly Rollup[];
  /** As given, without those that the engine forgets. */
  readonly properties: Readonly<Record<string, string>>;
  readonly isTemporary: boolean;
}

export interface OutputColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly nullable?: boolean;
}

export interface View {
  readonly kind: "view";
  /** Undefined where the query reads what we do not know. */
  readonly columns?: readonly OutputColumn[];
}

export interface MaterializedView {
  readonly kind: "materialized-view";
  readonly columns?: readonly OutputColumn[];
  readonly query: Query;
  readonly partitioned: boolean;
  readonly refresh: string;
  readonly indexes: readonly Index[];
}

/** A table whose files or rows are elsewhere (ENGINE = mysql, …), or one whose columns we could not find out. */
export interface Opaque {
  readonly kind: "opaque";
}

export type Thing = Table | View | MaterializedView | Opaque;

/** A name that was resolved: `default` is the database that the file never names. */
export interface Place {
  readonly database: string;
  readonly name: string;
}

interface Database {
  readonly things: Map<string, Thing>;
  /** Names that the file made, or tried to make, at any time. */
  readonly mentioned: Set<string>;
  /** Dropped without FORCE: RECOVER, which lint does not follow, may bring them back. */
  readonly recyclable: Set<string>;
  /** CREATE DATABASE in this file: what is not here does not exist. */
  readonly created: boolean;
}

export interface ColocateGroup {
  readonly columns: readonly SqlType[];
  readonly buckets: number | undefined;
  readonly replication: string | undefined;
}

const INTERNAL_CATALOG = "default_catalog";
export const SYSTEM_DATABASES = ["information_schema", "_statistics_", "sys"];

export class Catalog {
  private readonly databases = new Map<string, Database>();
  private readonly dropped = new Set<string>();
  private readonly beside = new Map<string, "there" | "gone">();
  private current = "default";
  readonly colocateGroups = new Map<string, ColocateGroup>();
  /** Temporary tables of the session; they hide others of their name, and are dropped before them. */
  private readonly temporaries = new Set<string>();

  /** Undefined for a name in another catalog, of which nothing is known. */
  resolve(name: readonly string[]): Place | undefined {
    const parts = name.length === 3 && name[0] === INTERNAL_CATALOG ? name.slice(1) : name;
    if (parts.length > 2) return undefined;
    const [first = "", second] = parts;
    return second === undefined ? { database: this.current, name: first } : { database: first, name: second };
  }

  use(database: string): void {
    this.current = database;
  }

  hasDatabase(name: string): boolean {
    return this.databases.get(name)?.created === true || SYSTEM_DATABASES.includes(name.toLowerCase());
  }

  createDatabase(name: string): void {
    this.dropped.delete(name);
    this.databases.set(name, { ...this.database(name), created: true });
  }

  dropDatabase(name: string): void {
    this.databases.delete(name);
    this.dropped.add(name);
  }

  /** What lies in no database: `role analyst`, `catalog lake`. */
  remember(thing: string): void {
    this.beside.set(thing, "there");
  }

  forget(thing: string): void {
    this.beside.set(thing, "gone");
  }

  /** Undefined for what the file has not made or dropped: the cluster may have it. */
  remembers(thing: string): "there" | "gone" | undefined {
    return this.beside.get(thing);
  }

  wasDropped(database: string): boolean {
    return this.dropped.has(database);
  }

  get({ database, name }: Place): Thing | undefined {
    return this.databases.get(database)?.things.get(name);
  }

  /** True when we know that no such object exists: the file made others in this database. */
  isMissing(place: Place): boolean {
    const database = this.databases.get(place.database);
    if (!database || database.things.has(place.name)) return false;
    return database.created || database.mentioned.size > 0;
  }

  isRecyclable(place: Place): boolean {
    return this.databases.get(place.database)?.recyclable.has(place.name) ?? false;
  }

  /** Before a CREATE is judged: a name that was refused does not exist either. */
  mention(place: Place): void {
    this.database(place.database).mentioned.add(place.name);
  }

  put(place: Place, thing: Thing): void {
    const database = this.database(place.database);
    database.mentioned.add(place.name);
    database.recyclable.delete(place.name);
    database.things.set(place.name, thing);
  }

  addTemporary({ database, name }: Place): void {
    this.temporaries.add(`${database}\0${name}`);
  }

  /** True when there was one, which is now gone. */
  dropTemporary({ database, name }: Place): boolean {
    return this.temporaries.delete(`${database}\0${name}`);
  }

  remove(place: Place, recyclable: boolean): void {
    const database = this.database(place.database);
    database.things.delete(place.name);
    if (recyclable) database.recyclable.add(place.name);
    else database.recyclable.delete(place.name);
  }

  /** The table that has this synchronous view. */
  ownerOf({ database, name }: Place): Place | undefined {
    for (const [owner, thing] of this.databases.get(database)?.things ?? []) {
      if (thing.kind === "table" && thing.rollups.some((rollup) => rollup.name === name && rollup.reads)) return { database, name: owner };
    }
    return undefined;
  }

  private database(name: string): Database {
    const found = this.databases.get(name);
    if (found) return found;
    const made: Database = { things: new Map(), mentioned: new Set(), recyclable: new Set(), created: false };
    this.databases.set(name, made);
    return made;
  }
}

/** Column names do not care about case. */
export function columnOf(columns: readonly Column[], name: string): Column | undefined {
  return columns.find((column) => sameName(column.name, name));
}

export const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export function twiceIn(names: readonly string[]): string | undefined {
  const lower = names.map((name) => name.toLowerCase());
  return names.find((_, index) => lower.indexOf(lower[index] ?? "") < index);
}
