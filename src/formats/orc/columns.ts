import type { Vector, VectorValues } from "../vector.js";
import { prolepticDays } from "./calendar.js";
import { corrupt } from "./failure.js";
import type { ColumnEncoding, OrcType, StreamKind } from "./metadata.js";
import { BooleanRuns, ByteRuns, type IntegerReader, integerReader } from "./run-length.js";
import type { ByteStream } from "./streams.js";
import { timestampReader } from "./timestamp.js";

/**
 * Timestamps as whole micro- or nanoseconds since the epoch. `micros` cuts what is finer, for tables whose type says that
 * nothing is; `exact-micros` refuses it.
 */
export type TimestampUnit = "micros" | "exact-micros" | "nanos";

/** One for all, or each timestamp's own: ORC has one type for all precisions, and nanoseconds reach from 1677 to 2262 only. */
export type TimestampUnits = TimestampUnit | ((timestamp: OrcType) => TimestampUnit);

export function unitOf(units: TimestampUnits, timestamp: OrcType): TimestampUnit {
  return typeof units === "string" ? units : units(timestamp);
}

/** What a column's readers need from their stripe. */
export interface StripeColumns {
  /** The stream of a column, or undefined where the stripe has none. */
  readonly stream: (column: number, kind: StreamKind) => ByteStream | undefined;
  /** A stream without bytes: fails when a value is asked of it. */
  readonly empty: () => ByteStream;
  readonly encoding: (column: number) => ColumnEncoding;
  readonly writerZone: string;
  readonly timestampUnit: TimestampUnits;
  /** Whether days and times are of the hybrid calendar and have to become proleptic. */
  readonly rebased: boolean;
}

/** Reads one column of a stripe from the first row on. `rows` counts rows of the parent that hold something. */
export interface ColumnReader {
  readonly read: (rows: number) => Vector;
  /** Moves to the row group whose positions these are; the column's own come first, then its children's. */
  readonly seek: (positions: (column: number) => Iterator<number>) => void;
}

/** The values of a column without its NULLs. */
interface ValueReader {
  readonly read: (count: number) => VectorValues;
  readonly seek: (positions: Iterator<number>, all: (column: number) => Iterator<number>) => void;
}

export function columnReader(type: OrcType, stripe: StripeColumns): ColumnReader {
  const presentStream = stripe.stream(type.id, "present");
  const present = presentStream && new BooleanRuns(presentStream);
  const values = valueReader(type, stripe);
  return {
    read: (rows) => {
      if (!present) return { length: rows, count: rows, ...values.read(rows) };
      const bytes = new Uint8Array(rows);
      const count = present.read(bytes, 0, rows);
      if (count === rows) return { length: rows, count, ...values.read(count) };
      return { length: rows, count, present: bytes, ...values.read(count) };
    },
    seek: (all) => {
      const positions = all(type.id);
      present?.seek(positions);
      values.seek(positions, all);
    },
  };
}

function valueReader(type: OrcType, stripe: StripeColumns): ValueReader {
  switch (type.kind) {
    case "boolean":
      return booleans(new BooleanRuns(needed(type, stripe, "data")));
    case "byte":
      return bytes8(new ByteRuns(needed(type, stripe, "data")));
    case "short":
    case "int":
      return int32s(integers(type, stripe, "data", true));
    case "date":
      return stripe.rebased ? days(integers(type, stripe, "data", true)) : int32s(integers(type, stripe, "data", true));
    case "long":
      return int64s(integers(type, stripe, "data", true));
    case "float":
    case "double":
      return floats(type, needed(type, stripe, "data"));
    case "string":
    case "varchar":
    case "char":
    case "binary":
      return byteStrings(type, stripe);
    case "decimal":
      return decimals(type, stripe);
    case "timestamp":
    case "timestamp-instant":
      return timestamps(type, stripe);
    case "list":
    case "map":
      return collections(type, stripe);
    case "struct":
      return structs(type, stripe);
    case "union":
      return unions(type, stripe);
  }
}

