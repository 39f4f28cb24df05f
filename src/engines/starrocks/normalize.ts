import { type CatalogObject, compareText } from "../../core/catalog.js";
import {
  type ColumnBody,
  type IndexBody,
  type MaterializedViewBody,
  type PartitionBody,
  type Properties,
  type RangePartition,
  starrocksObject,
  type TableBody,
} from "./body.js";
import { isClusterObject } from "./cluster/body.js";
import { foldPartitionExpression } from "./definition.js";
import { foldExpressionText } from "./expression-text.js";
import { foldType, lowestBound, parseType } from "./types.js";

/*
 * What the engine makes of a definition (recorded): defaults added, types folded, what it never shows again left out.
 */

export function normalize(object: CatalogObject): CatalogObject {
  if (isClusterObject(object)) return object;
  const typed = starrocksObject(object);
  if (typed.kind === "table") return { ...typed, body: table(typed.body) };
  if (typed.kind === "materialized-view") return { ...typed, body: materializedView(typed.body) };
  return typed;
}

const TABLE_DEFAULTS: Properties = {
  compression: "LZ4",
  fast_schema_evolution: "true",
  replicated_storage: "true",
  replication_num: "3", // default_replication_num of the front end's configuration
};

const PRIMARY_DEFAULTS: Properties = { enable_persistent_index: "true" };
const RANDOM_DEFAULTS: Properties = { bucket_size: "4294967296" };
const DYNAMIC_DEFAULTS: Properties = {
  "dynamic_partition.start": "-2147483648",
  "dynamic_partition.history_partition_num": "0",
  "dynamic_partition.prefix": "p",
  "dynamic_partition.time_zone": "Etc/UTC", // the front end's own zone
};
const BINLOG_DEFAULTS: Properties = { binlog_max_size: "9223372036854775807", binlog_ttl_second: "1800" };

/** Accepted and never shown by SHOW CREATE TABLE. */
const HIDDEN = new Set([
  "in_memory",
  "light_schema_change",
  "storage_volume",
  "short_key",
  "bloom_filter_fpp",
  "version_info",
  "storage_cooldown_time",
  "binlog_version", // shown, and refused when it is given
]);

function table(body: TableBody): TableBody {
  const { storage_type: storage, light_schema_change: light } = body.properties; // the second is fast_schema_evolution's old name
  const slow = textOf(storage)?.toUpperCase() === "COLUMN_WITH_ROW" || light === "false";
  const defaults = {
    ...TABLE_DEFAULTS,
    ...(body.table === "primary" && PRIMARY_DEFAULTS),
    ...(body.distribution.by === "random" && RANDOM_DEFAULTS),
    ...("dynamic_partition.enable" in body.properties && DYNAMIC_DEFAULTS),
    ...("binlog_enable" in body.properties && BINLOG_DEFAULTS),
  };
  const sorted = body.orderBy.join("\0") === body.key.join("\0");
  const partition = body.partition && partitionOf(body.partition, body);
  const { buckets, ...method } = body.distribution;
  return {
    ...body,
    columns: body.columns.map((column) => columnOf(column, body)),
    indexes: body.indexes.map(indexOf),
    ...(partition && { partition }),
    distribution: buckets === undefined || buckets === 0 ? method : body.distribution,
    orderBy: sorted ? [] : body.orderBy,
    properties: { ...defaults, ...shown(body.properties, body), ...(slow && { fast_schema_evolution: "false" }) },
  };
}

function textOf(value: Properties[string] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** How the engine rewrites the values of a property; undefined where it then shows none. */
const FOLDS: Readonly<Record<string, (value: string, body: TableBody | undefined) => string | undefined>> = {
  compression: (value) => value.toUpperCase().replace(/^LZ4_FRAME$/, "LZ4"),
  write_quorum: (value) => (value.toUpperCase() === "MAJORITY" ? undefined : value.toUpperCase()),
  storage_type: (value) => value.toUpperCase(),
  replicated_storage: (value) => String(value.toLowerCase() === "true"),
  binlog_enable: (value) => String(value.toLowerCase() === "true"),
  colocate_with: (value) => value || undefined,
  bucket_size: (value, body) => (body?.distribution.by === "hash" ? undefined : value),
  enable_persistent_index: (value, body) => (body && body.table !== "primary" ? undefined : value),
  bloom_filter_columns: (value, body) => columnNames(value, body).sort(compareText).join(", ") || undefined,
  "dynamic_partition.buckets": (value) => (Number(value) > 0 ? value : undefined),
  mutable_bucket_num: (value) => (value === "0" ? undefined : value),
  primary_index_cache_expire_sec: (value) => (value === "0" ? undefined : value),
  partition_retention_condition: (value) => value || undefined,
  base_compaction_forbidden_time_ranges: (value) => value || undefined,
  storage_cooldown_ttl: (value) => value.toLowerCase().replace(/s$/, ""),
  unique_constraints: (value) => withoutPrefixes(value) || undefined,
  foreign_key_constraints: (value) => withoutPrefixes(value) || undefined,
  force_external_table_query_rewrite: (value) => (value.toLowerCase() === "true" ? "CHECKED" : value.toUpperCase()),
};

function shown(properties: Properties, body?: TableBody): Properties {
  const entries = Object.entries(properties).flatMap(([name, value]): [string, Properties[string]][] => {
    if (HIDDEN.has(name)) return [];
    const fold = FOLDS[name];
    if (!fold || typeof value !== "string") return [[name, value]];
    const folded = fold(value, body);
    return folded === undefined ? [] : [[name, folded]];
  });
  return Object.fromEntries(entries);
}

function columnNames(list: string, body: TableBody | undefined): string[] {
  const names = list.split(",").map((name) => name.trim());
  return names
    .filter((name) => name !== "")
    .map((name) => body?.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())?.name ?? name);
}

