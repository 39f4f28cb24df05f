import type { CatalogObject } from "../../core/catalog.js";
import { withoutUnit } from "../../core/comments.js";
import { type ImportContext, importedLiteral, importedType, relationModel } from "../../core/imported.js";
import { type Json, type JsonObject, sameJson } from "../../core/json.js";
import type { ColumnsPartition, TimePartition } from "../../core/layout.js";
import type {
  Column,
  Columns,
  DefaultValue,
  MaterializedViewModel,
  Model,
  SqlBody,
  SqlReference,
  TableModel,
  ViewModel,
} from "../../core/model.js";
import {
  type ColumnBody,
  type DefaultBody,
  type MaterializedViewBody,
  type PartitionBody,
  type PartitionExpression,
  type Properties,
  qualifiedName,
  type StarrocksObject,
  sqlText,
  starrocksObject,
  type TableBody,
} from "./body.js";
import { normalize } from "./normalize.js";
import type {
  DynamicPartitions,
  ListPartitions,
  RangePartitions,
  SqlPartition,
  StarrocksIndex,
  StarrocksMaterializedViewOptions,
  StarrocksTableOptions,
} from "./options.js";
import { tokenize } from "./parse/lexer.js";
import { reservedWords } from "./parse/words.js";
import { fromNative, mapType } from "./types.js";

/* The way back from resolve.ts: a StarRocks object as the model that makes it. */

export function toModel(found: CatalogObject, context: ImportContext): Model | undefined {
  const object = starrocksObject(found);
  switch (object.kind) {
    case "database":
      return undefined;
    case "table":
      return tableModel(object, context);
    case "view":
      return { ...viewModel(object, context), model: "view", on: { starrocks: placed(object, context) } };
    case "materialized-view":
      return materializedViewModel(object, context);
  }
}

function modelNameOf(object: StarrocksObject, { modelName }: ImportContext): string {
  return modelName(object.id) ?? object.name.at(-1) ?? "";
}

/** Database and name, where they are not what the model's warehouse and name say already. */
function placed(object: StarrocksObject, context: ImportContext): JsonObject {
  const [database = "", name = ""] = qualifiedName(object);
  return {
    ...(database !== context.warehouse && { database }),
    ...(name !== modelNameOf(object, context) && { name }),
  };
}

// ------------------------------------------------------------------------------------------------ tables

function tableModel(object: StarrocksObject & { kind: "table" }, context: ImportContext): TableModel {
  const { body } = object;
  const identifies = body.table !== "duplicate"; // a duplicate key only sorts
  const options: StarrocksTableOptions<string> = {
    ...placed(object, context),
    table: body.table,
    ...(!identifies && body.key.length > 0 && { key: body.key }),
    ...aggregates(body),
    ...autoIncrement(body),
    ...(body.partition && { partitionBy: partitionBy(body.partition) }),
    ...distributeBy(body),
    ...(body.orderBy.length > 0 && { orderBy: body.orderBy }),
    ...indexes(body),
    ...propertyOptions(ownProperties(object)),
  };
  return {
    model: "table",
    name: modelNameOf(object, context),
    ...describedBy(body.comment),
    columns: Object.fromEntries(body.columns.map((column) => [column.name, columnModel(column)])),
    ...(identifies && { key: body.key }),
    on: { starrocks: options as unknown as JsonObject },
  };
}

/** A table's comment has its grain in parentheses, where dw made it: see tableComment of resolve.ts. */
function describedBy(text: string): Pick<TableModel, "comment" | "grain"> {
  const [, comment, grain] = /^(.*) \((one row per [^()]+)\)$/is.exec(text) ?? [];
  if (comment !== undefined && grain !== undefined) return { comment, grain };
  if (/^one row per [^()]+$/is.test(text)) return { grain: text };
  return text === "" ? { grain: "" } : { comment: text, grain: "" };
}

function columnModel({ type, comment, nullable, default: value, generated }: ColumnBody): Column {
  const typed = importedType(type, { engine: "starrocks", fromNative, toNative: (logical) => mapType(logical).native });
  return {
    ...typed,
    ...withoutUnit(comment),
    nullable,
    ...(value && { default: defaultModel(value, typed.type) }),
    ...(generated !== undefined && { generated: { starrocks: generated } }),
  };
}