/** A stripe in which a column has no values may leave its streams out. */
function needed(type: OrcType, stripe: StripeColumns, kind: StreamKind): ByteStream {
  return stripe.stream(type.id, kind) ?? stripe.empty();
}

function integers(type: OrcType, stripe: StripeColumns, kind: StreamKind, signed: boolean): IntegerReader {
  const encoding = stripe.encoding(type.id).kind;
  const version = encoding === "direct-v2" || encoding === "dictionary-v2" ? 2 : 1;
  return integerReader(needed(type, stripe, kind), signed, version);
}

function booleans(runs: BooleanRuns): ValueReader {
  return {
    read: (count) => {
      const values = new Uint8Array(count);
      runs.read(values, 0, count);
      return { kind: "boolean", values };
    },
    seek: (positions) => runs.seek(positions),
  };
}

function bytes8(runs: ByteRuns): ValueReader {
  return {
    read: (count) => {
      const bytes = new Int8Array(count);
      runs.read(new Uint8Array(bytes.buffer), 0, count);
      return { kind: "int32", values: Int32Array.from(bytes) };
    },
    seek: (positions) => runs.seek(positions),
  };
}

function int32s(reader: IntegerReader): ValueReader {
  return {
    read: (count) => {
      const values = new Int32Array(count);
      reader.int32(values, 0, count);
      return { kind: "int32", values };
    },
    seek: reader.seek,
  };
}

function days(reader: IntegerReader): ValueReader {
  const plain = int32s(reader);
  return {
    read: (count) => {
      const read = plain.read(count);
      return read.kind === "int32" ? { kind: "int32", values: read.values.map(prolepticDays) } : read;
    },
    seek: plain.seek,
  };
}

function int64s(reader: IntegerReader): ValueReader {
  return {
    read: (count) => {
      const values = new BigInt64Array(count);
      reader.int64(values, 0, count);
      return { kind: "int64", values };
    },
    seek: reader.seek,
  };
}

function floats(type: OrcType, stream: ByteStream): ValueReader {
  const width = type.kind === "float" ? 4 : 8;
  return {
    read: (count) => {
      const bytes = new Uint8Array(count * width);
      stream.copyInto(bytes, 0, bytes.length);
      if (width === 4) return { kind: "float32", values: new Float32Array(bytes.buffer) };
      return { kind: "float64", values: new Float64Array(bytes.buffer) };
    },
    seek: (positions) => stream.seek(positions),
  };
}

function byteStrings(type: OrcType, stripe: StripeColumns): ValueReader {
  const encoding = stripe.encoding(type.id);
  const direct = encoding.kind === "direct" || encoding.kind === "direct-v2";
  return direct ? directStrings(type, stripe) : dictionaryStrings(type, stripe, encoding.dictionarySize);
}

function directStrings(type: OrcType, stripe: StripeColumns): ValueReader {
  const lengths = integers(type, stripe, "length", false);
  const text = needed(type, stripe, "data");
  return {
    read: (count) => {
      const offsets = readOffsets(lengths, count);
      const bytes = new Uint8Array(offsets[count] as number);
      text.copyInto(bytes, 0, bytes.length);
      return { kind: "bytes", offsets, bytes };
    },
    seek: (positions) => {
      text.seek(positions);
      lengths.seek(positions);
    },
  };
}

/** Lengths of values become the offsets between them. */
function readOffsets(lengths: IntegerReader, count: number): Int32Array {
  const offsets = new Int32Array(count + 1);
  lengths.int32(offsets, 1, count);
  let total = 0;
  for (let i = 1; i <= count; i++) {
    const length = offsets[i] as number;
    total += length;
    if (length < 0 || total > 0x7fff_ffff) throw corrupt("lengths of a column's values are negative or add up to more than 2 GiB");
    offsets[i] = total;
  }
  return offsets;
}

