import { type CatalogObject, objectId } from "../../core/catalog.js";
import { withoutGrain, withoutUnit } from "../../core/comments.js";
import { type ImportContext, importedLiteral, importedType } from "../../core/imported.js";
import type { Json, JsonObject } from "../../core/json.js";
import type { Column, Columns, DefaultValue, MaterializedViewModel, Model, Reference, TableModel, ViewModel } from "../../core/model.js";
import {
  type ColumnBody,
  type FormatBody,
  type Held,
  type HiveObject,
  hiveObject,
  type MaterializedViewBody,
  type PartitionColumn,
  qualifiedName,
  type TableBody,
} from "./body.js";
import { fromNative } from "./from-native.js";
import { mapType } from "./types.js";

/* The way back from resolve.ts: a table or view of Hive as the model that makes it. */

export function toModel(found: CatalogObject, context: ImportContext): Model | undefined {
  const object = hiveObject(found);
  switch (object.kind) {
    case "database":
      return undefined;
    case "table":
      return tableModel(object, context);
    case "view":
      return { ...viewModel(object, context), model: "view", on: { hive: placed(object, context) } };
    case "materialized-view":
      return materializedViewModel(object, context);
  }
}

function placed(object: HiveObject, { warehouse, modelName }: ImportContext): JsonObject {
  const [database = "", name = ""] = qualifiedName(object);
  return { ...(database !== warehouse && { database }), ...(name !== modelName(object.id) && { name }) };
}

// ------------------------------------------------------------------------------------------------ tables

function tableModel(object: HiveObject & { kind: "table" }, context: ImportContext): TableModel {
  const { body } = object;
  const references = body.references.flatMap(({ columns, table, to }): Reference[] => {
    const model = context.modelName(objectId("hive", "table", table));
    return model === undefined ? [] : [{ columns, model, to }];
  });
  return {
    model: "table",
    name: context.modelName(object.id) ?? object.name.at(-1) ?? "",
    ...withoutGrain(body.comment),
    columns: columnsOf([...body.columns, ...body.partitions]),
    ...(body.key.length > 0 && { key: body.key }),
    ...(references.length > 0 && { references }),
    on: { hive: { ...placed(object, context), ...tableOptions(body, object.name) } },
  };
}

function columnsOf(columns: readonly (ColumnBody | PartitionColumn)[]): Columns {
  return Object.fromEntries(columns.map((column) => [column.name, columnModel(column)]));
}

/** A partition's value is in the name of its folder, and never NULL to Hive. */
function columnModel(column: ColumnBody | PartitionColumn): Column {
  const typed = importedType(column.type, { engine: "hive", fromNative, toNative: (type) => mapType(type).native });
  const text = "default" in column ? column.default : undefined;
  return {
    ...typed,
    ...withoutUnit(column.comment),
    nullable: "nullable" in column && column.nullable,
    ...(text !== undefined && { default: defaultModel(text, typed.type) }),
  };
}

/** Hive keeps defaults as text, casts included. */
function defaultModel(text: string, type: Column["type"]): DefaultValue {
  if (/^current_timestamp\(\)$/i.test(text)) return { now: true };
  const [, bare = text] = /^CAST\((.*) AS [^()]+(?:\([\d,]+\))?\)$/is.exec(text) ?? [];
  const [, literal] = /^'((?:[^'\\]|\\.)*)'$/s.exec(bare) ?? [];
  if (literal !== undefined) return { literal: importedLiteral(literal.replace(/\\(.)/gs, "$1"), type) };
  return /^(-?\d+(\.\d+)?|true|false)$/i.test(bare) ? { literal: importedLiteral(bare, type) } : { sql: { hive: text } };
}

function tableOptions(body: TableBody, name: readonly string[]): JsonObject {
  const { table, partitions, clusteredBy, sortedBy, buckets, skewed, location, notNull } = body;
  const { transactional: _, ...properties } = body.properties;
  const own = table === "transactional" ? properties : body.properties;
  return {
    table,
    ...(partitions.length > 0 && { partitionedBy: partitions.map(({ name }) => name) }),
    ...(clusteredBy.length > 0 && { clusteredBy }),
    ...(sortedBy.length > 0 && { sortedBy: sortedBy.map((sort): Json => (sort.order === "asc" ? sort.column : sort)) }),
    ...(buckets !== undefined && { buckets }),
    ...(skewed && { skewedBy: skewedOption(skewed) }),
    ...formatOptions(body.format),
    ...(location !== undefined && !(table !== "external" && isOwnPlace(location, name)) && { location }),
    ...(Object.keys(own).length > 0 && { properties: own }),
    ...(notNull !== (table === "external" ? "none" : "enforce") && { notNull }),
  };
}

/** Where Hive itself puts a table: `…/sales.db/orders`, or `…/orders` in the database `default`. */
function isOwnPlace(location: Held<string>, [database = "", table = ""]: readonly string[]): boolean {
  const folder = database === "default" ? "/warehouse(?:/[^/]*)?" : `/${database}\\.db`;
  return typeof location === "string" && new RegExp(`${folder}/${table}$`, "i").test(location);
}

function skewedOption({ asDirectories, ...skewed }: NonNullable<TableBody["skewed"]>): JsonObject {
  return asDirectories ? { ...skewed, asDirectories } : skewed;
}

function formatOptions({ storedAs, storedBy, serde, serdeProperties, delimited }: FormatBody): JsonObject {
  const properties = Object.keys(serdeProperties).length > 0 ? { properties: serdeProperties } : {};
  return {
    ...(storedAs !== undefined && { storedAs: storedAs.toLowerCase() }),
    ...(storedBy !== undefined && { storedBy: storedBy === "ICEBERG" ? "iceberg" : { handler: storedBy } }),
    ...(serde !== undefined && { serde: { class: serde, ...properties } }),
    ...(Object.keys(delimited).length > 0 && { delimited }),
  };
}

// ------------------------------------------------------------------------------------------------ views

type ViewLike = HiveObject & { readonly kind: "view" | "materialized-view" };

function viewModel(object: ViewLike, context: ImportContext): Pick<ViewModel, "name" | "comment" | "columns" | "query"> {
  const { comment, columns, query, duckdb } = object.body;
  const entries = columns.map((column): [string, Column] => {
    const native = context.viewColumnType(object.id, column.name);
    return [column.name, { type: fromNative(native ?? "string"), ...withoutUnit(column.comment), nullable: true }];
  });
  return {
    name: context.modelName(object.id) ?? object.name.at(-1) ?? "",
    ...(comment !== "" && { comment }),
    columns: Object.fromEntries(entries),
    query: { hive: { dialect: "hive", parts: [query] }, ...(duckdb !== undefined && { duckdb: { dialect: "duckdb", parts: [duckdb] } }) },
  };
}

function materializedViewModel(object: HiveObject & { kind: "materialized-view" }, context: ImportContext): MaterializedViewModel {
  const { partitions, rewrite, storedAs, location, properties }: MaterializedViewBody = object.body;
  const options: JsonObject = {
    ...placed(object, context),
    ...(partitions.length > 0 && { partitionedBy: partitions }),
    ...(!rewrite && { rewrite }),
    ...(storedAs !== undefined && { storedAs: storedAs.toLowerCase() }),
    ...(location !== undefined && { location }),
    ...(Object.keys(properties).length > 0 && { properties }),
  };
  return { ...viewModel(object, context), model: "materialized-view", ...withoutGrain(object.body.comment), on: { hive: options } };
}
