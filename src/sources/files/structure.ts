/* What DuckDB finds of the shape of JSON values (`json_structure`), and what it would find of several at once. */

export type Structure = string | readonly Structure[] | { readonly [key: string]: Structure };

/** Rising: each holds the values of those before it, except that NULL is of every type. */
const NUMBERS = ["UBIGINT", "BIGINT", "HUGEINT", "DOUBLE"];

export function isNumber(found: Structure): boolean {
  return typeof found === "string" && NUMBERS.includes(found);
}

export function joined(a: Structure, b: Structure): Structure {
  if (a === b || b === "NULL") return a;
  if (a === "NULL") return b;
  if (typeof a === "string" || typeof b === "string") return isNumber(a) && isNumber(b) ? wider(String(a), String(b)) : "JSON";
  if (Array.isArray(a) && Array.isArray(b)) return [joined(a[0] ?? "NULL", b[0] ?? "NULL")];
  return isMembers(a) && isMembers(b) ? joinedObjects(a, b) : "JSON";
}

/** Of an object, by key. */
export type Members = Readonly<Record<string, Structure>>;

export function isMembers(found: Structure): found is Members {
  return typeof found === "object" && !Array.isArray(found);
}

export function joinedObjects(a: Members, b: Members): Members {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(names.map((name) => [name, joined(own(a, name), own(b, name))]));
}

function own(members: Members, name: string): Structure {
  return Object.hasOwn(members, name) ? (members[name] ?? "NULL") : "NULL";
}

function wider(a: string, b: string): string {
  return NUMBERS[Math.max(NUMBERS.indexOf(a), NUMBERS.indexOf(b))] ?? "DOUBLE";
}

/** Of the values of one key. */
export interface NumberFacts extends Record<string, unknown> {
  readonly name: string;
  readonly fractions: number;
  /** How many of them leave the range of a double. */
  readonly infinite: number;
  readonly longest: number | null;
  readonly low: string | null;
  readonly high: string | null;
}

export function joinedFacts(a: NumberFacts, b: NumberFacts): NumberFacts {
  return {
    name: a.name,
    fractions: a.fractions + b.fractions,
    infinite: a.infinite + b.infinite,
    longest: a.longest === null || b.longest === null ? (a.longest ?? b.longest) : Math.max(a.longest, b.longest),
    low: extreme(a.low, b.low, (one, other) => one < other),
    high: extreme(a.high, b.high, (one, other) => one > other),
  };
}

function extreme(a: string | null, b: string | null, isFarther: (one: bigint, other: bigint) => boolean): string | null {
  if (a === null || b === null) return a ?? b;
  return isFarther(BigInt(a), BigInt(b)) ? a : b;
}