function dictionaryStrings(type: OrcType, stripe: StripeColumns, size: number): ValueReader {
  const indexes = integers(type, stripe, "data", false);
  let dictionary: { readonly offsets: Int32Array; readonly bytes: Uint8Array } | undefined;
  const load = (): { readonly offsets: Int32Array; readonly bytes: Uint8Array } => {
    const offsets = size === 0 ? new Int32Array(1) : readOffsets(integers(type, stripe, "length", false), size);
    const bytes = new Uint8Array(offsets[size] as number);
    if (bytes.length > 0) needed(type, stripe, "dictionary-data").copyInto(bytes, 0, bytes.length);
    return { offsets, bytes };
  };
  return {
    read: (count) => {
      dictionary ??= load();
      const picks = new Int32Array(count);
      indexes.int32(picks, 0, count);
      return pick(dictionary.offsets, dictionary.bytes, picks, size);
    },
    seek: (positions) => indexes.seek(positions),
  };
}

function pick(from: Int32Array, dictionary: Uint8Array, picks: Int32Array, size: number): VectorValues {
  const offsets = new Int32Array(picks.length + 1);
  let total = 0;
  for (let i = 0; i < picks.length; i++) {
    const entry = picks[i] as number;
    if (entry < 0 || entry >= size) throw corrupt(`a value refers to dictionary entry ${entry} of ${size}`);
    total += (from[entry + 1] as number) - (from[entry] as number);
    if (total > 0x7fff_ffff) throw corrupt("a batch of text is larger than 2 GiB");
    offsets[i + 1] = total;
  }
  const bytes = new Uint8Array(total);
  for (let i = 0; i < picks.length; i++) {
    const start = from[picks[i] as number] as number;
    const end = from[(picks[i] as number) + 1] as number;
    const to = offsets[i] as number;
    // Short values: a loop beats set() by the cost of making a view.
    if (end - start < 24) for (let b = start, t = to; b < end; b++, t++) bytes[t] = dictionary[b] as number;
    else bytes.set(dictionary.subarray(start, end), to);
  }
  return { kind: "bytes", offsets, bytes };
}

/** Up to 18 digits fit int64; more become 16 bytes, big-endian two's complement. */
export const INT64_DIGITS = 18;

function decimals(type: OrcType, stripe: StripeColumns): ValueReader {
  const data = needed(type, stripe, "data");
  const scales = integers(type, stripe, "secondary", true);
  const read = (count: number): VectorValues => {
    const given = new Int32Array(count);
    const unscaled: bigint[] = new Array(count);
    for (let i = 0; i < count; i++) unscaled[i] = bigVarint(data);
    scales.int32(given, 0, count);
    for (let i = 0; i < count; i++) unscaled[i] = rescale(unscaled[i] as bigint, given[i] as number, type.scale);
    return type.precision <= INT64_DIGITS ? { kind: "int64", values: BigInt64Array.from(unscaled) } : wide(unscaled);
  };
  return {
    read,
    seek: (positions) => {
      data.seek(positions);
      scales.seek(positions);
    },
  };
}

/** A zigzag varint of up to 128 bits; the common short ones without BigInt steps. */
function bigVarint(stream: ByteStream): bigint {
  let small = 0;
  let factor = 1;
  for (let i = 0; i < 7; i++) {
    const byte = stream.byte();
    small += (byte & 0x7f) * factor;
    if (byte < 0x80) return BigInt(small % 2 === 0 ? small / 2 : -(small + 1) / 2);
    factor *= 128;
  }
  let value = BigInt(small);
  for (let shift = 49n; shift < 133n; shift += 7n) {
    const byte = stream.byte();
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return (value >> 1n) ^ -(value & 1n);
  }
  throw corrupt("a decimal is longer than 128 bits");
}

/** Values carry their own scale; the column's is what the schema says. Writers never lose digits here, readers must not either. */
function rescale(value: bigint, from: number, to: number): bigint {
  if (from === to) return value;
  if (from < to) return value * 10n ** BigInt(to - from);
  const divisor = 10n ** BigInt(from - to);
  if (value % divisor !== 0n) throw corrupt(`a decimal has more digits after the point than its type (${from} for ${to})`);
  return value / divisor;
}

