import type { CatalogObject } from "../../core/catalog.js";
import type { StatementBody } from "../../core/plan.js";
import type { Sql } from "../../core/sql.js";
import { template } from "../../render/template.js";
import {
  type CheckBody,
  type ColumnBody,
  type ForeignKeyBody,
  type FunctionBody,
  type IndexBody,
  type KeyBody,
  type MaterializedViewBody,
  postgresObject,
  type TableBody,
  type ViewBody,
} from "./body.js";
import { dollarQuoted, id, join, lit, raw, sql } from "./dialect.js";
import { createPartitions, partitionByClause } from "./partitions.js";
import { createRole } from "./roles.js";
import { harmless, hazard, statement } from "./statements.js";

const names = [{ name: "sql" }] as const;
const lines = [{ line: "sql" }] as const;
const tableText = template("postgres/create-table.sql", { name: "sql", lines, partitionBy: "sql?" });
const viewText = template("postgres/create-view.sql", { replace: "flag", name: "sql", columns: names, query: "sql" });
const materializedViewText = template("postgres/create-materialized-view.sql", { name: "sql", columns: names, query: "sql" });
const functionText = template("postgres/create-function.sql", {
  replace: "flag",
  name: "sql",
  arguments: "sql",
  columns: lines,
  returns: "sql?",
  language: "sql",
  volatility: "sql",
  source: "sql",
});

/** Statements that make an object with everything that belongs to it. The first one's undo takes all of it away. */
export function createObject(object: CatalogObject): StatementBody[] {
  const made = postgresObject(object);
  switch (made.kind) {
    case "schema":
      return [statement(sql`CREATE SCHEMA ${id(...made.name)}`, { undo: [dropText(object)] }), ...harmless(comments(object))];
    case "enum":
      return [statement(enumStatement(object, made.body.values), { undo: [dropText(object)] }), ...harmless(comments(object))];
    case "role":
      return [...createRole(object), ...harmless(comments(object))];
    case "table":
      return createTable(object, made.body);
    case "view":
      return [statement(viewStatement(made.name, made.body, false), { undo: [dropText(object)] }), ...harmless(comments(object))];
    case "materialized-view":
      return createMaterializedView(object, made.body);
    case "function":
      return [statement(functionStatement(made.name, made.body, false), { undo: [dropText(object)] }), ...harmless(comments(object))];
    case "continuous-aggregate":
      throw new Error(`${object.id}: PostgreSQL alone has no continuous aggregates.`);
  }
}

function enumStatement({ name }: CatalogObject, values: readonly string[]): Sql {
  return sql`CREATE TYPE ${id(...name)} AS ENUM (${join(values.map((value) => lit(value)))})`;
}

function createTable(object: CatalogObject, body: TableBody): StatementBody[] {
  return [
    statement(tableStatement(object.name, body), { undo: [dropText(object)] }),
    ...harmless(createPartitions(object.name[0] ?? "", object.name[1] ?? "", body.partitioning).map((text) => statement(text))),
    ...harmless(body.indexes.map((index) => createIndex(object, index))),
    ...harmless(comments(object)),
  ];
}

/** CREATE TABLE alone, with its key and constraints. */
export function tableStatement(name: readonly string[], body: TableBody): string {
  const clauses = [
    ...body.columns.map(columnClause),
    ...(body.primaryKey ? [primaryKeyClause(body.primaryKey)] : []),
    ...body.foreignKeys.map(foreignKeyClause),
    ...body.checks.map(checkClause),
  ];
  return tableText({
    name: id(...name),
    lines: clauses.map((line) => ({ line })),
    partitionBy: body.partitioning && partitionByClause(body.partitioning),
  });
}

/** A column as it stands in CREATE TABLE and ADD COLUMN. Expressions are the model author's own SQL. */
export function columnClause(column: ColumnBody): Sql {
  return join(
    [
      id(column.name),
      raw(column.type),
      ...(column.generated === undefined ? [] : [raw(`GENERATED ALWAYS AS (${column.generated}) STORED`)]),
      ...(column.default === undefined ? [] : [raw(`DEFAULT ${column.default}`)]),
      ...(column.nullable ? [] : [raw("NOT NULL")]),
    ],
    " ",
  );
}

export function columnList(columns: readonly string[]): Sql {
  return join(columns.map((column) => id(column)));
}

export function primaryKeyClause({ name, columns }: KeyBody): Sql {
  return sql`CONSTRAINT ${id(name)} PRIMARY KEY (${columnList(columns)})`;
}

export function foreignKeyClause({ name, columns, table, to }: ForeignKeyBody): Sql {
  return sql`CONSTRAINT ${id(name)} FOREIGN KEY (${columnList(columns)}) REFERENCES ${id(...table)} (${columnList(to)})`;
}

export function checkClause({ name, expression }: CheckBody): Sql {
  return sql`CONSTRAINT ${id(name)} CHECK (${raw(expression)})`;
}

