import type { SourceColumn } from "../core/source.js";
import { entryKey, entryValue, quoteName, quoteText } from "../core/transit.js";
import type { LogicalType } from "../core/types.js";

/*
 * Rows as text, written by DuckDB: each function gives SQL, no row passes through JavaScript. The encoding is DESIGN §7.
 * Expressions must have the transit type of their logical type (core/transit.ts).
 */

/** One JSON object a row, over the columns of the FROM clause. */
export function jsonLine(columns: readonly SourceColumn[]): string {
  return object(columns.map(({ name, type }) => [name, jsonValue(quoteName(name), type)]));
}

/** JSON text of a value, never NULL: SQL NULL is `null`. */
export function jsonValue(value: string, type: LogicalType, depth = 0): string {
  switch (type.kind) {
    case "struct": {
      const members = type.fields.map(
        (field) => [field.name, jsonValue(`struct_extract(${value}, ${quoteText(field.name)})`, field.type, depth)] as const,
      );
      return `CASE WHEN ${value} IS NULL THEN 'null' ELSE ${object(members)} END`;
    }
    case "list":
      return array(value, depth, (element) => jsonValue(element, type.element.type, depth + 1));
    case "map":
      return map(value, type, depth);
    default:
      return `coalesce(${jsonScalar(value, type)}, 'null')`;
  }
}

function object(members: readonly (readonly [name: string, json: string])[]): string {
  if (members.length === 0) return "'{}'";
  const parts = members.map(([name, json], index) => `${quoteText(`${index === 0 ? "{" : ","}${JSON.stringify(name)}:`)} || ${json}`);
  return `(${parts.join(" || ")} || '}')`;
}

function array(list: string, depth: number, element: (name: string) => string): string {
  const name = `dw_${depth}`;
  const texts = `list_transform(${list}, lambda ${name}: ${element(name)})`;
  return `coalesce('[' || array_to_string(${texts}, ',') || ']', 'null')`;
}

/** Pairs in the order of their keys' JSON, so that equal maps have equal text, however a file stores them. */
function map(value: string, { key, value: member }: Extract<LogicalType, { kind: "map" }>, depth: number): string {
  const entry = `dw_${depth}`;
  const pair = `{'key': ${jsonValue(entryKey(entry), key, depth + 1)}, 'value': ${jsonValue(entryValue(entry), member.type, depth + 1)}}`;
  const sorted = `list_sort(list_transform(map_entries(${value}), lambda ${entry}: ${pair}))`;
  return array(sorted, depth, (text) => `'[' || ${entryKey(text)} || ',' || ${entryValue(text)} || ']'`);
}

/** JSON text, NULL for NULL. */
function jsonScalar(value: string, type: LogicalType): string {
  switch (type.kind) {
    case "boolean":
      return plainText(value, type);
    case "int":
      return type.bits <= 32 ? plainText(value, type) : quoted(plainText(value, type));
    case "float":
      return `CASE WHEN isfinite(${value}) THEN ${plainText(value, type)} ELSE ${quoted(plainText(value, type))} END`;
    case "text":
    case "json":
    case "enum":
    case "native":
      return `to_json(${plainText(value, type)})::VARCHAR`;
    case "decimal":
    case "binary":
    case "date":
    case "time":
    case "timestamp":
    case "interval":
    case "uuid":
      return quoted(plainText(value, type)); // these texts contain nothing that JSON escapes
    case "list":
    case "map":
    case "struct":
      return jsonValue(value, type);
  }
}

function quoted(text: string): string {
  return `'"' || ${text} || '"'`;
}

/** The value as a person reads it, in the same forms as in JSON but without its quotes; NULL for NULL. Nested values are JSON. */
export function plainText(value: string, type: LogicalType): string {
  switch (type.kind) {
    case "float":
      return `CASE WHEN isnan(${value}) THEN 'NaN' WHEN isinf(${value}) THEN if(${value} > 0, 'Infinity', '-Infinity') ELSE ${number(value)} END`;
    case "decimal":
      return decimalText(value, type);
    case "binary":
      return `base64(${value})`;
    case "date":
      return dateText(value);
    case "time":
      return timeText(value, type.precision > 6 ? 9 : 6);
    case "timestamp":
      return timestampText(value, type.precision > 6, type.zoned);
    case "list":
    case "map":
    case "struct":
      return `CASE WHEN ${value} IS NOT NULL THEN ${jsonValue(value, type)} END`;
    default:
      return `(${value})::VARCHAR`;
  }
}

/** DuckDB leaves out the zero before the point of a decimal that can have no other digit there. */
function decimalText(value: string, { precision, scale }: Extract<LogicalType, { kind: "decimal" }>): string {
  const text = `(${value})::VARCHAR`;
  return scale < precision ? text : `regexp_replace(${text}, '^(-?)\\.', '\\10.')`;
}

/** A float32 as the double of the same value; DuckDB prints the shortest text that reads back equal, and keeps -0.0. */
function number(value: string): string {
  return `(${value})::DOUBLE::VARCHAR`;
}

/** Years beyond 9999 and before 1 are those of ISO 8601's expanded form: astronomical, so that 1 BC is 0000. */
function dateText(value: string): string {
  const ordinary = `${value} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'`;
  const expanded = `CASE WHEN isfinite(${value}) THEN ${expandedYear(value)} || strftime(${value}, '-%m-%d') ELSE (${value})::VARCHAR END`;
  return `CASE WHEN ${ordinary} THEN (${value})::VARCHAR ELSE ${expanded} END`;
}

function expandedYear(value: string): string {
  return `CASE WHEN year(${value}) BETWEEN 0 AND 9999 THEN '' WHEN year(${value}) < 0 THEN '-' ELSE '+' END || lpad(abs(year(${value}))::VARCHAR, greatest(4, length(abs(year(${value}))::VARCHAR))::INTEGER, '0')`;
}

/** DuckDB drops trailing zeros; 24:00:00 is a time in DuckDB and in PostgreSQL. */
function timeText(value: string, digits: number): string {
  const text = `(${value})::VARCHAR`;
  return `rpad(${text} || if(contains(${text}, '.'), '', '.'), ${9 + digits}, '0')`;
}

function timestampText(value: string, nanoseconds: boolean, zoned: boolean): string {
  const text = nanoseconds ? nanosecondText(value) : microsecondText(value, zoned);
  return zoned ? `${text} || 'Z'` : text;
}

/** DuckDB's nanoseconds are of the years 1677 to 2262. Nothing may follow %n: DuckDB 1.5 writes it into the digits. */
function nanosecondText(value: string): string {
  return `strftime(${value}, '%Y-%m-%dT%H:%M:%S.%n')`;
}

function microsecondText(value: string, zoned: boolean): string {
  // make_timestamp of the microseconds since the epoch: the session's zone and its calendar have no part in it.
  const wall = zoned ? `make_timestamp(epoch_us(${value}))` : value;
  const [type, offset] = zoned ? ["TIMESTAMPTZ", "+00"] : ["TIMESTAMP", ""];
  const ordinary = `${value} BETWEEN ${type} '0001-01-01 00:00:00${offset}' AND ${type} '9999-12-31 23:59:59.999999${offset}'`;
  const expanded = `${expandedYear(wall)} || strftime(${wall}, '-%m-%dT%H:%M:%S.%f')`;
  return `CASE WHEN ${ordinary} THEN strftime(${wall}, '%Y-%m-%dT%H:%M:%S.%f') WHEN isfinite(${value}) THEN ${expanded} ELSE (${value})::VARCHAR END`;
}
