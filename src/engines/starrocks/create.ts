import { compareText } from "../../core/catalog.js";
import type { Sql } from "../../core/sql.js";
import { commentedColumn, commentedView } from "../../render/commented-view.js";
import { template } from "../../render/template.js";
import {
  type ColumnBody,
  type DatabaseBody,
  type DistributionBody,
  filled,
  type IndexBody,
  type ListPartition,
  type MaterializedViewBody,
  type PartitionBody,
  type PartitionExpression,
  type Properties,
  type RangePartition,
  type RefreshBody,
  sqlText,
  type TableBody,
  type TableKind,
  type ViewBody,
} from "./body.js";
import { quotedText, starrocks } from "./dialect.js";
import { foldType, lowestBound } from "./types.js";

/*
 * CREATE statements. Clauses stand in the order in which SHOW CREATE TABLE prints them, which is also the only order that
 * the parser takes for the parts of a column.
 */

const { sql, id, join, lit, raw } = starrocks;

const words = { ...starrocks, text: quoted };

export type Name = readonly string[];

const tableTemplate = template("starrocks/create-table.sql", {
  name: "sql",
  lines: [{ line: "sql" }],
  key: "sql?",
  comment: "sql?",
  partition: "sql?",
  distribution: "sql",
  orderBy: "sql?",
  hasProperties: "flag",
  properties: [{ name: "sql", value: "sql" }],
});

const materializedViewTemplate = template("starrocks/create-materialized-view.sql", {
  name: "sql",
  columns: [{ line: "sql" }],
  comment: "sql?",
  partition: "sql?",
  distribution: "sql?",
  orderBy: "sql?",
  refresh: "sql",
  hasProperties: "flag",
  properties: [{ name: "sql", value: "sql" }],
  query: "sql",
});

export function createDatabase(name: Name, body: DatabaseBody): Sql {
  const create = sql`CREATE DATABASE IF NOT EXISTS ${id(...name)}`;
  const properties = propertyLines(body.properties).map(({ name: property, value }) => sql`${property} = ${value}`);
  return properties.length === 0 ? create : sql`${create} PROPERTIES (${join(properties)})`;
}

export function createTable(name: Name, body: TableBody): Sql {
  const lines = [...body.columns.map((column) => columnClause(column)), ...body.indexes.map(indexClause)];
  const text = tableTemplate({
    name: id(...name),
    lines: lines.map((line) => ({ line })),
    key: body.key.length === 0 ? undefined : keyClause(body.table, body.key),
    comment: commentText(body.comment),
    partition: body.partition && partitionClause(body.partition, body.columns),
    distribution: distributionClause(body.distribution),
    orderBy: nameList(body.orderBy),
    hasProperties: Object.keys(body.properties).length > 0,
    properties: propertyLines(body.properties),
  });
  return raw(text.trimEnd());
}

export function createView(name: Name, { columns, comment, query }: ViewBody, replace = false): Sql {
  return commentedView(words, { name, columns, comment, query: raw(sqlText(query.starrocks)), replace });
}

export function createMaterializedView(name: Name, body: MaterializedViewBody): Sql {
  const text = materializedViewTemplate({
    name: id(...name),
    columns: body.columns.map((column) => ({ line: commentedColumn(words, column) })),
    comment: commentText(body.comment),
    partition: body.partition.length === 0 ? undefined : join(body.partition.map(partitionExpression)),
    distribution: body.distribution && distributionClause(body.distribution),
    orderBy: nameList(body.orderBy),
    refresh: refreshClause(body.refresh),
    hasProperties: Object.keys(body.properties).length > 0,
    properties: propertyLines(body.properties),
    query: raw(sqlText(body.query.starrocks)),
  });
  return raw(text.trimEnd());
}

/** `type [aggregate] [NULL] [default | AUTO_INCREMENT | AS] [COMMENT]`: no other order is read. */
export function columnClause(column: ColumnBody): Sql {
  return join([id(column.name), ...columnParts(column, false)], " ");
}

/** In ALTER TABLE a key column says so again, and says its comment even when there is none. */
export function keyColumnClause(column: ColumnBody): Sql {
  return join([id(column.name), ...columnParts(column, true)], " ");
}

function columnParts(column: ColumnBody, isKey: boolean): Sql[] {
  const parts = [raw(column.type)];
  if (isKey) parts.push(raw("KEY"));
  if (column.aggregate !== undefined) parts.push(raw(column.aggregate));
  // The engine prints NULL on generated columns, and reads none.
  if (column.generated === undefined) parts.push(raw(column.nullable ? "NULL" : "NOT NULL"));
  if (column.autoIncrement) parts.push(raw("AUTO_INCREMENT"));
  if (column.default) parts.push(defaultClause(column.default));
  if (column.generated !== undefined) parts.push(sql`AS ${raw(column.generated)}`);
  if (column.comment !== "") parts.push(sql`COMMENT ${quoted(column.comment)}`);
  return parts;
}

function defaultClause(value: NonNullable<ColumnBody["default"]>): Sql {
  return "literal" in value ? sql`DEFAULT ${quoted(value.literal)}` : sql`DEFAULT ${raw(value.expression)}`;
}