/** `default_catalog.db.table.` before a table's own columns, `default_catalog.db.` before another table: the engine adds them. */
function withoutPrefixes(constraints: string): string {
  return constraints
    .replace(/\bREFERENCES\s+(?:\w+\.)*(\w+)\s*\(/gi, "REFERENCES $1(")
    .replace(/\bdefault_catalog\.(?:[^.,;()\s]+\.)+/g, "")
    .replace(/\s*([;,])\s*/g, "$1")
    .trim();
}

/** The inverted index's defaults are shown; a vector index's parameters in lower case. */
function indexOf(index: IndexBody): IndexBody {
  const lower = Object.fromEntries(Object.entries(index.properties).map(([name, value]) => [name.toLowerCase(), value]));
  return { ...index, properties: index.using === "GIN" ? { imp_lib: "clucene", parser: "none", ...lower } : lower };
}

function partitionOf(partition: PartitionBody, body: TableBody): PartitionBody {
  if (partition.by === "expression") return { ...partition, expressions: partition.expressions.map(foldPartitionExpression) };
  if (partition.by === "list") {
    // The engine lists them in an order of its own, and shows NULL as the text, which no other value is likelier to be.
    const partitions = partition.partitions.map(({ name, values }) => ({
      name,
      values: values.map((tuple) => tuple.map((value) => (value === "NULL" ? null : value))),
    }));
    return { ...partition, partitions: partitions.sort((a, b) => compareText(a.name, b.name)) };
  }
  // Partitions of a dynamic table come and go with the clock.
  if (isDynamic(body)) return { ...partition, partitions: [] };
  const types = partition.columns.map((name) => body.columns.find((column) => column.name === name)?.type ?? "");
  return { ...partition, partitions: partition.partitions.map((one) => rangeOf(one, types)) };
}

/** True while the engine makes and drops partitions by the clock. */
export function isDynamic({ properties }: TableBody): boolean {
  const enabled = properties["dynamic_partition.enable"];
  return enabled !== undefined && enabled !== "false";
}

/** Every bound has a value a column: a short one is filled with the lowest, an open start is the lowest of all. */
function rangeOf({ name, from, to }: RangePartition, types: readonly string[]): RangePartition {
  const low = types.map((type, index) => {
    const value = boundText(from[index] ?? null, type);
    return value === lowestBound(type) ? null : value;
  });
  const high = types.map((type, index) => (index < to.length ? boundText(to[index] ?? null, type) : lowestBound(type)));
  return { name, from: low, to: high };
}

function boundText(value: string | null, type: string): string | null {
  if (value === null || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return value;
  return type === "datetime" ? `${value} 00:00:00` : value;
}

function columnOf(column: ColumnBody, body: TableBody): ColumnBody {
  const type = summedType(foldType(column.type), column.aggregate);
  const notNull = column.autoIncrement || (body.table === "primary" && body.key.includes(column.name));
  const { default: value, ...rest } = column;
  const kept =
    value && "expression" in value ? { default: { expression: foldExpression(value.expression) } } : value ? { default: value } : {};
  const generated = column.generated === undefined ? {} : { generated: foldExpressionText(column.generated) };
  return { ...rest, ...kept, ...generated, type, nullable: notNull ? false : column.nullable };
}

/** A sum of decimals has all 38 digits, whatever was asked for. */
function summedType(type: string, aggregate: string | undefined): string {
  const parsed = parseType(type);
  return aggregate === "SUM" && parsed?.name === "decimal" ? `decimal(38, ${parsed.numbers[1] ?? 0})` : type;
}

function foldExpression(expression: string): string {
  const text = expression.trim();
  if (/^(current_timestamp(\(\))?|\(\s*now\(\)\s*\))$/i.test(text)) return "CURRENT_TIMESTAMP";
  return /^current_timestamp\(\d\)$/i.test(text) ? text.toLowerCase() : text;
}

function materializedView(body: MaterializedViewBody): MaterializedViewBody {
  const { storage_medium: _, ...properties } = body.properties; // shown, but of the disks rather than of the definition
  return {
    ...body,
    partition: body.partition.map(foldPartitionExpression),
    refresh: { ...body.refresh, ...(body.refresh.every !== undefined && { every: body.refresh.every.trim().toUpperCase() }) },
    distribution: body.distribution ?? { by: "random" },
    properties: { replicated_storage: "true", replication_num: "3", ...shown(properties) },
  };
}
