import type { LogicalType } from "../../core/types.js";
import { type AvroRecordType, type AvroType, optional } from "../../formats/avro/index.js";
import type { ParquetType } from "../../formats/parquet/schema.js";
import type { Vector, VectorValues } from "../../formats/vector.js";
import { atomicType, timeOfDay } from "./duckdb.js";
import type { Leaf } from "./evolve.js";
import { damaged, unsupported } from "./letters.js";
import type { PaimonField, PaimonType } from "./types.js";

/* Avro rows of Paimon's data files (AvroSchemaConverter of the Java API) as vectors for Parquet. */

export interface AvroColumn {
  readonly type: ParquetType;
  readonly vector: (values: ArrayLike<unknown>) => Vector;
}

/** The column of a file, by the file's own schema; the field is known to be there. */
export function avroColumn(field: PaimonField, row: AvroRecordType, file: string): AvroColumn {
  const avro = row.fields.find(({ name }) => name === field.name)?.type;
  if (avro === undefined) throw damaged(file, `It has no column ${field.name}.`);
  return column(field.type, optional(avro).type, file);
}

export const avroLeaf: Leaf = (expression, type) => {
  if (type.kind === "time") return timeOfDay(expression);
  return type.kind === "int" ? `CAST(${expression} AS ${atomicType(type)})` : expression;
};

function column(type: PaimonType, avro: AvroType, file: string): AvroColumn {
  switch (type.kind) {
    case "atomic":
      return atomic(type.logical, avro, file);
    case "array":
      return list(type, avro, file);
    case "map":
      return map(type, avro, file);
    case "row":
      return struct(type.fields, avro, file);
    case "foreign":
      throw mismatch(file, type.text, avro);
  }
}

function mismatch(file: string, wanted: string, avro: AvroType): Error {
  return damaged(file, `Its Avro schema has a ${avro.kind} where the table's schema has ${wanted}.`);
}

function list(type: PaimonType & { readonly kind: "array" }, avro: AvroType, file: string): AvroColumn {
  if (avro.kind !== "array") throw mismatch(file, "an array", avro);
  const element = column(type.element.type, optional(avro.items).type, file);
  return {
    type: { kind: "list", element: element.type },
    vector: (values) =>
      dense(values, (kept) => {
        const items = kept.map(asList);
        return { kind: "list", lengths: lengths(items), child: element.vector(items.flat()) };
      }),
  };
}

/** A map with text keys is an Avro map; others are lists of records with key and value. */
function map(type: PaimonType & { readonly kind: "map" }, avro: AvroType, file: string): AvroColumn {
  const shape = mapShape(avro, file);
  const key = column(type.key.type, shape.key, file);
  const value = column(type.value.type, shape.value, file);
  return {
    type: { kind: "map", key: key.type, value: value.type },
    vector: (values) =>
      dense(values, (kept) => {
        const entries = kept.map((item) => asList(item).map(shape.pair));
        const flat = entries.flat();
        return {
          kind: "map",
          lengths: lengths(entries),
          key: key.vector(flat.map(([left]) => left)),
          value: value.vector(flat.map(([, right]) => right)),
        };
      }),
  };
}

interface MapShape {
  readonly key: AvroType;
  readonly value: AvroType;
  readonly pair: (item: unknown) => readonly [unknown, unknown];
}

function mapShape(avro: AvroType, file: string): MapShape {
  if (avro.kind === "map") {
    const pair = (item: unknown): readonly [unknown, unknown] => {
      const [left, right] = asList(item);
      return [left, right];
    };
    return { key: { kind: "string", attributes: {} }, value: optional(avro.values).type, pair };
  }
  const record = avro.kind === "array" ? optional(avro.items).type : avro;
  const member = (name: string): AvroType | undefined =>
    record.kind === "record" ? record.fields.find((field) => field.name === name)?.type : undefined;
  const [key, value] = [member("key"), member("value")];
  if (key === undefined || value === undefined) throw mismatch(file, "a map", avro);
  return { key: optional(key).type, value: optional(value).type, pair: (item) => [asRecord(item).key, asRecord(item).value] };
}

function struct(fields: readonly PaimonField[], avro: AvroType, file: string): AvroColumn {
  if (avro.kind !== "record") throw mismatch(file, "a row", avro);
  const columns = fields.map((field) => avroColumn(field, avro, file));
  return {
    type: { kind: "struct", fields: fields.map((field, index) => ({ name: field.name, type: nth(columns, index).type })) },
    vector: (values) =>
      dense(values, (kept) => ({
        kind: "struct",
        fields: fields.map((field, index) => nth(columns, index).vector(kept.map((item) => asRecord(item)[field.name] ?? null))),
      })),
  };
}

function nth(columns: readonly AvroColumn[], index: number): AvroColumn {
  const column = columns[index];
  if (column === undefined) throw new RangeError(`no column ${index}`);
  return column;
}

