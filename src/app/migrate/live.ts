import { type Catalog, type CatalogObject, catalogOf, type ObjectId } from "../../core/catalog.js";
import type { Fact } from "../../core/change.js";
import { diff } from "../../core/diff.js";
import type { Introspected } from "../../core/engine.js";
import type { Operation } from "../../core/operation.js";
import type { Statement, StatementBody } from "../../core/plan.js";
import type { EngineName } from "../../core/types.js";

/** What serves an engine slot of an environment, as migrations see it: something to look at and to act on. */
export interface LiveSlot {
  readonly slot: EngineName;
  /** The engine that stands in for the slot's own, in an embedded environment. */
  readonly emulatedBy?: EngineName;
  /** What the stand-in does differently, for people. */
  readonly deviations?: readonly string[];
  /** The objects of `wanted`, as far as they exist, and what else lies beside them. */
  readonly introspect: (warehouse: string, wanted: Catalog) => Promise<Introspected>;
  /** The form in which an object of ours and one that was looked at are equal when they are the same. */
  readonly normalize: (object: CatalogObject) => CatalogObject;
  /** What the stand-in executes for an operation. */
  readonly emulate?: (operation: Operation) => readonly StatementBody[];
  /** Bytes that an object takes on disk; undefined when it is not there. */
  readonly bytes?: (object: CatalogObject) => Promise<number | undefined>;
  /** Several statements only when all are transactional: all or none. */
  readonly run: (statements: readonly Statement[], signal: AbortSignal, say?: (line: string) => void) => Promise<void>;
}

export type LiveSlots = ReadonlyMap<EngineName, LiveSlot>;

/** How one live object differs from what was expected; `facts` lead from the expected to the live one. */
export interface Difference {
  readonly id: ObjectId;
  readonly is: "missing" | "unexpected" | "different";
  readonly facts: readonly Fact[];
}

export interface LiveComparison {
  readonly differences: readonly Difference[];
  /** Live objects that no catalog of ours names. Never dropped. */
  readonly foreign: readonly CatalogObject[];
  readonly unmodelled: Introspected["unmodelled"];
}

/**
 * Compares live objects with a catalog (holes filled). `ids` are the objects that matter: an id among them that `expected`
 * lacks must not exist. `looked` are objects whose absence is to be noticed although nothing expects them.
 */
export async function compareLive(
  slots: LiveSlots,
  expected: Catalog,
  ids?: ReadonlySet<ObjectId>,
  looked: readonly CatalogObject[] = [],
): Promise<LiveComparison> {
  const parts = [];
  for (const slot of slots.values()) {
    const own = (object: CatalogObject): boolean => object.slot === slot.slot && (ids?.has(object.id) ?? true);
    const wanted = expected.objects.filter(own);
    const beside = looked.filter((object) => own(object) && !wanted.some(({ id }) => id === object.id));
    if (wanted.length + beside.length === 0 && ids !== undefined) continue;
    parts.push(await compareSlot(slot, expected.warehouse, wanted, beside, ids));
  }
  return {
    differences: parts.flatMap((part) => part.differences),
    foreign: parts.flatMap((part) => part.foreign),
    unmodelled: parts.flatMap((part) => part.unmodelled),
  };
}

async function compareSlot(
  slot: LiveSlot,
  warehouse: string,
  wanted: readonly CatalogObject[],
  beside: readonly CatalogObject[],
  ids: ReadonlySet<ObjectId> | undefined,
): Promise<LiveComparison> {
  const { catalog, unmodelled } = await slot.introspect(warehouse, catalogOf(warehouse, [...wanted, ...beside]));
  const known = new Set([...wanted, ...beside].map((object) => object.id));
  const matters = (object: CatalogObject): boolean => ids?.has(object.id) ?? known.has(object.id);
  const live = catalogOf(warehouse, catalog.objects.filter(matters).map(slot.normalize));
  const ours = catalogOf(warehouse, wanted.map(slot.normalize));
  return {
    differences: diff(ours, live).map(difference),
    foreign: catalog.objects.filter((object) => !known.has(object.id)),
    unmodelled,
  };
}

function difference(change: ReturnType<typeof diff>[number]): Difference {
  if (change.change === "added") return { id: change.id, is: "unexpected", facts: [] };
  if (change.change === "removed") return { id: change.id, is: "missing", facts: [] };
  return { id: change.id, is: "different", facts: change.facts };
}
