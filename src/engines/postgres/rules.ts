import type { CatalogObject } from "../../core/catalog.js";
import type { Change, Fact } from "../../core/change.js";
import { isJsonObject, type Json, type JsonObject, sameJson } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import {
  type CheckBody,
  type ColumnBody,
  type EnumBody,
  type ForeignKeyBody,
  type IndexBody,
  type KeyBody,
  type PartitioningBody,
  postgresObject,
} from "./body.js";
import { partitionColumns } from "./partitions.js";
import { asRenamed } from "./weave.js";

/** Decisions that only PostgreSQL has. `null` on one side: it is new, or it goes. */
export type PostgresAction =
  | { readonly action: "set-primary-key"; readonly from: KeyBody | null; readonly to: KeyBody | null }
  | { readonly action: "set-index"; readonly from: IndexBody | null; readonly to: IndexBody | null }
  | { readonly action: "set-foreign-key"; readonly from: ForeignKeyBody | null; readonly to: ForeignKeyBody | null }
  | { readonly action: "set-check"; readonly from: CheckBody | null; readonly to: CheckBody | null }
  | { readonly action: "add-enum-values"; readonly additions: readonly EnumAddition[] }
  | { readonly action: "rename-type"; readonly from: string; readonly to: string }
  | { readonly action: "set-partitions"; readonly from: PartitioningBody; readonly to: PartitioningBody }
  | { readonly action: "rename-index"; readonly from: string; readonly to: string }
  | { readonly action: "rename-constraint"; readonly from: string; readonly to: string };

/** A new value of an enum, and the one that it stands before; at the end where absent. */
export type EnumAddition = { readonly value: string; readonly before?: string };

type Altered = Extract<Change, { change: "altered" }>;
type Rule = (change: Altered) => readonly Operation[];

export function decide(change: Change, altered: Rule = alteredObject): Operation[] {
  switch (change.change) {
    case "added":
      return [{ op: "create-object", object: change.to }];
    case "removed":
      return [{ op: "drop-object", object: change.from }];
    case "altered":
      return [...renames(change), ...altered(change)];
  }
}

function renames({ from, to, renamed }: Altered): Operation[] {
  const object: Operation[] = renamed?.object ? [{ op: "rename-object", from, object: to }] : [];
  const columns = Object.entries(renamed?.columns ?? {});
  return [...object, ...columns.map(([before, after]): Operation => ({ op: "rename-column", object: to, from: before, to: after }))];
}

export const alteredObject: Rule = (change) => {
  const { kind } = postgresObject(change.to);
  switch (kind) {
    case "schema":
      return commentChanges(change);
    case "enum":
      return alteredEnum(change);
    case "role":
      return alteredRole(change);
    case "table":
      return alteredTable(change);
    case "view":
      return alteredView(change);
    case "materialized-view":
    case "continuous-aggregate":
      return alteredMaterializedView(change);
    case "function":
      return alteredFunction(change);
  }
};

/** Values are added in place; what takes one away or moves one is another type. */
const alteredEnum: Rule = (change) => {
  const { from, to, facts } = change;
  if (!facts.some(({ path }) => path[0] === "values")) return commentChanges(change);
  const [before, after] = [from.body.values as EnumBody["values"], to.body.values as EnumBody["values"]]; // the kind is enum
  const kept = after.filter((value) => before.includes(value));
  if (!sameJson(kept, before)) {
    const why = "An enum only takes values in; without one, or in another order, it is another type.";
    return [{ op: "rebuild-object", from, object: to, why }, ...commentChanges(change)];
  }
  const additions = after.flatMap((value, index): EnumAddition[] => {
    if (before.includes(value)) return [];
    const next = after.slice(index + 1).find((one) => before.includes(one));
    return [{ value, ...(next !== undefined && { before: next }) }];
  });
  return [{ op: "engine-action", object: to, action: { action: "add-enum-values", additions } }, ...commentChanges(change)];
};

const alteredRole: Rule = (change) => {
  const told = change.facts.some(({ path }) => path[0] !== "comment");
  return [...(told ? [{ op: "replace-object" as const, from: change.from, object: change.to }] : []), ...commentChanges(change)];
};

/** What must go goes before the columns that it stands on change, what is new comes after. */
const alteredTable: Rule = (change) => {
  const why = repartitionReason(change);
  if (why !== undefined) {
    return [{ op: "rebuild-object", from: asRenamed(change.from, change.to, change.renamed?.columns ?? {}), object: change.to, why }];
  }
  const parts = constraintChanges(change);
  const goes = parts.filter(({ action }) => action.to === null).reverse();
  const comes = parts.filter(({ action }) => action.to !== null);
  return [...goes, ...columnChanges(change), ...comes, ...partitionChanges(change), ...commentChanges(change)];
};

