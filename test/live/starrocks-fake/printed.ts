import { compareText } from "../../../src/core/catalog.js";
import {
  type ColumnBody,
  type IndexBody,
  type MaterializedViewBody,
  type PartitionBody,
  type PartitionExpression,
  type Properties,
  sqlText,
  type TableBody,
  type ViewBody,
} from "../../../src/engines/starrocks/body.js";
import { expressionText, readExpression } from "../../../src/engines/starrocks/expression-text.js";
import { lowestBound, parseType, type TypeText } from "../../../src/engines/starrocks/types.js";

/* SHOW CREATE as the front end prints it, spaces at line ends included. */

const quoted = (text: string): string => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
const name = (text: string): string => `\`${text}\``;
const names = (list: readonly string[], separator = ", "): string => list.map(name).join(separator);

export function shownTable(table: string, body: TableBody): string {
  const hidden = body.partition?.by === "expression" ? hiddenColumns(body.partition.expressions) : [];
  const lines = [...body.columns.map(column), ...hidden.map(({ line }) => line), ...body.indexes.map(index)];
  return [
    `CREATE TABLE ${name(table)} (\n${lines.map((line) => `  ${line}`).join(",\n")}\n) ENGINE=OLAP `,
    `${body.table.toUpperCase()} KEY(${names(body.key)})`,
    ...(body.comment === "" ? [] : [`COMMENT ${quoted(body.comment)}`]),
    ...(body.partition ? [partition(body.partition, body)] : []),
    distribution(body.distribution),
    ...(body.orderBy.length === 0 ? [] : [`ORDER BY(${names(body.orderBy)})`]),
    properties(body.properties),
  ].join("\n");
}

