import { type Catalog, type CatalogObject, catalogOf, compareText } from "../core/catalog.js";
import type { Engine } from "../core/engine.js";
import { DwError } from "../core/errors.js";
import type { Finding } from "../core/finding.js";
import type { Loss } from "../core/loss.js";
import type { Model } from "../core/model.js";
import type { EngineName } from "../core/types.js";

export type Engines = ReadonlyMap<EngineName, Engine>;

/** What a warehouse's models want: the catalog over all engines, and what is lost and found on the way. */
export interface Wanted {
  readonly catalog: Catalog;
  readonly losses: readonly Loss[];
  readonly findings: readonly Finding[];
}

/**
 * Resolves one warehouse. Throws DW-MODEL-INVALID for an engine that does not exist and for two models that make the same
 * object, and what the engines throw (DW-TYPE-UNSUPPORTED, DW-TYPE-LOSSY).
 */
export function resolveWarehouse(warehouse: string, found: readonly Model[], engines: Engines): Wanted {
  const models = [...found].sort((a, b) => compareText(a.name, b.name)); // the order of files on a disk is not the models'
  const context = { warehouse, models: new Map(models.map((model) => [model.name, model])) };
  const resolved = slotsOf(models).map((slot) =>
    engineOf(engines, slot, models).resolve(
      models.filter((model) => slotsOf([model]).includes(slot)),
      context,
    ),
  );
  const objects = resolved.flatMap((part) => part.objects);
  refuseTwins(objects);
  return {
    catalog: catalogOf(warehouse, objects),
    losses: resolved.flatMap((part) => part.losses),
    findings: resolved.flatMap((part) => part.findings),
  };
}

/** Engines that some model names, sorted. A check's `on` names models, not engines. */
function slotsOf(models: readonly Model[]): EngineName[] {
  const slots = new Set<EngineName>();
  for (const model of models) {
    if (!("on" in model) || model.model === "check") continue;
    for (const [slot, options] of Object.entries(model.on)) if (options !== undefined) slots.add(slot as EngineName); // keys of EngineOptions
  }
  return [...slots].sort(compareText);
}

function engineOf(engines: Engines, slot: EngineName, models: readonly Model[]): Engine {
  const engine = engines.get(slot);
  if (engine) return engine;
  const model = models.find((candidate) => slotsOf([candidate]).includes(slot));
  throw new DwError("DW-MODEL-INVALID", {
    what: `${model?.origin?.file ?? ""} model ${model?.name}: on.${slot} names an engine that dw does not generate for.`.trim(),
    why: `dw generates for ${[...engines.keys()].sort(compareText).join(", ")}.`,
    fix: `Remove on.${slot} from the model.`,
  });
}

function refuseTwins(objects: readonly CatalogObject[]): void {
  const owners = new Map<string, CatalogObject>();
  for (const object of objects) {
    const twin = owners.get(object.id);
    if (twin) {
      throw new DwError("DW-MODEL-INVALID", {
        what: `Models ${twin.model} and ${object.model} both make ${object.id}.`,
        why: "Each would undo what the other one says.",
        fix: "Give one of them another name or schema for this engine (`name`, `schema` or `database` in `on`).",
      });
    }
    owners.set(object.id, object);
  }
}
