import type { EnvironmentPlans } from "./build-plan.js";
import { type Catalog, type CatalogObject, catalogOf, type ObjectId } from "./catalog.js";
import { DwError } from "./errors.js";
import { approvalLine, approvalNeeded, type HazardKind } from "./hazard.js";
import { type Json, sameJson } from "./json.js";
import type { Plan, Statement } from "./plan.js";

/** A migration as it lies on disk (DESIGN §5). */
export interface Migration {
  /** `<stamp>_<slug>`; ids sort by age. */
  readonly id: string;
  /** Of all its files; what the state store remembers of an applied migration. */
  readonly hash: string;
  /** The migration that it was made after; absent for the first one. */
  readonly previous?: string;
  /** Declared in intent.yaml: it was made beside others, and may be applied after younger ones. */
  readonly outOfOrder?: true;
  /** Migrations made beside its line that it was made after, too. */
  readonly knows?: readonly string[];
  /** The catalog after it, with holes. */
  readonly state: Catalog;
  readonly plans: EnvironmentPlans;
}

/** A warehouse's migrations, oldest first. */
export interface History {
  readonly warehouse: string;
  readonly migrations: readonly Migration[];
}

/** The catalog after all migrations; empty before the first. */
export function lastState(history: History): Catalog {
  return stateOf(history, history.migrations);
}

/** The catalog that a migration starts from. */
export function stateBefore(history: History, id: string): Catalog {
  const index = history.migrations.findIndex((migration) => migration.id === id);
  return stateOf(history, history.migrations.slice(0, Math.max(index, 0)));
}

/** The catalog after it, where all older ones are applied too. */
export function stateAfter(history: History, id: string): Catalog {
  const index = history.migrations.findIndex((migration) => migration.id === id);
  return stateOf(history, history.migrations.slice(0, index + 1));
}

/** The catalog after some of a history's migrations, in the history's order. */
export function stateOf(history: History, migrations: readonly Migration[]): Catalog {
  const last = migrations.at(-1);
  if (last === undefined) return { warehouse: history.warehouse, objects: [] };
  const known = ancestors(history, last);
  if (migrations.every((other) => other === last || known.has(other.id))) return last.state;
  const { removed, changed } = changesOf(history, last);
  const before = stateOf(history, migrations.slice(0, -1)).objects.filter(({ id }) => !removed.has(id) && !changed.has(id));
  return catalogOf(history.warehouse, [...before, ...[...changed.values()].flatMap(({ to }) => to)]);
}

/** The last migration of the line that `new` goes on with, and those beside it. */
export function lineOf({ migrations }: Pick<History, "migrations">): { readonly last: string | undefined; readonly beside: string[] } {
  const beside = migrations.filter(({ outOfOrder }) => outOfOrder).map(({ id }) => id);
  return { last: migrations.findLast(({ outOfOrder }) => !outOfOrder)?.id, beside };
}

/** What a migration was made after. */
function ancestors({ migrations }: History, migration: Migration): Set<string> {
  const byId = new Map(migrations.map((one) => [one.id, one]));
  const found = new Set<string>();
  const open = [migration];
  for (let next = open.pop(); next; next = open.pop()) {
    for (const id of [...(next.previous === undefined ? [] : [next.previous]), ...(next.knows ?? [])]) {
      const older = byId.get(id);
      if (older === undefined || found.has(id)) continue;
      found.add(id);
      open.push(older);
    }
  }
  return found;
}

interface ObjectChange {
  readonly from: readonly CatalogObject[];
  readonly to: readonly CatalogObject[];
}

