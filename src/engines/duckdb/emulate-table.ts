import type { Sql } from "../../core/sql.js";
import { duckdb } from "./dialect.js";
import type { Column, Query, Shape, Table } from "./emulated.js";

const { sql, id, join, raw } = duckdb;

/*
 * Emulated objects as DuckDB DDL. Tables that merge rows of one key get that key as PRIMARY KEY, so that a load can say
 * INSERT OR REPLACE or ON CONFLICT; the others have none.
 */

export function createTable({ columns, key, name }: Table, called = name): Sql {
  const keyClause = key.length > 0 ? [sql`PRIMARY KEY (${names(key)})`] : [];
  return sql`CREATE TABLE ${id(...called)} (${join([...columns.map(columnClause), ...keyClause])})`;
}

function columnClause(column: Column): Sql {
  const parts = [id(column.name), column.type];
  if (!column.nullable) parts.push(raw("NOT NULL"));
  if (column.default) parts.push(sql`DEFAULT ${column.default}`);
  return join(parts, " ");
}

export function createQuery({ name, columns, text, stored }: Query): Sql {
  const target = id(...name);
  if (!stored) return sql`CREATE VIEW ${target} (${names(columns)}) AS ${text()}`;
  const shaped = sql`SELECT ${names(stored.columns)} FROM (${text()}) AS refreshed(${names(columns)})`;
  return sql`CREATE TABLE ${target} AS ${shaped} ${raw(stored.filled ? "WITH DATA" : "WITH NO DATA")}`;
}

/** What brings a stored query up to date; nothing for views, which are. */
export function refreshQuery({ name, columns, text, stored }: Query): Sql[] {
  if (!stored) return [];
  const target = id(...name);
  return [sql`DELETE FROM ${target}`, sql`INSERT INTO ${target} (${names(columns)}) ${text()}`];
}

export function dropShape(shape: Shape): Sql[] {
  switch (shape.kind) {
    case "record":
      return [];
    case "database":
      return [sql`DROP SCHEMA IF EXISTS ${id(...shape.name)}`];
    case "table":
      return [sql`DROP TABLE IF EXISTS ${id(...shape.name)}`];
    case "query":
      return [shape.stored ? sql`DROP TABLE IF EXISTS ${id(...shape.name)}` : sql`DROP VIEW IF EXISTS ${id(...shape.name)}`];
  }
}

/** Rows move to a table of the new shape: what DuckDB cannot alter in place, and what the engine rebuilds too. */
export function rebuildTable(from: Table, to: Table): Sql[] {
  const cast = raw(to.lenient ? "TRY_CAST" : "CAST");
  const old = new Set(from.columns.map((column) => column.name));
  const shared = to.columns.filter((column) => old.has(column.name));
  const kept = shared.map((column) => ({ name: column.name, value: sql`${cast}(${id(column.name)} AS ${column.type})` }));
  const filled = kept.length > 0 ? kept : to.columns.slice(0, 1).map(({ name, default: value = raw("NULL") }) => ({ name, value })); // as many rows
  return replaced(from, to, (shadow) => {
    const into = sql`${shadow} (${names(filled.map(({ name }) => name))})`;
    return sql`INSERT INTO ${into} SELECT ${join(filled.map(({ value }) => value))} FROM ${id(...from.name)}`;
  });
}

/** The same rows in the table's own order of columns; of several new columns the first one brings all. */
export function reorderTable(table: Table): Sql[] {
  return replaced(table, table, (shadow) => sql`INSERT INTO ${shadow} BY NAME SELECT * FROM ${id(...table.name)}`);
}

function replaced(from: Table, to: Table, fill: (shadow: Sql) => Sql): Sql[] {
  const [database = "", name = ""] = to.name;
  const shadow = [database, `${name}__dw_rebuild`];
  return [
    createTable(to, shadow),
    fill(id(...shadow)),
    sql`DROP TABLE ${id(...from.name)}`,
    sql`ALTER TABLE ${id(...shadow)} RENAME TO ${id(name)}`,
  ];
}

function names(columns: readonly string[]): Sql {
  return join(columns.map((column) => id(column)));
}