function defaultModel(value: DefaultBody, type: Column["type"]): DefaultValue {
  if ("literal" in value) return { literal: importedLiteral(value.literal, type) };
  return value.expression === "CURRENT_TIMESTAMP" ? { now: true } : { sql: { starrocks: value.expression } };
}

/** REPLACE is what a model means when it says nothing. */
function aggregates({ table, columns }: TableBody): Pick<StarrocksTableOptions<string>, "aggregate"> {
  const said = columns.flatMap(({ name, aggregate }) => (aggregate && aggregate !== "REPLACE" ? [[name, aggregate] as const] : []));
  return table === "aggregate" && said.length > 0 ? { aggregate: Object.fromEntries(said) } : {};
}

function autoIncrement({ columns }: TableBody): Pick<StarrocksTableOptions<string>, "autoIncrement"> {
  const found = columns.find((column) => column.autoIncrement);
  return found ? { autoIncrement: found.name } : {};
}

type PartitionOption = NonNullable<StarrocksTableOptions<string>["partitionBy"]>;

function partitionBy(partition: PartitionBody): PartitionOption {
  switch (partition.by) {
    case "expression":
      return expressionPartition(partition.expressions);
    case "range":
      return {
        by: "range",
        columns: partition.columns,
        partitions: partition.partitions.map(rangePartition),
      } satisfies RangePartitions<string>;
    case "list":
      return { by: "list", columns: partition.columns, partitions: partition.partitions } satisfies ListPartitions<string>;
  }
}

type Bounds = { readonly name: string; readonly from: readonly (string | null)[]; readonly to: readonly (string | null)[] };

/** An open bound is left out; a model has no word for one that is open in its second column only. */
function rangePartition({ name, from, to }: Bounds): { name: string; from?: string[]; to?: string[] } {
  const bound = (values: readonly (string | null)[]): string[] => values.filter((value) => value !== null);
  return { name, ...(bound(from).length > 0 && { from: bound(from) }), ...(bound(to).length > 0 && { to: bound(to) }) };
}

function expressionPartition(expressions: readonly PartitionExpression[]): TimePartition<string> | ColumnsPartition<string> | SqlPartition {
  const [first] = expressions;
  if (first && expressions.length === 1 && "dateTrunc" in first) return { by: "time", column: first.dateTrunc, unit: first.unit };
  if (expressions.every((each) => "column" in each)) return { by: "columns", columns: expressions.map((each) => each.column) };
  return { by: "sql", expressions: expressions.map(expressionSql) };
}

function expressionSql(expression: PartitionExpression): string {
  if ("sql" in expression) return expression.sql;
  return "column" in expression ? expression.column : `date_trunc('${expression.unit}', ${expression.dateTrunc})`;
}

/** Left out where the engine would choose the same. */
function distributeBy({ table, key, distribution }: TableBody): Pick<StarrocksTableOptions<string>, "distributeBy"> {
  const { buckets } = distribution;
  const counted = typeof buckets === "number" ? { buckets } : {};
  if (distribution.by === "random") return buckets === undefined ? {} : { distributeBy: { by: "random", ...counted } };
  const implied = table === "primary" && buckets === undefined && sameJson([...distribution.columns], [...key]);
  return implied ? {} : { distributeBy: { by: "hash", columns: distribution.columns, ...counted } };
}

const USING = { BITMAP: "bitmap", NGRAMBF: "ngram", GIN: "inverted", VECTOR: "vector" } as const;

function indexes({ indexes: found }: TableBody): Pick<StarrocksTableOptions<string>, "indexes"> {
  if (found.length === 0) return {};
  return {
    indexes: found.map(
      ({ name, columns: [column = ""], using, properties, comment }): StarrocksIndex<string> => ({
        ...(name !== `idx_${column}` && { name }),
        column,
        using: USING[using],
        ...(Object.keys(properties).length > 0 && { properties }),
        ...(comment !== "" && { comment }),
      }),
    ),
  };
}

// ------------------------------------------------------------------------------------------------ properties

