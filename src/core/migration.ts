import type { EnvironmentPlans } from "./build-plan.js";
import type { Catalog } from "./catalog.js";
import { DwError } from "./errors.js";
import { approvalLine, approvalNeeded, type HazardKind } from "./hazard.js";
import type { Plan, Statement } from "./plan.js";

/** A migration as it lies on disk (DESIGN §5). */
export interface Migration {
  /** `<stamp>_<slug>`; ids sort by age. */
  readonly id: string;
  /** Of all its files; what the state store remembers of an applied migration. */
  readonly hash: string;
  /** The migration that it was made after; absent for the first one. */
  readonly previous?: string;
  /** The catalog after it, with holes. */
  readonly state: Catalog;
  readonly plans: EnvironmentPlans;
}

/** A warehouse's migrations, oldest first. */
export interface History {
  readonly warehouse: string;
  readonly migrations: readonly Migration[];
}

/** The catalog after the newest migration; empty before the first. */
export function lastState(history: History): Catalog {
  return history.migrations.at(-1)?.state ?? { warehouse: history.warehouse, objects: [] };
}

/** The catalog that a migration starts from. */
export function stateBefore(history: History, id: string): Catalog {
  const index = history.migrations.findIndex((migration) => migration.id === id);
  return history.migrations[index - 1]?.state ?? { warehouse: history.warehouse, objects: [] };
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
