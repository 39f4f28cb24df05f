import { type AvroType, optional } from "../../formats/avro.js";
import { corrupt, unsupported } from "../../formats/damage.js";
import { isObject, listOf, type Place } from "./json.js";

/*
 * What a data file holds: its columns as DuckDB shows them, with the field ids that the writer left. Table columns are
 * found in it by id (projection.ts), whatever they are called on either side.
 */

export interface FileField {
  /** As DuckDB names the column or the member of the struct. */
  readonly name: string;
  readonly id: number | undefined;
  readonly type: FileType;
}

export type FileType =
  /** `duckdb` is DuckDB's name of the type. */
  | { readonly kind: "plain"; readonly duckdb: string }
  | { readonly kind: "struct"; readonly fields: readonly FileField[] }
  | { readonly kind: "list"; readonly element: FileField }
  | { readonly kind: "map"; readonly key: FileField; readonly value: FileField };

/** A row of DuckDB's `parquet_schema()`; the rows of a file are its schema tree, parents before children. */
export interface ParquetNode {
  readonly name: string;
  readonly type: string | null;
  readonly repetition: string | null;
  readonly children: number | null;
  readonly converted: string | null;
  readonly logical: string | null;
  readonly id: number | null;
  readonly duckdb: string | null;
}

/** Parquet's LogicalTypes.md, "Lists" and "Maps", with the rules for files of older writers. */
export function parquetFields(nodes: readonly ParquetNode[], file: string): readonly FileField[] {
  let next = 0;
  const take = (): ParquetTree => {
    const node = nodes[next++];
    if (node === undefined) throw corrupt(file, "Its schema announces more columns than it has.");
    return { node, children: Array.from({ length: Number(node.children ?? 0) }, take) };
  };
  return uniqueNames(take().children.map((tree) => parquetField(tree)));
}

interface ParquetTree {
  readonly node: ParquetNode;
  readonly children: readonly ParquetTree[];
}

function parquetField(tree: ParquetTree): FileField {
  const { node } = tree;
  const bare: FileField = { name: node.name, id: idOf(node), type: parquetType(tree) };
  // a repeated field outside a LIST is a list of its own (Protocol Buffers writers)
  return node.repetition === "REPEATED" ? { ...bare, type: { kind: "list", element: { ...bare, id: undefined } } } : bare;
}

function parquetType(tree: ParquetTree): FileType {
  const { node, children } = tree;
  if (node.duckdb !== null && children.length === 0) return { kind: "plain", duckdb: node.duckdb };
  const [only] = children;
  const annotation = `${node.converted ?? ""} ${node.logical ?? ""}`;
  if (only !== undefined && children.length === 1 && /LIST/i.test(annotation))
    return { kind: "list", element: listElement(only, node.name) };
  const [key, value] = only?.children ?? [];
  if (/MAP/i.test(annotation) && key !== undefined && value !== undefined) {
    return { kind: "map", key: parquetField(key), value: parquetField(value) };
  }
  return { kind: "struct", fields: children.map(parquetField) };
}

/** The repeated group is a mere wrapper, except in files of old writers, where it is the element. */
function listElement(repeated: ParquetTree, list: string): FileField {
  const [inner] = repeated.children;
  const wrapper =
    inner !== undefined && repeated.children.length === 1 && repeated.node.name !== "array" && repeated.node.name !== `${list}_tuple`;
  if (wrapper) return parquetField(inner);
  return { name: repeated.node.name, id: idOf(repeated.node), type: parquetType(repeated) };
}

function idOf(node: ParquetNode): number | undefined {
  return node.id === null ? undefined : Number(node.id);
}

/** DuckDB's names ignore case; of columns that would collide it numbers the later ones. */
function uniqueNames(fields: readonly FileField[]): readonly FileField[] {
  const taken = new Set<string>();
  return fields.map((field) => {
    let name = field.name;
    for (let count = 1; taken.has(name.toLowerCase()); count++) name = `${field.name}_${count}`;
    taken.add(name.toLowerCase());
    return { ...field, name };
  });
}

/** Columns of an Avro file, in the types of the temporary table that it is loaded into (avro-table.ts). */
export function avroFields(
  fields: readonly { readonly name: string; readonly type: AvroType; readonly attributes: Readonly<Record<string, unknown>> }[],
): readonly FileField[] {
  return uniqueNames(
    fields.map((field) => ({ name: field.name, id: attribute(field.attributes, "field-id"), type: avroType(field.type) })),
  );
}

function avroType(outer: AvroType): FileType {
  const { type } = optional(outer);
  switch (type.kind) {
    case "record":
      return { kind: "struct", fields: avroFields(type.fields) };
    case "array":
      return avroArray(type.items, type.attributes);
    case "map":
      return {
        kind: "map",
        key: { name: "key", id: attribute(type.attributes, "key-id"), type: { kind: "plain", duckdb: "VARCHAR" } },
        value: { name: "value", id: attribute(type.attributes, "value-id"), type: avroType(type.values) },
      };
    default:
      return { kind: "plain", duckdb: avroPlain(type) };
  }
}

