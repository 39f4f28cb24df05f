import { type Catalog, type CatalogObject, compareText, type ObjectId } from "../core/catalog.js";
import type { Change } from "../core/change.js";
import type { Model } from "../core/model.js";

/** Something that a comparison does not change itself, and that reads or fills what it changes. */
export interface Reached {
  /** `view`, `topic`, `backfill`, `check`, … */
  readonly kind: string;
  readonly name: string;
  /** The changed object that it hangs on, as the catalog names it. */
  readonly through: string;
}

/**
 * How far changes reach: objects that read them, over several steps, and the backfills and checks of the models behind them.
 * What is only added reaches nothing yet. `models` is empty where nobody has run them (a git revision).
 */
export function reachOf(changes: readonly Change[], catalogs: readonly Catalog[], models: readonly Model[]): Reached[] {
  const objects = new Map(catalogs.flatMap(({ objects: all }) => all.map((object) => [object.id, object] as const)));
  const changed = new Set(changes.map(({ id }) => id));
  const roots = changes
    .filter(({ change }) => change !== "added")
    .map((change) => (change.change === "altered" ? change.from.id : change.id));
  const through = new Map<ObjectId, ObjectId>(roots.map((id) => [id, id]));
  for (const id of through.keys()) {
    for (const object of objects.values()) {
      if (object.dependsOn.includes(id) && !through.has(object.id)) through.set(object.id, through.get(id) ?? id);
    }
  }
  const readers = [...through].flatMap(([id, root]): Reached[] => {
    const object = objects.get(id);
    return object === undefined || changed.has(id) || roots.includes(id) ? [] : [{ kind: object.kind, name: id, through: root }];
  });
  const named = new Map([...through].flatMap(([id, root]) => modelsOf(objects.get(id)).map((name) => [name, root] as const)));
  const all = [...readers, ...models.flatMap((model) => reachedModel(model, named))];
  return all.sort((a, b) => compareText(`${a.kind} ${a.name}`, `${b.kind} ${b.name}`));
}

function modelsOf(object: CatalogObject | undefined): string[] {
  return object?.model === undefined ? [] : [object.model];
}

function reachedModel(model: Model, named: ReadonlyMap<string, ObjectId>): Reached[] {
  if (model.model === "backfill") {
    const root = named.get(model.to);
    return root === undefined ? [] : [{ kind: "backfill", name: model.name, through: root }];
  }
  if (model.model === "check") {
    const root = model.on.map((name) => named.get(name)).find((id) => id !== undefined);
    return root === undefined ? [] : [{ kind: "check", name: model.name, through: root }];
  }
  const root = named.get(model.name);
  const checks = "checks" in model ? (model.checks?.length ?? 0) : 0;
  return root === undefined || checks === 0 ? [] : [{ kind: "check", name: `${checks} of ${model.name}`, through: root }];
}