/** How rows are told apart is settled when a table is made, and so are the types that they are told apart by. */
function repartitionReason({ from, to, facts, renamed }: Altered): string | undefined {
  const before = partitioningOf(asRenamed(from, to, renamed?.columns ?? {}));
  const after = partitioningOf(to);
  if (before === undefined && after === undefined) return undefined;
  if (before === undefined || after === undefined) return "A table is partitioned or not from its making on.";
  if (before.strategy !== after.strategy || !sameJson(before.columns, after.columns))
    return "What a table is partitioned by cannot be altered.";
  const keys = partitionColumns(before);
  const retyped = facts.find(
    ({ path }) => path[0] === "columns" && keys.includes(path[1] ?? "") && (path[2] === "type" || path.length === 2),
  );
  return retyped && `The table is partitioned by ${retyped.path[1]}, whose type cannot be altered.`;
}

function partitioningOf({ body }: CatalogObject): PartitioningBody | undefined {
  return body.partitioning as PartitioningBody | undefined; // as resolve and introspect write it
}

function partitionChanges(change: Altered): Operation[] {
  const [from, to] = [partitioningOf(change.from), partitioningOf(change.to)];
  if (from === undefined || to === undefined || !change.facts.some(({ path }) => path[0] === "partitioning")) return [];
  return [{ op: "engine-action", object: change.to, action: { action: "set-partitions", from, to } }];
}

const alteredView: Rule = (change) => {
  const changed = change.facts.some(({ path }) => path[0] === "query" || (path[0] === "columns" && path.length === 2));
  if (!changed) return commentChanges(change);
  const columns = (object: CatalogObject): string[] => namesOf(object, "columns");
  const before = columns(change.from);
  // CREATE OR REPLACE VIEW may only add columns at the end.
  const replaceable = sameJson(before, columns(change.to).slice(0, before.length));
  if (replaceable)
    return [{ op: "replace-object", from: change.from, object: change.to }, ...newColumnComments(change), ...commentChanges(change)];
  return [
    {
      op: "rebuild-object",
      from: change.from,
      object: change.to,
      why: "Its columns change, and CREATE OR REPLACE VIEW can only add some at the end.",
    },
  ];
};

function newColumnComments({ to, facts }: Altered): Operation[] {
  return facts.flatMap(({ path, from, to: added }): Operation[] => {
    const comment = path[0] === "columns" && path.length === 2 && from === undefined && isJsonObject(added) ? added.comment : "";
    return typeof comment === "string" && comment !== "" ? [{ op: "set-comment", object: to, column: path[1] ?? "", comment }] : [];
  });
}

const alteredMaterializedView: Rule = (change) => {
  const changed = change.facts.some(({ path }) => path[0] === "query" || (path[0] === "columns" && path.length === 2));
  if (changed)
    return [{ op: "rebuild-object", from: change.from, object: change.to, why: "A materialized view's query cannot be altered." }];
  return [...constraintChanges(change), ...commentChanges(change)];
};

const alteredFunction: Rule = (change) => {
  const touched = new Set(change.facts.map(({ path }) => path[0]));
  if (touched.has("arguments") || touched.has("returns")) {
    return [
      { op: "rebuild-object", from: change.from, object: change.to, why: "Arguments and result type of a function cannot be replaced." },
    ];
  }
  const replaced = ["language", "volatility", "source"].some((part) => touched.has(part));
  return [...(replaced ? [{ op: "replace-object" as const, from: change.from, object: change.to }] : []), ...commentChanges(change)];
};

function commentChanges({ to, facts }: Altered): Operation[] {
  return facts.flatMap(({ path, from: before, to: comment }): Operation[] => {
    const texts = { from: typeof before === "string" ? before : "", comment: typeof comment === "string" ? comment : "" };
    if (path.length === 1 && path[0] === "comment") return [{ op: "set-comment", object: to, ...texts }];
    if (path[0] !== "columns" || path.length !== 3 || path[2] !== "comment" || path[1] === undefined) return [];
    return [{ op: "set-comment", object: to, column: path[1], ...texts }];
  });
}

/** Members of a named list of the body, by name. */
function members<Member>(object: CatalogObject, list: string): ReadonlyMap<string, Member> {
  const values = (object.body[list] ?? []) as readonly (JsonObject & { readonly name: string })[]; // bodies' lists of this engine have names
  return new Map(values.map((member) => [member.name, member as Member])); // the caller names the list's own type
}

function namesOf(object: CatalogObject, list: string): string[] {
  return [...members(object, list).keys()];
}

/**
 * Columns in the order drop, add, alter. Which columns are called what before is a matter of `facts`, which speak of the
 * new names; a column's order is no fact for PostgreSQL, which cannot move one.
 */
