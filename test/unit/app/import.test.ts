import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCatalog } from "../../../src/app/catalog-file.js";
import { modelsOf } from "../../../src/app/import/models.js";
import { resolveWarehouse } from "../../../src/app/resolve.js";
import { type CatalogObject, catalogFor } from "../../../src/core/catalog.js";
import type { Fact } from "../../../src/core/change.js";
import { factsBetween } from "../../../src/core/diff.js";
import type { JsonObject } from "../../../src/core/json.js";
import { sameSql } from "../../../src/core/same-sql.js";
import { engines } from "../../../src/engines/index.js";
import { loadModels } from "../../../src/model/load.js";
import { modelFile } from "../../../src/model/print/file.js";
import { importer } from "../../../src/model/typescript.js";
import { projectFolder } from "../model/project-folder.js";

/** What a warehouse's committed catalog would look like to somebody who finds it in the engines. */
async function objectsOf(warehouse: string) {
  const file = join(import.meta.dirname, "../../../generated", warehouse, "catalog.json");
  const { objects } = catalogFor(parseCatalog(await readFile(file, "utf8"), file), "prod");
  return objects.flatMap(({ model: _, ...object }) => (engines.get(object.slot)?.toModel ? [withoutStandIn(object)] : []));
}

/** The query for DuckDB and the message key are dw's own; no engine keeps them. */
function withoutStandIn(object: CatalogObject): CatalogObject {
  if (object.kind === "topic") return { ...object, body: { ...object.body, key: [] } };
  const { query } = object.body;
  if (typeof query !== "object" || query === null || Array.isArray(query)) return object;
  const { duckdb: _, ...kept } = query as JsonObject; // an object that is no list
  return { ...object, body: { ...object.body, query: kept } };
}

/** Engines spell a query in their own way. */
function isMeant({ from, to }: Fact): boolean {
  return typeof from !== "string" || typeof to !== "string" || !sameSql(from, to);
}

describe.each(["ciapol", "iot", "streampark", "flow360", "weather"])("%s", (warehouse) => {
  test("its objects become model files that make the same objects again", async () => {
    const objects = await objectsOf(warehouse);
    const { models, unsaid, notes } = await modelsOf({ objects, unmodelled: [] }, warehouse, engines);
    const root = await projectFolder({});
    for (const model of models) {
      const path = join(root, "models", warehouse, `${model.name}.ts`);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, modelFile(model, { from: "dwright", fileOf: (name) => `./${name}.js`, notes: notes.get(model.name) ?? [] }));
    }
    const loaded = await loadModels(root, warehouse, await importer(root));
    const made = new Map(resolveWarehouse(warehouse, loaded, engines).catalog.objects.map((object) => [object.id, object]));
    const differences = objects.flatMap((object) => {
      const again = made.get(object.id);
      const normalize = engines.get(object.slot)?.normalize ?? ((same) => same);
      return again
        ? factsBetween(normalize(again).body, normalize(object).body)
            .filter(isMeant)
            .map(({ path, from, to }) => ({
              id: object.id,
              path: path.join("."),
              from,
              to,
            }))
        : [{ id: object.id, path: "missing" }];
    });
    expect(unsaid.filter(({ what }) => !what.includes("t.text() stands"))).toEqual([]);
    expect(differences).toEqual([]);
  });
});
