import type { CatalogObject } from "../../core/catalog.js";

/*
 * What a DuckDB object is in the catalog, as an engine of its own. Expressions are kept as written; what DuckDB makes of them
 * is compared by letting DuckDB make it (introspect.ts).
 */

export type ColumnBody = {
  readonly name: string;
  /** As DuckDB prints it: `DECIMAL(9,2)`, `TIMESTAMP WITH TIME ZONE`. */
  readonly type: string;
  readonly nullable: boolean;
  readonly default?: string;
  readonly generated?: string;
  readonly comment: string;
};

export type SchemaBody = { readonly comment: string };

export type TableBody = {
  readonly columns: readonly ColumnBody[];
  readonly key: readonly string[];
  readonly comment: string;
};

export type ViewBody = {
  readonly columns: readonly { readonly name: string; readonly comment: string }[];
  readonly query: string;
  readonly comment: string;
};

export type DuckdbObject =
  | (CatalogObject<SchemaBody> & { readonly kind: "schema" })
  | (CatalogObject<TableBody> & { readonly kind: "table" })
  | (CatalogObject<ViewBody> & { readonly kind: "view" });

/** The object with its body typed by its kind: bodies of this slot are made by resolve and introspect only. */
export function duckdbObject(object: CatalogObject): DuckdbObject {
  if (object.slot !== "duckdb" || !["schema", "table", "view"].includes(object.kind))
    throw new Error(`${object.id} is not an object of DuckDB`);
  return object as DuckdbObject;
}
