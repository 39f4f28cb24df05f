import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { PostgresObject } from "./body.js";

export type TableObject = Extract<PostgresObject, { kind: "table" }>;

/** `model.column`, as findings name places. */
export function placeOf(object: CatalogObject, column?: string): string {
  const name = object.model ?? displayName(object.name);
  return column === undefined ? name : `${name}.${column}`;
}
