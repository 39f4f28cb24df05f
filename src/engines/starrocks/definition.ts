import type { JsonObject } from "../../core/json.js";
import { batchPartitions } from "./batch-partitions.js";
import type {
  ColumnBody,
  DatabaseBody,
  DefaultBody,
  DistributionBody,
  IndexBody,
  ListPartition,
  MaterializedViewBody,
  PartitionBody,
  PartitionExpression,
  Properties,
  RangePartition,
  RefreshBody,
  TableBody,
  TableKind,
  ViewBody,
} from "./body.js";
import { expressionText, readExpression, typeText } from "./expression-text.js";
import type {
  AggregateDef,
  ColumnDef,
  ColumnDefault,
  CreateMaterializedView,
  CreateTable,
  DistributionDef,
  Expression,
  IndexDef,
  KeyType,
  PartitionBoundValue,
  PartitionDef,
  Query,
  RangeItem,
  RefreshScheme,
  Statement,
  ViewColumn,
} from "./parse/ast.js";
import type { Property } from "./parse/cursor.js";
import { parseType } from "./types.js";

/*
 * A CREATE statement as a body: the way back from create.ts. It serves what SHOW CREATE prints, DDL files and hand-written
 * SQL alike, and fills in what the engine decides when a clause is left out (recorded in test/fixtures/starrocks).
 */

/** Columns that the engine made for a partition expression; SHOW CREATE TABLE shows them, a definition does not have them. */
const HIDDEN_COLUMN = /^__generated_partition_column_\d+$/;

export function databaseBody(statement: Extract<Statement, { statement: "create-database" }>): DatabaseBody {
  return { database: statement.name.at(-1) ?? "", properties: propertiesOf(statement.properties) };
}

export function tableBody(create: CreateTable, database: string): TableBody {
  const hidden = new Map(create.columns.flatMap((column) => hiddenColumn(column)));
  const own = create.columns.filter(({ name }) => !HIDDEN_COLUMN.test(name));
  const table = kindOf(create, own);
  const key = exactNames(create.key?.columns ?? impliedKey(own, table), own);
  const columns = own.map((column) => columnBody(column, table, key));
  const partition = create.partition && partitionBody(create.partition, hidden, columns);
  return {
    database,
    table,
    columns,
    indexes: create.indexes.map((index) => indexBody(index, own)),
    key,
    comment: create.comment ?? "",
    ...(partition && { partition }),
    distribution: distributionBody(create.distribution, own) ?? impliedDistribution(table, key),
    orderBy: exactNames(create.orderBy ?? [], own),
    properties: propertiesOf(create.properties),
  };
}

/** `text` is the file or answer in which the statement stands. */
export function viewBody(create: Extract<Statement, { statement: "create-view" }>, database: string, text: string): ViewBody {
  return {
    database,
    columns: viewColumns(create.columns ?? selectedColumns(create.query)),
    comment: create.comment ?? "",
    query: { starrocks: queryText(text, create.query.at) },
  };
}

export function materializedViewBody(create: CreateMaterializedView, database: string, text: string): MaterializedViewBody {
  const distribution = distributionBody(create.distribution, []);
  return {
    database,
    columns: viewColumns(create.columns ?? selectedColumns(create.query)),
    comment: create.comment ?? "",
    query: { starrocks: queryText(text, create.query.at) },
    partition: (create.partitionBy ?? []).map((expression) => partitionExpression(expression)),
    ...(distribution && { distribution }),
    orderBy: create.orderBy ?? [],
    refresh: refreshBody(create.refresh),
    properties: propertiesOf(create.properties),
  };
}

function queryText(text: string, at: number): string {
  return text.slice(at).replace(/[\s;]+$/, "");
}

// ------------------------------------------------------------------------------------------------ columns and keys

const KINDS: Readonly<Record<KeyType, TableKind>> = {
  DUPLICATE: "duplicate",
  AGGREGATE: "aggregate",
  UNIQUE: "unique",
  PRIMARY: "primary",
};

function kindOf(create: CreateTable, columns: readonly ColumnDef[]): TableKind {
  if (create.key) return KINDS[create.key.type];
  return columns.some(({ aggregate }) => aggregate) ? "aggregate" : "duplicate";
}

const KEY_COLUMNS = 3;
const KEY_BYTES = 36;

/** Bytes a column takes in the prefix index; absent for types that cannot be in a key. */
const PREFIX_BYTES: Readonly<Record<string, number>> = {
  boolean: 1,
  tinyint: 1,
  smallint: 2,
  int: 4,
  bigint: 8,
  largeint: 16,
  date: 3,
  datetime: 8,
  decimal: 16,
};

