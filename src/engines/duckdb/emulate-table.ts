import { displayName } from "../../core/catalog.js";
import { DwError } from "../../core/errors.js";
import type { Sql } from "../../core/sql.js";
import { typeText } from "../../core/types.js";
import type { NamedPartition } from "../starrocks/actions.js";
import {
  type ColumnBody,
  type MaterializedViewBody,
  qualifiedName,
  type StarrocksObject,
  sqlText,
  type TableBody,
  type ViewBody,
} from "../starrocks/body.js";
import { fromNative as fromStarrocks } from "../starrocks/types.js";
import { duckdb } from "./dialect.js";
import { mapType } from "./types.js";

const { sql, id, lit, join, raw } = duckdb;

/*
 * StarRocks objects as DuckDB DDL. Table kinds that merge rows of one key get that key as PRIMARY KEY, so that a load can say
 * INSERT OR REPLACE or ON CONFLICT; duplicate tables have none.
 */

type Table = StarrocksObject & { readonly kind: "table" };
type Query = StarrocksObject & { readonly kind: "view" | "materialized-view" };

export function createTable(object: Table, name: readonly string[] = qualifiedName(object)): Sql {
  const { columns, key, table } = object.body;
  const merging = table !== "duplicate" && key.length > 0;
  const keyClause = merging ? [sql`PRIMARY KEY (${names(key)})`] : [];
  return sql`CREATE TABLE ${id(...name)} (${join([...columns.map((column) => columnClause(object, column)), ...keyClause])})`;
}

function columnClause(object: StarrocksObject, column: ColumnBody): Sql {
  const parts = [id(column.name), columnType(object, column)];
  if (!column.nullable) parts.push(raw("NOT NULL"));
  const value = columnDefault(object, column);
  if (value) parts.push(sql`DEFAULT ${value}`);
  return join(parts, " ");
}

/** The DuckDB type that a StarRocks type is emulated with. */
export function columnType(object: StarrocksObject, column: Pick<ColumnBody, "name" | "type">): Sql {
  const logical = fromStarrocks(column.type);
  const { native, level, note } = mapType(logical);
  if (level === "impossible") throw refuse(object, `column ${column.name} is ${typeText(logical)}`, note);
  return raw(native);
}

/** Expressions that are the same in both engines, by StarRocks's text in lower case. */
const DEFAULTS: Readonly<Record<string, string>> = {
  // DATETIME keeps UTC by contract, and DuckDB's now() is an instant.
  current_timestamp: "timezone('UTC', now())",
  "(uuid())": "CAST(uuid() AS VARCHAR)",
};

export function columnDefault(object: StarrocksObject, column: ColumnBody): Sql | undefined {
  if (column.autoIncrement) throw refuse(object, `column ${column.name} is AUTO_INCREMENT`, "ids would not be those of StarRocks");
  if (column.generated !== undefined) throw refuse(object, `column ${column.name} is generated`, "its expression is StarRocks SQL");
  const value = column.default;
  if (value === undefined) return undefined;
  if ("literal" in value) return sql`CAST(${lit(value.literal)} AS ${columnType(object, column)})`;
  const expression = DEFAULTS[value.expression.toLowerCase().replace(/^current_timestamp(\(\d*\))$/, "current_timestamp")];
  if (expression === undefined) throw refuse(object, `column ${column.name} has the default ${value.expression}`, "it is StarRocks SQL");
  return raw(expression);
}

/** Views, and materialized views that the engine refreshes by itself, are views: never stale. Manual ones are tables. */
export function isStored(object: Query): boolean {
  return object.kind === "materialized-view" && object.body.refresh.mode === "manual";
}

export function createQuery(object: Query): Sql {
  const target = id(...qualifiedName(object));
  const columns = names(object.body.columns.map(({ name }) => name));
  const query = queryText(object, object.body);
  if (!isStored(object)) return sql`CREATE VIEW ${target} (${columns}) AS ${query}`;
  const filled = (object.body as MaterializedViewBody).refresh.moment === "immediate"; // isStored: only materialized views
  const shaped = sql`SELECT * FROM (${query}) AS refreshed(${columns})`;
  return sql`CREATE TABLE ${target} AS ${shaped} ${raw(filled ? "WITH DATA" : "WITH NO DATA")}`;
}

