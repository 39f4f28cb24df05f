import type { DuckDbSession, ValueVector, VectorRows } from "../../core/source.js";
import type { LogicalType } from "../../core/types.js";

/*
 * Rows on their way from DuckDB's vectors into `COPY … FROM STDIN (FORMAT binary)`: values go over as bytes, so that nobody
 * writes and nobody parses the text of a number. A value is what PostgreSQL's receive functions take (*_recv in
 * src/backend/utils/adt), a row what its manual says (COPY, "Binary Format").
 */

/** A buffer that is being filled. */
interface Sink {
  bytes: Uint8Array;
  view: DataView;
  at: number;
}

/** Writes the value of a row, which is not NULL: its length in bytes, then its bytes. */
type Write = (sink: Sink, row: number) => void;

interface Encoding {
  /** DuckDB type of the vectors that `write` reads. */
  readonly vector: string;
  /** Bytes of a value with its length, at most; for texts and bytes without their content. */
  readonly most: number;
  readonly hasContent?: true;
  readonly write: (vector: ValueVector) => Write;
}

/** How values of a column are written. `server` is the name of its type in pg_type. Undefined: only COPY's text form can hold them. */
export function encodingOf(server: string, type: LogicalType): Encoding | undefined {
  if (server === "numeric")
    return type.kind === "decimal" && type.precision <= MAX_DIGITS ? decimal(type.precision, type.scale) : undefined;
  if (type.kind === "enum") return bytes("VARCHAR");
  return Object.hasOwn(encodings, server) ? encodings[server] : undefined;
}

const viewOf = ({ bytes: { buffer, byteOffset, byteLength } }: ValueVector): DataView => new DataView(buffer, byteOffset, byteLength);

/** Values of one width in the vector and on the wire; `put` reads one at a byte and writes it at another. */
function fixed(vector: string, width: number, put: (from: DataView, at: number, to: DataView, toAt: number) => void): Encoding {
  return {
    vector,
    most: LENGTH + width,
    write: (values) => {
      const from = viewOf(values);
      return (sink, row) => {
        sink.view.setInt32(sink.at, width);
        put(from, row * width, sink.view, sink.at + LENGTH);
        sink.at += LENGTH + width;
      };
    },
  };
}

const LENGTH = 4;

function reversed32(from: DataView, at: number, to: DataView, toAt: number): void {
  to.setInt32(toAt, from.getInt32(at, true));
}

function reversed64(from: DataView, at: number, to: DataView, toAt: number): void {
  to.setInt32(toAt, from.getInt32(at + 4, true));
  to.setInt32(toAt + 4, from.getInt32(at, true));
}

/** DuckDB counts from 1970, PostgreSQL from 2000. */
const EPOCH_DAYS = 10_957;
const EPOCH_MICROSECONDS = 946_684_800_000_000n;
const EPOCH_HIGH = Number(EPOCH_MICROSECONDS >> 32n);
const EPOCH_LOW = Number(EPOCH_MICROSECONDS & 0xffff_ffffn);

/** Infinities: the largest integer and its negative in DuckDB, the largest and the smallest in PostgreSQL. */
const MAX_INT32 = 0x7fff_ffff;
const MIN_INT32 = -0x8000_0000;

function shiftedDay(from: DataView, at: number, to: DataView, toAt: number): void {
  const day = from.getInt32(at, true);
  if (day === MAX_INT32) to.setInt32(toAt, MAX_INT32);
  else if (day === -MAX_INT32) to.setInt32(toAt, MIN_INT32);
  // What would wrap is long before the 4714 BC with which PostgreSQL begins: it refuses the earliest day there is.
  else to.setInt32(toAt, Math.max(day - EPOCH_DAYS, -MAX_INT32));
}

function shiftedInstant(from: DataView, at: number, to: DataView, toAt: number): void {
  const [high, low] = [from.getInt32(at + 4, true), from.getUint32(at, true)];
  if (high === MAX_INT32 && low === 0xffff_ffff) put64(to, toAt, MAX_INT32, -1);
  else if (high === MIN_INT32 && low === 1) put64(to, toAt, MIN_INT32, 0);
  else if (high < MIN_INT32 / 2)
    put64(to, toAt, MIN_INT32, 1); // as above
  else put64(to, toAt, high - EPOCH_HIGH - (low < EPOCH_LOW ? 1 : 0), low - EPOCH_LOW);
}

/** Both halves are cut to 32 bits. */
function put64(to: DataView, at: number, high: number, low: number): void {
  to.setInt32(at, high);
  to.setInt32(at + 4, low);
}