/** Objects that a migration itself changes, before and after. */
function changesOf(history: History, migration: Migration): { removed: Set<ObjectId>; changed: Map<ObjectId, ObjectChange> } {
  const known = ancestors(history, migration);
  const base = stateOf(
    history,
    history.migrations.filter(({ id }) => known.has(id)),
  );
  const before = new Map(base.objects.map((object) => [object.id, object]));
  const after = new Map(migration.state.objects.map((object) => [object.id, object]));
  const changed = new Map<ObjectId, ObjectChange>();
  for (const id of new Set([...before.keys(), ...after.keys()])) {
    const [from, to] = [before.get(id), after.get(id)];
    if (from && to && sameJson(from as unknown as Json, to as unknown as Json)) continue; // catalog objects are JSON
    changed.set(id, { from: from ? [from] : [], to: to ? [to] : [] });
  }
  return { removed: new Set([...before.keys()].filter((id) => !after.has(id))), changed };
}

/** Migrations made beside each other hold in either order only when neither touches what the other one does: DW-MIGRATION-ORDER. */
export function proveIndependent(history: History): void {
  const { migrations } = history;
  if (!migrations.some(({ outOfOrder }) => outOfOrder)) return;
  for (const [index, migration] of migrations.entries()) {
    const known = ancestors(history, migration);
    for (const other of migrations.slice(0, index)) {
      const shared = known.has(other.id) ? undefined : meeting(history, migration, other);
      if (shared !== undefined) throw notIndependent(migration.id, other.id, shared);
    }
  }
}

function meeting(history: History, a: Migration, b: Migration): ObjectId | undefined {
  const [own, theirs] = [changesOf(history, a).changed, changesOf(history, b).changed];
  const leansOn = (changes: Map<ObjectId, ObjectChange>, others: Map<ObjectId, ObjectChange>): ObjectId | undefined =>
    [...changes.values()].flatMap(({ from, to }) => [...from, ...to].flatMap(({ dependsOn }) => dependsOn)).find((id) => others.has(id));
  return [...own.keys()].find((id) => theirs.has(id)) ?? leansOn(own, theirs) ?? leansOn(theirs, own);
}

function notIndependent(id: string, other: string, shared: ObjectId): DwError {
  return new DwError("DW-MIGRATION-ORDER", {
    what: `${id} and ${other} were made beside each other, and both have to do with ${shared}.`,
    why: "Applied in another order they would leave another state, whatever intent.yaml declares.",
    fix: `Delete the one that no environment has applied, run \`dw migrate rehash\`, and make it again with \`dw migrate new\`.`,
  });
}

/**
 * The id of a migration made at `now` (milliseconds since the epoch): always after `last`, also when a clock ran behind or two
 * were made in one second. Throws DW-USAGE for a name of which no letter or digit remains.
 */
export function migrationId(name: string, now: number, last?: string): string {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 60);
  if (slug === "") {
    throw new DwError("DW-USAGE", {
      what: `A migration cannot be named ${JSON.stringify(name)}.`,
      why: "The name becomes part of a folder's name: letters a–z, digits and underscores.",
      fix: "Say in a word or two what changes: `dw migrate new add_paid_column`.",
    });
  }
  const earliest = last === undefined ? now : Math.max(now, stampTime(last) + 1000);
  return `${stamp(earliest)}_${slug}`;
}

export const MIGRATION_ID = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)_[a-z0-9_]+$/;

function stamp(time: number): string {
  return new Date(time).toISOString().replace(/\D/g, "").slice(0, 14);
}

function stampTime(id: string): number {
  const [, year, month, day, hour, minute, second] = (MIGRATION_ID.exec(id) ?? []).map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

/** A hazard that stops a run, with the line that approves it. */
export interface Unapproved {
  readonly line: string;
  readonly hazard: HazardKind;
  readonly why: string;
  readonly statement: Statement;
}

/** Hazards of a plan that need approval and have none. */
export function unapproved(plan: Plan, approvals: ReadonlySet<string>): Unapproved[] {
  return plan.statements.flatMap((statement) =>
    statement.hazards
      .filter((hazard) => approvalNeeded.has(hazard.kind))
      .map((hazard) => ({ line: approvalLine(hazard.kind, statement.id), hazard: hazard.kind, why: hazard.why, statement }))
      .filter(({ line }) => !approvals.has(line)),
  );
}
