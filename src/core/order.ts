import { compareText, type ObjectId } from "./catalog.js";
import type { Operation } from "./operation.js";

/**
 * Operations in an order in which each finds what it needs: drops first (dependants before what they depend on), then
 * the rest (what is depended on before its dependants), late drops last. Ties keep object-id order, so that a
 * plan is deterministic. Operations on one object keep their relative order.
 */
export function order(operations: readonly Operation[]): Operation[] {
  const drops = operations.filter((operation) => operation.op === "drop-object" && !isLate(operation));
  const late = operations.filter(isLate);
  const rest = operations.filter((operation) => operation.op !== "drop-object" && !isLate(operation));
  return [...byDependency(drops).reverse(), ...byDependency(rest), ...byDependency(late)];
}

function isLate(operation: Operation): boolean {
  return (operation.op === "drop-column" || operation.op === "drop-object") && operation.late === true;
}

function byDependency(operations: readonly Operation[]): Operation[] {
  const groups = new Map<ObjectId, Operation[]>();
  for (const operation of operations) {
    const group = groups.get(operation.object.id);
    if (group) group.push(operation);
    else groups.set(operation.object.id, [operation]);
  }
  const done = new Set<ObjectId>();
  const sorted: Operation[] = [];
  const visit = (id: ObjectId): void => {
    if (done.has(id)) return;
    done.add(id); // before the recursion: a cycle (views that name each other) must end
    const group = groups.get(id) ?? [];
    for (const needed of new Set(group.flatMap((operation) => operation.object.dependsOn))) {
      if (groups.has(needed)) visit(needed);
    }
    sorted.push(...group);
  };
  for (const id of [...groups.keys()].sort(compareText)) visit(id);
  return sorted;
}
