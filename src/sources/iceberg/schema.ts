import { quoteName as ident, quoteText as literal } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";
import { integerOf, isObject, type JsonNode, listOf, type Place, textOf } from "./json.js";

/*
 * Schemas (Iceberg spec, "Schemas and Data Types" and Appendix C). Fields are found by id; names are only what the
 * current schema calls them.
 */

export type IcebergType =
  | { readonly kind: PlainKind }
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly kind: "fixed"; readonly length: number }
  /** WKB; `text` is the type with its reference system: `geometry(srid:4326)`. */
  | { readonly kind: "geometry" | "geography"; readonly text: string }
  /** One that dw does not know; a table is refused when it is asked for. */
  | { readonly kind: "refused"; readonly text: string }
  | StructType
  | { readonly kind: "list"; readonly element: IcebergField }
  | { readonly kind: "map"; readonly key: IcebergField; readonly value: IcebergField };

export interface StructType {
  readonly kind: "struct";
  readonly fields: readonly IcebergField[];
}

export interface IcebergField {
  readonly id: number;
  readonly name: string;
  readonly type: IcebergType;
  readonly required: boolean;
  readonly doc?: string;
  /** What rows have that were written before the field existed; JSON single-value form (Appendix D). */
  readonly initialDefault?: unknown;
}

export interface IcebergSchema extends StructType {
  readonly schemaId: number;
  readonly identifierIds: readonly number[];
}

export type PlainKind = keyof typeof plainTypes;

interface PlainType {
  readonly logical: LogicalType;
  readonly duckdb: string;
}

const plainTypes = {
  boolean: { logical: { kind: "boolean" }, duckdb: "BOOLEAN" },
  int: { logical: { kind: "int", bits: 32 }, duckdb: "INTEGER" },
  long: { logical: { kind: "int", bits: 64 }, duckdb: "BIGINT" },
  float: { logical: { kind: "float", bits: 32 }, duckdb: "FLOAT" },
  double: { logical: { kind: "float", bits: 64 }, duckdb: "DOUBLE" },
  date: { logical: { kind: "date" }, duckdb: "DATE" },
  time: { logical: { kind: "time", precision: 6 }, duckdb: "TIME" },
  timestamp: { logical: { kind: "timestamp", precision: 6, zoned: false }, duckdb: "TIMESTAMP" },
  timestamptz: { logical: { kind: "timestamp", precision: 6, zoned: true }, duckdb: "TIMESTAMP WITH TIME ZONE" },
  timestamp_ns: { logical: { kind: "timestamp", precision: 9, zoned: false }, duckdb: "TIMESTAMP_NS" },
  // DuckDB has no zoned type of nanoseconds: the UTC wall clock is exact, and the logical type says that it is an instant
  timestamptz_ns: { logical: { kind: "timestamp", precision: 9, zoned: true }, duckdb: "TIMESTAMP_NS" },
  string: { logical: { kind: "text" }, duckdb: "VARCHAR" },
  uuid: { logical: { kind: "uuid" }, duckdb: "UUID" },
  binary: { logical: { kind: "binary" }, duckdb: "BLOB" },
  variant: { logical: { kind: "json" }, duckdb: "VARCHAR" },
  unknown: { logical: { kind: "text" }, duckdb: "VARCHAR" }, // holds nothing but NULL
} as const satisfies Record<string, PlainType>;

const MAX_DEPTH = 64;

export function parseSchema(node: JsonNode, at: Place): IcebergSchema {
  const struct = parseStruct(node, at, 0);
  return {
    ...struct,
    schemaId: node["schema-id"] === undefined ? 0 : integerOf(node["schema-id"], at.step("schema-id")),
    identifierIds: listOf(node["identifier-field-ids"] ?? [], at).map((id) => integerOf(id, at)),
  };
}

