import { DwError } from "./errors.js";
import { type LogicalType, type Nested, type StructField, typeText } from "./types.js";

/*
 * The DuckDB types in which values travel from a source to a target, and the logical types of DuckDB's own.
 *
 * What DuckDB cannot hold exactly is refused or travels as text: decimals of more than 38 digits and JSON as VARCHAR.
 * An instant with nanoseconds travels as TIMESTAMP_NS, in UTC, because DuckDB's zoned type ends at microseconds: the
 * logical type says that it is zoned.
 */

/** A name as DuckDB SQL. DuckDB compares names without regard to case. */
export function quoteName(name: string): string {
  if (name === "") throw nameless();
  return `"${withoutNul(name).replaceAll('"', '""')}"`;
}

/** A text value as DuckDB SQL. A backslash is an ordinary character there. */
export function quoteText(text: string): string {
  return `'${withoutNul(text).replaceAll("'", "''")}'`;
}

function nameless(): DwError {
  return new DwError("DW-SOURCE-UNSUPPORTED", {
    what: "A column or field has an empty name.",
    why: "DuckDB, in which rows travel, has no such name.",
    fix: "Name it where it comes from, for example in the header of the CSV file.",
  });
}

function withoutNul(text: string): string {
  if (!text.includes("\0")) return text;
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `The name or value ${JSON.stringify(text)} contains a NUL character.`,
    why: "No SQL text can hold it.",
    fix: "Rename the column, file or value where it comes from.",
  });
}

/*
 * The two halves of a map's entry in a lambda. Written with a point, DuckDB takes the lambda's parameter for a column of that name
 * where the table has one, and the half for a column where the table itself is called like the parameter.
 */
export function entryKey(entry: string): string {
  return `struct_extract(${entry}, 'key')`;
}

export function entryValue(entry: string): string {
  return `struct_extract(${entry}, 'value')`;
}

/** The DuckDB type that carries a logical type, or undefined when none holds its values. */
export function transitType(type: LogicalType): string | undefined {
  switch (type.kind) {
    case "boolean":
    case "date":
    case "interval":
    case "uuid":
      return type.kind.toUpperCase();
    case "int":
      return `${type.unsigned ? "U" : ""}${integers[type.bits]}`;
    case "float":
      return type.bits === 32 ? "FLOAT" : "DOUBLE";
    case "decimal":
      return type.precision <= 38 ? `DECIMAL(${type.precision},${type.scale})` : "VARCHAR";
    case "text":
    case "json":
    case "enum":
      return "VARCHAR";
    case "binary":
      return "BLOB";
    case "time":
      return type.precision > 6 ? "TIME_NS" : "TIME";
    case "timestamp":
      return type.precision > 6 ? "TIMESTAMP_NS" : type.zoned ? "TIMESTAMP WITH TIME ZONE" : "TIMESTAMP";
    case "list":
      return wrap(transitType(type.element.type), (element) => `${element}[]`);
    case "map":
      return wrap(transitType(type.key), (key) => wrap(transitType(type.value.type), (value) => `MAP(${key}, ${value})`));
    case "struct":
      return structType(type.fields);
    case "native":
      return undefined;
  }
}

const integers = { 8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT", 128: "HUGEINT" } as const;

function wrap(inner: string | undefined, outer: (inner: string) => string | undefined): string | undefined {
  return inner === undefined ? undefined : outer(inner);
}

/** DuckDB has no struct without fields, and none whose fields differ only by case. */
function structType(fields: readonly StructField[]): string | undefined {
  const names = new Set(fields.map((field) => field.name.toLowerCase()));
  if (fields.length === 0 || names.size < fields.length) return undefined;
  const members = fields.map((field) => wrap(transitType(field.type), (type) => `${quoteName(field.name)} ${type}`));
  return members.includes(undefined) ? undefined : `STRUCT(${members.join(", ")})`;
}

/** SQL that ends a query over a time which is none. */
export const noTimeOfDay = "error('DW-FILE-CORRUPT: A time of day in a file is none: it is below 00:00 or above 24:00.')";

/**
 * A TIME that DuckDB read from a file, as SQL: one outside of the day is damage. DuckDB (1.5) takes such values from Parquet as
 * they are, and its process ends where it writes them as text.
 */
export function checkedTime(sql: string, type: "TIME" | "TIME_NS" = "TIME"): string {
  return `if(${sql} < CAST('00:00:00' AS ${type}) OR ${sql} > CAST('24:00:00' AS ${type}), ${noTimeOfDay}, ${sql})`;
}

/** As transitType, for a column that has to be read: DW-SOURCE-UNSUPPORTED when nothing carries it. */
export function carried(column: string, type: LogicalType): string {
  const carrier = transitType(type);
  if (carrier !== undefined) return carrier;
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `Column ${column} is ${typeText(type)}, which dw cannot carry to a target.`,
    why: "DuckDB, in which rows travel, has no type that holds its values unchanged.",
    fix: "Name the other columns with --columns.",
  });
}

