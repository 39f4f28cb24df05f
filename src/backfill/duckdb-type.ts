import type { LogicalType } from "../core/types.js";

/** The DuckDB type in which values of a logical type travel from source to target. */
export function duckdbType(type: LogicalType): string {
  switch (type.kind) {
    case "boolean":
      return "BOOLEAN";
    case "int":
      return INTS[`${type.unsigned ? "u" : ""}${type.bits}`];
    case "float":
      return type.bits === 32 ? "FLOAT" : "DOUBLE";
    case "decimal":
      // Beyond DuckDB's 38 digits values travel as text and the target reads them.
      return type.precision <= 38 ? `DECIMAL(${type.precision}, ${type.scale})` : "VARCHAR";
    case "binary":
      return "BLOB";
    case "date":
      return "DATE";
    case "time":
      return "TIME";
    case "timestamp":
      return type.zoned ? "TIMESTAMPTZ" : timestamps(type.precision);
    case "interval":
      return "INTERVAL";
    case "uuid":
      return "UUID";
    case "json":
      return "JSON";
    case "list":
      return `${duckdbType(type.element.type)}[]`;
    case "map":
      return `MAP(${duckdbType(type.key)}, ${duckdbType(type.value.type)})`;
    case "struct":
      return `STRUCT(${type.fields.map((field) => `"${field.name.replaceAll('"', '""')}" ${duckdbType(field.type)}`).join(", ")})`;
    case "text":
    case "enum":
    case "native":
      return "VARCHAR";
  }
}

const INTS = {
  "8": "TINYINT",
  "16": "SMALLINT",
  "32": "INTEGER",
  "64": "BIGINT",
  "128": "HUGEINT",
  u8: "UTINYINT",
  u16: "USMALLINT",
  u32: "UINTEGER",
  u64: "UBIGINT",
  u128: "UHUGEINT",
} as const;

const timestamps = (precision: number): string => (precision > 6 ? "TIMESTAMP_NS" : "TIMESTAMP");

/** What DESCRIBE says of an expression; undefined for nested and rare types, which then have to be cast by the author. */
export function typeOfExpression(text: string): LogicalType | undefined {
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(text);
  if (decimal !== null) return { kind: "decimal", precision: Number(decimal[1]), scale: Number(decimal[2]) };
  return Object.hasOwn(SCALARS, text) ? SCALARS[text] : undefined;
}

const SCALARS: Readonly<Record<string, LogicalType>> = {
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
  BLOB: { kind: "binary" },
  DATE: { kind: "date" },
  TIME: { kind: "time", precision: 6 },
  TIMESTAMP_S: { kind: "timestamp", precision: 0, zoned: false },
  TIMESTAMP_MS: { kind: "timestamp", precision: 3, zoned: false },
  TIMESTAMP: { kind: "timestamp", precision: 6, zoned: false },
  TIMESTAMP_NS: { kind: "timestamp", precision: 9, zoned: false },
  "TIMESTAMP WITH TIME ZONE": { kind: "timestamp", precision: 6, zoned: true },
  INTERVAL: { kind: "interval" },
  UUID: { kind: "uuid" },
  JSON: { kind: "json" },
};