/** Without a key clause a duplicate table is sorted by its first columns: at most three, 36 bytes, and none after a VARCHAR. */
function impliedKey(columns: readonly ColumnDef[], table: TableKind): string[] {
  if (table === "aggregate") return columns.filter(({ aggregate }) => !aggregate).map(({ name }) => name);
  const key: string[] = [];
  let bytes = 0;
  for (const { name, type, generated } of columns) {
    const parsed = type && parseType(typeText(type));
    if (!parsed || generated || key.length === KEY_COLUMNS) break;
    if (parsed.name === "varchar") return [...key, name];
    const size = parsed.name === "char" ? (parsed.numbers[0] ?? 1) : PREFIX_BYTES[parsed.name];
    if (size === undefined || (key.length > 0 && bytes + size > KEY_BYTES)) break;
    bytes += size;
    key.push(name);
  }
  return key;
}

/** Key, distribution and partition clauses may say a column's name in another case. */
function exactNames(names: readonly string[], columns: readonly ColumnDef[]): string[] {
  return names.map((name) => {
    const exact = columns.find((column) => column.name === name);
    const found = exact ?? columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
    return found?.name ?? name;
  });
}

function columnBody(column: ColumnDef, table: TableKind, key: readonly string[]): ColumnBody {
  const value = defaultBody(column.default);
  const isKey = key.includes(column.name);
  const generated = column.generated && expressionText(column.generated);
  const counts = column.aggregate?.argumentTypes !== undefined && column.aggregate.function.toLowerCase() === "count";
  const notNull = column.autoIncrement || counts || (table === "primary" && isKey);
  return {
    name: column.name,
    type: column.type ? typeText(column.type) : aggregateStateType(column.aggregate),
    nullable: generated === undefined ? !notNull && (column.nullable ?? true) : true,
    ...(column.aggregate && { aggregate: aggregateText(column.aggregate) }),
    ...(value && { default: value }),
    ...(column.autoIncrement && { autoIncrement: true as const }),
    ...(generated !== undefined && { generated }),
    comment: column.comment ?? "",
  };
}

/** Without a type only an aggregate state can stand there, and its state is bytes. */
function aggregateStateType(aggregate: AggregateDef | undefined): string {
  return aggregate?.function.toLowerCase() === "count" ? "bigint" : "varbinary";
}

function aggregateText({ function: name, argumentTypes }: AggregateDef): string {
  if (!argumentTypes) return name.toUpperCase();
  return `${name.toLowerCase()}(${argumentTypes.map(({ type }) => typeText(type)).join(", ")})`;
}

function defaultBody(value: ColumnDefault | undefined): DefaultBody | undefined {
  switch (value?.kind) {
    case undefined:
    case "null":
      return undefined;
    case "literal":
      return { literal: value.text };
    case "now":
      return { expression: value.precision ? `current_timestamp(${value.precision})` : "CURRENT_TIMESTAMP" };
    case "function":
      return { expression: `(${value.name.toLowerCase()}())` };
  }
}

/** Parts of ALTER TABLE, as they are in a table of that body. */
export function columnBodyOf(column: ColumnDef, { table, key }: TableBody): ColumnBody {
  return columnBody(column, table, key);
}

export function indexBodyOf(index: IndexDef, { columns }: TableBody): IndexBody {
  return { ...indexBody(index, []), columns: exactColumns(index.columns, columns) };
}

export function distributionBodyOf(distribution: DistributionDef, { columns }: TableBody): DistributionBody {
  const buckets = distribution.buckets === undefined ? {} : { buckets: distribution.buckets };
  return distribution.kind === "random"
    ? { by: "random", ...buckets }
    : { by: "hash", columns: exactColumns(distribution.columns, columns), ...buckets };
}

export function rangePartitionsOf(items: readonly RangeItem[], { columns, partition }: TableBody): RangePartition[] {
  return rangePartitions(items, columns, partition?.by === "range" ? partition.columns : []);
}

function indexBody(index: IndexDef, columns: readonly ColumnDef[]): IndexBody {
  return {
    name: index.name,
    columns: exactNames(index.columns, columns),
    using: (index.using?.toUpperCase() ?? "BITMAP") as IndexBody["using"], // the parser takes exactly these words
    properties: textProperties(index.properties),
    comment: index.comment ?? "",
  };
}

// ------------------------------------------------------------------------------------------------ layout

function hiddenColumn({ name, generated }: ColumnDef): [string, Expression][] {
  return generated && HIDDEN_COLUMN.test(name) ? [[name, generated]] : [];
}

function partitionBody(
  partition: PartitionDef,
  hidden: ReadonlyMap<string, Expression>,
  columns: readonly ColumnBody[],
): PartitionBody | undefined {
  switch (partition.kind) {
    case "expression":
      return { by: "expression", expressions: partition.expressions.map((expression) => partitionExpression(expression)) };
    case "list":
      return partition.explicit || partition.items.length > 0
        ? { by: "list", columns: exactColumns(partition.columns, columns), partitions: partition.items.map(listPartition) }
        : { by: "expression", expressions: partition.columns.map((column) => hiddenExpression(column, hidden, columns)) };
    case "range": {
      if (partition.expression) return { by: "expression", expressions: [partitionExpression(partition.expression)] };
      return {
        by: "range",
        columns: exactColumns(partition.columns, columns),
        partitions: rangePartitions(partition.items, columns, partition.columns),
      };
    }
  }
}