/** Without those that the engine would show anyway: what is left, an author has chosen. */
function ownProperties(object: StarrocksObject & { kind: "table" | "materialized-view" }): Properties {
  const shown = normalize(object).body;
  const names = Object.keys(object.body.properties).filter((name) => {
    const { [name]: _, ...others } = object.body.properties;
    const without = { ...object, body: { ...object.body, properties: others } } as CatalogObject; // one property less is the same kind
    return !sameJson(normalize(without).body, shown);
  });
  return Object.fromEntries(names.map((name) => [name, object.body.properties[name] ?? ""]));
}

type StorageOptions = Pick<
  StarrocksTableOptions<string>,
  | "replication"
  | "compression"
  | "colocateWith"
  | "partitionTtl"
  | "properties"
  | "bloomFilter"
  | "partitionLiveNumber"
  | "partitionRetention"
  | "persistentIndex"
  | "dynamicPartitions"
>;

const COMPRESSIONS = ["lz4", "zstd", "snappy", "zlib"] as const;

/** Options that have a name of their own in models; undefined where the value does not fit that name. */
const NAMED: Readonly<Record<string, (value: string) => StorageOptions | undefined>> = {
  replication_num: (value) => numeric(value, (replication) => ({ replication })),
  compression: (value) => {
    const compression = COMPRESSIONS.find((known) => known === value.toLowerCase());
    return compression && { compression };
  },
  colocate_with: (value) => ({ colocateWith: value }),
  partition_ttl: (value) => ({ partitionTtl: value }),
  partition_live_number: (value) => numeric(value, (partitionLiveNumber) => ({ partitionLiveNumber })),
  partition_retention_condition: (value) => ({ partitionRetention: value }),
  enable_persistent_index: (value) => (value === "true" || value === "false" ? { persistentIndex: value === "true" } : undefined),
  bloom_filter_columns: (value) => ({ bloomFilter: value.split(",").map((column) => column.trim()) }),
};

function numeric(value: string, option: (number: number) => StorageOptions): StorageOptions | undefined {
  return String(Number(value)) === value ? option(Number(value)) : undefined;
}

function propertyOptions(properties: Properties): StorageOptions {
  const { dynamic, others } = dynamicOptions(properties);
  const left: Record<string, string> = {};
  let named: StorageOptions = dynamic ? { dynamicPartitions: dynamic } : {};
  for (const [name, value] of Object.entries(others)) {
    const option = NAMED[name]?.(String(value));
    if (option) named = { ...named, ...option };
    else left[name] = String(value);
  }
  return { ...named, ...(Object.keys(left).length > 0 && { properties: left }) };
}

const DYNAMIC: Readonly<Record<string, keyof DynamicPartitions>> = {
  "dynamic_partition.time_unit": "unit",
  "dynamic_partition.start": "start",
  "dynamic_partition.end": "end",
  "dynamic_partition.prefix": "prefix",
  "dynamic_partition.buckets": "buckets",
  "dynamic_partition.time_zone": "timeZone",
  "dynamic_partition.history_partition_num": "history",
  "dynamic_partition.start_day_of_week": "startDayOfWeek",
  "dynamic_partition.start_day_of_month": "startDayOfMonth",
  "dynamic_partition.replication_num": "replication",
  "dynamic_partition.enable": "enabled",
};

/** All `dynamic_partition.*` as one option, where the two that it cannot do without are there. */
function dynamicOptions(properties: Properties): { readonly dynamic?: DynamicPartitions; readonly others: Properties } {
  const unit = String(properties["dynamic_partition.time_unit"] ?? "").toLowerCase();
  if (!["hour", "day", "week", "month", "year"].includes(unit) || properties["dynamic_partition.end"] === undefined)
    return { others: properties };
  const options: Record<string, Json> = {};
  const others: Record<string, Properties[string]> = {};
  for (const [name, value] of Object.entries(properties)) {
    const option = DYNAMIC[name];
    if (option) options[option] = dynamicValue(option, String(value));
    else others[name] = value;
  }
  if (options.enabled === true) delete options.enabled;
  return { dynamic: { ...options, unit } as unknown as DynamicPartitions, others }; // the table above gives its keys, the engine its values
}

