import type { Connections } from "../../connections/open.js";
import { type CatalogObject, displayName, objectFor } from "../../core/catalog.js";
import { order } from "../../core/order.js";
import { engines } from "../../engines/index.js";
import { resolveWarehouse } from "../resolve.js";
import type { Definition } from "./definition.js";

/**
 * Brings up to date what an emulation keeps as tables: materialized views over the backfill's target that nobody refreshes, nearest
 * first. Answers with their names. A server's own views are left to whoever schedules them there.
 */
export async function refreshEmulated(definition: Definition, connections: Connections, signal: AbortSignal): Promise<readonly string[]> {
  const { to } = definition;
  if (to.by !== "model") return [];
  const open = await connections.slot(to.slot);
  if (open.kind !== "duckdb" || open.emulates !== to.slot) return [];
  const { catalog } = resolveWarehouse(definition.warehouse ?? "", to.models, engines);
  const own = catalog.objects.filter(({ slot }) => slot === to.slot);
  const above = dependants(own, to.model.name).map((object) => objectFor(object, connections.environment.name));
  const { emulationOf } = await import("../../engines/duckdb/emulate.js");
  const { execute, refresh } = emulationOf(to.slot);
  const db = await open.duckdb.session(signal);
  try {
    const stored = above.filter((object) => refresh([object]).length > 0);
    for (const statement of refresh(stored)) await execute(db, statement, signal);
    return stored.map((object) => displayName(object.name));
  } finally {
    await db.close();
  }
}

/** Every object over the model's table, each after those that it reads. */
function dependants(objects: readonly CatalogObject[], model: string): readonly CatalogObject[] {
  const reached = new Set(objects.filter((object) => object.model === model && object.kind === "table").map(({ id }) => id));
  return order(objects.map((object) => ({ op: "create-object", object })))
    .map(({ object }) => object)
    .filter((object) => {
      const above = object.dependsOn.some((id) => reached.has(id));
      if (above) reached.add(object.id);
      return above;
    });
}
