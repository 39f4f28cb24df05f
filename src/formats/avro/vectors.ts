import { corrupt, unsupported } from "../damage.js";
import type { ParquetType } from "../parquet/schema.js";
import type { Vector, VectorValues } from "../vector.js";
import { type AvroType, optional } from "./schema.js";
import type { AvroValue } from "./values.js";

/** How an Avro column is handed to DuckDB: as Parquet of the same meaning. Logical types as in Avro 1.12. */
export function avroParquetType(outer: AvroType): ParquetType {
  const { type } = optional(outer);
  switch (type.kind) {
    case "record":
      return { kind: "struct", fields: type.fields.map((field) => ({ name: field.name, type: avroParquetType(field.type) })) };
    case "array": {
      const entry = mapEntry(type);
      if (entry === undefined) return { kind: "list", element: avroParquetType(type.items) };
      return { kind: "map", key: avroParquetType(entry.key), value: avroParquetType(entry.value) };
    }
    case "map":
      return { kind: "map", key: text, value: avroParquetType(type.values) };
    default:
      return leafOf(type).parquet;
  }
}

/** Iceberg writes maps whose keys are not text as lists of key and value (Iceberg spec, Appendix A, "Avro"). */
export function mapEntry(
  type: AvroType,
): { readonly key: AvroType; readonly value: AvroType; readonly names: readonly string[] } | undefined {
  if (type.kind !== "array" || type.attributes.logicalType !== "map" || type.items.kind !== "record") return undefined;
  const [key, value] = type.items.fields;
  return key === undefined || value === undefined ? undefined : { key: key.type, value: value.type, names: [key.name, value.name] };
}

interface Leaf {
  readonly parquet: ParquetType;
  /** `values` has no NULL. */
  readonly vector: (values: readonly AvroValue[]) => VectorValues;
}

const text: ParquetType = { kind: "bytes", annotation: { is: "text" } };
const microsPerMilli = 1000n;

const numbers = (values: readonly AvroValue[]): Int32Array => Int32Array.from(values as readonly number[]); // Avro's int is read as a number
const longs =
  (scale = 1n) =>
  (values: readonly AvroValue[]): VectorValues => ({
    kind: "int64",
    values: BigInt64Array.from(values as readonly bigint[], (value) => value * scale), // Avro's long is read as a bigint
  });
const bytesOf = (values: readonly AvroValue[]): VectorValues => bytes(values as readonly Uint8Array[]); // bytes and fixed are read as such
const textOf = (values: readonly AvroValue[]): VectorValues => bytes(values.map((value) => Buffer.from(String(value))));

const timestamp = (unit: "micros" | "nanos", utc: boolean, scale?: bigint): Leaf => ({
  parquet: { kind: "int64", annotation: { is: "timestamp", unit, utc } },
  vector: longs(scale),
});

const leaves: Readonly<Record<string, Leaf>> = {
  null: { parquet: text, vector: textOf },
  boolean: { parquet: { kind: "boolean" }, vector: (values) => ({ kind: "boolean", values: Uint8Array.from(values, Number) }) },
  int: { parquet: { kind: "int32" }, vector: (values) => ({ kind: "int32", values: numbers(values) }) },
  long: { parquet: { kind: "int64" }, vector: longs() },
  float: { parquet: { kind: "float32" }, vector: (values) => ({ kind: "float32", values: Float32Array.from(values, Number) }) },
  double: { parquet: { kind: "float64" }, vector: (values) => ({ kind: "float64", values: Float64Array.from(values, Number) }) },
  string: { parquet: text, vector: textOf },
  enum: { parquet: text, vector: textOf },
  bytes: { parquet: { kind: "bytes" }, vector: bytesOf },
  fixed: { parquet: { kind: "bytes" }, vector: bytesOf },
  "int date": { parquet: { kind: "int32", annotation: { is: "date" } }, vector: (values) => ({ kind: "int32", values: numbers(values) }) },
  "int time-millis": {
    parquet: { kind: "int64", annotation: { is: "time" } },
    vector: (values) => ({ kind: "int64", values: BigInt64Array.from(values, (value) => BigInt(Number(value)) * microsPerMilli) }),
  },
  "long time-micros": { parquet: { kind: "int64", annotation: { is: "time" } }, vector: longs() },
  "long local-timestamp-millis": timestamp("micros", false, microsPerMilli),
  "long local-timestamp-micros": timestamp("micros", false),
  "long local-timestamp-nanos": timestamp("nanos", false),
  "long timestamp-millis": timestamp("micros", true, microsPerMilli),
  "long timestamp-micros": timestamp("micros", true),
  "long timestamp-nanos": timestamp("nanos", true),
  // Iceberg's way to say "without zone", with Avro's names for instants
  "long timestamp-millis wall": timestamp("micros", false, microsPerMilli),
  "long timestamp-micros wall": timestamp("micros", false),
  "long timestamp-nanos wall": timestamp("nanos", false),
};

