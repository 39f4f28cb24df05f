import type { CatalogObject, Hole } from "../../core/catalog.js";
import type { Json, JsonObject } from "../../core/json.js";

/** A value that may still be a hole; render sees it filled. */
export type Held<T extends Json> = T | (Hole & JsonObject);

export type Properties = { readonly [name: string]: Held<string> };

export type ColumnBody = {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  /** What the connector fills it from. */
  readonly metadata?: string;
  readonly comment: string;
};

/** A table in Flink SQL: with a connector, or in a Paimon catalog. */
export type TableBody = {
  readonly columns: readonly ColumnBody[];
  readonly key: readonly string[];
  readonly partitions: readonly string[];
  readonly watermark?: { readonly column: string; readonly delay: string };
  readonly properties: Properties;
  readonly comment: string;
};

/** A table or catalog that a job's text brings along: a session of Flink begins without any. */
export type NamedTable = { readonly name: string; readonly table: TableBody };
export type CatalogBody = { readonly name: string; readonly properties: Properties };

export type JobBody = {
  readonly into: readonly string[];
  readonly settings: { readonly [name: string]: Held<string> };
  readonly catalogs: readonly CatalogBody[];
  readonly tables: readonly NamedTable[];
};

export type ViewBody = {
  readonly columns: readonly { readonly name: string; readonly comment: string }[];
  readonly query: string;
  readonly comment: string;
  readonly job?: JobBody;
};

export type FlinkObject = (CatalogObject<TableBody> & { readonly kind: "table" }) | (CatalogObject<ViewBody> & { readonly kind: "view" });

/** The object with its body typed by its kind: bodies of this slot are made by resolve only. */
export function flinkObject(object: CatalogObject): FlinkObject {
  if (object.slot !== "flink" || (object.kind !== "table" && object.kind !== "view"))
    throw new Error(`${object.id} is not an object of Flink`);
  return object as FlinkObject;
}
