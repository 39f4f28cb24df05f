import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { Finding } from "../../core/finding.js";
import { duckdbObject, type TableBody } from "./body.js";

/** What DuckDB refuses: names that differ in case only, a key on a generated column or on one that may be NULL. */
export function lint(objects: readonly CatalogObject[]): readonly Finding[] {
  return objects
    .map(duckdbObject)
    .flatMap((object) => (object.kind === "table" ? tableFindings(object.model ?? displayName(object.name), object.body) : []));
}

function tableFindings(place: string, { columns, key }: TableBody): Finding[] {
  const error = (rule: string, column: string, message: string, fix: string): Finding => ({
    rule: `duckdb/${rule}`,
    severity: "error",
    message: `${place}.${column}: ${message}.`,
    fix,
    place: `${place}.${column}`,
  });
  return columns.flatMap((column, index) => {
    const twin = columns.findIndex((other) => other.name.toLowerCase() === column.name.toLowerCase()) < index;
    const inKey = key.includes(column.name);
    return [
      ...(twin ? [error("column-twice", column.name, "column names differ in case only", "Rename one of them.")] : []),
      ...(inKey && column.nullable ? [error("key-null", column.name, "a key column may be NULL", "Remove .nullable().")] : []),
      ...(inKey && column.generated !== undefined
        ? [error("key-generated", column.name, "a generated column cannot be in the key", "Take it out of the key.")]
        : []),
    ];
  });
}
