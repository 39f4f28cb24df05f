import { type Condition, conditions, type PredicateLiteral } from "./predicate.js";
import type { SourceColumn } from "./source.js";

/*
 * A predicate for a database that reads with its own SQL: what it can decide by an index, in the words of every server. DuckDB
 * applies the whole predicate afterwards, so that this may be weaker and never stronger.
 */

export interface Wording {
  readonly ident: (name: string) => string;
  readonly literal: (text: string) => string;
}

/** Comparisons of integers, dates and times with literals; undefined where the predicate has none. */
export function pushedDown(where: string | undefined, columns: readonly SourceColumn[], wording: Wording): string | undefined {
  const parts = where === undefined ? [] : conditions(where).flatMap((condition) => comparison(condition, columns, wording));
  return parts.length === 0 ? undefined : parts.join(" AND ");
}

function comparison(condition: Condition, columns: readonly SourceColumn[], { ident, literal }: Wording): string[] {
  const found = columns.filter(({ name }) => name.toLowerCase() === condition.column.toLowerCase());
  const [column] = found;
  if (column === undefined || found.length > 1) return [];
  if (condition.op === "is null") return [`${ident(column.name)} IS NULL`];
  if (!("value" in condition) || !isComparable(column, condition.value)) return [];
  return [`${ident(column.name)} ${condition.op} ${column.type.kind === "int" ? condition.value.text : literal(condition.value.text)}`];
}

/** Of the literal's own form: an integer, or a time that says UTC exactly where the column is zoned. */
function isComparable({ type }: SourceColumn, { kind, text }: PredicateLiteral): boolean {
  if (type.kind === "int") return kind === "number" && /^-?\d+$/.test(text);
  if (kind !== "text") return false;
  if (type.kind === "date") return /^\d{4}-\d\d-\d\d$/.test(text);
  if (type.kind !== "timestamp") return false;
  return type.zoned
    ? /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/.test(text)
    : /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/.test(text);
}

/** A predicate may use columns that nobody asked for; it can only name a column by writing its name. They are read, and left out again. */
export function alsoNamed<Column extends SourceColumn>(
  columns: readonly Column[],
  wanted: readonly Column[],
  where: string | undefined,
): readonly Column[] {
  if (where === undefined) return wanted;
  const mention = where.toLowerCase().replaceAll('""', '"');
  return columns.filter((column) => wanted.includes(column) || mention.includes(column.name.toLowerCase()));
}