const scalars: Readonly<Record<string, LogicalType>> = {
  BOOLEAN: { kind: "boolean" },
  TINYINT: { kind: "int", bits: 8 },
  SMALLINT: { kind: "int", bits: 16 },
  INTEGER: { kind: "int", bits: 32 },
  BIGINT: { kind: "int", bits: 64 },
  HUGEINT: { kind: "int", bits: 128 },
  UTINYINT: { kind: "int", bits: 8, unsigned: true },
  USMALLINT: { kind: "int", bits: 16, unsigned: true },
  UINTEGER: { kind: "int", bits: 32, unsigned: true },
  UBIGINT: { kind: "int", bits: 64, unsigned: true },
  UHUGEINT: { kind: "int", bits: 128, unsigned: true },
  FLOAT: { kind: "float", bits: 32 },
  DOUBLE: { kind: "float", bits: 64 },
  VARCHAR: { kind: "text" },
  '"NULL"': { kind: "text" },
  BLOB: { kind: "binary" },
  DATE: { kind: "date" },
  TIME: { kind: "time", precision: 6 },
  TIME_NS: { kind: "time", precision: 9 },
  TIMESTAMP_S: { kind: "timestamp", precision: 0, zoned: false },
  TIMESTAMP_MS: { kind: "timestamp", precision: 3, zoned: false },
  TIMESTAMP: { kind: "timestamp", precision: 6, zoned: false },
  TIMESTAMP_NS: { kind: "timestamp", precision: 9, zoned: false },
  "TIMESTAMP WITH TIME ZONE": { kind: "timestamp", precision: 6, zoned: true },
  INTERVAL: { kind: "interval" },
  UUID: { kind: "uuid" },
  JSON: { kind: "json" },
};

/**
 * The logical type of a DuckDB type text as DESCRIBE prints it: `DECIMAL(18,4)`, `STRUCT(a INTEGER, "b c" VARCHAR[])`.
 * Types that only DuckDB has (BIT, UNION, GEOMETRY, BIGNUM, TIME WITH TIME ZONE …) are `native`.
 */
export function logicalType(duckdb: string): LogicalType {
  const text = duckdb.trim();
  const list = /^(.*)\[\d*\]$/s.exec(text);
  if (list !== null) return { kind: "list", element: nullable(logicalType(list[1] ?? "")) };
  const scalar = Object.hasOwn(scalars, text) ? scalars[text] : undefined;
  return scalar ?? parametric(text) ?? { kind: "native", engine: "duckdb", type: text };
}

function parametric(text: string): LogicalType | undefined {
  const [, name, inside = ""] = /^(DECIMAL|MAP|STRUCT|ENUM)\((.*)\)$/s.exec(text) ?? [];
  const parts = topLevelParts(inside);
  switch (name) {
    case "DECIMAL":
      return { kind: "decimal", precision: Number(parts[0]), scale: Number(parts[1]) };
    case "MAP":
      return { kind: "map", key: logicalType(parts[0] ?? ""), value: nullable(logicalType(parts[1] ?? "")) };
    case "STRUCT":
      return { kind: "struct", fields: parts.map(structField) };
    case "ENUM":
      return { kind: "enum", values: parts.map((part) => part.slice(1, -1).replaceAll("''", "'")) };
    default:
      return undefined;
  }
}

function nullable(type: LogicalType): Nested {
  return { type, nullable: true };
}

function structField(part: string): StructField {
  const [, quoted, bare = "", type = ""] = /^(?:"((?:[^"]|"")*)"|(\S+)) (.*)$/s.exec(part) ?? [];
  return { name: quoted === undefined ? bare : quoted.replaceAll('""', '"'), ...nullable(logicalType(type)) };
}

/** Splits at commas that are outside of brackets and quotes. */
function topLevelParts(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = "";
  let part = "";
  for (const char of text) {
    if (quote !== "") quote = char === quote ? "" : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === "(" || char === "[") depth++;
    else if (char === ")" || char === "]") depth--;
    if (char === "," && depth === 0 && quote === "") {
      parts.push(part.trim());
      part = "";
    } else part += char;
  }
  return part.trim() === "" ? parts : [...parts, part.trim()];
}
