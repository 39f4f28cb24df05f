import { compareText } from "../../core/catalog.js";
import type { Sql } from "../../core/sql.js";
import { template } from "../../render/template.js";
import type { CatalogBody, ColumnBody, Properties, TableBody, ViewBody } from "./body.js";
import { flinkSql } from "./dialect.js";

const { sql, id, lit, join, raw } = flinkSql;

const tableTemplate = template("flink/create-table.sql", {
  create: "sql",
  name: "sql",
  lines: [{ line: "sql" }],
  comment: "sql?",
  partition: "sql?",
  hasProperties: "flag",
  properties: [{ name: "sql", value: "sql" }],
});

const viewTemplate = template("flink/create-view.sql", {
  name: "sql",
  columns: [{ line: "sql" }],
  comment: "sql?",
  query: "sql",
});

const jobTemplate = template("flink/job.sql", {
  settings: [{ name: "sql", value: "sql" }],
  statements: [{ text: "sql" }],
  into: "sql",
  columns: "sql",
  query: "sql",
});

/** CREATE TABLE of Flink SQL; `temporary` for the tables that a job brings along. */
export function createTable(name: readonly string[], body: TableBody, how: "plain" | "temporary" | "if-missing" = "plain"): Sql {
  const lines = [...body.columns.map(columnClause), ...watermarkClause(body), ...keyClause(body)];
  const words = { plain: "CREATE TABLE", temporary: "CREATE TEMPORARY TABLE", "if-missing": "CREATE TABLE IF NOT EXISTS" };
  const text = tableTemplate({
    create: raw(words[how]),
    name: id(...name),
    lines: lines.map((line) => ({ line })),
    comment: body.comment === "" ? undefined : lit(body.comment),
    partition: body.partitions.length === 0 ? undefined : join(body.partitions.map((column) => id(column))),
    hasProperties: Object.keys(body.properties).length > 0,
    properties: propertyLines(body.properties),
  });
  return raw(text.trimEnd());
}

function columnClause({ name, type, nullable, metadata, comment }: ColumnBody): Sql {
  const parts = [id(name), raw(nullable ? type : `${type} NOT NULL`)];
  if (metadata !== undefined) parts.push(sql`METADATA FROM ${lit(metadata)} VIRTUAL`);
  if (comment !== "") parts.push(sql`COMMENT ${lit(comment)}`);
  return join(parts, " ");
}

function watermarkClause({ watermark }: TableBody): Sql[] {
  if (!watermark) return [];
  const [, amount = "0", unit = "SECOND"] = /^(\d+)\s*([A-Za-z]+?)S?$/i.exec(watermark.delay.trim()) ?? [];
  return [sql`WATERMARK FOR ${id(watermark.column)} AS ${id(watermark.column)} - INTERVAL ${lit(amount)} ${raw(unit.toUpperCase())}`];
}

function keyClause({ key }: TableBody): Sql[] {
  return key.length === 0 ? [] : [sql`PRIMARY KEY (${join(key.map((column) => id(column)))}) NOT ENFORCED`];
}

export function createCatalog({ name, properties }: CatalogBody): Sql {
  return sql`CREATE CATALOG ${id(name)} WITH (\n  ${join(
    propertyLines(properties).map((one) => sql`${one.name} = ${one.value}`),
    ",\n  ",
  )}\n)`;
}

export function createView(name: readonly string[], { columns, query, comment }: ViewBody): Sql {
  const lines = columns.map((column) => ({
    line: column.comment === "" ? id(column.name) : sql`${id(column.name)} COMMENT ${lit(column.comment)}`,
  }));
  return raw(
    viewTemplate({ name: id(...name), columns: lines, comment: comment === "" ? undefined : lit(comment), query: raw(query) }).trimEnd(),
  );
}

/** The whole text of a job: settings, what it needs to know, and the INSERT that runs until somebody stops it. */
export function jobText(body: ViewBody, job: NonNullable<ViewBody["job"]>): string {
  const statements = [...job.catalogs.map(createCatalog), ...job.tables.map(({ name, table }) => createTable([name], table, "temporary"))];
  return jobTemplate({
    settings: propertyLines(job.settings),
    statements: statements.map((text) => ({ text })),
    into: id(...job.into),
    columns: join(body.columns.map((column) => id(column.name))),
    query: raw(body.query),
  });
}

function propertyLines(properties: Properties): { name: Sql; value: Sql }[] {
  const entries = Object.entries(properties).sort(([a], [b]) => compareText(a, b));
  return entries.map(([name, value]) => ({ name: lit(name), value: lit(String(value)) }));
}
