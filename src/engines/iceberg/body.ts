import type { CatalogObject, Hole } from "../../core/catalog.js";
import type { JsonObject } from "../../core/json.js";

type Text = string | (Hole & JsonObject);

export type PartitionField =
  | { readonly transform: "identity" | "hour" | "day" | "month" | "year"; readonly column: string }
  | { readonly transform: "bucket" | "truncate"; readonly column: string; readonly width: number };

export type TableBody = {
  readonly columns: readonly { readonly name: string; readonly type: string; readonly nullable: boolean; readonly comment: string }[];
  /** Identifier fields: what makes a row, unchecked. */
  readonly key: readonly string[];
  readonly partitions: readonly PartitionField[];
  readonly sortedBy: readonly { readonly column: string; readonly order: "asc" | "desc" }[];
  readonly location?: Text;
  readonly properties: { readonly [name: string]: Text };
  readonly comment: string;
};

export function icebergTable(object: CatalogObject): CatalogObject<TableBody> {
  if (object.slot !== "iceberg" || object.kind !== "table") throw new Error(`${object.id} is not an Iceberg table`);
  return object as CatalogObject<TableBody>; // bodies of this slot are made by resolve only
}