export function indexClause(index: IndexBody): Sql {
  const properties = Object.entries(index.properties).sort(([a], [b]) => compareText(a, b));
  const list = join(properties.map(([name, value]) => sql`${quoted(name)} = ${quoted(value)}`));
  const using = properties.length === 0 ? raw(index.using) : sql`${raw(index.using)} (${list})`;
  const clause = sql`INDEX ${id(index.name)} (${join(index.columns.map((column) => id(column)))}) USING ${using}`;
  return index.comment === "" ? clause : sql`${clause} COMMENT ${lit(index.comment)}`;
}

const KEY_WORDS: Readonly<Record<TableKind, string>> = {
  duplicate: "DUPLICATE KEY",
  aggregate: "AGGREGATE KEY",
  unique: "UNIQUE KEY",
  primary: "PRIMARY KEY",
};

function keyClause(table: TableKind, key: readonly string[]): Sql {
  return sql`${raw(KEY_WORDS[table])} (${join(key.map((column) => id(column)))})`;
}

function partitionClause(partition: PartitionBody, tableColumns: readonly ColumnBody[]): Sql {
  if (partition.by === "expression") return expressionPartition(partition.expressions);
  const types = partition.columns.map((name) => foldType(tableColumns.find((column) => column.name === name)?.type ?? ""));
  const columns = join(partition.columns.map((column) => id(column)));
  if (partition.by === "range") return sql`RANGE (${columns}) (${lines(partition.partitions.map((one) => rangeClause(one, types)))})`;
  return sql`LIST (${columns}) (${lines(partition.partitions.map(listClause))})`;
}

/** `types` are those of the columns that partition the table. */
export function rangeClause({ name, from, to }: RangePartition, types: readonly string[]): Sql {
  return sql`PARTITION ${id(name)} VALUES [${bound(from, types, "from")}, ${bound(to, types, "to")})`;
}

export function listClause({ name, values }: ListPartition): Sql {
  return sql`PARTITION ${id(name)} VALUES IN (${join(values.map(listValue))})`;
}

/** One function stands bare (recorded: in parentheses it is a syntax error), columns stand in parentheses. */
function expressionPartition(expressions: readonly PartitionExpression[]): Sql {
  const all = join(expressions.map(partitionExpression));
  return expressions.every((expression) => "column" in expression) ? sql`(${all})` : all;
}

function partitionExpression(expression: PartitionExpression): Sql {
  if ("column" in expression) return id(expression.column);
  if ("sql" in expression) return raw(expression.sql);
  return sql`date_trunc(${lit(expression.unit)}, ${id(expression.dateTrunc)})`;
}

/** The lowest bound has no word of its own: it is the type's lowest value, as the engine prints an open start. */
function bound(values: readonly (string | null)[], types: readonly string[], side: "from" | "to"): Sql {
  const open = (index: number): Sql => (side === "to" ? raw("MAXVALUE") : quoted(lowestBound(types[index] ?? "")));
  return sql`(${join(values.map((value, index) => (value === null ? open(index) : quoted(value))))})`;
}

function listValue(tuple: readonly (string | null)[]): Sql {
  const values = tuple.map((value) => (value === null ? raw("NULL") : quoted(value)));
  return values.length === 1 ? join(values) : sql`(${join(values)})`;
}

function lines(parts: readonly Sql[]): Sql {
  return parts.length === 0 ? raw("") : sql`\n  ${join(parts, ",\n  ")}\n`;
}

export function distributionClause(distribution: DistributionBody): Sql {
  const method = distribution.by === "hash" ? sql`HASH (${join(distribution.columns.map((column) => id(column)))})` : raw("RANDOM");
  return distribution.buckets === undefined ? method : sql`${method} BUCKETS ${lit(filled(distribution.buckets))}`;
}

function refreshClause(refresh: RefreshBody): Sql {
  const parts = [raw(refresh.moment === "deferred" ? "DEFERRED" : "IMMEDIATE"), raw(refresh.mode === "manual" ? "MANUAL" : "ASYNC")];
  return join([...parts, ...schedule(refresh)], " ");
}

export function schedule({ start, every }: RefreshBody): Sql[] {
  const [, amount = "", unit = ""] = /^(\d+) ([A-Z]+)$/.exec(every?.trim().toUpperCase() ?? "") ?? [];
  const started = start === undefined ? [] : [sql`START (${quoted(start)})`];
  return every === undefined ? [] : [...started, sql`EVERY (INTERVAL ${raw(amount)} ${raw(unit)})`];
}

function nameList(columns: readonly string[]): Sql | undefined {
  return columns.length === 0 ? undefined : join(columns.map((column) => id(column)));
}

function commentText(comment: string): Sql | undefined {
  return comment === "" ? undefined : quoted(comment);
}

function propertyLines(properties: Properties): { name: Sql; value: Sql }[] {
  const entries = Object.entries(properties).sort(([a], [b]) => compareText(a, b));
  return entries.map(([name, value]) => ({ name: quoted(name), value: quoted(filled(value)) }));
}

export function quoted(text: string): Sql {
  return raw(quotedText(text));
}