/** A text or bytes, after `prefix` where the type has a version of its form. */
function bytes(vector: string, prefix?: number): Encoding {
  const before = prefix === undefined ? 0 : 1;
  return {
    vector,
    most: LENGTH + before,
    hasContent: true,
    write: (values) => {
      const entries = viewOf(values);
      return (sink, row) => {
        const length = entries.getUint32(row * ENTRY, true);
        sink.view.setInt32(sink.at, length + before);
        if (prefix !== undefined) sink.view.setUint8(sink.at + LENGTH, prefix);
        sink.bytes.set(values.content(row, length), sink.at + LENGTH + before);
        sink.at += LENGTH + before + length;
      };
    },
  };
}

/** Bytes of a vector's entry of a text, a UUID, an interval or a wide decimal. */
const ENTRY = 16;

/** DuckDB turns the first bit, so that UUIDs sort as integers. */
function uuid(from: DataView, at: number, to: DataView, toAt: number): void {
  reversed64(from, at + 8, to, toAt);
  reversed64(from, at, to, toAt + 8);
  to.setUint8(toAt, to.getUint8(toAt) ^ 0x80);
}

/** DuckDB: months, days, microseconds. PostgreSQL: the other way round. */
function interval(from: DataView, at: number, to: DataView, toAt: number): void {
  reversed64(from, at + 8, to, toAt);
  reversed32(from, at + 4, to, toAt + 8);
  reversed32(from, at, to, toAt + 12);
}

const encodings: Readonly<Record<string, Encoding>> = {
  bool: fixed("BOOLEAN", 1, (from, at, to, toAt) => to.setUint8(toAt, from.getUint8(at))),
  int2: fixed("SMALLINT", 2, (from, at, to, toAt) => to.setInt16(toAt, from.getInt16(at, true))),
  int4: fixed("INTEGER", 4, reversed32),
  int8: fixed("BIGINT", 8, reversed64),
  float4: fixed("FLOAT", 4, reversed32),
  float8: fixed("DOUBLE", 8, reversed64),
  date: fixed("DATE", 4, shiftedDay),
  time: fixed("TIME", 8, reversed64),
  timestamp: fixed("TIMESTAMP", 8, shiftedInstant),
  timestamptz: fixed("TIMESTAMP WITH TIME ZONE", 8, shiftedInstant),
  interval: fixed("INTERVAL", ENTRY, interval),
  uuid: fixed("UUID", ENTRY, uuid),
  text: bytes("VARCHAR"),
  varchar: bytes("VARCHAR"),
  bpchar: bytes("VARCHAR"),
  json: bytes("VARCHAR"),
  jsonb: bytes("VARCHAR", 1),
  bytea: bytes("BLOB"),
};

// ---------------------------------------------------------------------------------------------------------------- decimals

/** Digits that DuckDB holds; above NARROW_DIGITS as 128-bit integers. */
const MAX_DIGITS = 38;
const NARROW_DIGITS = 18;
/** PostgreSQL keeps decimals in groups of four digits. */
const GROUP = 10_000;
const GROUP_DIGITS = 4;
const NEGATIVE = 0x4000;
const HEADER = 8;

function decimal(precision: number, scale: number): Encoding {
  const width = precision <= NARROW_DIGITS ? NARROW_DIGITS : MAX_DIGITS;
  const padding = (GROUP_DIGITS - (scale % GROUP_DIGITS)) % GROUP_DIGITS;
  const below = (scale + padding) / GROUP_DIGITS;
  const groups: number[] = [];
  return {
    vector: `DECIMAL(${width}, ${scale})`,
    most: LENGTH + HEADER + 2 * (Math.ceil(width / GROUP_DIGITS) + 1),
    write: (values) => {
      const from = viewOf(values);
      const read = width === NARROW_DIGITS ? unscaled64(from) : unscaled128(from);
      return (sink, row) => {
        const negative = groupsOf(read(row), 10 ** padding, groups);
        putNumeric(sink, groups, below, scale, negative);
      };
    },
  };
}

/** A double holds integers up to 2^53 exactly, and BigInt is slow: it is left to the larger ones. */
const SAFE_HIGH = 0x1f_ffff;

const unscaled64 =
  (from: DataView) =>
  (row: number): number | bigint => {
    const high = from.getInt32(row * 8 + 4, true);
    if (high > SAFE_HIGH || high < -SAFE_HIGH) return from.getBigInt64(row * 8, true);
    return high * 0x1_0000_0000 + from.getUint32(row * 8, true);
  };

const unscaled128 =
  (from: DataView) =>
  (row: number): bigint =>
    (from.getBigInt64(row * ENTRY + 8, true) << 64n) | from.getBigUint64(row * ENTRY, true);

/** The number's groups of four digits, least first, after `factor` has aligned its point with a group. True: it is negative. */
function groupsOf(value: number | bigint, factor: number, groups: number[]): boolean {
  groups.length = 0;
  if (typeof value === "number" && Math.abs(value) * factor <= Number.MAX_SAFE_INTEGER) {
    for (let rest = Math.abs(value) * factor; rest > 0; rest = Math.floor(rest / GROUP)) groups.push(rest % GROUP);
    return value < 0;
  }
  const whole = BigInt(value);
  for (let rest = (whole < 0n ? -whole : whole) * BigInt(factor); rest > 0n; rest /= BigInt(GROUP))
    groups.push(Number(rest % BigInt(GROUP)));
  return whole < 0n;
}

