import { entryKey, entryValue } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";
import { atomicType, duckType, ident, sameType } from "./duckdb.js";
import { unsupported } from "./letters.js";
import type { PaimonField, PaimonType } from "./types.js";

/*
 * Schema evolution: a file is read with the schema that it was written with; its columns are found by field id and cast
 * to the table's types as the reference reader casts (SchemaEvolutionUtil, CastExecutors).
 */

/** What one file format's reader gives for an atomic type, turned into the DuckDB type of that type. */
export type Leaf = (expression: string, type: LogicalType) => string;

/** `expression` holds a value of the file's type; the answer is SQL for the same value in the table's type. */
export function convert(expression: string, from: PaimonType, to: PaimonType, leaf: Leaf, depth = 0): string {
  if (from.kind === "atomic" && to.kind === "atomic") {
    const value = leaf(expression, from.logical);
    return sameType(from, to) ? value : castAtomic(value, from.logical, to.logical);
  }
  if (from.kind === "array" && to.kind === "array") {
    const item = `x${depth}`;
    const inner = convert(item, from.element.type, to.element.type, leaf, depth + 1);
    return inner === item ? expression : `list_transform(${expression}, lambda ${item}: ${inner})`;
  }
  if (from.kind === "map" && to.kind === "map") return convertMap(expression, from, to, leaf, depth);
  if (from.kind === "row" && to.kind === "row") return convertRow(expression, from.fields, to.fields, leaf, depth);
  throw noCast(describe(from), describe(to), UNKNOWN);
}

type MapType = PaimonType & { readonly kind: "map" };

function convertMap(expression: string, from: MapType, to: MapType, leaf: Leaf, depth: number): string {
  const item = `x${depth}`;
  const key = convert(entryKey(item), from.key.type, to.key.type, leaf, depth + 1);
  const value = convert(entryValue(item), from.value.type, to.value.type, leaf, depth + 1);
  if (key === entryKey(item) && value === entryValue(item)) return expression;
  const entries = `list_transform(map_entries(${expression}), lambda ${item}: struct_pack(k := ${key}, v := ${value}))`;
  return `CASE WHEN ${expression} IS NULL THEN NULL ELSE map_from_entries(${entries}) END`;
}

function convertRow(expression: string, from: readonly PaimonField[], to: readonly PaimonField[], leaf: Leaf, depth: number): string {
  const sources = to.map((field) => from.find((candidate) => candidate.id === field.id));
  const members = to.map((field, index) => {
    const source = sources[index];
    if (source === undefined) return `CAST(NULL AS ${duckType(field.type)})`;
    return convert(`${expression}.${ident(source.name)}`, source.type, field.type, leaf, depth);
  });
  const untouched = to.every((field, index) => from[index]?.name === field.name && members[index] === `${expression}.${ident(field.name)}`);
  if (untouched && from.length === to.length) return expression;
  const packed = to.map((field, index) => `${ident(field.name)} := ${members[index]}`).join(", ");
  return `CASE WHEN ${expression} IS NULL THEN NULL ELSE struct_pack(${packed}) END`;
}

type Cast<From extends LogicalType["kind"]> = (
  value: string,
  from: Extract<LogicalType, { kind: From }>,
  to: LogicalType,
) => string | undefined;

