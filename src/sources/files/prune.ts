import type { Condition, PredicateLiteral } from "../../core/predicate.js";
import type { SourceColumn } from "../../core/source.js";
import type { TableFile } from "./listing.js";

/**
 * Whether a file can hold rows for which all conditions are true, by the values of its folders. Only untyped folders are
 * judged, as the texts that they are; a column that a model types is left to DuckDB.
 */
export function mayHold(file: TableFile, conditions: readonly Condition[], columns: readonly SourceColumn[]): boolean {
  return conditions.every((condition) => {
    const part = file.partition.find(({ name }) => name.toLowerCase() === condition.column.toLowerCase());
    const isText = columns.some(({ name, type }) => name === part?.name && type.kind === "text");
    return part === undefined || !isText || mayBeTrue(part.value, condition);
  });
}

function mayBeTrue(value: string | null, condition: Condition): boolean {
  if (condition.op === "is null") return value === null;
  if (value === null) return false; // a comparison with NULL is never true, and IS NOT NULL is false
  if (condition.op === "in") return condition.values.some((literal) => !isText(literal) || literal.text === value);
  if (!("value" in condition) || !isText(condition.value)) return true;
  const order = Buffer.compare(Buffer.from(value), Buffer.from(condition.value.text)); // DuckDB orders texts by their bytes
  return orders[condition.op](order);
}

const orders = {
  "=": (order: number) => order === 0,
  "<": (order: number) => order < 0,
  "<=": (order: number) => order <= 0,
  ">": (order: number) => order > 0,
  ">=": (order: number) => order >= 0,
} as const;

/** A literal of another type would change how DuckDB compares. */
function isText(literal: PredicateLiteral): boolean {
  return literal.kind === "text" && literal.type === undefined;
}
