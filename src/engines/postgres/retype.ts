import type { Sql } from "../../core/sql.js";
import type { LogicalType } from "../../core/types.js";
import { raw, sql } from "./dialect.js";
import { logicalType } from "./types.js";

/** Between types that somebody declared only texts lead; their names are qualified. */
export function castText(value: Sql, from: string, to: string): Sql {
  const list = to.endsWith("[]") ? "[]" : "";
  return [from, to].some((type) => type.includes(".")) ? sql`${value}::text${raw(list)}::${raw(to)}` : sql`${value}::${raw(to)}`;
}

/**
 * What ALTER COLUMN TYPE costs. metadata: the stored bytes stay (PostgreSQL manual, ALTER TABLE, notes). rewrite: every row
 * is written again, each value stays equal. narrowing: rewritten, and some values are rounded, cut or refused.
 */
export type Retyping = "metadata" | "rewrite" | "narrowing";

export function retyping(from: string, to: string): Retyping {
  const [a, b] = [logicalType(from), logicalType(to)];
  if (a.kind !== b.kind) return crossKind(a, b) ? "rewrite" : "narrowing";
  return sameKind(a, b);
}

type KindOf<K extends LogicalType["kind"]> = Extract<LogicalType, { kind: K }>;
type Within = { readonly [K in LogicalType["kind"]]?: (a: KindOf<K>, b: KindOf<K>) => Retyping };

const grows = (fits: boolean, cost: Retyping): Retyping => (fits ? cost : "narrowing");

const within: Within = {
  text: (a, b) => {
    const fits = b.max === undefined || (a.max !== undefined && a.max <= b.max);
    return grows(fits, a.padded || b.padded ? "rewrite" : "metadata");
  },
  int: (a, b) => grows(b.bits >= a.bits, "rewrite"),
  float: (a, b) => grows(b.bits >= a.bits, "rewrite"),
  decimal: (a, b) => {
    const fits = b.scale >= a.scale && b.precision - b.scale >= a.precision - a.scale;
    return grows(fits, a.scale === b.scale ? "metadata" : "rewrite");
  },
  time: (a, b) => grows(b.precision >= a.precision, "metadata"),
  // Between zoned and zone-less the meaning depends on the session's zone.
  timestamp: (a, b) => grows(a.zoned === b.zoned && b.precision >= a.precision, "metadata"),
  json: () => "rewrite",
};

function sameKind(a: LogicalType, b: LogicalType): Retyping {
  const compare = within[a.kind] as ((a: LogicalType, b: LogicalType) => Retyping) | undefined; // both are of this kind
  return compare?.(a, b) ?? "narrowing";
}

const INTEGER_DIGITS: Readonly<Record<number, number>> = { 16: 5, 32: 10, 64: 19 };

function crossKind(a: LogicalType, b: LogicalType): boolean {
  if (a.kind === "int" && b.kind === "decimal") return b.precision - b.scale >= (INTEGER_DIGITS[a.bits] ?? 39);
  if (a.kind === "int" && b.kind === "float") return a.bits <= (b.bits === 64 ? 32 : 16);
  if (b.kind === "text") return b.max === undefined && !b.padded;
  return a.kind === "date" && b.kind === "timestamp" && !b.zoned;
}