const casts: { readonly [Kind in LogicalType["kind"]]?: Cast<Kind> } = {
  boolean: (value, _from, to) => {
    if (to.kind === "int" || to.kind === "text" || to.kind === "decimal") return cut(plain(value, to), to);
    return to.kind === "float" ? plain(`CAST(${value} AS INTEGER)`, to) : undefined;
  },
  int: (value, from, to) => {
    if (to.kind === "int") return to.bits >= from.bits ? plain(value, to) : wrapped(value, to.bits);
    if (to.kind === "float") return plain(value, to);
    if (to.kind === "decimal") return tried(value, to);
    if (to.kind === "boolean") return `(${value} <> 0)`;
    if (to.kind === "timestamp" && !to.zoned && from.bits >= 32) return atSecond(value, to.precision);
    return to.kind === "text" ? cut(plain(value, { kind: "text" }), to) : undefined;
  },
  float: (value, _from, to) => {
    if (to.kind === "float") return to.bits === 64 ? plain(value, to) : narrowFloat(value);
    if (to.kind === "int") return floatToInt(value, to.bits);
    // The reference goes through the decimal text of the double.
    return to.kind === "decimal" ? tried(`CAST(CAST(${value} AS DOUBLE) AS VARCHAR)`, to) : undefined;
  },
  decimal: (value, _from, to) => {
    if (to.kind === "decimal") return tried(value, to);
    // DuckDB divides, which is off by a bit; the text of the digits is read as Java reads it.
    if (to.kind === "float") return plain(`CAST(CAST(${value} AS VARCHAR) AS DOUBLE)`, to);
    if (to.kind === "int") return wrapped(`CAST(trunc(${value}) AS HUGEINT)`, to.bits);
    return to.kind === "text" ? cut(plain(value, { kind: "text" }), to) : undefined;
  },
  text: (value, _from, to) => {
    if (to.kind === "text") return cut(value, to);
    if (to.kind === "binary") return to.max === undefined ? `encode(${value})` : bytesOf(`encode(${value})`, to.max, to.fixed === true);
    return to.kind === "timestamp" && to.zoned ? undefined : `CAST(trim(${value}) AS ${atomicType(to)})`;
  },
  binary: (value, _from, to) => {
    if (to.kind === "text") return cut(`decode(${value})`, to);
    if (to.kind !== "binary") return undefined;
    return to.max === undefined ? value : bytesOf(value, to.max, to.fixed === true);
  },
  date: (value, _from, to) => {
    if (to.kind === "text") return `CAST(${value} AS VARCHAR)`;
    return to.kind === "timestamp" && !to.zoned ? plain(value, to) : undefined;
  },
  time: (value, from, to) => {
    if (to.kind === "text") return timeText(value, from.precision);
    if (to.kind === "timestamp" && !to.zoned) return plain(`(DATE '1970-01-01' + CAST(${value} AS TIME))`, to);
    return to.kind === "time" ? value : undefined;
  },
  timestamp: (value, from, to) => {
    if (from.zoned !== true && to.kind === "date") return dateOf(value, from.precision);
    if (from.zoned !== true && to.kind === "text") return timestampText(value, from.precision);
    if (to.kind === "int" && to.bits >= 32) return wrapped(`(${milliseconds(value, from.precision)} // 1000)`, to.bits);
    // Between wall-clock times and instants lies the zone of the reader's machine, which no file states.
    if (to.kind !== "timestamp" || to.zoned !== from.zoned) return undefined;
    return to.precision >= from.precision ? plain(value, to) : coarser(value, from.precision, to);
  },
};

/** Milliseconds, floored, divided towards zero: before 1970 the reference answers the day after, unless it is midnight. */
function dateOf(value: string, precision: number): string {
  return `(DATE '1970-01-01' + CAST(${milliseconds(value, precision)} // 86400000 AS INTEGER))`;
}

/** Since the epoch, floored. */
function milliseconds(value: string, precision: number): string {
  const [epoch, unit] = precision > 6 ? [`epoch_ns(${value})`, 1_000_000] : [`epoch_us(${value})`, 1000];
  return `((${epoch} - ((${epoch} % ${unit}) + ${unit}) % ${unit}) // ${unit})`;
}

/** A count of seconds since the epoch as a time. */
function atSecond(value: string, precision: number): string {
  const seconds = `CAST(${value} AS BIGINT)`;
  return precision > 6 ? `make_timestamp_ns(${seconds} * 1000000000)` : `make_timestamp(${seconds} * 1000000)`;
}

/** As many digits as the type has, and more where they are not zeros. */
function timestampText(value: string, precision: number): string {
  const digits = precision > 6 ? `strftime(${value}, '%n')` : `strftime(${value}, '%f') || '000'`;
  const fraction = `rpad(rtrim(${digits}, '0'), CAST(greatest(${precision}, length(rtrim(${digits}, '0'))) AS INTEGER), '0')`;
  return `(strftime(${value}, '%Y-%m-%d %H:%M:%S') || CASE WHEN ${fraction} = '' THEN '' ELSE '.' || ${fraction} END)`;
}

/** Times have milliseconds, whatever their type says; zeros at the end are left out, but for one. */
function timeText(value: string, precision: number): string {
  const text = `strftime(DATE '1970-01-01' + CAST(${value} AS TIME), '%H:%M:%S.%f')`;
  if (precision === 0) return `left(${text}, 8)`;
  return `(left(${text}, 10) || rtrim(substr(${text}, 11, ${Math.min(precision, 3) - 1}), '0'))`;
}

function castAtomic(value: string, from: LogicalType, to: LogicalType): string {
  // The table is keyed by the kind of `from`, so the entry takes exactly this type.
  const cast = casts[from.kind] as ((value: string, from: LogicalType, to: LogicalType) => string | undefined) | undefined;
  const done = cast?.(value, from, to);
  if (done === undefined) throw noCast(atomicType(from), atomicType(to), whyNot(from, to));
  return done;
}

