import type { Json, JsonObject } from "../../../core/json.js";
import type { Column, Columns } from "../../../core/model.js";
import type { LogicalType, Nested } from "../../../core/types.js";

/*
 * The Avro schema (specification 1.11) of a topic's messages. What Avro has no type for is a string in the encoding of
 * DESIGN §7, so that no value changes.
 */

type KindOf<K extends LogicalType["kind"]> = Extract<LogicalType, { kind: K }>;
type Mappings = { readonly [K in LogicalType["kind"]]: (type: KindOf<K>, name: string) => Json };

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Digits behind the second that Avro has a type for. */
const MICROS = 6;

const mappings: Mappings = {
  boolean: () => "boolean",
  int: ({ bits, unsigned }) =>
    bits <= 16 || (bits === 32 && !unsigned) ? "int" : bits === 32 || (bits === 64 && !unsigned) ? "long" : "string",
  float: ({ bits }) => (bits === 32 ? "float" : "double"),
  decimal: ({ precision, scale }) => ({ type: "bytes", logicalType: "decimal", precision, scale }),
  text: () => "string",
  binary: ({ max, fixed }, name) => (fixed && max !== undefined ? { type: "fixed", name, size: max } : "bytes"),
  date: () => ({ type: "int", logicalType: "date" }),
  time: ({ precision }) => (precision <= MICROS ? { type: "long", logicalType: "time-micros" } : "string"),
  timestamp: ({ precision, zoned }) =>
    precision <= MICROS ? { type: "long", logicalType: zoned ? "timestamp-micros" : "local-timestamp-micros" } : "string",
  interval: () => "string",
  uuid: () => ({ type: "string", logicalType: "uuid" }),
  json: () => "string",
  enum: ({ values }, name) => (values.every((value) => NAME.test(value)) ? { type: "enum", name, symbols: values } : "string"),
  list: ({ element }, name) => ({ type: "array", items: nested(element, `${name}_item`) }),
  map: ({ key, value }, name) =>
    key.kind === "text"
      ? { type: "map", values: nested(value, `${name}_value`) }
      : { type: "array", items: { type: "array", items: [valueType(key, `${name}_key`), valueType(value.type, `${name}_value`), "null"] } },
  struct: ({ fields }, name) => ({
    type: "record",
    name,
    fields: fields.map((field) => fieldOf(field.name, { ...field, comment: field.comment ?? "" }, name)),
  }),
  native: () => "bytes",
};

function valueType(type: LogicalType, name: string): Json {
  const map = mappings[type.kind] as (type: LogicalType, name: string) => Json; // the kind picks the function for exactly this member
  return map(type, name);
}

function nested({ type, nullable }: Nested, name: string): Json {
  return nullable ? ["null", valueType(type, name)] : valueType(type, name);
}

/** A field that may be missing has null as its default: what was written without it can still be read. */
function fieldOf(
  name: string,
  { type, nullable, comment, ...column }: Pick<Column, "type" | "nullable" | "comment"> & Partial<Column>,
  owner: string,
): JsonObject {
  const own = valueType(type, `${owner}_${name}`);
  const fallback = defaultOf(type, column.default);
  const doc = comment === "" ? {} : { doc: comment };
  if (!nullable) return { name, type: own, ...doc, ...(fallback !== undefined && { default: fallback }) };
  return fallback === undefined
    ? { name, type: ["null", own], ...doc, default: null }
    : { name, type: [own, "null"], ...doc, default: fallback };
}

/** Literals that Avro writes as they are. */
function defaultOf(type: LogicalType, value: Column["default"]): Json | undefined {
  if (value === undefined || !("literal" in value)) return undefined;
  const own = valueType(type, "");
  if (own === "string") return String(value.literal);
  if (own === "boolean") return typeof value.literal === "boolean" ? value.literal : undefined;
  const isNumber = own === "int" || own === "long" || own === "float" || own === "double";
  return isNumber && Number.isSafeInteger(Number(value.literal)) ? Number(value.literal) : undefined;
}

