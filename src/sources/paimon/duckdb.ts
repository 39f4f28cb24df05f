import { quoteName as ident, noTimeOfDay, quoteText as text } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";
import type { RowValue } from "./binary-row.js";
import { decimalText, timeText } from "./partitions.js";
import type { PaimonType, Slot } from "./types.js";

/* How Paimon's names, types and values are written for DuckDB. */

export { ident, text };

/** The DuckDB type that holds a Paimon type exactly. Instants finer than microseconds are TIMESTAMP_NS in UTC. */
export function duckType(type: PaimonType): string {
  switch (type.kind) {
    case "atomic":
      return atomicType(type.logical);
    case "array":
      return `${duckType(type.element.type)}[]`;
    case "map":
      return `MAP(${duckType(type.key.type)}, ${duckType(type.value.type)})`;
    case "row":
      return `STRUCT(${type.fields.map((field) => `${ident(field.name)} ${duckType(field.type)}`).join(", ")})`;
    case "foreign":
      return "BLOB"; // never read: a table with such a column is refused before
  }
}

const INTEGERS = { 8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT", 128: "HUGEINT" } as const;

export function atomicType(type: LogicalType): string {
  switch (type.kind) {
    case "boolean":
      return "BOOLEAN";
    case "int":
      return INTEGERS[type.bits];
    case "float":
      return type.bits === 32 ? "FLOAT" : "DOUBLE";
    case "decimal":
      return `DECIMAL(${type.precision},${type.scale})`;
    case "date":
      return "DATE";
    case "time":
      return type.precision > 6 ? "TIME_NS" : "TIME";
    case "timestamp":
      return type.precision > 6 ? "TIMESTAMP_NS" : type.zoned ? "TIMESTAMPTZ" : "TIMESTAMP";
    case "binary":
      return "BLOB";
    default:
      return "VARCHAR";
  }
}

/** A decoded BinaryRow value as a DuckDB constant of its column's type. */
export function constant(value: RowValue, type: LogicalType): string {
  return value === null ? `CAST(NULL AS ${atomicType(type)})` : `CAST(${bare(value, type)} AS ${atomicType(type)})`;
}

function bare(value: NonNullable<RowValue>, type: LogicalType): string {
  if (value instanceof Uint8Array) {
    const bytes = `from_hex('${Buffer.from(value).toString("hex")}')`;
    return type.kind === "binary" ? bytes : `decode(${bytes})`;
  }
  switch (type.kind) {
    case "float":
      return text(String(value));
    case "decimal":
      return text(decimalText(BigInt(value), type.scale));
    case "date":
      return `(DATE '1970-01-01' + CAST(${value} AS INTEGER))`;
    case "time":
      return text(timeText(Number(value), 3));
    case "timestamp":
      return timestamp(BigInt(value), type.precision, type.zoned);
    default:
      return String(value);
  }
}

function timestamp(nanoseconds: bigint, precision: number, zoned: boolean): string {
  if (precision > 6) return `make_timestamp_ns(CAST(${nanoseconds} AS BIGINT))`;
  const microseconds = (nanoseconds - (((nanoseconds % 1000n) + 1000n) % 1000n)) / 1000n;
  const wall = `make_timestamp(CAST(${microseconds} AS BIGINT))`;
  return zoned ? `(${wall} AT TIME ZONE 'UTC')` : wall;
}

/** True when two types read alike: same shape, names and widths; what may be null does not matter. */
export function sameType(a: PaimonType, b: PaimonType): boolean {
  return duckType(a) === duckType(b) && identity(a) === identity(b);
}

function identity(type: PaimonType): string {
  const slot = (inner: Slot): string => identity(inner.type);
  switch (type.kind) {
    case "atomic":
      return JSON.stringify(type.logical);
    case "array":
      return `[${slot(type.element)}]`;
    case "map":
      return `{${slot(type.key)}:${slot(type.value)}}`;
    case "row":
      return `(${type.fields.map((field) => `${field.id}:${slot(field)}`).join(",")})`;
    case "foreign":
      return type.text;
  }
}

const DAY = 86_400_000;

/** Milliseconds of the day, as ORC and Avro hold a TIME. DuckDB would begin the day again with what is beyond its end. */
export function timeOfDay(expression: string): string {
  return `if(${expression} < 0 OR ${expression} >= ${DAY}, ${noTimeOfDay}, TIME '00:00:00' + to_milliseconds(${expression}))`;
}
