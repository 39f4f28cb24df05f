import type { CatalogObject } from "./catalog.js";
import type { Change } from "./change.js";
import type { Operation } from "./operation.js";

export type Altered = Extract<Change, { change: "altered" }>;

/** What an engine decides by itself; `here` is the object as it was, under its new name. */
export interface Alterations {
  readonly renameColumn: (object: CatalogObject, from: string, to: string) => Operation;
  readonly table: (change: Altered, here: CatalogObject) => readonly Operation[];
  /** Views and what else is made of a text; called with at least one fact. */
  readonly query: (change: Altered, here: CatalogObject) => readonly Operation[];
}

/** Decisions of engines that rename in place: objects first, then columns, then what has changed under the new names. */
export function decided(change: Change, { renameColumn, table, query }: Alterations): readonly Operation[] {
  if (change.change === "added") return [{ op: "create-object", object: change.to }];
  if (change.change === "removed") return [{ op: "drop-object", object: change.from }];
  const { from, to, facts, renamed } = change;
  const here: CatalogObject = { ...from, id: to.id, name: to.name };
  const moved: Operation[] = renamed?.object ? [{ op: "rename-object", from, object: here }] : [];
  if (to.kind !== "table") return facts.length === 0 ? moved : [...moved, ...query(change, here)];
  const columns = Object.entries(renamed?.columns ?? {}).map(([old, now]) => renameColumn(to, old, now));
  return [...moved, ...columns, ...table(change, here)];
}
