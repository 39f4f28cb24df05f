import type { Catalog, CatalogObject, ObjectId } from "../../core/catalog.js";
import type { JsonObject } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import type { StarrocksAction } from "./actions.js";

/*
 * A base table that loses a column, changes one or is swapped makes the asynchronous materialized views over it inactive, and
 * they stay so (recorded: mv-base-changes). They are activated again and refreshed once everything below them is done.
 */

export function weave(operations: readonly Operation[], _: Catalog, after: Catalog): readonly Operation[] {
  return [...operations, ...restore(operations, after)];
}

/** The way back of an operation shakes the same objects; one that adds a column takes it away then. */
export function restore(operations: readonly Operation[], catalog: Catalog): readonly Operation[] {
  const shaken = new Set(operations.filter(shakes).map(({ object }) => object.id));
  const views = dependants(shaken, catalog).filter(({ id }) => !isMadeAnew(id, operations));
  return views.map(activation);
}

const COLUMN_CHANGES: ReadonlySet<string> = new Set([
  "drop-column",
  "rename-column",
  "retype-column",
  "set-nullable",
  "alter-columns",
  "alter-fields",
]);

function shakes(operation: Operation): boolean {
  if (operation.op === "rebuild-object") return true;
  if (operation.op === "replace-object") return operation.object.kind !== "database";
  return COLUMN_CHANGES.has(operation.op === "engine-action" ? String(operation.action.action) : operation.op);
}

/** Materialized views over one of the objects, directly or through views. */
function dependants(roots: ReadonlySet<ObjectId>, { objects }: Catalog): CatalogObject[] {
  const reached = new Set(roots);
  for (let grew = true; grew; ) {
    const fresh = objects.filter(
      (object) => !reached.has(object.id) && object.slot === "starrocks" && object.dependsOn.some((id) => reached.has(id)),
    );
    for (const { id } of fresh) reached.add(id);
    grew = fresh.length > 0;
  }
  return objects.filter(({ id, kind }) => kind === "materialized-view" && reached.has(id) && !roots.has(id));
}

/** A view that is created or replaced in the same plan reads what is there then. */
function isMadeAnew(id: ObjectId, operations: readonly Operation[]): boolean {
  return operations.some(({ op, object }) => object.id === id && (op === "create-object" || op === "replace-object"));
}

function activation(object: CatalogObject): Operation {
  const action: StarrocksAction = { action: "activate" };
  return { op: "engine-action", object, action: action as StarrocksAction & JsonObject }; // actions are JSON by construction
}
