import type { DataType } from "../parse/ast.js";
import { refuse } from "./refusal.js";

/** A column's type as the engine keeps it: aliases are gone, lengths that were left out are filled in. */
export interface SqlType {
  readonly name: string;
  /** Bytes, for CHAR, VARCHAR and VARBINARY. */
  readonly length?: number;
  readonly precision?: number;
  readonly scale?: number;
  readonly element?: SqlType;
  readonly key?: SqlType;
  readonly value?: SqlType;
  readonly fields?: readonly { readonly name: string; readonly type: SqlType }[];
  /** Set by ADD FIELD and DROP FIELD, which the rules of MODIFY COLUMN do not bind. */
  readonly fieldsChanged?: boolean;
}

const ALIASES: Readonly<Record<string, string>> = {
  integer: "int",
  string: "varchar",
  text: "varchar",
  binary: "varbinary",
  numeric: "decimal",
  number: "decimal",
};
const STRING_BYTES = 65_533;
const MAX_VARCHAR = 1_048_576;
const MAX_CHAR = 255;
const MAX_NESTING = 15;

/** What a state column, or an expression that we cannot type, has: every rule lets it pass. */
export const unknownType: SqlType = { name: "unknown" };

/** Throws a Refusal where the type itself is impossible. */
export function sqlType(type: DataType, depth = 1): SqlType {
  if (depth > MAX_NESTING) refuse("type-nesting", `A type nests at most ${MAX_NESTING} levels.`, "Flatten the type.");
  switch (type.kind) {
    case "scalar":
      return scalarType(type.name.toLowerCase(), type.length, type.scale);
    case "array":
      return { name: "array", element: elementType(sqlType(type.element, depth + 1)) };
    case "map":
      return { name: "map", key: mapKey(sqlType(type.key, depth + 1)), value: sqlType(type.value, depth + 1) };
    case "struct":
      return structType(type.fields, depth);
  }
}

function structType(fields: Extract<DataType, { kind: "struct" }>["fields"], depth: number): SqlType {
  const names = fields.map(({ name }) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) refuse("struct-field-twice", `A STRUCT has the field ${twice} twice.`, "Rename one of the fields.");
  return { name: "struct", fields: fields.map(({ name, type }) => ({ name, type: sqlType(type, depth + 1) })) };
}

function elementType(element: SqlType): SqlType {
  if (isSketch(element))
    refuse("array-element-type", `An ARRAY cannot hold ${typeText(element)}.`, "Store sketches in columns of their own.");
  return element;
}

function mapKey(key: SqlType): SqlType {
  if (isNested(key) || isSketch(key) || key.name === "json")
    refuse("map-key-type", `${typeText(key)} cannot be the key of a MAP.`, "Use a scalar key: an integer, text or date type.");
  return key;
}

function scalarType(written: string, length: number | undefined, scale: number | undefined): SqlType {
  const name = ALIASES[written] ?? written;
  if (name.startsWith("decimal")) return decimalType(written, name, length, scale);
  if (name === "char") return { name, length: textLength("CHAR", length, MAX_CHAR) };
  if (name === "varchar") return { name, length: written === "varchar" ? textLength("VARCHAR", length, MAX_VARCHAR) : STRING_BYTES };
  if (name === "varbinary") return { name, length: textLength("VARBINARY", length ?? MAX_VARCHAR, MAX_VARCHAR) };
  return { name };
}

/** No length, and zero, mean one. */
function textLength(name: string, length: number | undefined, max: number): number {
  if (length !== undefined && length > max)
    refuse("type-length", `${name} has at most ${max} bytes; ${length} are asked for.`, name === "CHAR" ? "Use VARCHAR." : "Use STRING.");
  return length || 1;
}

const DECIMAL_DIGITS: Readonly<Record<string, number>> = { decimal32: 9, decimal64: 18, decimal128: 38, decimalv2: 27, decimal: 76 };

function decimalType(written: string, name: string, precision = name === "decimalv2" ? 9 : 10, scale = 0): SqlType {
  const max = DECIMAL_DIGITS[name] ?? 76;
  const fix = "Write DECIMAL(digits, fraction digits) with 1 to 38 digits and no more fraction digits than digits.";
  // DECIMAL(0, 0) stands for a decimal whose size nobody gave, and is taken.
  if ((precision < 1 && !(name === "decimal" && precision === 0 && scale === 0)) || precision > max)
    refuse("decimal-precision", `${written.toUpperCase()} takes 1 to ${max} digits; ${precision} are asked for.`, fix);
  if (scale > precision) refuse("decimal-scale", `A decimal of ${precision} digits cannot have ${scale} of them behind the point.`, fix);
  if (name === "decimalv2" && scale > 9) refuse("decimal-scale", "DECIMALV2 has at most 9 fraction digits.", "Use DECIMAL.");
  return { name: name === "decimalv2" ? name : "decimal", precision, scale };
}

export const isNested = (type: SqlType): boolean => ["array", "map", "struct"].includes(type.name);
export const isSketch = (type: SqlType): boolean => ["hll", "bitmap", "percentile"].includes(type.name);
export const isFloat = (type: SqlType): boolean => type.name === "float" || type.name === "double";
export const isText = (type: SqlType): boolean => type.name === "char" || type.name === "varchar";
export const isDateLike = (type: SqlType): boolean => type.name === "date" || type.name === "datetime";
const INTEGERS = ["tinyint", "smallint", "int", "bigint", "largeint"];
export const isInteger = (type: SqlType): boolean => INTEGERS.includes(type.name);
export const isDecimal = (type: SqlType): boolean => type.name === "decimal" || type.name === "decimalv2";

/** The types by which rows can be distributed are also those of keys. */
export function canBeKey(type: SqlType): boolean {
  return !isNested(type) && !isFloat(type) && !isSketch(type) && type.name !== "json" && type.name !== "varbinary";
}

export function canHaveBloomFilter(type: SqlType): boolean {
  return canBeKey(type) && type.name !== "tinyint" && type.name !== "boolean" && type.name !== "decimal";
}

/** Key and sort key of PRIMARY KEY tables. */
export function canBePrimaryKey(type: SqlType): boolean {
  return type.name === "unknown" || type.name === "boolean" || isInteger(type) || type.name === "varchar" || isDateLike(type);
}

const INDEX_BYTES: Readonly<Record<string, number>> = {
  boolean: 1,
  tinyint: 1,
  smallint: 2,
  int: 4,
  float: 4,
  bigint: 8,
  double: 8,
  largeint: 16,
  date: 3,
  datetime: 8,
  varchar: 20,
};

/** What a column takes of the 36 bytes of the short key. */
export function indexBytes(type: SqlType): number {
  if (type.name === "char") return type.length ?? 1;
  if (type.name === "decimal") return (type.precision ?? 0) <= 9 ? 4 : (type.precision ?? 0) <= 18 ? 8 : 16;
  return INDEX_BYTES[type.name] ?? 16;
}

export function typeText(type: SqlType): string {
  if (type.element) return `ARRAY<${typeText(type.element)}>`;
  if (type.key && type.value) return `MAP<${typeText(type.key)},${typeText(type.value)}>`;
  if (type.fields) return `STRUCT<${type.fields.map((field) => `${field.name} ${typeText(field.type)}`).join(", ")}>`;
  if (isDecimal(type)) return `${type.name.toUpperCase()}(${type.precision},${type.scale})`;
  return type.length === undefined ? type.name.toUpperCase() : `${type.name.toUpperCase()}(${type.length})`;
}

/** Equal types print equally. */
export const sameType = (a: SqlType, b: SqlType): boolean => typeText(a) === typeText(b);
