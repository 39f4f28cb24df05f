import type { CatalogObject } from "../../core/catalog.js";
import { objectId } from "../../core/catalog.js";
import { withoutGrain, withoutUnit } from "../../core/comments.js";
import { type ImportContext, importedLiteral, importedType, relationModel } from "../../core/imported.js";
import { type Json, type JsonObject, sameJson } from "../../core/json.js";
import type {
  Column,
  Columns,
  DefaultValue,
  FunctionModel,
  MaterializedViewModel,
  Model,
  ObjectModel,
  Reference,
  SqlBody,
  SqlReference,
  TableModel,
  ViewModel,
} from "../../core/model.js";
import type { EngineName, LogicalType } from "../../core/types.js";
import {
  type AggregateBody,
  type CheckBody,
  type ColumnBody,
  type FunctionBody,
  type GrantBody,
  type IndexBody,
  type OrderedColumn,
  type ParameterBody,
  type PostgresObject,
  postgresObject,
  type TableBody,
} from "./body.js";
import { derivedName } from "./dialect.js";
import { partitioningOptions } from "./partitions.js";
import { PLAIN_ROLE } from "./roles.js";
import { logicalType, mapType } from "./types.js";

/* The way back from resolve.ts: an object of PostgreSQL or TimescaleDB as the model that makes it. */

type Slot = Extract<EngineName, "postgres" | "timescale">;
type Relation = PostgresObject & { readonly kind: "table" | "view" | "materialized-view" | "continuous-aggregate" };

/** `tableExtras` and `viewExtras` are the options that TimescaleDB adds. */
export interface Extras {
  readonly table: (body: TableBody) => JsonObject;
  /** Indexes that the engine makes by itself for such a table. */
  readonly ownIndex: (table: string, body: TableBody) => (index: IndexBody) => boolean;
  readonly aggregate: (body: AggregateBody) => JsonObject;
}

const plain: Extras = { table: () => ({}), ownIndex: () => () => false, aggregate: () => ({}) };

export function toModelOf(slot: Slot, extras: Extras = plain): (found: CatalogObject, context: ImportContext) => Model | undefined {
  return (found, context) => {
    const object = postgresObject(found);
    switch (object.kind) {
      case "schema":
        return undefined;
      case "enum":
        return enumModel(object, slot, context);
      case "role":
        return roleModel(object, slot, context);
      case "table":
        return tableModel(object, { slot, context, extras });
      case "view":
        return { ...viewModel(object, { slot, context, extras }), model: "view", on: { [slot]: placed(object, context) } };
      case "materialized-view":
      case "continuous-aggregate":
        return materializedViewModel(object, { slot, context, extras });
      case "function":
        return functionModel(object, { slot, context, extras });
    }
  };
}

interface Importing {
  readonly slot: Slot;
  readonly context: ImportContext;
  readonly extras: Extras;
}

function modelNameOf(object: PostgresObject, { modelName }: ImportContext): string {
  return modelName(object.id) ?? object.name.at(-1) ?? "";
}

function placed(object: PostgresObject, context: ImportContext): JsonObject {
  const [schema = "public", name = ""] = object.name;
  return { ...(schema !== "public" && { schema }), ...(name !== modelNameOf(object, context) && { name }) };
}

// ------------------------------------------------------------------------------------------------ tables

function tableModel(object: PostgresObject & { kind: "table" }, importing: Importing): TableModel {
  const { slot, context, extras } = importing;
  const { body } = object;
  const table = object.name[1] ?? "";
  const enums = enumsOf(table, body);
  const references = body.foreignKeys.flatMap(({ columns, table: target, to }): Reference[] => {
    const model = context.modelName(objectId(slot, "table", target));
    return model === undefined ? [] : [{ columns, model, to }];
  });
  const indexes = body.indexes.filter((index) => !extras.ownIndex(table, body)(index)).map((index) => indexOption(table, index));
  return {
    model: "table",
    name: modelNameOf(object, context),
    ...withoutGrain(body.comment),
    columns: Object.fromEntries(
      body.columns.map((column) => [column.name, columnModel(column, { slot, context }, enums.get(column.name))]),
    ),
    ...(body.primaryKey && { key: body.primaryKey.columns }),
    ...(references.length > 0 && { references }),
    on: {
      [slot]: { ...placed(object, context), ...extras.table(body), ...(indexes.length > 0 && { indexes }), ...partitionBy(table, body) },
    },
  };
}

function partitionBy(table: string, { partitioning }: TableBody): JsonObject {
  return partitioning === undefined ? {} : { partitionBy: partitioningOptions(table, partitioning) };
}

/**
 * Columns whose values a CHECK bounds in the way that dw writes for an enum, `kind IN ('a', 'b')`, or as the server shows
 * that: `(kind = ANY (ARRAY['a'::text, 'b'::text]))`.
 */
function enumsOf(table: string, { checks }: TableBody): Map<string, LogicalType> {
  return new Map(checks.flatMap((check) => enumOf(table, check)));
}