function column(one: ColumnBody): string {
  const value =
    one.default === undefined
      ? ""
      : "literal" in one.default
        ? ` DEFAULT ${quoted(one.default.literal)}`
        : ` DEFAULT ${one.default.expression}`;
  return [
    name(one.name),
    typeText(one.type),
    ...(one.aggregate === undefined ? [] : [/\(/.test(one.aggregate) ? withWidths(one.aggregate) : one.aggregate]),
    `${one.nullable ? "NULL" : "NOT NULL"}${one.autoIncrement ? " AUTO_INCREMENT" : ""}${value}`,
    ...(one.generated === undefined ? [] : [`AS ${bare(one.generated)}`]),
    `COMMENT ${quoted(one.comment)}`,
  ].join(" ");
}

function index({ name: own, columns, using, properties: options, comment }: IndexBody): string {
  const list = Object.entries(options)
    .sort(([a], [b]) => compareText(a, b))
    .map(([key, value]) => `${quoted(key)} = ${quoted(value)}`);
  return `INDEX ${own} (${names(columns)}) USING ${using}${list.length === 0 ? "" : `(${list.join(", ")})`} COMMENT '${comment}'`;
}

const WIDTHS: Readonly<Record<string, string>> = { tinyint: "(4)", smallint: "(6)", int: "(11)", bigint: "(20)", largeint: "(40)" };

export function typeText(type: string): string {
  const parsed = parseType(type);
  return parsed ? printed(parsed) : type;
}

function printed({ name: own, numbers, members }: TypeText): string {
  if (members.length === 0) return `${own}${WIDTHS[own] ?? (numbers.length === 0 ? "" : `(${numbers.join(", ")})`)}`;
  const inside = members.map((member) => `${member.name === undefined ? "" : `${member.name} `}${printed(member.type)}`);
  return `${own}<${inside.join(own === "map" ? "," : ", ")}>`;
}

function withWidths(aggregate: string): string {
  return aggregate.replace(/\b(tinyint|smallint|int|bigint|largeint)\b/g, (type) => `${type}${WIDTHS[type]}`);
}

/** Generated columns are shown with bare names. */
function bare(expression: string): string {
  const parsed = readExpression(expression);
  return (parsed ? expressionText(parsed) : expression)
    .replace(/`([^`]*)`/g, "$1")
    .replace(/ AS ([a-z]+(?:\([\d, ]+\))?)\)/g, (_, type: string) => ` AS ${type.toUpperCase()})`);
}

/** What is no plain column, in a list of several, or truncates to weeks, becomes a hidden generated column. */
function hiddenColumns(expressions: readonly PartitionExpression[]): { readonly name: string; readonly line: string }[] {
  if (plain(expressions)) return [];
  return expressions.flatMap((expression, position) => {
    if ("column" in expression) return [];
    const own = `__generated_partition_column_${position}`;
    const text = "sql" in expression ? expression.sql : `date_trunc('${expression.unit}', ${name(expression.dateTrunc)})`;
    return [{ name: own, line: `${name(own)} datetime NULL AS ${text} COMMENT ""` }];
  });
}

function plain(expressions: readonly PartitionExpression[]): boolean {
  const [only] = expressions;
  if (!only || "column" in only || expressions.length > 1) return expressions.every((expression) => "column" in expression);
  return "sql" in only ? /^time_slice\(/.test(only.sql) : only.unit !== "week";
}

function partition(partitioned: PartitionBody, body: TableBody): string {
  if (partitioned.by === "expression") return `PARTITION BY ${partitionExpressions(partitioned.expressions)}`;
  if (partitioned.by === "list") {
    const lines = partitioned.partitions.map(({ name: own, values }) => `  PARTITION ${own} VALUES IN (${values.map(tuple).join(", ")})`);
    return `PARTITION BY LIST(${names(partitioned.columns, ",")})(\n${lines.join(",\n")}\n)`;
  }
  const types = partitioned.columns.map((own) => body.columns.find((one) => one.name === own)?.type ?? "");
  const bound = (values: readonly (string | null)[], open: (type: string) => string): string =>
    `(${values.map((value, position) => (value === null ? open(types[position] ?? "") : quoted(value))).join(", ")})`;
  const lines = partitioned.partitions.map(
    ({ name: own, from, to }) =>
      `PARTITION ${own} VALUES [${bound(from, (type) => quoted(lowestBound(type)))}, ${bound(to, () => "MAXVALUE")})`,
  );
  return `PARTITION BY RANGE(${names(partitioned.columns)})\n(${lines.join(",\n")})`;
}

function tuple(values: readonly (string | null)[]): string {
  const list = values.map((value) => `'${value ?? "NULL"}'`).join(", ");
  return values.length === 1 ? list : `(${list})`;
}

function partitionExpressions(expressions: readonly PartitionExpression[]): string {
  const [only] = expressions;
  if (only && plain(expressions) && !("column" in only)) {
    return "sql" in only ? bare(only.sql) : `date_trunc('${only.unit}', ${only.dateTrunc})`;
  }
  const hidden = hiddenColumns(expressions);
  const all = expressions.map((expression, position) =>
    "column" in expression ? expression.column : (hidden.find(({ name: own }) => own.endsWith(`_${position}`))?.name ?? ""),
  );
  return `(${names(all, ",")})`;
}

function distribution(distributed: TableBody["distribution"]): string {
  const method = distributed.by === "hash" ? `HASH(${names(distributed.columns)})` : "RANDOM";
  const end = distributed.by === "hash" ? " " : ""; // recorded
  return `DISTRIBUTED BY ${method}${distributed.buckets === undefined ? "" : ` BUCKETS ${distributed.buckets}${end}`}`;
}

function properties(all: Properties): string {
  const lines = Object.entries(all)
    .sort(([a], [b]) => compareText(a, b))
    .map(([key, value]) => `"${key}" = ${quoted(String(value))}`);
  return `PROPERTIES (\n${lines.join(",\n")}\n);`;
}

function viewColumns(body: ViewBody): string {
  if (body.columns.length === 0) return "";
  return ` (${body.columns.map(({ name: own, comment }) => `${name(own)}${comment === "" ? "" : ` COMMENT ${quoted(comment)}`}`).join(", ")})`;
}

export function shownView(view: string, body: ViewBody): string {
  const comment = body.comment === "" ? "" : `\nCOMMENT ${quoted(body.comment)}`;
  return `CREATE VIEW ${name(view)}${viewColumns(body)}${comment} SECURITY NONE AS ${sqlText(body.query.starrocks)};`;
}

export function shownMaterializedView(view: string, body: MaterializedViewBody): string {
  const { refresh } = body;
  const when = `${refresh.start === undefined ? "" : ` START(${quoted(refresh.start)})`}${refresh.every === undefined ? "" : ` EVERY(INTERVAL ${refresh.every})`}`;
  const moment = refresh.moment === "deferred" ? "DEFERRED " : "";
  const partitioned = body.partition.map((expression) =>
    "column" in expression
      ? name(expression.column)
      : "sql" in expression
        ? expression.sql
        : `date_trunc('${expression.unit}', ${name(expression.dateTrunc)})`,
  );
  return [
    `CREATE MATERIALIZED VIEW ${name(view)}${viewColumns(body)}`,
    ...(body.comment === "" ? [] : [`COMMENT ${quoted(body.comment)}`]),
    ...(partitioned.length === 0 ? [] : [`PARTITION BY (${partitioned.join(", ")})`]),
    distribution(body.distribution ?? { by: "random" }),
    ...(body.orderBy.length === 0 ? [] : [`ORDER BY (${body.orderBy.join(",")})`]),
    `REFRESH ${moment}${refresh.mode.toUpperCase()}${when}`,
    properties({ ...body.properties, storage_medium: "HDD" }).replace(/;$/, ""),
    `AS ${sqlText(body.query.starrocks)};`,
  ].join("\n");
}
