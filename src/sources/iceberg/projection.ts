import { checkedTime, entryKey, entryValue } from "../../core/transit.js";
import { corrupt } from "../../formats/damage.js";
import { variantSql } from "../../formats/variant-column.js";
import type { FileField, FileType } from "./file-schema.js";
import { listOf, objectOf, Place } from "./json.js";
import { duckdbType, type IcebergField, type IcebergType, ident, literal, typeName } from "./schema.js";

/*
 * A table column out of a file, as one DuckDB expression: found by field id at every depth, widened where the type was
 * promoted, filled with its default where the file is older than the column (spec, "Column Projection").
 */

export interface Projection {
  /** For messages. */
  readonly file: string;
  /** SQL of values that are the same in a whole file: identity partition values, by the field id of their source. */
  readonly constants: ReadonlyMap<number, string>;
}

/** `fields` are the file's columns; `relation` is the SQL name that they belong to. */
export function projectColumn(field: IcebergField, fields: readonly FileField[], relation: string, projection: Projection): string {
  const found = fields.find((candidate) => candidate.id === field.id);
  return found === undefined ? absent(field, projection) : value(`${relation}.${ident(found.name)}`, found.type, field, projection, 0);
}

function absent(field: IcebergField, projection: Projection): string {
  const constant = projection.constants.get(field.id);
  if (constant !== undefined) return constant;
  if (field.initialDefault !== undefined) return defaultValue(field.initialDefault, field, new Place(projection.file));
  if (!field.required) return nullOf(field.type);
  throw corrupt(projection.file, `It lacks the required column ${field.name}, which has no default.`);
}

function nullOf(type: IcebergType): string {
  return `CAST(NULL AS ${duckdbType(type)})`;
}

function value(sql: string, file: FileType, field: IcebergField, projection: Projection, depth: number): string {
  const { type } = field;
  if (type.kind === "unknown") return nullOf(type);
  if (type.kind === "variant") return variant(sql, file, field, projection);
  if (file.kind === "plain") return plain(sql, file.duckdb, field, projection);
  if (asItIs(file, type)) return sql;
  if (type.kind === "struct" && file.kind === "struct") return struct(sql, file.fields, type.fields, projection, depth);
  if (type.kind === "list" && file.kind === "list") {
    const item = `item_${depth}`;
    return `list_transform(${sql}, lambda ${item} : ${value(item, file.element.type, type.element, projection, depth + 1)})`;
  }
  if (type.kind === "map" && file.kind === "map") return map(sql, file, type, projection, depth);
  throw mismatch(field, file.kind, projection);
}

function variant(sql: string, file: FileType, field: IcebergField, projection: Projection): string {
  const has = (name: string): boolean => file.kind === "struct" && file.fields.some((member) => member.name === name);
  if (!has("metadata") || !has("value")) throw mismatch(field, file.kind === "plain" ? file.duckdb : `a ${file.kind}`, projection);
  return variantSql(sql);
}

function struct(sql: string, file: readonly FileField[], fields: readonly IcebergField[], projection: Projection, depth: number): string {
  const members = fields.map((field) => {
    const found = file.find((candidate) => candidate.id === field.id);
    const member =
      found === undefined
        ? absent(field, projection)
        : value(`struct_extract(${sql}, ${literal(found.name)})`, found.type, field, projection, depth);
    return `${ident(field.name)} := ${member}`;
  });
  return `CASE WHEN ${sql} IS NOT NULL THEN struct_pack(${members.join(", ")}) END`;
}

function map(
  sql: string,
  file: Extract<FileType, { kind: "map" }>,
  type: Extract<IcebergType, { kind: "map" }>,
  projection: Projection,
  depth: number,
): string {
  const entry = `item_${depth}`;
  const key = value(entryKey(entry), file.key.type, type.key, projection, depth + 1);
  const held = value(entryValue(entry), file.value.type, type.value, projection, depth + 1);
  const entries = `list_transform(map_entries(${sql}), lambda ${entry} : struct_pack(k := ${key}, v := ${held}))`;
  return `CASE WHEN ${sql} IS NOT NULL THEN map_from_entries(${entries}) END`;
}

/** True when the file's value is already the table's, member by member. */
function asItIs(file: FileType, type: IcebergType): boolean {
  if (file.kind === "plain") return !["struct", "list", "map", "time", "variant"].includes(type.kind) && file.duckdb === duckdbType(type);
  if (type.kind === "struct" && file.kind === "struct") {
    return (
      file.fields.length === type.fields.length &&
      type.fields.every((field, index) => {
        const member = file.fields[index];
        return member !== undefined && member.id === field.id && member.name === field.name && asItIs(member.type, field.type);
      })
    );
  }
  if (type.kind === "list" && file.kind === "list") return asItIs(file.element.type, type.element.type);
  if (type.kind === "map" && file.kind === "map") return asItIs(file.key.type, type.key.type) && asItIs(file.value.type, type.value.type);
  return false;
}

type Convert = (sql: string, target: string) => string;

const cast: Convert = (sql, target) => `CAST(${sql} AS ${target})`;
const fromInstant: Convert = (sql, target) => `CAST(timezone('UTC', ${sql}) AS ${target})`;
const toInstant: Convert = (sql) => `timezone('UTC', CAST(${sql} AS TIMESTAMP))`;
const MICROS_PER_DAY = "86400000000";
const timeOfMicros: Convert = (sql) =>
  `(TIME '00:00:00' + to_microseconds(if(${sql} < 0 OR ${sql} >= ${MICROS_PER_DAY}, error('DW-FILE-CORRUPT: A time of day in a file is below 00:00 or above 24:00.'), ${sql})))`;