export function avroSchema(name: string, namespace: string | undefined, columns: Columns): JsonObject {
  return {
    type: "record",
    name,
    ...(namespace !== undefined && { namespace }),
    fields: Object.entries(columns).map(([field, column]) => fieldOf(field, column, name)),
  };
}

/** Names that Avro takes: of a record, a field. */
export const isAvroName = (name: string): boolean => NAME.test(name);

// ------------------------------------------------------------------------------------------------ resolution

type Named = ReadonlyMap<string, JsonObject>;

/** Why `reader` cannot read everything that `writer` wrote; undefined when it can (specification, Schema Resolution). */
export function avroFault(reader: Json, writer: Json, path = "the message"): string | undefined {
  if (Array.isArray(writer)) return first((writer as readonly Json[]).map((branch) => avroFault(reader, branch, path)));
  if (Array.isArray(reader)) {
    const faults = (reader as readonly Json[]).map((branch) => avroFault(branch, writer, path));
    return faults.includes(undefined)
      ? undefined
      : `${path} was ${kindOf(writer)}, which is none of ${(reader as readonly Json[]).map(kindOf).join(", ")}`;
  }
  const [to, from] = [kindOf(reader), kindOf(writer)];
  if (to !== from) return PROMOTED[from]?.includes(to) ? undefined : `${path} was ${from} and is read as ${to}`;
  return SAME[to]?.(reader as JsonObject, writer as JsonObject, path);
}

const PROMOTED: Readonly<Record<string, readonly string[]>> = {
  int: ["long", "float", "double"],
  long: ["float", "double"],
  float: ["double"],
  string: ["bytes"],
  bytes: ["string"],
};

type Compare = (reader: JsonObject, writer: JsonObject, path: string) => string | undefined;

const SAME: Readonly<Record<string, Compare>> = {
  record: recordFault,
  array: (reader, writer, path) => avroFault(reader.items ?? null, writer.items ?? null, `an item of ${path}`),
  map: (reader, writer, path) => avroFault(reader.values ?? null, writer.values ?? null, `a value of ${path}`),
  fixed: (reader, writer, path) =>
    reader.size === writer.size ? undefined : `${path} was ${String(writer.size)} bytes and is read as ${String(reader.size)}`,
  enum: (reader, writer, path) => {
    const known = reader.symbols as readonly string[]; // an enum's
    const gone = (writer.symbols as readonly string[]).find((symbol) => !known.includes(symbol)); // as above
    return gone === undefined || reader.default !== undefined
      ? undefined
      : `${path} may hold ${JSON.stringify(gone)}, which is no value any more`;
  },
  bytes: decimalFault,
};

/** Avro compares no logical types, and a reader with another scale would see other numbers. */
function decimalFault(reader: JsonObject, writer: JsonObject, path: string): string | undefined {
  if (typeof reader !== "object" || typeof writer !== "object") return undefined;
  if (reader.logicalType !== "decimal" || writer.logicalType !== "decimal") return undefined;
  const same = reader.scale === writer.scale && Number(reader.precision) >= Number(writer.precision);
  return same
    ? undefined
    : `${path} was decimal(${String(writer.precision)},${String(writer.scale)}) and is read as decimal(${String(reader.precision)},${String(reader.scale)})`;
}

function recordFault(reader: JsonObject, writer: JsonObject, path: string): string | undefined {
  const written = byName(writer);
  return first(
    [...byName(reader)].map(([name, field]) => {
      const own = written.get(name);
      if (own !== undefined) return avroFault(field.type ?? null, own.type ?? null, path === "the message" ? name : `${path}.${name}`);
      return field.default === undefined ? `${name} was not written and has no default` : undefined;
    }),
  );
}

function byName(record: JsonObject): Named {
  return new Map((record.fields as readonly (JsonObject & { readonly name: string })[]).map((field) => [field.name, field])); // a record's
}

function kindOf(schema: Json): string {
  return typeof schema === "object" && schema !== null && !Array.isArray(schema)
    ? kindOf((schema as JsonObject).type ?? null)
    : String(schema);
}

function first(faults: readonly (string | undefined)[]): string | undefined {
  return faults.find((fault) => fault !== undefined);
}
