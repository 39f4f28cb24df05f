import type { CatalogObject, ObjectId } from "../../core/catalog.js";
import { type History, type Unapproved, unapproved } from "../../core/migration.js";
import type { Plan } from "../../core/plan.js";
import type { StateStore } from "../../core/state.js";
import { compareLive, type LiveSlots } from "./live.js";

/*
 * Databases and schemas often exist before dw: somebody with more rights made them. One that is just as a migration would
 * make it is used as it is, and remembered, so that no way back and no later migration ever drops it with what others keep
 * in it. Tables and views are never taken over like this: their rows would be.
 */

const containers: ReadonlySet<string> = new Set(["database", "schema"]);

const SCOPE = "adopted";

/** What a warehouse uses and did not make. */
export async function adoptedObjects(store: Pick<StateStore, "get">, warehouse: string): Promise<ReadonlySet<ObjectId>> {
  const ids = await store.get(SCOPE, warehouse);
  return new Set(Array.isArray(ids) ? (ids as ObjectId[]) : []); // written by `adopt`
}

/** Remembers them before anything is executed: after a crash too many are spared, never too few. */
export async function adopt(store: Pick<StateStore, "get" | "put">, warehouse: string, found: readonly ObjectId[]): Promise<void> {
  if (found.length === 0) return;
  const all = new Set([...(await adoptedObjects(store, warehouse)), ...found]);
  await store.put(SCOPE, warehouse, [...all].sort());
}

/** Containers that the plan creates and that are there already, equal to what it makes. */
export async function foundAlready(plan: Plan, slots: LiveSlots, warehouse: string): Promise<ObjectId[]> {
  const found: ObjectId[] = [];
  for (const object of containersOf(plan, "create-object")) {
    if (!slots.has(object.slot) || slots.get(object.slot)?.emulate) continue;
    const { differences } = await compareLive(slots, { warehouse, objects: [object] }, new Set([object.id]));
    if (differences.length === 0) found.push(object.id);
  }
  return found;
}

/** Of adopted ones, those that the plan would drop. */
export function sparedBy(plan: Plan, adopted: ReadonlySet<ObjectId>): ReadonlySet<ObjectId> {
  const dropped = containersOf(plan, "drop-object").map(({ id }) => id);
  return new Set(dropped.filter((id) => adopted.has(id)));
}

interface Place {
  readonly history: Pick<History, "warehouse">;
  readonly slots: LiveSlots;
  readonly store: Pick<StateStore, "get">;
}

/** Hazards that stop a run here: of slots that are served, and of what is really executed. What is not ours stays, and endangers nothing. */
export async function unapprovedHere(
  steps: readonly { readonly plan: Plan }[],
  approvals: ReadonlySet<string>,
  { history, slots, store }: Place,
): Promise<Unapproved[]> {
  const adopted = await adoptedObjects(store, history.warehouse);
  return steps.flatMap(({ plan }) => {
    const spared = sparedBy(plan, adopted);
    return unapproved(plan, approvals).filter(({ statement }) => slots.has(statement.slot) && !spared.has(statement.object));
  });
}

function containersOf(plan: Plan, op: "create-object" | "drop-object"): CatalogObject[] {
  return plan.operations.filter((operation) => operation.op === op && containers.has(operation.object.kind)).map(({ object }) => object);
}
