import { type Catalog, type CatalogObject, objectId } from "../../core/catalog.js";
import { DwError } from "../../core/errors.js";
import { isJsonObject } from "../../core/json.js";
import type { SourceModel } from "../../core/model.js";
import type { CheckableModel } from "./select.js";

/*
 * Tables that only other engines write: dw cannot send Paimon and Iceberg a query, but it reads their files, where a catalog
 * says in which folder they lie.
 */

/** The model's files as a source, in an environment's catalog. DW-CONNECTION-UNSUPPORTED where nobody says where they are. */
export function lakeOf(model: CheckableModel, { objects }: Catalog): SourceModel {
  for (const object of objects) {
    if (object.model !== model.name || object.kind !== "table") continue;
    const at = places[object.slot]?.(object, objects);
    if (at !== undefined) return { model: "source", name: model.name, at };
  }
  throw notAsked(model);
}

type Place = (object: CatalogObject, objects: readonly CatalogObject[]) => string | undefined;

const places: Readonly<Partial<Record<CatalogObject["slot"], Place>>> = {
  // a catalog of files: WAREHOUSE/DATABASE.db/TABLE (Paimon's manual, "Filesystem Catalog")
  paimon: ({ name: [catalog = "", database = "", table = ""] }, objects) => {
    const properties = objects.find(({ id }) => id === objectId("paimon", "external-catalog", [catalog]))?.body.properties ?? null;
    const warehouse = isJsonObject(properties) ? properties.warehouse : undefined;
    return typeof warehouse === "string" ? `paimon:${local(warehouse)}/${database}.db/${table}` : undefined;
  },
  iceberg: ({ body: { location } }) => (typeof location === "string" ? `iceberg:${local(location)}` : undefined),
};

function local(place: string): string {
  return place.replace(/^file:(\/\/)?(?=\/)/, "").replace(/\/$/, "");
}

function notAsked(model: CheckableModel): DwError {
  const slots = "on" in model ? Object.keys(model.on).join(" and ") : "";
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `The rows of ${model.name} cannot be asked for.`,
    why:
      slots === ""
        ? "It is on no engine."
        : `It is on ${slots}, for which dw writes statements and sends none, and no model says where its files lie.`,
    fix: "Check the table that it fills, or define a source for its files and put the checks there.",
  });
}
