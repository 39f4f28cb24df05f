import { compareText } from "../../core/catalog.js";
import type { Sql } from "../../core/sql.js";
import { commentedView } from "../../render/commented-view.js";
import { template } from "../../render/template.js";
import {
  type ColumnBody,
  type FormatBody,
  type HiveObject,
  type MaterializedViewBody,
  type PartitionColumn,
  type Properties,
  qualifiedName,
  type ReferenceBody,
  type TableBody,
  type ViewBody,
} from "./body.js";
import { hive } from "./dialect.js";

/* CREATE statements, clauses in the order of the language manual, which is the only one that the parser takes. */

const { sql, id, lit, join, raw } = hive;

type Name = readonly string[];

const tableTemplate = template("hive/create-table.sql", {
  external: "flag",
  name: "sql",
  lines: [{ line: "sql" }],
  comment: "sql?",
  partitioned: "flag",
  partitions: [{ line: "sql" }],
  clustered: "sql?",
  skewed: "sql?",
  rowFormat: "sql?",
  stored: "sql?",
  location: "sql?",
  hasProperties: "flag",
  properties: [{ name: "sql", value: "sql" }],
});

const materializedViewTemplate = template("hive/create-materialized-view.sql", {
  name: "sql",
  unused: "flag",
  comment: "sql?",
  partition: "sql?",
  stored: "sql?",
  location: "sql?",
  hasProperties: "flag",
  properties: [{ name: "sql", value: "sql" }],
  query: "sql",
});

export function create(object: HiveObject, replace = false): Sql {
  const name = qualifiedName(object);
  switch (object.kind) {
    case "database":
      return sql`CREATE DATABASE IF NOT EXISTS ${id(...name)}`;
    case "table":
      return createTable(name, object.body);
    case "view":
      return createView(name, object.body, replace);
    case "materialized-view":
      return createMaterializedView(name, object.body);
  }
}

export function createTable(name: Name, body: TableBody): Sql {
  const lines = [...body.columns.map((column) => columnClause(column, body)), ...constraints(body)];
  const text = tableTemplate({
    external: body.table === "external",
    name: id(...name),
    lines: lines.map((line) => ({ line })),
    comment: commentText(body.comment),
    partitioned: body.partitions.length > 0,
    partitions: body.partitions.map((column) => ({ line: described(column) })),
    clustered: clusteredClause(body),
    skewed: body.skewed && skewedClause(body.skewed),
    rowFormat: rowFormat(body.format),
    stored: storedClause(body.format),
    location: body.location === undefined ? undefined : lit(String(body.location)),
    hasProperties: Object.keys(body.properties).length > 0,
    properties: propertyLines(body.properties),
  });
  return raw(text.trimEnd());
}

function createView(name: Name, { columns, comment, query }: ViewBody, replace: boolean): Sql {
  return commentedView({ ...hive, text: lit }, { name, columns, comment, query: raw(query), replace });
}

/** Columns cannot be named here: they are called as the query calls them. */
function createMaterializedView(name: Name, body: MaterializedViewBody): Sql {
  const text = materializedViewTemplate({
    name: id(...name),
    unused: !body.rewrite,
    comment: commentText(body.comment),
    partition: body.partitions.length === 0 ? undefined : names(body.partitions),
    stored: body.storedAs === undefined ? undefined : raw(body.storedAs),
    location: body.location === undefined ? undefined : lit(String(body.location)),
    hasProperties: Object.keys(body.properties).length > 0,
    properties: propertyLines(body.properties),
    query: raw(body.query),
  });
  return raw(text.trimEnd());
}

/** `name type [DEFAULT …] [NOT NULL …] [COMMENT …]`. */
function columnClause(column: ColumnBody, { notNull }: TableBody): Sql {
  const parts = [id(column.name), raw(column.type)];
  if (column.default !== undefined) parts.push(sql`DEFAULT ${raw(column.default)}`);
  // One constraint a column is all that the grammar takes; a default without NOT NULL still fills what an INSERT leaves out.
  else if (!column.nullable && notNull !== "none") parts.push(raw(notNull === "rely" ? "NOT NULL DISABLE NOVALIDATE RELY" : "NOT NULL"));
  if (column.comment !== "") parts.push(sql`COMMENT ${lit(column.comment)}`);
  return join(parts, " ");
}