function wide(values: readonly bigint[]): VectorValues {
  const bytes = new Uint8Array(values.length * 16);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setBigInt64(i * 16, value >> 64n);
    view.setBigUint64(i * 16 + 8, value & 0xffff_ffff_ffff_ffffn);
  });
  return { kind: "fixed", width: 16, bytes };
}

function timestamps(type: OrcType, stripe: StripeColumns): ValueReader {
  const seconds = integers(type, stripe, "data", true);
  const nanos = integers(type, stripe, "secondary", false);
  const combine = timestampReader(
    type.kind === "timestamp" ? stripe.writerZone : "UTC",
    unitOf(stripe.timestampUnit, type),
    stripe.rebased,
  );
  return {
    read: (count) => {
      const whole = new BigInt64Array(count);
      const fraction = new BigInt64Array(count);
      seconds.int64(whole, 0, count);
      nanos.int64(fraction, 0, count);
      return { kind: "int64", values: combine(whole, fraction) };
    },
    seek: (positions) => {
      seconds.seek(positions);
      nanos.seek(positions);
    },
  };
}

function collections(type: OrcType, stripe: StripeColumns): ValueReader {
  const lengths = integers(type, stripe, "length", false);
  const children = type.children.map((child) => columnReader(child, stripe));
  return {
    read: (count) => {
      const sizes = new Int32Array(count);
      lengths.int32(sizes, 0, count);
      const total = sizes.reduce((sum, size) => {
        if (size < 0) throw corrupt("a list has a negative length");
        return sum + size;
      }, 0);
      if (total > 0x7fff_ffff) throw corrupt("a batch of lists has more than 2^31 elements");
      const [first, second] = children.map((child) => child.read(total));
      if (first && second) return { kind: "map", lengths: sizes, key: first, value: second };
      if (first) return { kind: "list", lengths: sizes, child: first };
      throw corrupt("a list has no element type");
    },
    seek: (positions, all) => {
      lengths.seek(positions);
      for (const child of children) child.seek(all);
    },
  };
}

function structs(type: OrcType, stripe: StripeColumns): ValueReader {
  const fields = type.children.map((child) => columnReader(child, stripe));
  return {
    read: (count) => ({ kind: "struct", fields: fields.map((field) => field.read(count)) }),
    seek: (_positions, all) => {
      for (const field of fields) field.seek(all);
    },
  };
}

/** A union as a struct of its tag and one member a branch, of which only the tag's own holds something (as Trino shows it). */
function unions(type: OrcType, stripe: StripeColumns): ValueReader {
  const tags = new ByteRuns(needed(type, stripe, "data"));
  const branches = type.children.map((child) => columnReader(child, stripe));
  return {
    read: (count) => {
      const own = new Uint8Array(count);
      tags.read(own, 0, count);
      const wrong = own.find((tag) => tag >= branches.length);
      if (wrong !== undefined) throw corrupt(`a union has the tag ${wrong} and ${branches.length} branches`);
      const tag: Vector = { length: count, count, kind: "int32", values: Int32Array.from(own) };
      return { kind: "struct", fields: [tag, ...branches.map((branch, index) => spread(branch, own, index))] };
    },
    seek: (positions, all) => {
      tags.seek(positions);
      for (const branch of branches) branch.seek(all);
    },
  };
}

/** The values of one branch at the rows that have its tag; the other rows hold nothing. */
function spread(branch: ColumnReader, tags: Uint8Array, tag: number): Vector {
  const held = branch.read(tags.reduce((sum, own) => sum + (own === tag ? 1 : 0), 0));
  const present = new Uint8Array(tags.length);
  let next = 0;
  tags.forEach((own, row) => {
    if (own === tag) present[row] = held.present?.[next++] ?? 1;
  });
  return { ...held, length: tags.length, present };
}
