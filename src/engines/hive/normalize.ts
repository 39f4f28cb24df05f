import type { CatalogObject } from "../../core/catalog.js";
import { hiveObject, type TableBody } from "./body.js";
import { typeText } from "./type-text.js";

/** Hive keeps names in lower case, spells types in lower case and stores text files when nothing is said. */
export function normalize(object: CatalogObject): CatalogObject {
  const typed = hiveObject(object);
  const name = typed.name.map((part) => part.toLowerCase());
  return typed.kind === "table" ? { ...typed, name, body: table(typed.body) } : { ...typed, name };
}

const lower = (names: readonly string[]): string[] => names.map((name) => name.toLowerCase());

function table(body: TableBody): TableBody {
  const { format } = body;
  const storedAs = format.storedAs ?? (format.storedBy === undefined ? "TEXTFILE" : undefined);
  return {
    ...body,
    columns: body.columns.map((column) => ({ ...column, name: column.name.toLowerCase(), type: typeText(column.type) })),
    partitions: body.partitions.map((column) => ({ ...column, name: column.name.toLowerCase(), type: typeText(column.type) })),
    clusteredBy: lower(body.clusteredBy),
    sortedBy: body.sortedBy.map((sort) => ({ ...sort, column: sort.column.toLowerCase() })),
    key: lower(body.key),
    format: { ...format, ...(storedAs !== undefined && { storedAs }) },
  };
}