function parseStruct(node: JsonNode, at: Place, depth: number): StructType {
  const ids = new Set<number>();
  const fields = listOf(node.fields, at.step("fields")).map((field) => parseField(field, at.step("fields"), depth));
  for (const { id } of fields) {
    if (ids.has(id)) throw at.wrong(`has the field id ${id} twice`);
    ids.add(id);
  }
  return { kind: "struct", fields };
}

function parseField(node: unknown, at: Place, depth: number): IcebergField {
  if (!isObject(node)) throw at.wrong("has a field that is not an object");
  const name = textOf(node.name, at.step("name"));
  const initialDefault = node["initial-default"];
  return {
    id: integerOf(node.id, at.step("id")),
    name,
    type: parseType(node.type, at.step(name), depth + 1),
    required: node.required === true,
    ...(typeof node.doc === "string" ? { doc: node.doc } : {}),
    ...(initialDefault === undefined || initialDefault === null ? {} : { initialDefault }),
  };
}

function parseType(node: unknown, at: Place, depth: number): IcebergType {
  if (depth > MAX_DEPTH) throw at.wrong(`is nested deeper than ${MAX_DEPTH} levels`);
  if (typeof node === "string") return parsePrimitive(node, at);
  if (!isObject(node)) throw at.wrong("has a type that is neither a name nor an object");
  switch (node.type) {
    case "struct":
      return parseStruct(node, at, depth);
    case "list":
      return { kind: "list", element: part(node, "element", at, depth) };
    case "map":
      return { kind: "map", key: part(node, "key", at, depth), value: part(node, "value", at, depth) };
    default:
      throw at.wrong(`has the type ${JSON.stringify(node.type)}, which is none of struct, list and map`);
  }
}

/** `element-id`, `element`, `element-required` of a list, and the same for key and value of a map. */
function part(node: JsonNode, name: "element" | "key" | "value", at: Place, depth: number): IcebergField {
  return {
    id: integerOf(node[`${name}-id`], at.step(`${name}-id`)),
    name,
    type: parseType(node[name], at.step(name), depth + 1),
    required: name === "key" || node[`${name}-required`] === true,
  };
}

function parsePrimitive(text: string, at: Place): IcebergType {
  if (isPlain(text)) return { kind: text };
  const decimal = /^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(text);
  if (decimal !== null) return decimalOf(Number(decimal[1]), Number(decimal[2]), at);
  const fixed = /^fixed\[\s*(\d{1,9})\s*\]$/.exec(text);
  if (fixed !== null) return { kind: "fixed", length: Number(fixed[1]) };
  const [, shapes] = /^(geometry|geography)(?:\(.*\))?$/s.exec(text) ?? [];
  if (shapes === "geometry" || shapes === "geography") return { kind: shapes, text: text.slice(0, 60) };
  return { kind: "refused", text: text.slice(0, 60) };
}

function isPlain(text: string): text is PlainKind {
  return Object.hasOwn(plainTypes, text);
}

function decimalOf(precision: number, scale: number, at: Place): IcebergType {
  if (precision < 1 || precision > 38 || scale > precision) throw at.wrong(`has the impossible type decimal(${precision},${scale})`);
  return { kind: "decimal", precision, scale };
}

export function logicalType(type: IcebergType): LogicalType {
  switch (type.kind) {
    case "decimal":
      return { kind: "decimal", precision: type.precision, scale: type.scale };
    case "fixed":
      return { kind: "binary", max: type.length, fixed: true };
    case "geometry":
    case "geography":
      return { kind: "binary" };
    case "refused":
      return { kind: "native", engine: "iceberg", type: type.text };
    case "list":
      return { kind: "list", element: nested(type.element) };
    case "map":
      return { kind: "map", key: logicalType(type.key.type), value: nested(type.value) };
    case "struct":
      return {
        kind: "struct",
        fields: type.fields.map((field) => ({
          name: field.name,
          ...nested(field),
          ...(field.doc === undefined ? {} : { comment: field.doc }),
        })),
      };
    default:
      return plainTypes[type.kind].logical;
  }
}