function enumOf(table: string, { name, expression }: CheckBody): [string, LogicalType][] {
  const [, quoted, plainName, list] = ENUM_CHECK.exec(expression) ?? [];
  const column = quoted?.replaceAll('""', '"') ?? plainName;
  if (column === undefined || list === undefined || name !== derivedName([table, column], "check")) return [];
  const values = [...list.matchAll(/'((?:[^']|'')*)'/g)].map(([, value = ""]) => value.replaceAll("''", "'"));
  return values.length === 0 ? [] : [[column, { kind: "enum", values }]];
}

const ENUM_CHECK =
  /^\(?(?:"((?:[^"]|"")+)"|([a-z_][a-z0-9_]*)) (?:IN \(|= ANY \(ARRAY\[)((?:'(?:[^']|'')*'(?:::text)?(?:, )?)+)(?:\)|\]\)\))$/;

function columnModel(
  body: ColumnBody,
  { slot, context }: Pick<Importing, "slot" | "context">,
  enumerated: LogicalType | undefined,
): Column {
  const { comment, isPersonal } = withoutPersonal(body.comment);
  const declared = declaredEnum(body.type, slot, context);
  const typed = declared ? { type: declared } : enumerated && body.type === "text" ? { type: enumerated } : typeOf(body.type, slot);
  const fallback = body.default === undefined ? undefined : defaultModel(body.default, typed.type, slot);
  return {
    ...typed,
    ...withoutUnit(comment),
    nullable: body.nullable,
    ...(isPersonal && { pii: true as const }),
    ...(fallback && { default: fallback }),
    ...(body.generated !== undefined && { generated: { [slot]: body.generated } }),
  };
}

/** `public.order_state`, `"Odd"."order state"`: an enum among the imported. Its values are told by its own model. */
function declaredEnum(type: string, slot: Slot, { modelName }: ImportContext): LogicalType | undefined {
  const parts = [...type.matchAll(/"((?:[^"]|"")+)"|([^".]+)/g)].map(([, quoted, plain = ""]) => quoted?.replaceAll('""', '"') ?? plain);
  const model = parts.length === 2 ? modelName(objectId(slot, "enum", parts)) : undefined;
  return model === undefined ? undefined : { kind: "enum", values: [], type: model };
}

function typeOf(native: string, slot: Slot): Pick<Column, "type" | "as"> {
  return importedType(native, { engine: slot, fromNative: logicalType, toNative: (type) => mapType(type).native });
}

/** columnComment of columns.ts puts this last. */
function withoutPersonal(text: string): { readonly comment: string; readonly isPersonal: boolean } {
  const comment = text.replace(/ ?\(personal data\)$/, "");
  return { comment, isPersonal: comment !== text };
}

function defaultModel(text: string, type: LogicalType, slot: Slot): DefaultValue {
  if (/^(now\(\)|CURRENT_TIMESTAMP)$/i.test(text) && type.kind === "timestamp" && type.zoned) return { now: true };
  const [, literal] = /^'((?:[^']|'')*)'(?:::(?:[a-z ]+(?:\(\d+\))?|[^'()]+\.[^'()]+))?$/s.exec(text) ?? [];
  if (literal !== undefined && type.kind !== "timestamp") return { literal: importedLiteral(literal.replaceAll("''", "'"), type) };
  if (/^-?\d+(\.\d+)?$/.test(text) || /^(true|false)$/.test(text)) return { literal: importedLiteral(text, type) };
  return { sql: { [slot]: text } };
}

function indexOption(table: string, { name, columns, unique, method, where }: IndexBody): JsonObject {
  const derived = derivedName([table, ...columns.map(({ column }) => column)], unique ? "key" : "idx");
  return {
    ...(name !== derived && { name }),
    columns: columns.map(orderedOption),
    ...(unique && { unique }),
    ...(method !== "btree" && { method }),
    ...(where !== undefined && { where }),
  };
}

export function orderedOption({ column, order }: OrderedColumn): Json {
  return order === "asc" ? column : { column, order };
}

// ------------------------------------------------------------------------------------------------ views

type ViewLike = Relation & { readonly kind: "view" | "materialized-view" | "continuous-aggregate" };

function viewModel(object: ViewLike, importing: Importing): Pick<ViewModel, "name" | "comment" | "columns" | "query"> {
  const { comment, query } = object.body;
  return {
    name: modelNameOf(object, importing.context),
    ...(comment !== "" && { comment }),
    columns: viewColumns(object, importing),
    query: { [importing.slot]: queryBody(query, importing) },
  };
}

function viewColumns(object: ViewLike, { slot, context }: Importing): Columns {
  const entries = object.body.columns.map(({ name, comment }): [string, Column] => {
    const native = context.viewColumnType(object.id, name);
    return [name, { ...typeOf(native ?? "text", slot), ...withoutUnit(comment), nullable: true }];
  });
  return Object.fromEntries(entries);
}

