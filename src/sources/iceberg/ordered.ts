import type { PredicateLiteral } from "../../core/predicate.js";
import { unscaled } from "./constants.js";
import type { IcebergType } from "./schema.js";

/*
 * Values in the order of their column, for leaving files out: integers, times and decimals as bigint, floats as numbers,
 * text as its UTF-8 bytes. Where a value cannot be understood exactly the answer is undefined, and nothing is left out.
 */

export type Ordered = bigint | number | Uint8Array;

/** Negative, zero or positive; undefined where the two are not of one kind. */
export function compareOrdered(a: Ordered, b: Ordered): number | undefined {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if (a instanceof Uint8Array || b instanceof Uint8Array) return undefined;
  return a < b ? -1 : a > b ? 1 : 0; // neither is NaN: boundOf and literalOf give none
}

type FromBytes = (bytes: Uint8Array, view: DataView) => Ordered | undefined;

const littleInteger: FromBytes = ({ length }, view) =>
  length === 4 ? BigInt(view.getInt32(0, true)) : length === 8 ? view.getBigInt64(0, true) : undefined;
const littleFloat: FromBytes = ({ length }, view) =>
  length === 4 ? view.getFloat32(0, true) : length === 8 ? view.getFloat64(0, true) : undefined;

export const MICROS_PER_DAY = 86_400_000_000n;

/** Four bytes are days from before the column was promoted (spec, "Schema Evolution"). */
const instant =
  (perMicro: bigint): FromBytes =>
  ({ length }, view) =>
    length === 4 ? BigInt(view.getInt32(0, true)) * MICROS_PER_DAY * perMicro : length === 8 ? view.getBigInt64(0, true) : undefined;

const fromBytes: Readonly<Partial<Record<IcebergType["kind"], FromBytes>>> = {
  int: littleInteger,
  long: littleInteger,
  date: littleInteger,
  time: littleInteger,
  float: littleFloat,
  double: littleFloat,
  timestamp: instant(1n),
  timestamptz: instant(1n),
  timestamp_ns: instant(1000n),
  timestamptz_ns: instant(1000n),
  string: (bytes) => bytes,
  decimal: (bytes) => (bytes.length > 0 && bytes.length <= 17 ? unscaled(bytes) : undefined),
};

/** A bound as manifests hold it (Appendix D, "Binary single-value serialization"). */
export function boundOf(bytes: Uint8Array, type: IcebergType): Ordered | undefined {
  const value = fromBytes[type.kind]?.(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return typeof value === "number" && Number.isNaN(value) ? undefined : value;
}

type FromLiteral = (literal: PredicateLiteral, type: IcebergType) => Ordered | undefined;

const integer: FromLiteral = ({ kind, text }) => (kind === "number" && /^-?\d{1,30}$/.test(text) ? BigInt(text) : undefined);
/** A fraction would be rounded to the column's type, in a way that is DuckDB's own. */
const wholeFloat: FromLiteral = ({ kind, text }) => (kind === "number" && /^-?\d{1,7}$/.test(text) ? Number(text) : undefined);
const time =
  (perMicro: bigint, zoned: boolean): FromLiteral =>
  ({ kind, text, type }) => {
    if (kind !== "text" || type === "VARCHAR") return undefined;
    const micros = microsOf(text, zoned);
    return micros === undefined ? undefined : micros * perMicro;
  };

const fromLiteral: Readonly<Partial<Record<IcebergType["kind"], FromLiteral>>> = {
  int: integer,
  long: integer,
  float: wholeFloat,
  double: wholeFloat,
  date: ({ kind, text, type }) =>
    kind === "text" && (type === undefined || type === "DATE") && /^\d{4}-\d\d-\d\d$/.test(text) ? daysOf(text) : undefined,
  timestamp: time(1n, false),
  timestamptz: time(1n, true),
  timestamp_ns: time(1000n, false),
  timestamptz_ns: time(1000n, false),
  string: ({ kind, text, type }) => (kind === "text" && (type === undefined || type === "VARCHAR") ? Buffer.from(text) : undefined),
  decimal: (literal, type) => (type.kind === "decimal" ? decimalOf(literal, type.scale) : undefined),
};

export function literalOf(literal: PredicateLiteral, type: IcebergType): Ordered | undefined {
  return fromLiteral[type.kind]?.(literal, type);
}

function decimalOf({ kind, text }: PredicateLiteral, scale: number): bigint | undefined {
  const [, whole = "", fraction = ""] = /^(-?\d{1,18})(?:\.(\d{1,18}))?$/.exec(text) ?? [];
  if (kind !== "number" || whole === "" || fraction.length > scale) return undefined;
  return BigInt(whole + fraction.padEnd(scale, "0"));
}

function daysOf(text: string): bigint | undefined {
  const ms = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(ms) ? undefined : BigInt(ms / 86_400_000);
}

/** `2024-01-31`, `2024-01-31 10:00:00.5`, and with `Z` or an offset of hours and minutes where the column has a zone. */
function microsOf(text: string, zoned: boolean): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d(?::\d\d)?)?)?$/.exec(text);
  const days = match?.[1] === undefined ? undefined : daysOf(match[1]);
  const [hours, minutes, seconds, fraction = "", zone] = match?.slice(2) ?? [];
  if (days === undefined || (zone !== undefined && !zoned)) return undefined;
  const clock = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0);
  return days * MICROS_PER_DAY + BigInt(clock - offsetSeconds(zone)) * 1_000_000n + BigInt(fraction.padEnd(6, "0"));
}

function offsetSeconds(zone: string | undefined): number {
  if (zone === undefined || zone === "Z") return 0;
  const [hours, minutes = "0"] = zone.slice(1).split(":");
  return (zone.startsWith("-") ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
}