type Atomic = (type: LogicalType, avro: AvroType, file: string) => AvroColumn;

const atomic: Atomic = (type, avro, file) => {
  switch (type.kind) {
    case "boolean":
      return leaf({ kind: "boolean" }, (kept) => ({ kind: "boolean", values: Uint8Array.from(kept, Number) }));
    case "int":
      return type.bits === 64 ? int64(avro, file) : leaf({ kind: "int32" }, int32);
    case "time":
      return leaf({ kind: "int32" }, int32);
    case "date":
      return leaf({ kind: "int32", annotation: { is: "date" } }, int32);
    case "float":
      return type.bits === 32
        ? leaf({ kind: "float32" }, (kept) => ({ kind: "float32", values: Float32Array.from(kept, Number) }))
        : leaf({ kind: "float64" }, (kept) => ({ kind: "float64", values: Float64Array.from(kept, Number) }));
    case "decimal":
      return leaf({ kind: "fixed", width: WIDE, annotation: { is: "decimal", precision: type.precision, scale: type.scale } }, (kept) => ({
        kind: "fixed",
        width: WIDE,
        bytes: widened(kept, file),
      }));
    case "timestamp":
      return timestamp(type, avro, file);
    case "text":
      return leaf({ kind: "bytes", annotation: { is: "text" } }, bytes);
    case "binary":
      return leaf({ kind: "bytes" }, bytes);
    default:
      throw mismatch(file, type.kind, avro);
  }
};

function leaf(type: ParquetType, values: (kept: readonly unknown[]) => VectorValues): AvroColumn {
  return { type, vector: (all) => dense(all, values) };
}

function int64(avro: AvroType, file: string): AvroColumn {
  if (avro.kind !== "long" && avro.kind !== "int") throw mismatch(file, "a BIGINT", avro);
  return leaf({ kind: "int64" }, (kept) => ({ kind: "int64", values: BigInt64Array.from(kept, toBigInt) }));
}

const TO_MICROS: Readonly<Record<string, bigint>> = {
  "timestamp-millis": 1000n,
  "local-timestamp-millis": 1000n,
  "timestamp-micros": 1n,
  "local-timestamp-micros": 1n,
};

function timestamp(type: LogicalType & { readonly kind: "timestamp" }, avro: AvroType, file: string): AvroColumn {
  const unit = String(avro.attributes.logicalType);
  const factor = TO_MICROS[unit];
  if (factor === undefined) {
    throw unsupported(
      `${file} has times in the unit ${unit}.`,
      "Avro files of Paimon have milliseconds or microseconds.",
      "Rewrite the table as Parquet.",
    );
  }
  const annotation = { is: "timestamp", unit: "micros", utc: type.zoned } as const;
  return leaf({ kind: "int64", annotation }, (kept) => ({
    kind: "int64",
    values: BigInt64Array.from(kept, (value) => toBigInt(value) * factor),
  }));
}

const WIDE = 16;

/** Big-endian two's complement of any length, sign-extended to sixteen bytes. */
function widened(kept: readonly unknown[], file: string): Uint8Array {
  const out = new Uint8Array(kept.length * WIDE);
  for (const [index, value] of kept.entries()) {
    const bytes = value instanceof Uint8Array ? value : new Uint8Array();
    if (bytes.length > WIDE) throw damaged(file, "A decimal in it has more than 38 digits.");
    if ((bytes[0] ?? 0) > 127) out.fill(255, index * WIDE, (index + 1) * WIDE);
    out.set(bytes, (index + 1) * WIDE - bytes.length);
  }
  return out;
}

function int32(kept: readonly unknown[]): VectorValues {
  return { kind: "int32", values: Int32Array.from(kept, Number) };
}

function bytes(kept: readonly unknown[]): VectorValues {
  const parts = kept.map((value) => (value instanceof Uint8Array ? value : Buffer.from(String(value), "utf8")));
  const offsets = new Int32Array(parts.length + 1);
  for (const [index, part] of parts.entries()) offsets[index + 1] = (offsets[index] ?? 0) + part.length;
  return { kind: "bytes", offsets, bytes: Buffer.concat(parts) };
}

function dense(all: ArrayLike<unknown>, values: (kept: readonly unknown[]) => VectorValues): Vector {
  const list: readonly unknown[] = Array.from(all);
  const kept = list.filter((value) => value !== null && value !== undefined);
  const counts = { length: list.length, count: kept.length };
  if (kept.length === list.length) return { ...counts, ...values(kept) };
  return { ...counts, present: Uint8Array.from(list, (value) => Number(value !== null && value !== undefined)), ...values(kept) };
}

function lengths(lists: readonly (readonly unknown[])[]): Int32Array {
  return Int32Array.from(lists, (items) => items.length);
}

function toBigInt(value: unknown): bigint {
  return typeof value === "bigint" ? value : BigInt(Number(value));
}

// The Avro reader has checked each value against the schema, and the schema against the table's type.
function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