function exactColumns(names: readonly string[], columns: readonly ColumnBody[]): string[] {
  return names.map((name) => columns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.name ?? name);
}

function hiddenExpression(column: string, hidden: ReadonlyMap<string, Expression>, columns: readonly ColumnBody[]): PartitionExpression {
  const expression = hidden.get(column);
  return expression ? partitionExpression(expression) : { column: exactColumns([column], columns)[0] ?? column };
}

const UNITS = ["hour", "day", "week", "month", "year"] as const;

/** A column, date_trunc of a column, or the expression's folded text. */
function partitionExpression(expression: Expression): PartitionExpression {
  if (expression.kind === "column" && expression.path.length === 1) return { column: expression.path[0] ?? "" };
  const truncated = truncatedColumn(expression);
  return truncated ?? { sql: expressionText(expression) };
}

function truncatedColumn(expression: Expression): PartitionExpression | undefined {
  if (expression.kind !== "call" || expression.name !== "date_trunc") return undefined;
  const [unit, column] = expression.args;
  if (unit?.kind !== "literal" || column?.kind !== "column" || column.path.length !== 1) return undefined;
  const known = UNITS.find((candidate) => candidate === unit.text.toLowerCase());
  return known && { dateTrunc: column.path[0] ?? "", unit: known };
}

/** The same for text of a model. */
export function foldPartitionExpression(expression: PartitionExpression): PartitionExpression {
  if (!("sql" in expression)) return expression;
  const parsed = readExpression(expression.sql);
  return parsed ? partitionExpression(parsed) : expression;
}

/** LESS THAN begins where the partition before it ends; the engine shows both bounds. */
function rangePartitions(items: readonly RangeItem[], columns: readonly ColumnBody[], by: readonly string[]): RangePartition[] {
  const partitions: RangePartition[] = [];
  const open = by.map(() => null);
  for (const item of items) {
    if (item.kind === "batch") {
      const type = columns.find(({ name }) => name.toLowerCase() === by[0]?.toLowerCase())?.type ?? "";
      partitions.push(...batchPartitions(item, type));
      continue;
    }
    const properties = item.properties.length === 0 ? {} : { properties: textProperties(item.properties) };
    const from = item.kind === "fixed" ? boundValues(item.lower) : (partitions.at(-1)?.to ?? open);
    const to = item.kind === "fixed" ? boundValues(item.upper) : item.values === "MAXVALUE" ? open : boundValues(item.values);
    partitions.push({ name: item.name, from, to, ...properties });
  }
  return partitions;
}

function boundValues(values: readonly PartitionBoundValue[]): (string | null)[] {
  return values.map((bound) => (bound.max ? null : bound.value));
}

function listPartition({ name, values }: { readonly name: string; readonly values: ListPartition["values"] }): ListPartition {
  return { name, values };
}

function distributionBody(distribution: DistributionDef | undefined, columns: readonly ColumnDef[]): DistributionBody | undefined {
  if (!distribution) return undefined;
  const buckets = distribution.buckets === undefined ? {} : { buckets: distribution.buckets };
  return distribution.kind === "random"
    ? { by: "random", ...buckets }
    : { by: "hash", columns: exactNames(distribution.columns, columns), ...buckets };
}

function impliedDistribution(table: TableKind, key: readonly string[]): DistributionBody {
  return table === "duplicate" ? { by: "random" } : { by: "hash", columns: key };
}

function refreshBody(refresh: RefreshScheme | undefined): RefreshBody {
  const moment = refresh?.moment === "DEFERRED" ? "deferred" : "immediate";
  const mode = refresh === undefined || refresh.kind === "MANUAL" ? "manual" : "async";
  const every = refresh?.every && `${expressionText(refresh.every.value)} ${refresh.every.unit}`;
  return { mode, moment, ...(every !== undefined && { every }), ...(refresh?.start !== undefined && { start: refresh.start }) };
}

function viewColumns(columns: readonly ViewColumn[]): ViewBody["columns"] {
  return columns.map(({ name, comment = "" }) => ({ name, comment }));
}

/** Names that a query gives its columns; none when only the engine can tell (a star, an expression without a name). */
function selectedColumns({ body }: Query): ViewColumn[] {
  if (body.kind === "parenthesized") return selectedColumns(body.query);
  if (body.kind === "set") return selectedColumns({ body: body.left, with: [], orderBy: [], at: 0 });
  const names = body.items.map((item) => {
    if (item.kind === "star") return undefined;
    return item.alias ?? (item.expression.kind === "column" ? item.expression.path.at(-1) : undefined);
  });
  const known = names.filter((name) => name !== undefined);
  return known.length === names.length ? known.map((name) => ({ name })) : [];
}

function propertiesOf(properties: readonly Property[]): Properties {
  return textProperties(properties);
}

function textProperties(properties: readonly Property[]): Record<string, string> & JsonObject {
  return Object.fromEntries(properties.map(({ key, value }) => [key, value]));
}