function dynamicValue(option: keyof DynamicPartitions, value: string): Json {
  if (option === "enabled") return value.toLowerCase() === "true";
  if (option === "prefix" || option === "timeZone" || option === "unit") return value;
  return Number(value);
}

// ------------------------------------------------------------------------------------------------ views

type ViewLike = StarrocksObject & { kind: "view" | "materialized-view" };

function viewModel(object: ViewLike, context: ImportContext): Pick<ViewModel, "name" | "comment" | "columns" | "query"> {
  const { comment, query } = object.body;
  return {
    name: modelNameOf(object, context),
    ...(comment !== "" && { comment }),
    columns: viewColumns(object, context),
    query: { starrocks: queryBody(sqlText(query.starrocks), context) },
  };
}

/** A definition does not say its columns' types; text stands where nobody knows them. */
function viewColumns(object: ViewLike, { viewColumnType }: ImportContext): Columns {
  const entries = object.body.columns.map(({ name, comment }): [string, Column] => {
    const native = viewColumnType(object.id, name);
    return [name, { type: native === undefined ? { kind: "text" } : fromNative(native), ...withoutUnit(comment), nullable: true }];
  });
  return Object.fromEntries(entries);
}

function materializedViewModel(object: StarrocksObject & { kind: "materialized-view" }, context: ImportContext): MaterializedViewModel {
  const { body } = object;
  const options: StarrocksMaterializedViewOptions<string> = {
    ...placed(object, context),
    refresh: refresh(body.refresh),
    ...(body.refresh.moment === "deferred" && { deferred: true }),
    ...(body.partition.length > 0 && { partitionBy: expressionPartition(body.partition) }),
    ...(body.distribution && distributeBy({ ...NO_TABLE, distribution: body.distribution })),
    ...(body.orderBy.length > 0 && { orderBy: body.orderBy }),
    ...storageOptions(propertyOptions(ownProperties(object))),
  };
  return {
    ...viewModel(object, context),
    model: "materialized-view",
    ...describedBy(body.comment),
    on: { starrocks: options as unknown as JsonObject },
  };
}

/** A view's distribution is always said: nothing about it is implied by a key. */
const NO_TABLE = { table: "duplicate", key: [] } as unknown as TableBody; // only these two are read

/** A view has no options of its own for what only tables have: there they are properties. */
function storageOptions({ bloomFilter, partitionRetention, persistentIndex: _index, ...options }: StorageOptions): StorageOptions {
  const properties = {
    ...(bloomFilter && { bloom_filter_columns: bloomFilter.join(",") }),
    ...(partitionRetention !== undefined && { partition_retention_condition: partitionRetention }),
    ...options.properties,
  };
  return Object.keys(properties).length === 0 ? options : { ...options, properties };
}

function refresh({ mode, every, start }: MaterializedViewBody["refresh"]): StarrocksMaterializedViewOptions<string>["refresh"] {
  return every === undefined ? mode : { every, ...(start !== undefined && { start }) };
}

/** Names of imported tables become references to their models; quotes that a name does not need are left out. */
function queryBody(text: string, context: ImportContext): SqlBody {
  const parts: (string | SqlReference)[] = [];
  let plain = "";
  let at = 0;
  const tokens = tokenize(text);
  for (let index = 0; index < tokens.length; index++) {
    const [first, dot, second, after] = tokens.slice(index, index + 4);
    if (first === undefined || first.kind === "end") break;
    const qualified = isName(first) && dot?.key === "." && second && isName(second) && after?.key !== "." && tokens[index - 1]?.key !== ".";
    const model = qualified ? relationModel("starrocks", [first.text, second.text], context) : undefined;
    plain += text.slice(at, first.start);
    if (model !== undefined && second) {
      parts.push(plain, { ref: "model", model });
      plain = "";
      at = second.end;
      index += 2;
      continue;
    }
    plain += first.kind === "quoted" && isPlain(first.text) ? first.text : text.slice(first.start, first.end);
    at = first.end;
  }
  return { dialect: "starrocks", parts: [...parts, plain + text.slice(at)].filter((part) => part !== "") };
}

function isName({ kind }: { readonly kind: string }): boolean {
  return kind === "word" || kind === "quoted";
}

function isPlain(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !reservedWords.has(name.toUpperCase());
}
