import type { Condition, PredicateLiteral } from "../../core/predicate.js";
import { CUTOVER_DAYS } from "./calendar.js";
import type { ReadRequest } from "./file.js";
import type { Bound, ColumnStatistics, OrcType, TypeKind } from "./metadata.js";

/*
 * Which stripes and row groups cannot hold a row for which all conditions are true, by their statistics. What is not known
 * is read: a bound that is missing, a literal that DuckDB would compare otherwise, a type whose order is not plain (floats
 * have NaN, which is in no bound; a char is padded).
 */

/** A bound or a literal, brought to a form in which those of one type compare. */
type Place = bigint | string | Decimal;

interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

interface Order {
  /** undefined for a bound or literal that cannot be relied upon. */
  readonly bound: (bound: Bound, side: "min" | "max") => Place | undefined;
  readonly literal: (literal: PredicateLiteral) => Place | undefined;
  readonly compare: (a: Place, b: Place) => number;
}

const byInteger = (a: Place, b: Place): number => (a < b ? -1 : a > b ? 1 : 0);
/** DuckDB and ORC order texts by their bytes. */
const byBytes = (a: Place, b: Place): number => Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));

const integers: Order = {
  bound: (bound) => (typeof bound === "bigint" ? bound : undefined),
  literal: ({ kind, text, type }) => (kind === "number" && type === undefined && /^-?\d{1,18}$/.test(text) ? BigInt(text) : undefined),
  compare: byInteger,
};

/** Before this day the calendar of the file may be another than that of the literal. */
const dates: Order = {
  bound: (bound) => (typeof bound === "bigint" && bound >= CUTOVER_DAYS ? bound : undefined),
  literal: ({ kind, text, type }) => (kind === "text" && (type ?? "DATE") === "DATE" ? dayOf(text) : undefined),
  compare: byInteger,
};

const texts: Order = {
  // what was no valid UTF-8 was replaced when the statistics were decoded
  bound: (bound) => (typeof bound === "string" && !bound.includes("\ufffd") ? bound : undefined),
  literal: ({ kind, text, type }) => (kind === "text" && (type ?? "VARCHAR") === "VARCHAR" ? text : undefined),
  compare: byBytes,
};

const decimals: Order = {
  bound: (bound) => (typeof bound === "string" ? decimalOf(bound) : undefined),
  literal: ({ kind, text, type }) => (kind === "number" && type === undefined && text.length <= 18 ? decimalOf(text) : undefined),
  compare: byDecimal,
};

const MILLIS_A_DAY = 86_400_000;
const MICROS_A_DAY = 86_400_000_000n;

/**
 * Statistics are milliseconds, which writers rounded in more than one way, and zone-less ones had the writer's zone in them
 * before ORC-135: bounds are moved apart by a day.
 */
const timestamps: Order = {
  bound: (bound, side) =>
    typeof bound === "bigint" && bound >= CUTOVER_DAYS * MILLIS_A_DAY
      ? bound * 1000n + (side === "min" ? -MICROS_A_DAY : MICROS_A_DAY)
      : undefined,
  literal: ({ kind, text, type }) => (kind === "text" && (type ?? "TIMESTAMP") === "TIMESTAMP" ? microsOf(text) : undefined),
  compare: byInteger,
};

const orders: Readonly<Partial<Record<TypeKind, Order>>> = {
  byte: integers,
  short: integers,
  int: integers,
  long: integers,
  date: dates,
  string: texts,
  varchar: texts,
  decimal: decimals,
  timestamp: timestamps,
  "timestamp-instant": timestamps,
};

/** A filter for `OrcFile.batches`; undefined where nothing can be left out. Columns are top-level fields, by name without case. */
export function rowFilter(schema: OrcType, conditions: readonly Condition[]): ReadRequest["wanted"] {
  const tests = conditions.flatMap((condition) => {
    const found = schema.children.filter((_, index) => schema.fieldNames[index]?.toLowerCase() === condition.column.toLowerCase());
    const [type] = found;
    return type === undefined || found.length > 1 ? [] : [{ id: type.id, mayHold: testOf(type, condition) }];
  });
  if (tests.length === 0) return undefined;
  return (statistics) => tests.every(({ id, mayHold }) => mayHold(statistics[id]));
}

type MayHold = (statistics: ColumnStatistics | undefined) => boolean;

function testOf(type: OrcType, condition: Condition): MayHold {
  if ("values" in condition) return comparison(type, "=", condition.values);
  if ("value" in condition) return comparison(type, condition.op, [condition.value]);
  return condition.op === "is null" ? (known) => known?.hasNull !== false : (known) => known?.values !== 0;
}

function comparison(type: OrcType, op: keyof typeof reachable, values: readonly PredicateLiteral[]): MayHold {
  const order = orders[type.kind];
  const literals = values.map((literal) => order?.literal(literal));
  return (known) => {
    if (known?.values === 0) return false; // a comparison with NULL is never true
    if (order === undefined || known?.min === undefined || known.max === undefined) return true;
    const [min, max] = [order.bound(known.min, "min"), order.bound(known.max, "max")];
    if (min === undefined || max === undefined) return true;
    return literals.some((literal) => literal === undefined || reachable[op](order.compare(min, literal), order.compare(max, literal)));
  };
}

/** Whether a value between bounds can compare so with a literal, by how the two bounds do. */
const reachable = {
  "=": (min: number, max: number) => min <= 0 && max >= 0,
  "<": (min: number) => min < 0,
  "<=": (min: number) => min <= 0,
  ">": (_: number, max: number) => max > 0,
  ">=": (_: number, max: number) => max >= 0,
} as const;

function decimalOf(text: string): Decimal | undefined {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text) ?? [];
  return whole === "" ? undefined : { unscaled: BigInt(`${sign}${whole}${fraction}`), scale: fraction.length };
}

function byDecimal(a: Place, b: Place): number {
  if (typeof a !== "object" || typeof b !== "object") throw new RangeError("not decimals");
  return byInteger(a.unscaled * 10n ** BigInt(b.scale), b.unscaled * 10n ** BigInt(a.scale));
}

/** Days since the epoch of a text that is a date in exactly this form. */
function dayOf(text: string): bigint | undefined {
  const millis = /^[1-9]\d{3}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(millis) || !new Date(millis).toISOString().startsWith(text)) return undefined;
  return BigInt(millis / 86_400_000);
}

/** Microseconds since the epoch, UTC; a text with a zone is left alone. */
function microsOf(text: string): bigint | undefined {
  const [, date = "", hour = "00", minute = "00", second = "00", fraction = ""] =
    /^(\d{4}-\d\d-\d\d)(?:[ T]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6}))?)?)?$/.exec(text) ?? [];
  const day = dayOf(date);
  if (day === undefined) return undefined;
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  return day * MICROS_A_DAY + BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, "0"));
}