const UNKNOWN = "dw does not know for certain which values the reference reader gives for this change.";
const JAVA = "Paimon takes the text that Java gives for a number, and Java 19 and later write some shorter than earlier releases do.";
const ZONE = "Paimon takes the time zone of the machine that reads, which the table does not state.";

function whyNot(from: LogicalType, to: LogicalType): string {
  if (from.kind === "float" && to.kind === "text") return JAVA;
  const zoned = (type: LogicalType): boolean => type.kind === "timestamp" && type.zoned;
  return zoned(from) !== zoned(to) ? ZONE : UNKNOWN;
}

function noCast(from: string, to: string, why: string) {
  return unsupported(
    `A column was changed from ${from} to ${to}.`,
    why,
    "Compact the table fully with Paimon, so that its files are rewritten with the new type, or leave the column out.",
  );
}

function describe(type: PaimonType): string {
  return duckType(type);
}

function plain(value: string, to: LogicalType): string {
  return `CAST(${value} AS ${atomicType(to)})`;
}

/** Null where the value does not fit, as the reference answers for decimals. */
function tried(value: string, to: LogicalType): string {
  return `TRY_CAST(${value} AS ${atomicType(to)})`;
}

/** Java's narrowing conversion: the lower bits, as a signed number. */
export function wrapped(value: string, bits: 8 | 16 | 32 | 64 | 128): string {
  if (bits === 128) return value;
  const half = 2n ** BigInt(bits - 1);
  const shifted = `((CAST(${value} AS HUGEINT) + ${half}) & CAST(${2n * half - 1n} AS HUGEINT)) - ${half}`;
  return `CAST(${shifted} AS ${atomicType({ kind: "int", bits })})`;
}

/** Java's (int) and (long): towards zero, saturating, NaN is 0; smaller integers keep the lower bits of that int. */
function floatToInt(value: string, bits: 8 | 16 | 32 | 64 | 128): string {
  const wide = bits === 64 ? 64 : 32;
  const limit = 2n ** BigInt(wide - 1);
  const cases = `WHEN isnan(${value}) THEN 0 WHEN ${value} >= ${limit}::DOUBLE THEN ${limit - 1n} WHEN ${value} < -${limit}::DOUBLE THEN -${limit}`;
  return wrapped(`CASE ${cases} ELSE CAST(trunc(${value}) AS HUGEINT) END`, bits);
}

const FLOAT_MAX = "3.4028235677973366e38";

function narrowFloat(value: string): string {
  return `CASE WHEN abs(${value}) >= ${FLOAT_MAX}::DOUBLE AND NOT isnan(${value}) THEN CAST(sign(${value}) AS FLOAT) * 'Infinity'::FLOAT ELSE CAST(${value} AS FLOAT) END`;
}

/** CHAR(n) is padded and cut, VARCHAR(n) cut. */
function cut(value: string, to: LogicalType): string {
  if (to.kind !== "text" || to.max === undefined) return value;
  return to.padded ? `rpad(${value}, ${to.max}, ' ')` : `left(${value}, ${to.max})`;
}

function bytesOf(value: string, max: number, fixed: boolean): string {
  const hex = `hex(${value})`;
  return `from_hex(${fixed ? `rpad(${hex}, ${2 * max}, '0')` : `left(${hex}, ${2 * max})`})`;
}

/** Floored to milliseconds and finer; below, what remains of the milliseconds is cut off towards 1970, as the reference does. */
function coarser(value: string, from: number, to: LogicalType & { readonly kind: "timestamp" }): string {
  if (to.precision < 3) {
    const step = 10 ** (3 - to.precision);
    const micros = `((${milliseconds(value, from)} // ${step}) * ${step} * 1000)`;
    return to.zoned ? `(make_timestamp(${micros}) AT TIME ZONE 'UTC')` : `make_timestamp(${micros})`;
  }
  const unit = from > 6 ? 9 : 6;
  const epoch = unit === 9 ? `epoch_ns(${value})` : `epoch_us(${value})`;
  const step = 10n ** BigInt(unit - to.precision);
  const floored = `(${epoch} - ((${epoch} % ${step}) + ${step}) % ${step})`;
  if (to.precision > 6) return `make_timestamp_ns(${floored})`;
  const micros = unit === 9 ? `CAST(${floored} / 1000 AS BIGINT)` : floored;
  return to.zoned ? `(make_timestamp(${micros}) AT TIME ZONE 'UTC')` : `make_timestamp(${micros})`;
}