function nested(field: IcebergField): { readonly type: LogicalType; readonly nullable: boolean } {
  return { type: logicalType(field.type), nullable: !field.required };
}

/** DuckDB's name of the type that a column of this type is read as. */
export function duckdbType(type: IcebergType): string {
  switch (type.kind) {
    case "decimal":
      return `DECIMAL(${type.precision},${type.scale})`;
    case "fixed":
    case "geometry":
    case "geography":
    case "refused":
      return "BLOB";
    case "list":
      return `${duckdbType(type.element.type)}[]`;
    case "map":
      return `MAP(${duckdbType(type.key.type)}, ${duckdbType(type.value.type)})`;
    case "struct":
      return `STRUCT(${type.fields.map((field) => `${ident(field.name)} ${duckdbType(field.type)}`).join(", ")})`;
    default:
      return plainTypes[type.kind].duckdb;
  }
}

/** For messages and `dw inspect`: `decimal(9, 2)`, `list<string>`. */
export function typeName(type: IcebergType): string {
  switch (type.kind) {
    case "decimal":
      return `decimal(${type.precision}, ${type.scale})`;
    case "fixed":
      return `fixed[${type.length}]`;
    case "geometry":
    case "geography":
    case "refused":
      return type.text;
    case "list":
      return `list<${typeName(type.element.type)}>`;
    case "map":
      return `map<${typeName(type.key.type)}, ${typeName(type.value.type)}>`;
    case "struct":
      return `struct<${type.fields.map((field) => `${field.name}: ${typeName(field.type)}`).join(", ")}>`;
    default:
      return type.kind;
  }
}

/** Columns and members of a type that dw does not read: `payload variant`. */
export function refusedTypes(fields: readonly IcebergField[]): readonly string[] {
  return fields.flatMap(({ name, type }) => {
    if (type.kind === "refused") return [`${name} ${type.text}`];
    return refusedTypes(members(type)).map((below) => `${name}.${below}`);
  });
}

/** Whether DuckDB takes two names for one. */
export function sameName(a: IcebergField, b: IcebergField): boolean {
  return a.name.toLowerCase() === b.name.toLowerCase();
}

/** The first field, at any depth, beside which there is another whose name differs in case alone: `A`, `payload.A`. */
export function twinOf(fields: readonly IcebergField[]): string | undefined {
  const twin = fields.find((field, index) => fields.some((other, at) => at < index && other !== field && sameName(other, field)));
  if (twin !== undefined) return twin.name;
  return fields
    .map(({ name, type }) => ({ name, below: twinOf(members(type)) }))
    .flatMap(({ name, below }) => (below === undefined ? [] : [`${name}.${below}`]))[0];
}

/** Ids of the fields of nanoseconds, at any depth. */
export function nanosecondIds(fields: readonly IcebergField[]): readonly number[] {
  return fields.flatMap(({ id, type }) => [
    ...(type.kind === "timestamp_ns" || type.kind === "timestamptz_ns" ? [id] : []),
    ...nanosecondIds(members(type)),
  ]);
}

/** Whether there are types in it of which DuckDB would make values of its own. */
export function isOpaque(type: IcebergType): boolean {
  return ["variant", "geometry", "geography"].includes(type.kind) || members(type).some((member) => isOpaque(member.type));
}

function members(type: IcebergType): readonly IcebergField[] {
  if (type.kind === "struct") return type.fields;
  if (type.kind === "list") return [type.element];
  return type.kind === "map" ? [type.key, type.value] : [];
}

/** The way from the top of a schema through structs to the field with an id; fields below lists and maps have none. */
export function fieldPath(struct: StructType, id: number): readonly IcebergField[] | undefined {
  for (const field of struct.fields) {
    if (field.id === id) return [field];
    const below = field.type.kind === "struct" ? fieldPath(field.type, id) : undefined;
    if (below !== undefined) return [field, ...below];
  }
  return undefined;
}

export { ident, literal };
