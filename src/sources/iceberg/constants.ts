import type { AvroValue } from "../../formats/avro/index.js";
import { corrupt } from "../../formats/damage.js";
import { duckdbType, type IcebergType, literal } from "./schema.js";

/** A partition value of an identity transform as SQL of its column's type; manifests hold it as Avro does (Appendix A). */
export function constantSql(value: AvroValue, type: IcebergType, file: string): string {
  const target = duckdbType(type);
  if (value === null) return `CAST(NULL AS ${target})`;
  const sql = scalars[type.kind]?.(value, type);
  if (sql === undefined) throw corrupt(file, `A partition value in its manifest does not fit the type ${target}.`);
  return `CAST(${sql} AS ${target})`;
}

type Scalar = (value: AvroValue, type: IcebergType) => string | undefined;

const integer: Scalar = (value) => (typeof value === "number" || typeof value === "bigint" ? String(value) : undefined);
const float: Scalar = (value) => (typeof value === "number" ? literal(String(value)) : undefined); // NaN and Infinity parse as text
const bytes: Scalar = (value) => (value instanceof Uint8Array ? `unhex(${literal(hex(value))})` : undefined);
const text: Scalar = (value) => (typeof value === "string" ? literal(value) : undefined);
const days = (value: AvroValue): string | undefined => (typeof value === "number" ? `make_date(CAST(${value} AS INTEGER))` : undefined);
const instant =
  (make: string): Scalar =>
  (value) =>
    typeof value === "bigint" ? `${make}(${value})` : days(value); // a date, where the column was promoted later

const MICROS_PER_DAY = 86_400_000_000n;

const scalars: Readonly<Record<string, Scalar>> = {
  boolean: (value) => (typeof value === "boolean" ? String(value) : undefined),
  int: integer,
  long: integer,
  float,
  double: float,
  date: days,
  time: (value) =>
    typeof value === "bigint" && value >= 0n && value < MICROS_PER_DAY ? `TIME '00:00:00' + to_microseconds(${value})` : undefined,
  timestamp: instant("make_timestamp"),
  timestamptz: (value) => (typeof value === "bigint" ? `timezone('UTC', make_timestamp(${value}))` : undefined),
  timestamp_ns: instant("make_timestamp_ns"),
  timestamptz_ns: instant("make_timestamp_ns"),
  string: text,
  uuid: (value) => (value instanceof Uint8Array && value.length === 16 ? literal(uuidText(value)) : text(value, { kind: "uuid" })),
  fixed: bytes,
  binary: bytes,
  decimal: (value, type) => (value instanceof Uint8Array && type.kind === "decimal" ? literal(decimalText(value, type.scale)) : undefined),
};

function hex(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");
}

export function uuidText(value: Uint8Array): string {
  return hex(value).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Big-endian two's complement, as Avro and Iceberg's bounds store decimals. */
export function unscaled(value: Uint8Array): bigint {
  return value.length === 0 ? 0n : BigInt.asIntN(value.length * 8, BigInt(`0x${hex(value)}`));
}

export function decimalText(value: Uint8Array, scale: number): string {
  const number = unscaled(value);
  const digits = (number < 0n ? -number : number).toString().padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${number < 0n ? "-" : ""}${digits.slice(0, point)}${scale > 0 ? "." : ""}${digits.slice(point)}`;
}
