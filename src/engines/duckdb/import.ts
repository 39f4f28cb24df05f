import type { CatalogObject } from "../../core/catalog.js";
import { type ImportContext, importedLiteral, importedType } from "../../core/imported.js";
import type { JsonObject } from "../../core/json.js";
import type { Column, DefaultValue, Model } from "../../core/model.js";
import { type ColumnBody, type DuckdbObject, duckdbObject } from "./body.js";
import { spelledType } from "./resolve.js";
import { fromNative, mapType } from "./types.js";

/* The way back from resolve.ts: a table or view of DuckDB as the model that makes it. */

export function toModel(found: CatalogObject, context: ImportContext): Model | undefined {
  const object = duckdbObject(found);
  if (object.kind === "schema") return undefined;
  const { comment, columns } = object.body;
  const shared = {
    name: context.modelName(object.id) ?? object.name.at(-1) ?? "",
    ...(comment !== "" && { comment }),
    on: { duckdb: placed(object, context) },
  };
  if (object.kind === "view") {
    const entries = columns.map((column): [string, Column] => {
      const native = context.viewColumnType(object.id, column.name) ?? "VARCHAR";
      return [column.name, { type: fromNative(native), comment: column.comment, nullable: true }];
    });
    return {
      model: "view",
      ...shared,
      columns: Object.fromEntries(entries),
      query: { duckdb: { dialect: "duckdb", parts: [object.body.query] } },
    };
  }
  const { key } = object.body;
  return {
    model: "table",
    ...shared,
    grain: "",
    columns: Object.fromEntries(object.body.columns.map((column) => [column.name, columnModel(column)])),
    ...(key.length > 0 && { key }),
  };
}

function placed({ id, name: [schema = "main", name = ""] }: DuckdbObject, { modelName }: ImportContext): JsonObject {
  return { ...(schema !== "main" && { schema }), ...(name !== modelName(id) && { name }) };
}

function columnModel({ type: native, comment, nullable, default: text, generated }: ColumnBody): Column {
  const typed = importedType(native, { engine: "duckdb", fromNative, toNative: (type) => spelledType(mapType(type).native) });
  return {
    ...typed,
    comment,
    nullable,
    ...(text !== undefined && { default: defaultModel(text, typed.type) }),
    ...(generated !== undefined && { generated: { duckdb: generated } }),
  };
}

function defaultModel(text: string, type: Column["type"]): DefaultValue {
  const [, literal] = /^'((?:[^']|'')*)'$/s.exec(text) ?? [];
  if (literal !== undefined) return { literal: importedLiteral(literal.replaceAll("''", "'"), type) };
  return /^(-?\d+(\.\d+)?|true|false)$/i.test(text) ? { literal: importedLiteral(text, type) } : { sql: { duckdb: text } };
}
