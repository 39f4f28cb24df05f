import { isJsonObject, type Json, type JsonObject } from "../../../core/json.js";
import type { Columns } from "../../../core/model.js";
import type { LogicalType, Nested } from "../../../core/types.js";

/*
 * The JSON Schema (draft 7) of a topic's messages: objects in the encoding of DESIGN §7. It is closed, as the model is: what it
 * does not name is no field of the message.
 */

type KindOf<K extends LogicalType["kind"]> = Extract<LogicalType, { kind: K }>;
type Mappings = { readonly [K in LogicalType["kind"]]: (type: KindOf<K>) => JsonObject };

const NUMERAL = "^-?\\d+(\\.\\d+)?$";
const MOST_SAFE_BITS = 32;

const mappings: Mappings = {
  boolean: () => ({ type: "boolean" }),
  int: ({ bits, unsigned }) =>
    bits <= MOST_SAFE_BITS ? { type: "integer", ...(unsigned && { minimum: 0 }) } : { type: ["integer", "string"], pattern: "^-?\\d+$" },
  float: () => ({ type: ["number", "string"], pattern: "^(NaN|-?Infinity)$" }),
  decimal: () => ({ type: ["number", "string"], pattern: NUMERAL }),
  text: ({ max }) => ({ type: "string", ...(max !== undefined && { maxLength: max }) }),
  binary: () => ({ type: "string", contentEncoding: "base64" }),
  date: () => ({ type: "string", format: "date" }),
  time: () => ({ type: "string", format: "time" }),
  timestamp: ({ zoned }) => ({ type: "string", ...(zoned && { format: "date-time" }) }),
  interval: () => ({ type: "string" }),
  uuid: () => ({ type: "string", format: "uuid" }),
  json: () => ({}),
  enum: ({ values }) => ({ type: "string", enum: values }),
  list: ({ element }) => ({ type: "array", items: nested(element) }),
  map: ({ key, value }) => ({ type: "array", items: { type: "array", items: [valueType(key), nested(value)], minItems: 2, maxItems: 2 } }),
  struct: ({ fields }) => objectSchema(fields.map((field) => [field.name, field, field.comment ?? ""])),
  native: () => ({}),
};

function valueType(type: LogicalType): JsonObject {
  const map = mappings[type.kind] as (type: LogicalType) => JsonObject; // the kind picks the function for exactly this member
  return map(type);
}

function nested({ type, nullable }: Nested): JsonObject {
  const schema = valueType(type);
  if (!nullable || schema.type === undefined) return schema;
  const types = [schema.type].flat() as readonly Json[];
  return { ...schema, type: [...types, "null"], ...(Array.isArray(schema.enum) && { enum: [...schema.enum, null] }) };
}

function objectSchema(fields: readonly (readonly [name: string, field: Nested, comment: string])[]): JsonObject {
  const properties = fields.map(([name, field, comment]): [string, JsonObject] => [
    name,
    { ...nested(field), ...(comment !== "" && { description: comment }) },
  ]);
  const required = fields.filter(([, { nullable }]) => !nullable).map(([name]) => name);
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

export function jsonSchema(title: string, columns: Columns): JsonObject {
  const fields = Object.entries(columns).map(([name, column]) => [name, column, column.comment] as const);
  return { $schema: "http://json-schema.org/draft-07/schema#", title, ...objectSchema(fields) };
}

// ------------------------------------------------------------------------------------------------ what is valid in both

/** Why something valid by `writer` may not be valid by `reader`; undefined when all of it is. Knows the schemas above only. */
export function jsonFault(reader: Json, writer: Json, path = "the message"): string | undefined {
  if (!isJsonObject(reader) || !isJsonObject(writer)) return `${path} is no schema`;
  if (reader.type === undefined && reader.enum === undefined) return undefined; // anything
  const gone = typesOf(writer).find(
    (type) => !typesOf(reader).some((known) => known === type || (known === "number" && type === "integer")),
  );
  if (gone !== undefined) return `${path} may be ${gone}, which is not allowed any more`;
  return (
    valuesFault(reader, writer, path) ??
    limitFault(reader, writer, path) ??
    itemsFault(reader, writer, path) ??
    (reader.type === "object" ? fieldsFault(reader, writer, path) : undefined)
  );
}

function typesOf({ type }: JsonObject): readonly string[] {
  return type === undefined ? ["anything"] : ([type].flat() as readonly string[]);
}

function valuesFault(reader: JsonObject, writer: JsonObject, path: string): string | undefined {
  if (!Array.isArray(reader.enum)) return undefined;
  const known = reader.enum as readonly Json[];
  if (!Array.isArray(writer.enum)) return `${path} could be anything and is one of ${JSON.stringify(known)} now`;
  const gone = (writer.enum as readonly Json[]).find((value) => !known.includes(value));
  return gone === undefined ? undefined : `${path} may be ${JSON.stringify(gone)}, which is no value any more`;
}

const LIMITS: readonly (readonly [name: string, isNarrower: (reader: number, writer: number) => boolean])[] = [
  ["maxLength", (reader, writer) => reader < writer],
  ["minimum", (reader, writer) => reader > writer],
];

function limitFault(reader: JsonObject, writer: JsonObject, path: string): string | undefined {
  for (const [name, isNarrower] of LIMITS) {
    const [now, was] = [reader[name], writer[name]];
    if (typeof now === "number" && (typeof was !== "number" || isNarrower(now, was)))
      return `${path} has ${name} ${now} now, and had ${was === undefined ? "none" : String(was)}`;
  }
  for (const name of ["pattern", "format", "contentEncoding"]) {
    if (reader[name] !== undefined && reader[name] !== writer[name]) return `${path} has another ${name} now`;
  }
  return undefined;
}

function itemsFault(reader: JsonObject, writer: JsonObject, path: string): string | undefined {
  if (reader.items === undefined || writer.items === undefined) return undefined;
  const [now, was] = [[reader.items].flat() as readonly Json[], [writer.items].flat() as readonly Json[]];
  if (now.length !== was.length) return `items of ${path} are of another kind`;
  return now.map((item, index) => jsonFault(item, was[index] ?? null, `an item of ${path}`)).find((fault) => fault !== undefined);
}

function fieldsFault(reader: JsonObject, writer: JsonObject, path: string): string | undefined {
  const [now, was] = [fieldsOf(reader), fieldsOf(writer)];
  const place = (name: string): string => (path === "the message" ? name : `${path}.${name}`);
  const unknown = Object.keys(was).find((name) => !Object.hasOwn(now, name));
  if (unknown !== undefined && reader.additionalProperties === false) return `${place(unknown)} may be there, and is no field any more`;
  const always = requiredOf(writer);
  const missing = requiredOf(reader).find((name) => !always.includes(name));
  if (missing !== undefined) return `${place(missing)} may be missing, and has to be there now`;
  return Object.keys(now)
    .filter((name) => Object.hasOwn(was, name))
    .map((name) => jsonFault(now[name] ?? null, was[name] ?? null, place(name)))
    .find((fault) => fault !== undefined);
}

function fieldsOf({ properties }: JsonObject): JsonObject {
  return isJsonObject(properties) ? properties : {};
}

function requiredOf({ required }: JsonObject): readonly string[] {
  return Array.isArray(required) ? (required as readonly string[]) : [];
}
