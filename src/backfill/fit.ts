import type { LogicalType } from "../core/types.js";
import { typeText } from "../core/types.js";

/**
 * What happens to values on their way from one logical type into another.
 * fits: every value arrives equal. checked: values that do not fit are refused while loading, none is changed.
 * lossy: some values would be changed. impossible: there is no conversion that a person would expect.
 */
export interface Fit {
  readonly fit: "fits" | "checked" | "lossy" | "impossible";
  readonly note: string;
}

const fits: Fit = { fit: "fits", note: "" };
const checked = (note: string): Fit => ({ fit: "checked", note });
const lossy = (note: string): Fit => ({ fit: "lossy", note });

type Kind = LogicalType["kind"];
type Of<K extends Kind> = Extract<LogicalType, { kind: K }>;
type Rules = { readonly [K in Kind]: (from: Of<K>, to: LogicalType) => Fit | undefined };

/** Timestamps are judged here only for their digits; zones are the mapping's business. */
export function fitOf(from: LogicalType, to: LogicalType): Fit {
  const rule = rules[from.kind] as (from: LogicalType, to: LogicalType) => Fit | undefined; // rules[k] takes the member with kind k
  return rule(from, to) ?? { fit: "impossible", note: `${typeText(from)} is not ${typeText(to)}` };
}

/** Characters of HH:MM:SS.ffffff with so many digits after the second: what engines without a TIME keep. */
export const timeLength = (precision: number): number => (precision === 0 ? 8 : 9 + precision);

/** Decimal digits that an integer of so many bits can need; unsigned ones need as many, except 64 bits (20). */
const INT_DIGITS = { 8: 3, 16: 5, 32: 10, 64: 19, 128: 39 } as const;
/** Integers that a float of so many bits holds exactly. */
const FLOAT_INT_BITS = { 32: 24, 64: 53 } as const;

const rules: Rules = {
  boolean: (_, to) => (to.kind === "boolean" ? fits : undefined),
  int: (from, to) => {
    if (to.kind === "int") return intRange(from).every((edge) => insideInt(edge, to)) ? fits : lossy("not every integer is in range");
    if (to.kind === "decimal") return to.precision - to.scale >= intDigits(from) ? fits : lossy("not every integer has so few digits");
    if (to.kind === "float") return from.bits <= FLOAT_INT_BITS[to.bits] ? fits : lossy("large integers are rounded");
    return undefined;
  },
  float: (from, to) => {
    if (to.kind === "float") return from.bits <= to.bits ? fits : lossy("doubles are rounded to single precision");
    if (to.kind === "decimal" || to.kind === "int") return lossy("binary fractions are rounded");
    return undefined;
  },
  decimal: (from, to) => {
    if (to.kind === "decimal") return decimalFit(from, to);
    if (to.kind === "int") return from.scale === 0 && from.precision < intDigits(to) ? fits : lossy("digits would be cut");
    if (to.kind === "float") return lossy("decimals are rounded to binary fractions");
    return undefined;
  },
  text: (from, to) => {
    if (to.kind === "text")
      return to.max === undefined || (from.max ?? Infinity) <= to.max ? fits : checked(`at most ${to.max} characters`);
    if (to.kind === "json") return checked("must be JSON");
    if (to.kind === "native") return checked(`must read as ${to.type}`);
    if (to.kind === "enum") return checked(`one of ${to.values.join(", ")}`);
    return undefined;
  },
  binary: (from, to) =>
    to.kind !== "binary" ? undefined : to.max === undefined || (from.max ?? Infinity) <= to.max ? fits : checked(`at most ${to.max} bytes`),
  date: (_, to) => (to.kind === "date" || to.kind === "timestamp" ? fits : undefined),
  time: (from, to) => {
    if (to.kind === "time") return digits(from.precision, to.precision);
    return to.kind === "text" && from.precision <= 6 && (to.max ?? Infinity) >= timeLength(from.precision) ? fits : undefined;
  },
  timestamp: (from, to) => {
    if (to.kind === "timestamp") return digits(from.precision, to.precision);
    if (to.kind === "date") return lossy("the time of day would be cut");
    return undefined;
  },
  interval: (_, to) => (to.kind === "interval" ? fits : undefined),
  uuid: (_, to) => (to.kind === "uuid" || (to.kind === "text" && (to.max ?? Infinity) >= 36) ? fits : undefined),
  json: (_, to) => (to.kind === "json" || (to.kind === "text" && to.max === undefined) ? fits : undefined),
  enum: (from, to) => {
    if (to.kind === "text") return from.values.every((value) => [...value].length <= (to.max ?? Infinity)) ? fits : checked("length");
    if (to.kind !== "enum") return undefined;
    return from.values.every((value) => to.values.includes(value)) ? fits : checked(`one of ${to.values.join(", ")}`);
  },
  list: (from, to) => (to.kind === "json" ? fits : to.kind === "list" ? nested(fitOf(from.element.type, to.element.type)) : undefined),
  map: (from, to) => {
    if (to.kind === "json") return fits;
    return to.kind === "map" ? nested(fitOf(from.key, to.key), fitOf(from.value.type, to.value.type)) : undefined;
  },
  struct: (from, to) => {
    if (to.kind === "json") return fits;
    return to.kind === "struct" ? structFit(from, to) : undefined;
  },
  native: (from, to) => (to.kind === "native" && to.engine === from.engine && to.type === from.type ? fits : undefined),
};

function intRange({ bits, unsigned }: Of<"int">): readonly [bigint, bigint] {
  const width = BigInt(bits);
  return unsigned ? [0n, 2n ** width - 1n] : [-(2n ** (width - 1n)), 2n ** (width - 1n) - 1n];
}

function insideInt(value: bigint, type: Of<"int">): boolean {
  const [low, high] = intRange(type);
  return low <= value && value <= high;
}

const intDigits = (type: Of<"int">): number => INT_DIGITS[type.bits] + (type.unsigned && type.bits === 64 ? 1 : 0);

function decimalFit(from: Of<"decimal">, to: Of<"decimal">): Fit {
  if (to.scale < from.scale) return lossy(`digits after the ${to.scale}th would be rounded`);
  return to.precision - to.scale >= from.precision - from.scale ? fits : lossy("not every number has so few digits");
}

function digits(from: number, to: number): Fit {
  return from <= to ? fits : lossy(`digits after the ${to}th of a second would be cut`);
}

/** Inside lists, maps and structs nothing can be checked value by value: anything but a fit is the worst of its parts. */
function nested(...parts: readonly Fit[]): Fit {
  const order = ["impossible", "lossy", "checked", "fits"] as const;
  return order.map((name) => parts.find((part) => part.fit === name)).find((part) => part !== undefined) ?? fits;
}

function structFit(from: Of<"struct">, to: Of<"struct">): Fit {
  const names = (type: Of<"struct">): string => type.fields.map((field) => field.name).join(", ");
  if (names(from) !== names(to)) return { fit: "impossible", note: `fields ${names(from)} are not ${names(to)}` };
  return nested(...from.fields.map((field, index) => fitOf(field.type, to.fields[index]?.type ?? field.type)));
}