/** numeric_recv: number of groups, weight of the first, sign, digits after the point, groups from the first; none of them zeros at an end. */
function putNumeric(sink: Sink, groups: readonly number[], below: number, scale: number, negative: boolean): void {
  let last = 0;
  while (last < groups.length && groups[last] === 0) last++;
  const count = groups.length - last;
  const { view } = sink;
  view.setInt32(sink.at, HEADER + 2 * count);
  view.setInt16(sink.at + 4, count);
  view.setInt16(sink.at + 6, count === 0 ? 0 : groups.length - 1 - below);
  view.setInt16(sink.at + 8, negative ? NEGATIVE : 0);
  view.setInt16(sink.at + 10, scale);
  sink.at += LENGTH + HEADER;
  for (let index = groups.length - 1; index >= last; index--, sink.at += 2) view.setInt16(sink.at, groups[index] ?? 0);
}

// -------------------------------------------------------------------------------------------------------------------- rows

export interface BinaryColumn {
  /** DuckDB expression of the value. */
  readonly value: string;
  readonly encoding: Encoding;
}

/** "PGCOPY", flags, length of the header's extension. */
const SIGNATURE = Buffer.concat([Buffer.from("PGCOPY\n\xff\r\n\0", "latin1"), Buffer.alloc(8)]);
const TRAILER = Buffer.from([0xff, 0xff]);
const PIECE_BYTES = 256 * 1024;

/** The rows of `relation` as the bytes that COPY takes. */
export async function* binaryRows(
  db: DuckDbSession,
  columns: readonly BinaryColumn[],
  relation: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const select = columns.map(({ value, encoding }, index) => `CAST(${value} AS ${encoding.vector}) AS c${index}`);
  yield SIGNATURE;
  const encode = rowEncoder(columns.map(({ encoding }) => encoding));
  for await (const pieces of db.vectors(`SELECT ${select.join(", ")} FROM ${relation}`, encode.rows, signal)) yield* pieces;
  yield encode.rest();
  yield TRAILER;
}

/** `rows` answers with the buffers that are full, `rest` with what is left of the last one. */
function rowEncoder(encodings: readonly Encoding[]): {
  readonly rows: (rows: VectorRows) => Uint8Array[];
  readonly rest: () => Uint8Array;
} {
  const most = 2 + encodings.reduce((sum, encoding) => sum + encoding.most, 0);
  let sink = emptySink(PIECE_BYTES);
  const filled = (): Uint8Array => sink.bytes.subarray(0, sink.at);
  return {
    rows: ({ rows, columns }) => {
      const full: Uint8Array[] = [];
      const writes = encodings.map((encoding, index) => orNull(encoding, vectorAt(columns, index)));
      const contents = encodings.flatMap((encoding, index) => (encoding.hasContent ? [contentLength(vectorAt(columns, index))] : []));
      for (let row = 0; row < rows; row++) {
        let need = most;
        for (const length of contents) need += length(row);
        if (sink.at + need > sink.bytes.length) {
          full.push(filled());
          sink = emptySink(Math.max(PIECE_BYTES, need));
        }
        sink.view.setInt16(sink.at, writes.length);
        sink.at += 2;
        for (const write of writes) write(sink, row);
      }
      return full;
    },
    rest: filled,
  };
}

function emptySink(size: number): Sink {
  const buffer = Buffer.allocUnsafeSlow(size);
  return { bytes: buffer, view: new DataView(buffer.buffer, buffer.byteOffset, size), at: 0 };
}

function vectorAt(columns: readonly ValueVector[], index: number): ValueVector {
  const vector = columns[index];
  if (vector === undefined) throw new Error(`the result has no column ${index}`);
  return vector;
}

const isNull = (valid: Uint8Array, row: number): boolean => (((valid[row >> 3] ?? 0) >> (row & 7)) & 1) === 0;

function orNull({ write }: Encoding, vector: ValueVector): Write {
  const { valid } = vector;
  const value = write(vector);
  if (valid === undefined) return value;
  return (sink, row) => {
    if (!isNull(valid, row)) return value(sink, row);
    sink.view.setInt32(sink.at, -1);
    sink.at += LENGTH;
  };
}

/** A NULL's entry holds whatever was there before. */
function contentLength(vector: ValueVector): (row: number) => number {
  const { valid } = vector;
  const entries = viewOf(vector);
  return (row) => (valid !== undefined && isNull(valid, row) ? 0 : entries.getUint32(row * ENTRY, true));
}
