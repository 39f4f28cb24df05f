import type { ParquetType } from "../parquet/schema.js";
import { INT64_DIGITS, type TimestampUnit, type TimestampUnits, unitOf } from "./columns.js";
import type { OrcType } from "./metadata.js";

/** How the vectors of an ORC column are written to Parquet, so that DuckDB sees the same type. */
export function parquetType(type: OrcType, units: TimestampUnits): ParquetType {
  const child = (index: number): ParquetType => parquetType(type.children[index] as OrcType, units); // the schema was checked at opening
  switch (type.kind) {
    case "boolean":
      return { kind: "boolean" };
    case "byte":
      return { kind: "int32", annotation: { is: "int", bits: 8 } };
    case "short":
      return { kind: "int32", annotation: { is: "int", bits: 16 } };
    case "int":
      return { kind: "int32" };
    case "date":
      return { kind: "int32", annotation: { is: "date" } };
    case "long":
      return { kind: "int64" };
    case "float":
      return { kind: "float32" };
    case "double":
      return { kind: "float64" };
    case "string":
    case "varchar":
    case "char":
      return { kind: "bytes", annotation: { is: "text" } };
    case "binary":
      return { kind: "bytes" };
    case "decimal": {
      const annotation = { is: "decimal", precision: type.precision, scale: type.scale } as const;
      return type.precision <= INT64_DIGITS ? { kind: "int64", annotation } : { kind: "fixed", width: 16, annotation };
    }
    case "timestamp":
      return { kind: "int64", annotation: { is: "timestamp", unit: written(unitOf(units, type)), utc: false } };
    case "timestamp-instant":
      // DuckDB has no zoned timestamps of nanoseconds: it would cut these to microseconds.
      return { kind: "int64", annotation: { is: "timestamp", unit: written(unitOf(units, type)), utc: unitOf(units, type) !== "nanos" } };
    case "list":
      return { kind: "list", element: child(0) };
    case "map":
      return { kind: "map", key: child(0), value: child(1) };
    case "struct":
      return { kind: "struct", fields: type.fieldNames.map((name, index) => ({ name, type: child(index) })) };
    case "union": {
      const tag = { name: "tag", type: { kind: "int32", annotation: { is: "int", bits: 8 } } } as const;
      return { kind: "struct", fields: [tag, ...type.children.map((_, index) => ({ name: `field${index}`, type: child(index) }))] };
    }
  }
}

function written(unit: TimestampUnit): "micros" | "nanos" {
  return unit === "nanos" ? "nanos" : "micros";
}
