import type { CatalogObject } from "../../core/catalog.js";
import { type ColumnBody, type MaterializedViewBody, type Properties, starrocksObject, type TableBody } from "./body.js";
import { foldType, parseType } from "./types.js";

/*
 * What the engine makes of a definition (recorded): defaults added, types folded, what it never shows again left out.
 */

export function normalize(object: CatalogObject): CatalogObject {
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
const DYNAMIC_DEFAULTS: Properties = { "dynamic_partition.start": "-2147483648", "dynamic_partition.history_partition_num": "0" };

/** Accepted and never shown by SHOW CREATE TABLE. */
const HIDDEN = new Set(["in_memory", "light_schema_change", "storage_volume", "short_key"]);

function table(body: TableBody): TableBody {
  const defaults = {
    ...TABLE_DEFAULTS,
    ...(body.table === "primary" && PRIMARY_DEFAULTS),
    ...(body.distribution.by === "random" && RANDOM_DEFAULTS),
    ...("dynamic_partition.enable" in body.properties && DYNAMIC_DEFAULTS),
  };
  const sorted = body.orderBy.join("\0") === body.key.join("\0");
  return {
    ...body,
    columns: body.columns.map((column) => columnOf(column, body)),
    orderBy: sorted ? [] : body.orderBy,
    properties: { ...defaults, ...shown(body.properties) },
  };
}

function shown(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !HIDDEN.has(name)));
}

function columnOf(column: ColumnBody, body: TableBody): ColumnBody {
  const type = summedType(foldType(column.type), column.aggregate);
  const notNull = column.autoIncrement || (body.table === "primary" && body.key.includes(column.name));
  const { default: value, ...rest } = column;
  const kept =
    value && "expression" in value ? { default: { expression: foldExpression(value.expression) } } : value ? { default: value } : {};
  return { ...rest, ...kept, type, nullable: notNull ? false : column.nullable };
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
    distribution: body.distribution ?? { by: "random" },
    properties: { replicated_storage: "true", replication_num: "3", ...shown(properties) },
  };
}