/** Maps whose keys are not text are lists of key and value with the logical type `map` (spec, Appendix A). */
function avroArray(items: AvroType, attributes: Readonly<Record<string, unknown>>): FileType {
  const [key, value] = items.kind === "record" && attributes.logicalType === "map" ? avroFields(items.fields) : [];
  if (key !== undefined && value !== undefined) return { kind: "map", key, value };
  return { kind: "list", element: { name: "element", id: attribute(attributes, "element-id"), type: avroType(items) } };
}

const avroPlains: Readonly<Record<string, string>> = {
  boolean: "BOOLEAN",
  int: "INTEGER",
  long: "BIGINT",
  float: "FLOAT",
  double: "DOUBLE",
  string: "VARCHAR",
  enum: "VARCHAR",
  bytes: "BLOB",
  fixed: "BLOB",
  null: "VARCHAR",
};

const avroLogical: Readonly<Record<string, string>> = {
  "int date": "DATE",
  "int time-millis": "TIME",
  "long time-micros": "TIME",
  "fixed uuid": "UUID",
  "string uuid": "UUID",
  "long local-timestamp-millis": "TIMESTAMP_MS",
  "long local-timestamp-micros": "TIMESTAMP",
  "long local-timestamp-nanos": "TIMESTAMP_NS",
};

function avroPlain(type: AvroType): string {
  const logical = type.attributes.logicalType;
  const { precision, scale } = type.attributes;
  if (logical === "decimal" && (type.kind === "bytes" || type.kind === "fixed") && typeof precision === "number") {
    return `DECIMAL(${Math.trunc(precision)},${Math.trunc(Number(scale ?? 0))})`;
  }
  if (type.kind === "long" && typeof logical === "string" && /^timestamp-(millis|micros|nanos)$/.test(logical))
    return avroTimestamp(logical, type);
  const plain = avroLogical[`${type.kind} ${String(logical)}`] ?? avroPlains[type.kind];
  if (plain !== undefined) return plain;
  throw unsupported(
    "An Avro file has a union of several types.",
    "Iceberg's only unions are those with null.",
    "Check that the file belongs to the table.",
  );
}

function avroTimestamp(logical: string, type: AvroType): string {
  const zoned = type.attributes["adjust-to-utc"] !== false; // Avro's own meaning of the type is an instant
  if (logical.endsWith("nanos")) return "TIMESTAMP_NS";
  if (logical.endsWith("millis")) return "TIMESTAMP_MS";
  return zoned ? "TIMESTAMP WITH TIME ZONE" : "TIMESTAMP";
}

function attribute(attributes: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = attributes[name];
  return typeof value === "number" ? value : undefined;
}

/** Whether the writer left any field id. Files without one need the table's name mapping. */
export function hasIds(fields: readonly FileField[]): boolean {
  return fields.some((field) => field.id !== undefined || parts(field.type).some((part) => hasIds([part])));
}

function parts(type: FileType): readonly FileField[] {
  switch (type.kind) {
    case "struct":
      return type.fields;
    case "list":
      return [type.element];
    case "map":
      return [type.key, type.value];
    case "plain":
      return [];
  }
}

/** Ids by name, for files that carry none (spec, "Column Projection": `schema.name-mapping.default`). */
export interface NameMapping {
  readonly id: number | undefined;
  readonly below: ReadonlyMap<string, NameMapping>;
}

const MAX_DEPTH = 64;

export function parseNameMapping(node: unknown, at: Place, depth = 0): ReadonlyMap<string, NameMapping> {
  if (depth > MAX_DEPTH) throw at.wrong("is nested too deeply");
  const names = new Map<string, NameMapping>();
  for (const item of listOf(node, at)) {
    if (!isObject(item)) throw at.wrong("has an entry that is not an object");
    const mapping: NameMapping = {
      id: typeof item["field-id"] === "number" ? item["field-id"] : undefined,
      below: item.fields === undefined || item.fields === null ? new Map() : parseNameMapping(item.fields, at, depth + 1),
    };
    for (const name of listOf(item.names ?? [], at)) names.set(String(name), mapping);
  }
  return names;
}

export function applyNameMapping(fields: readonly FileField[], names: ReadonlyMap<string, NameMapping>): readonly FileField[] {
  return fields.map((field) => mapped(field, names.get(field.name)));
}

function mapped(field: FileField, mapping: NameMapping | undefined, name = field.name): FileField {
  return { name, id: mapping?.id, type: mappedType(field.type, mapping?.below ?? new Map()) };
}

function mappedType(type: FileType, names: ReadonlyMap<string, NameMapping>): FileType {
  switch (type.kind) {
    case "struct":
      return { kind: "struct", fields: applyNameMapping(type.fields, names) };
    case "list": // whatever the file calls it, in the mapping it is the element
      return { kind: "list", element: mapped(type.element, names.get("element")) };
    case "map":
      return { kind: "map", key: mapped(type.key, names.get("key")), value: mapped(type.value, names.get("value")) };
    case "plain":
      return type;
  }
}