function leafOf(type: AvroType): Leaf {
  const { logicalType, precision, scale } = type.attributes;
  if (logicalType === "decimal" && (type.kind === "bytes" || type.kind === "fixed")) return decimal(Number(precision), Number(scale ?? 0));
  const wall = type.attributes["adjust-to-utc"] === false ? " wall" : "";
  const leaf = leaves[`${type.kind} ${String(logicalType)}${wall}`] ?? leaves[`${type.kind} ${String(logicalType)}`] ?? leaves[type.kind];
  if (leaf !== undefined) return leaf;
  throw unsupported(
    "An Avro file has a union of several types.",
    "A warehouse column has one type.",
    "Check that the file belongs to the table.",
  );
}

const DECIMAL_BYTES = 16;
const MAX_DECIMAL_DIGITS = 38;

function decimal(precision: number, scale: number): Leaf {
  if (!(precision >= 1 && precision <= MAX_DECIMAL_DIGITS && scale >= 0 && scale <= precision)) {
    throw unsupported(`An Avro file has the type decimal(${precision},${scale}).`, "Decimals have 1 to 38 digits.", "Check the file.");
  }
  return {
    parquet: { kind: "fixed", width: DECIMAL_BYTES, annotation: { is: "decimal", precision, scale } },
    vector: (values) => ({ kind: "fixed", width: DECIMAL_BYTES, bytes: widened(values as readonly Uint8Array[]) }), // bytes and fixed are read as such
  };
}

/** Big-endian two's complement of any length, in 16 bytes each. */
function widened(values: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(values.length * DECIMAL_BYTES);
  for (const [index, value] of values.entries()) {
    const sign = (value[0] ?? 0) >= 0x80 ? 0xff : 0;
    const extra = value.length - DECIMAL_BYTES;
    if (extra > 0 && value.subarray(0, extra).some((byte) => byte !== sign))
      throw corrupt("An Avro file", "A decimal in it does not fit 38 digits.");
    const end = (index + 1) * DECIMAL_BYTES;
    out.fill(sign, index * DECIMAL_BYTES, end);
    const kept = extra > 0 ? value.subarray(extra) : value;
    out.set(kept, end - kept.length);
  }
  return out;
}

function bytes(values: readonly Uint8Array[]): VectorValues {
  const offsets = new Int32Array(values.length + 1);
  let end = 0;
  for (const [index, value] of values.entries()) {
    end += value.length;
    offsets[index + 1] = end;
  }
  const all = new Uint8Array(end);
  for (const [index, value] of values.entries()) all.set(value, offsets[index] ?? 0);
  return { kind: "bytes", offsets, bytes: all };
}

/** A column of Avro values as a vector of `avroParquetType(outer)`. */
export function avroVector(outer: AvroType, values: readonly AvroValue[]): Vector {
  const { type } = optional(outer);
  const dense = values.filter((value) => value !== null);
  const shape = { length: values.length, count: dense.length };
  const vector = { ...shape, ...denseVector(type, dense) };
  if (dense.length === values.length) return vector;
  return { ...vector, present: Uint8Array.from(values, (value) => (value === null ? 0 : 1)) };
}

function denseVector(type: AvroType, values: readonly AvroValue[]): VectorValues {
  switch (type.kind) {
    case "record": {
      const rows = values as readonly Readonly<Record<string, AvroValue>>[]; // the schema says that each is a record
      return {
        kind: "struct",
        fields: type.fields.map((field) =>
          avroVector(
            field.type,
            rows.map((row) => row[field.name] ?? null),
          ),
        ),
      };
    }
    case "array":
      return arrayVector(type, values as readonly (readonly AvroValue[])[]); // the schema says that each is a list
    case "map": {
      const maps = values as readonly (readonly (readonly [string, AvroValue])[])[]; // maps are read as pairs
      const entries = maps.flat();
      const key: Vector = { length: entries.length, count: entries.length, ...textOf(entries.map(([name]) => name)) };
      const value = avroVector(
        type.values,
        entries.map(([, held]) => held),
      );
      return { kind: "map", lengths: Int32Array.from(maps, (map) => map.length), key, value };
    }
    default:
      return leafOf(type).vector(values);
  }
}

function arrayVector(type: Extract<AvroType, { kind: "array" }>, lists: readonly (readonly AvroValue[])[]): VectorValues {
  const lengths = Int32Array.from(lists, (list) => list.length);
  const entry = mapEntry(type);
  if (entry === undefined) return { kind: "list", lengths, child: avroVector(type.items, lists.flat()) };
  const rows = lists.flat() as readonly Readonly<Record<string, AvroValue>>[]; // mapEntry: the items are records
  const side = (index: 0 | 1): readonly AvroValue[] => rows.map((row) => row[entry.names[index] ?? ""] ?? null);
  return { kind: "map", lengths, key: avroVector(entry.key, side(0)), value: avroVector(entry.value, side(1)) };
}