export function createIndex(object: Pick<CatalogObject, "kind" | "name">, index: IndexBody): StatementBody {
  const table = object.name;
  const columns = index.columns.map(({ column, order }) => (order === "desc" ? sql`${id(column)} DESC` : id(column)));
  const kind = raw(index.unique ? "CREATE UNIQUE INDEX" : "CREATE INDEX");
  const method = index.method === "btree" ? raw("") : raw(`USING ${index.method} `);
  const where = index.where === undefined ? raw("") : raw(`\nWHERE ${index.where}`);
  return statement(sql`${kind} ${id(index.name)} ON ${id(...table)} ${method}(${join(columns)})${where}`, {
    hazards: [hazard("blocks-writes", `Writes to ${table.join(".")} wait while the index ${index.name} is built.`)],
    undo: [sql`DROP INDEX ${indexName(object, index.name)}`],
  });
}

/** Where TimescaleDB keeps the hypertables behind continuous aggregates. */
export const AGGREGATE_SCHEMA = "_timescaledb_internal";

/** An index lives in its table's schema. */
export function indexName({ kind, name }: Pick<CatalogObject, "kind" | "name">, index: string): Sql {
  return kind === "continuous-aggregate" ? id(AGGREGATE_SCHEMA, index) : id(...name.slice(0, -1), index);
}

export function viewStatement(name: readonly string[], body: ViewBody, replace: boolean): string {
  return viewText({ replace, name: id(...name), columns: viewColumns(body), query: raw(body.query) });
}

/** A view's output columns for a template. */
export function viewColumns(body: ViewBody): { readonly name: Sql }[] {
  return body.columns.map((column) => ({ name: id(column.name) }));
}

function createMaterializedView(object: CatalogObject, body: MaterializedViewBody): StatementBody[] {
  const text = materializedViewText({ name: id(...object.name), columns: viewColumns(body), query: raw(body.query) });
  return [
    statement(text, { undo: [dropText(object)] }),
    ...harmless(body.indexes.map((index) => createIndex(object, index))),
    ...harmless(comments(object)),
  ];
}

export function functionStatement(name: readonly string[], body: FunctionBody, replace: boolean): string {
  const parameter = ({ name: parameterName, type }: { readonly name: string; readonly type: string }): Sql =>
    sql`${id(parameterName)} ${raw(type)}`;
  return functionText({
    replace,
    name: id(...name),
    arguments: join(body.arguments.map(parameter)),
    columns: typeof body.returns === "string" ? [] : body.returns.map((column) => ({ line: parameter(column) })),
    returns: typeof body.returns === "string" ? raw(body.returns) : undefined,
    language: raw(body.language),
    volatility: raw(body.volatility.toUpperCase()),
    source: raw(dollarQuoted(body.source)),
  });
}

const DROP = {
  schema: "DROP SCHEMA",
  enum: "DROP TYPE",
  role: "DROP ROLE",
  table: "DROP TABLE",
  view: "DROP VIEW",
  "materialized-view": "DROP MATERIALIZED VIEW",
  "continuous-aggregate": "DROP MATERIALIZED VIEW",
  function: "DROP FUNCTION",
} as const;

/** Without CASCADE: what dw did not make may hang on it. */
export function dropText(object: CatalogObject): Sql {
  const dropped = postgresObject(object);
  return sql`${raw(DROP[dropped.kind])} ${objectSql(object)}`;
}

/** How COMMENT, DROP and GRANT name an object: a function with its argument types. */
export function objectSql(object: CatalogObject): Sql {
  const named = postgresObject(object);
  if (named.kind !== "function") return id(...object.name);
  return sql`${id(...object.name)}(${join(named.body.arguments.map(({ type }) => raw(type)))})`;
}

const COMMENTED = {
  schema: "SCHEMA",
  enum: "TYPE",
  role: "ROLE",
  table: "TABLE",
  view: "VIEW",
  "materialized-view": "MATERIALIZED VIEW",
  "continuous-aggregate": "VIEW", // for PostgreSQL a continuous aggregate is a view
  function: "FUNCTION",
} as const;

export function commentOnObject(object: CatalogObject, comment: string): Sql {
  return sql`COMMENT ON ${raw(COMMENTED[postgresObject(object).kind])} ${objectSql(object)} IS ${commentText(comment)}`;
}

export function commentOnColumn(object: CatalogObject, column: string, comment: string): Sql {
  return sql`COMMENT ON COLUMN ${id(...object.name, column)} IS ${commentText(comment)}`;
}

function commentText(comment: string): Sql {
  return lit(comment === "" ? null : comment);
}

/** COMMENT statements for everything that has one. */
export function comments(object: CatalogObject): StatementBody[] {
  const { body } = postgresObject(object);
  const columns = "columns" in body ? body.columns.filter(({ comment }) => comment !== "") : [];
  return [
    ...(body.comment === "" ? [] : [statement(commentOnObject(object, body.comment))]),
    ...columns.map(({ name, comment }) => statement(commentOnColumn(object, name, comment))),
  ];
}
