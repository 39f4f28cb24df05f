import type { Bound } from "./catalog.js";
import { isDateLike, isInteger as isIntegerType, type SqlType } from "./sql-type.js";

/** Texts in quotes, as the engine reads them into a type. What we are not sure about passes. */

export function isInteger(text: string, bits: number): boolean {
  if (!/^[+-]?\d+$/.test(text)) return false;
  const value = BigInt(text.replace(/^\+/, ""));
  const limit = 1n << BigInt(bits - 1);
  return value >= -limit && value < limit;
}

export function isNumberText(text: string): boolean {
  return /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?\s*$/.test(text);
}

const DATE = /^(\d{1,4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6}))?)?)?$/;

export function isDateText(text: string): boolean {
  const match = DATE.exec(text.trim());
  if (!match) return /^(?:\d{8}|\d{14})$/.test(text.trim()); // 20240131 and 20240131235959
  const [, , month = "", day = "", hour = "0", minute = "0", second = "0"] = match;
  return (
    Number(month) >= 1 &&
    Number(month) <= 12 &&
    Number(day) >= 1 &&
    Number(day) <= 31 &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60
  );
}

/** A comparable form: whole numbers as bigint, dates as a text that sorts. Undefined where we cannot compare. */
export function comparable(text: string, type: SqlType | undefined): bigint | string | undefined {
  if (type && isIntegerType(type)) return isInteger(text, 128) ? BigInt(text.replace(/^\+/, "")) : undefined;
  if (type && !isDateLike(type)) return undefined;
  const match = DATE.exec(text.trim()) ?? /^(\d{4})(\d{2})(\d{2})$/.exec(text.trim());
  if (!match) return undefined;
  const [, year = "", month = "", day = "", hour = "0", minute = "0", second = "0"] = match;
  const two = (part: string): string => part.padStart(2, "0");
  return `${year.padStart(4, "0")}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}`;
}

/** Negative, zero, positive; undefined where a value cannot be compared. */
export function compareBounds(a: Bound, b: Bound): number | undefined {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const left = index < a.length ? a[index] : "MIN";
    const right = index < b.length ? b[index] : "MIN";
    if (left === undefined || right === undefined) return undefined;
    if (left === right) continue;
    if (left === "MIN" || right === "MAX") return -1;
    if (left === "MAX" || right === "MIN") return 1;
    return left < right ? -1 : 1;
  }
  return 0;
}