function materializedViewModel(
  object: PostgresObject & { kind: "materialized-view" | "continuous-aggregate" },
  importing: Importing,
): MaterializedViewModel {
  const { slot, context, extras } = importing;
  const indexes = object.body.indexes.map((index) => indexOption(object.name[1] ?? "", index));
  const added = object.kind === "continuous-aggregate" ? extras.aggregate(object.body) : {};
  return {
    ...viewModel(object, importing),
    model: "materialized-view",
    ...withoutGrain(object.body.comment),
    on: { [slot]: { ...placed(object, context), ...added, ...(indexes.length > 0 && { indexes }) } },
  };
}

/** The server spells a query with names as short as they can be; a name of an imported relation becomes a reference. */
function queryBody(text: string, { slot, context }: Importing): SqlBody {
  const parts: (string | SqlReference)[] = [];
  let at = 0;
  for (const match of text.matchAll(RELATION)) {
    const [all, before = "", ...names] = match;
    const name = names.filter((each) => each !== undefined).map(unquoted);
    const model = relationModel(slot, name.length === 1 ? ["public", ...name] : name, context);
    if (model === undefined) continue;
    parts.push(text.slice(at, match.index) + before, { ref: "model", model });
    at = match.index + all.length;
  }
  return { dialect: slot, parts: [...parts, text.slice(at)].filter((part) => part !== "") };
}

const NAME = `("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)`;
/** Behind FROM or JOIN, maybe in parentheses. */
const RELATION = new RegExp(`(\\b(?:FROM|JOIN)\\s+\\(*)${NAME}(?:\\.${NAME})?(?![\\w$"(.])`, "g");

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

// ------------------------------------------------------------------------------------------------ types and roles

function enumModel(object: PostgresObject & { kind: "enum" }, slot: Slot, context: ImportContext): ObjectModel {
  const { comment, values } = object.body;
  const on = { object: "enum", values, ...placed(object, context) };
  return { model: "object", name: modelNameOf(object, context), ...(comment !== "" && { comment }), on: { [slot]: on } };
}

function roleModel(object: PostgresObject & { kind: "role" }, slot: Slot, context: ImportContext): ObjectModel {
  const { comment, attributes, memberOf, grants } = object.body;
  const own = Object.entries(attributes).filter(([name, value]) => value !== (PLAIN_ROLE as JsonObject)[name]); // attributes are JSON
  const options = { object: "role", ...Object.fromEntries(own), memberOf, grants: grants.flatMap((grant) => grantOptions(grant, context)) };
  return { model: "object", name: modelNameOf(object, context), ...(comment !== "" && { comment }), on: { [slot]: options } };
}

/** Rights on what is not among the imported cannot be said, and are reported when the model is resolved again. */
function grantOptions({ on, object, privileges, grantable }: GrantBody, { modelName }: ImportContext): JsonObject[] {
  const schema = /^SCHEMA (.*)$/.exec(on)?.[1];
  const model = schema === undefined ? modelName(object) : undefined;
  if (schema === undefined && model === undefined) return [];
  const target = { on: schema === undefined ? { model: model ?? "" } : { schema: unquoted(schema) }, ...(grantable && { grantable }) };
  const whole = privileges.filter((privilege) => !privilege.includes("("));
  const narrow = new Map<string, string[]>();
  for (const [, privilege = "", column = ""] of privileges.flatMap((text) => [/^(\w+) \((.*)\)$/.exec(text) ?? []]))
    if (privilege !== "") narrow.set(privilege, [...(narrow.get(privilege) ?? []), unquoted(column)]);
  return [
    ...(whole.length === 0 ? [] : [{ privileges: whole, ...target }]),
    ...[...narrow].map(([privilege, columns]) => ({ privileges: [privilege], ...target, columns })),
  ];
}

// ------------------------------------------------------------------------------------------------ functions

function functionModel(object: PostgresObject & { kind: "function" }, { slot, context }: Importing): FunctionModel {
  const { comment, arguments: args, returns, language, volatility, source }: FunctionBody = object.body;
  const parameterType = (type: string): Pick<Column, "type" | "as"> => {
    const declared = declaredEnum(type, slot, context);
    return declared ? { type: declared } : typeOf(type, slot);
  };
  const columns = (parameters: readonly ParameterBody[]): Columns =>
    Object.fromEntries(parameters.map(({ name, type }) => [name, { ...parameterType(type), comment: "", nullable: false }]));
  return {
    model: "function",
    name: modelNameOf(object, context),
    ...(comment !== "" && { comment }),
    arguments: columns(args),
    returns: typeof returns === "string" ? (declaredEnum(returns, slot, context) ?? logicalType(returns)) : { table: columns(returns) },
    language,
    volatility,
    body: { [slot]: { dialect: slot, parts: [source.replace(/^\n|\n$/g, "")] } },
    on: { [slot]: placed(object, context) },
  };
}

/** Whether two lists of ordered columns are the same. */
export function sameOrder(a: readonly OrderedColumn[], b: readonly OrderedColumn[]): boolean {
  return sameJson(a as readonly Json[], b as readonly Json[]);
}
