import type { CatalogObject } from "../../core/catalog.js";
import { withUnit } from "../../core/comments.js";
import type { Loss } from "../../core/loss.js";
import { mappedType } from "../../core/mapped-column.js";
import type { TableModel, TopicModel } from "../../core/model.js";
import type { ColumnBody, Held, Properties } from "./body.js";
import type { InPaimonCatalog } from "./options.js";
import { mapType } from "./types.js";

const LABELS = { flink: "Flink", paimon: "Paimon" } as const;

/** Columns of a model in Flink's types; `engine` says whose `.as` and `.accept` count. */
export function columnBodies(model: TableModel | TopicModel, engine: "flink" | "paimon", losses: Loss[]): ColumnBody[] {
  return Object.entries(model.columns).map(([name, column]) => {
    const own = column.as?.[engine];
    const mapping = own === undefined ? mapType(column.type) : { native: own, level: "lossless" as const, note: "" };
    const type = mappedType({ engine, label: LABELS[engine], model, name, column, mapping }, losses);
    return { name, type, nullable: column.nullable, comment: withUnit(column) };
  });
}

/** `Comment. Grain: …`. */
export function tableComment(model: TableModel | TopicModel): string {
  const grain = model.model === "table" ? `Grain: ${model.grain}.` : "";
  return [model.comment === undefined ? "" : `${model.comment}.`, grain].filter((part) => part !== "").join(" ");
}

/** Catalog, database and table of a model that is on Paimon. */
export function paimonName(
  model: { readonly name: string; readonly on: CatalogObject["body"] },
  warehouse: string,
): [string, string, string] {
  const { catalog = "paimon", database = warehouse, name = model.name } = paimonOptions(model);
  return [catalog, database, name];
}

export function paimonCatalog(model: { readonly on: CatalogObject["body"] }): { readonly name: string; readonly properties: Properties } {
  const { catalog = "paimon", warehouse } = paimonOptions(model);
  return { name: catalog, properties: { type: "paimon", warehouse: warehouse as Held<string> } }; // a Hole is JSON
}

function paimonOptions({ on }: { readonly on: CatalogObject["body"] }): InPaimonCatalog {
  return on.paimon as unknown as InPaimonCatalog; // typed when the model was written
}