const uuidOfBytes: Convert = (sql) => `CAST(hex(${sql}) AS UUID)`;

const zoned = "TIMESTAMP WITH TIME ZONE";

/**
 * What else than its own DuckDB type a column's file may hold: promotions (spec, "Schema Evolution"), what imported files
 * have (INT96, milliseconds, small integers, text without its annotation), and nothing that could change a value.
 */
const readable: Readonly<Record<string, Readonly<Record<string, Convert>>>> = {
  int: { TINYINT: cast, SMALLINT: cast, UTINYINT: cast, USMALLINT: cast },
  long: { TINYINT: cast, SMALLINT: cast, INTEGER: cast, UTINYINT: cast, USMALLINT: cast, UINTEGER: cast },
  double: { FLOAT: cast },
  timestamp: { TIMESTAMP_S: cast, TIMESTAMP_MS: cast, TIMESTAMP_NS: cast, DATE: cast, [zoned]: fromInstant },
  timestamptz: { TIMESTAMP: toInstant, TIMESTAMP_S: toInstant, TIMESTAMP_MS: toInstant, TIMESTAMP_NS: toInstant },
  timestamp_ns: { TIMESTAMP: cast, TIMESTAMP_S: cast, TIMESTAMP_MS: cast, DATE: cast, [zoned]: fromInstant },
  timestamptz_ns: { TIMESTAMP: cast, TIMESTAMP_S: cast, TIMESTAMP_MS: cast, [zoned]: fromInstant },
  time: { "TIME WITH TIME ZONE": cast, TIME_NS: cast, BIGINT: timeOfMicros }, // ORC has no time of day
  string: { BLOB: (sql) => `decode(${sql})`, JSON: cast },
  binary: { VARCHAR: (sql) => `encode(${sql})` },
  fixed: { VARCHAR: (sql) => `encode(${sql})` },
  uuid: { BLOB: uuidOfBytes, VARCHAR: cast },
};

function plain(sql: string, file: string, field: IcebergField, projection: Projection): string {
  const { type } = field;
  const target = duckdbType(type);
  if (file === target) return type.kind === "time" ? checkedTime(sql) : sql;
  const convert = type.kind === "decimal" ? widerDecimal(file, type) : readable[type.kind]?.[file];
  if (convert === undefined) throw mismatch(field, file, projection);
  const converted = convert(sql, target);
  return type.kind === "time" ? checkedTime(converted) : converted;
}

function widerDecimal(file: string, type: Extract<IcebergType, { kind: "decimal" }>): Convert | undefined {
  const [, precision, scale] = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(file) ?? [];
  return Number(scale) === type.scale && Number(precision) <= type.precision ? cast : undefined;
}

function mismatch(field: IcebergField, found: string, projection: Projection): Error {
  return corrupt(projection.file, `Its column for ${field.name} is ${found}, which is not and does not widen to ${typeName(field.type)}.`);
}

/** A default as SQL (Appendix D, "JSON single-value serialization"). */
function defaultValue(json: unknown, field: IcebergField, at: Place): string {
  const { type } = field;
  const place = at.step(field.name);
  switch (type.kind) {
    case "struct": {
      const given = objectOf(json, place);
      const members = type.fields.map((member) => {
        const own = given[String(member.id)] ?? member.initialDefault;
        const sql = own === undefined || own === null ? nullOf(member.type) : defaultValue(own, member, place);
        return `${ident(member.name)} := ${sql}`;
      });
      return `struct_pack(${members.join(", ")})`;
    }
    case "list":
      return `CAST(${listSql(listOf(json, place), type.element, place)} AS ${duckdbType(type)})`;
    case "map": {
      const { keys, values } = objectOf(json, place);
      const sides = `${listSql(listOf(keys, place), type.key, place)}, ${listSql(listOf(values, place), type.value, place)}`;
      return `CAST(map(${sides}) AS ${duckdbType(type)})`;
    }
    default:
      return scalarDefault(json, type, place);
  }
}

function listSql(items: readonly unknown[], field: IcebergField, at: Place): string {
  return `[${items.map((item) => (item === null ? nullOf(field.type) : defaultValue(item, field, at))).join(", ")}]`;
}

function scalarDefault(json: unknown, type: IcebergType, at: Place): string {
  if (type.kind === "fixed" || type.kind === "binary") {
    if (typeof json !== "string" || !/^([0-9a-fA-F]{2})*$/.test(json)) throw at.wrong("has a default that is not hexadecimal");
    return `unhex(${literal(json)})`;
  }
  if (typeof json !== "string" && typeof json !== "number" && typeof json !== "boolean") throw at.wrong("has a default of another type");
  if (type.kind === "timestamptz") return `timezone('UTC', CAST(${literal(utcText(String(json)))} AS TIMESTAMP))`;
  const text = type.kind === "timestamptz_ns" ? utcText(String(json)) : String(json);
  return `CAST(${literal(text)} AS ${duckdbType(type)})`;
}

function utcText(text: string): string {
  return text.replace(/(\+00:00|Z)$/, "");
}