export function described({ name, type, comment }: PartitionColumn): Sql {
  const clause = sql`${id(name)} ${raw(type)}`;
  return comment === "" ? clause : sql`${clause} COMMENT ${lit(comment)}`;
}

/** Keys that Hive only writes down: nothing is checked, and RELY tells the optimizer to believe them. */
function constraints({ key, references, partitions }: TableBody): Sql[] {
  const inFiles = (columns: readonly string[]): boolean => !columns.some((column) => partitions.some(({ name }) => name === column));
  const primary = key.length > 0 && inFiles(key) ? [sql`PRIMARY KEY (${names(key)}) DISABLE NOVALIDATE RELY`] : [];
  return [...primary, ...references.filter(({ columns }) => inFiles(columns)).map(referenceClause)];
}

function referenceClause({ columns, table, to }: ReferenceBody): Sql {
  const name = `fk_${columns.join("_")}_${table.at(-1) ?? ""}`;
  return sql`CONSTRAINT ${id(name)} FOREIGN KEY (${names(columns)}) REFERENCES ${id(...table)} (${names(to)}) DISABLE NOVALIDATE RELY`;
}

function clusteredClause({ clusteredBy, sortedBy, buckets }: TableBody): Sql | undefined {
  if (clusteredBy.length === 0) return undefined;
  const order = sortedBy.map(({ column, order }) => sql`${id(column)} ${raw(order.toUpperCase())}`);
  const sorted = order.length === 0 ? raw("") : sql` SORTED BY (${join(order)})`;
  return sql`CLUSTERED BY (${names(clusteredBy)})${sorted} INTO ${lit(buckets ?? 1)} BUCKETS`;
}

function skewedClause({ columns, values, asDirectories }: NonNullable<TableBody["skewed"]>): Sql {
  const tuples = values.map((tuple) => (columns.length === 1 ? join(tuple.map(lit)) : sql`(${join(tuple.map(lit))})`));
  return sql`SKEWED BY (${names(columns)}) ON (${join(tuples)})${raw(asDirectories ? " STORED AS DIRECTORIES" : "")}`;
}

function rowFormat({ serde, serdeProperties, delimited }: FormatBody): Sql | undefined {
  if (serde !== undefined) return sql`SERDE ${lit(serde)}${serdeClause(serdeProperties)}`;
  const parts = DELIMITERS.flatMap(([part, words]) => {
    const value = delimited[part];
    return value === undefined ? [] : [sql`${raw(words)} ${lit(value)}`];
  });
  return parts.length === 0 ? undefined : sql`DELIMITED ${join(parts, " ")}`;
}

/** In the order of the grammar. */
const DELIMITERS = [
  ["fields", "FIELDS TERMINATED BY"],
  ["escape", "ESCAPED BY"],
  ["items", "COLLECTION ITEMS TERMINATED BY"],
  ["mapKeys", "MAP KEYS TERMINATED BY"],
  ["nullAs", "NULL DEFINED AS"],
] as const;

function serdeClause(properties: Properties): Sql {
  if (Object.keys(properties).length === 0) return raw("");
  return sql` WITH SERDEPROPERTIES (${propertyList(properties)})`;
}

function storedClause({ storedAs, storedBy }: FormatBody): Sql | undefined {
  const handler = storedBy === undefined ? undefined : storedBy === "ICEBERG" ? raw("BY ICEBERG") : sql`BY ${lit(storedBy)}`;
  const format = storedAs === undefined ? undefined : raw(handler ? `STORED AS ${storedAs}` : `AS ${storedAs}`);
  const parts = [handler, format].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : join(parts, " ");
}

function commentText(comment: string): Sql | undefined {
  return comment === "" ? undefined : lit(comment);
}

function propertyLines(properties: Properties): { name: Sql; value: Sql }[] {
  const entries = Object.entries(properties).sort(([a], [b]) => compareText(a, b));
  return entries.map(([name, value]) => ({ name: lit(name), value: lit(String(value)) }));
}

/** `'a' = '1', 'b' = '2'`. */
function propertyList(properties: Properties): Sql {
  return join(propertyLines(properties).map(({ name, value }) => sql`${name} = ${value}`));
}

export function names(columns: readonly string[]): Sql {
  return join(columns.map((column) => id(column)));
}