/** What brings a manual materialized view up to date; nothing for the others, which are. */
export function refreshQuery(object: Query): Sql[] {
  if (!isStored(object)) return [];
  const target = id(...qualifiedName(object));
  return [sql`DELETE FROM ${target}`, sql`INSERT INTO ${target} ${queryText(object, object.body)}`];
}

function queryText(object: Query, { query }: ViewBody): Sql {
  if (query.duckdb !== undefined) return raw(sqlText(query.duckdb));
  throw refuse(object, "its query is written for StarRocks only", "dw does not translate between dialects");
}

export function dropRelation(object: StarrocksObject): Sql {
  const target = id(...qualifiedName(object));
  if (object.kind === "database") return sql`DROP SCHEMA IF EXISTS ${target}`;
  return object.kind === "table" || isStored(object) ? sql`DROP TABLE IF EXISTS ${target}` : sql`DROP VIEW IF EXISTS ${target}`;
}

/** Rows move to a table of the new shape: what DuckDB cannot alter in place, and what StarRocks rebuilds too. */
export function rebuildTable(from: Table, to: Table): Sql[] {
  const [database = "", name = ""] = qualifiedName(to);
  const shadow = [database, `${name}__dw_rebuild`];
  const old = new Set(from.body.columns.map((column) => column.name));
  const shared = to.body.columns.filter((column) => old.has(column.name));
  const values = shared.map((column) => sql`CAST(${id(column.name)} AS ${columnType(to, column)})`);
  return [
    createTable(to, shadow),
    sql`INSERT INTO ${id(...shadow)} (${names(shared.map((column) => column.name))}) SELECT ${join(values)} FROM ${id(...qualifiedName(from))}`,
    sql`DROP TABLE ${id(...qualifiedName(from))}`,
    sql`ALTER TABLE ${id(...shadow)} RENAME TO ${id(name)}`,
  ];
}

/** The rows that StarRocks would keep in a partition: NULL is below every bound. */
export function partitionRows(object: Table, partition: NamedPartition): Sql {
  const columns = object.body.partition && "columns" in object.body.partition ? object.body.partition.columns : [];
  const is = (name: string, value: string | null, operator: Sql): Sql => {
    const column = object.body.columns.find((candidate) => candidate.name === name);
    if (!column) throw refuse(object, `partition ${partition.name} goes`, `it has no column ${name}`);
    return value === null ? sql`${id(name)} IS NULL` : sql`${id(name)} ${operator} CAST(${lit(value)} AS ${columnType(object, column)})`;
  };
  if ("values" in partition) {
    const tuples = partition.values.map(
      (tuple) =>
        sql`(${join(
          columns.map((name, index) => is(name, tuple[index] ?? null, raw("="))),
          " AND ",
        )})`,
    );
    return join(tuples, " OR ");
  }
  const [name = "", ...others] = columns;
  if (others.length > 0) throw refuse(object, `partition ${partition.name} goes`, "it has bounds over several columns");
  const [from = null] = partition.from;
  const [to = null] = partition.to;
  const below = to === null ? raw("TRUE") : is(name, to, raw("<"));
  return from === null ? sql`(${id(name)} IS NULL OR ${below})` : sql`(${is(name, from, raw(">="))} AND ${below})`;
}

function names(columns: readonly string[]): Sql {
  return join(columns.map((column) => id(column)));
}

export function refuse(object: StarrocksObject, what: string, why: string): DwError {
  return new DwError("DW-EMULATION-UNSUPPORTED", {
    what: `${object.kind} ${displayName(object.name)}: ${what}, which the embedded emulation of StarRocks does not run.`,
    why: `${why[0]?.toUpperCase()}${why.slice(1)}; a result that differs from StarRocks's would mislead.`,
    fix:
      object.kind === "view" || object.kind === "materialized-view"
        ? "Give the query a DuckDB body too (`query: { starrocks: …, duckdb: sql.duckdb`…` }`), or use an environment with a StarRocks connection."
        : "Use an environment with a StarRocks connection for this model.",
  });
}

export type { Query, Table, TableBody };