function columnChanges(change: Altered): Operation[] {
  const facts = change.facts.filter(({ path }) => path[0] === "columns" && path[1] !== "#order");
  const to = members<ColumnBody>(change.to, "columns");
  const drops: Operation[] = [];
  const adds: Operation[] = [];
  const alters: Operation[] = [];
  for (const name of new Set(facts.map(({ path }) => path[1] ?? ""))) {
    const own = facts.filter(({ path }) => path[1] === name);
    const whole = own.find(({ path }) => path.length === 2);
    if (whole?.from !== undefined) drops.push({ op: "drop-column", object: change.to, column: whole.from as JsonObject }); // a column's body
    if (whole?.to !== undefined) adds.push({ op: "add-column", object: change.to, column: whole.to as JsonObject });
    const column = to.get(name);
    if (whole === undefined && column !== undefined) alters.push(...columnAlterations(change.to, column, own, drops, adds));
  }
  return [...drops, ...adds, ...alters];
}

function columnAlterations(
  object: CatalogObject,
  column: ColumnBody,
  facts: readonly Fact[],
  drops: Operation[],
  adds: Operation[],
): Operation[] {
  const fact = (part: string): Fact | undefined => facts.find(({ path }) => path[2] === part);
  const before = beforeOf(column, facts);
  if (fact("generated") !== undefined) {
    // PostgreSQL below 17 cannot change the expression; the values are derived, so nothing is lost.
    drops.push({ op: "drop-column", object, column: before });
    adds.push({ op: "add-column", object, column });
    return [];
  }
  const operations: Operation[] = [];
  if (fact("type")) operations.push({ op: "retype-column", object, from: before, to: column });
  const fallback = fact("default");
  if (fallback) operations.push({ op: "set-default", object, column: column.name, from: fallback.from ?? null, to: fallback.to ?? null });
  if (fact("nullable")) operations.push({ op: "set-nullable", object, column: column.name, nullable: column.nullable });
  return operations;
}

/** The column as it was, under its new name. */
function beforeOf(column: ColumnBody, facts: readonly Fact[]): JsonObject {
  const before: Record<string, Json> = { ...column };
  for (const { path, from } of facts) {
    const part = path[2] ?? "";
    if (from === undefined) delete before[part];
    else before[part] = from;
  }
  return before;
}

type ConstraintChange = Extract<Operation, { op: "engine-action" }> & { readonly action: PostgresAction };

const LISTS = { indexes: "set-index", checks: "set-check", foreignKeys: "set-foreign-key" } as const;

/** Key, indexes and constraints; what only changed its name is renamed, what changed otherwise is dropped and made again. */
function constraintChanges(change: Altered): ConstraintChange[] {
  const actions: PostgresAction[] = primaryKeyChange(change);
  for (const [list, action] of Object.entries(LISTS)) actions.push(...listChanges(change, list, action));
  return actions.map((action) => ({ op: "engine-action", object: change.to, action }));
}

function primaryKeyChange({ from, to, facts }: Altered): PostgresAction[] {
  if (!facts.some(({ path }) => path[0] === "primaryKey")) return [];
  const before = (from.body.primaryKey ?? null) as KeyBody | null; // as resolve and introspect write it
  const after = (to.body.primaryKey ?? null) as KeyBody | null;
  const renamed = facts.every(({ path }) => path[0] !== "primaryKey" || path[1] === "name");
  if (renamed && before && after) return [{ action: "rename-constraint", from: before.name, to: after.name }];
  return [
    ...(before ? [{ action: "set-primary-key" as const, from: before, to: null }] : []),
    ...(after ? [{ action: "set-primary-key" as const, from: null, to: after }] : []),
  ];
}

type Named = JsonObject & { readonly name: string };

function listChanges({ from, to, facts }: Altered, list: string, action: (typeof LISTS)[keyof typeof LISTS]): PostgresAction[] {
  const touched = new Set(
    facts.flatMap(({ path }) => (path[0] === list && path[1] !== undefined && path[1] !== "#order" ? [path[1]] : [])),
  );
  const goes = [...members<Named>(from, list).values()].filter(({ name }) => touched.has(name));
  const comes = [...members<Named>(to, list).values()].filter(({ name }) => touched.has(name));
  const actions: PostgresAction[] = [];
  for (const old of goes) {
    const twin = comes.find((member) => member.name !== old.name && sameJson({ ...member, name: "" }, { ...old, name: "" }));
    if (twin === undefined)
      actions.push({ action, from: old, to: null } as unknown as PostgresAction); // list and action belong together in LISTS
    else {
      comes.splice(comes.indexOf(twin), 1);
      actions.push({ action: action === "set-index" ? "rename-index" : "rename-constraint", from: old.name, to: twin.name });
    }
  }
  return [...actions, ...comes.map((member) => ({ action, from: null, to: member }) as unknown as PostgresAction)]; // as above
}
