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
