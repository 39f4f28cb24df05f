import { buildPlans, type EnvironmentPlans, type Planners } from "../../core/build-plan.js";
import type { Catalog } from "../../core/catalog.js";
import { DwError } from "../../core/errors.js";
import { type History, lastState, lineOf, migrationId, type Unapproved, unapproved } from "../../core/migration.js";
import type { EngineName } from "../../core/types.js";
import type { Engines } from "../resolve.js";
import { type MigrationFolder, type NewMigration, readHistory, writeMigration } from "./folder.js";
import { type Intent, proposeApprovals, readIntent, statedRenames } from "./intent.js";

/** What leads from the last migration to the models. */
export interface PendingChange {
  readonly previous: string | undefined;
  readonly plans: EnvironmentPlans;
  /** Hazards of any environment that would need an approval. */
  readonly hazards: readonly Unapproved[];
}

/** Engines as planners; a slot without an engine is a bug, since resolving has refused it. */
export function plannersOf(engines: Engines): Planners {
  return (slot: EngineName) => {
    const engine = engines.get(slot);
    if (!engine) throw new Error(`no engine for the slot ${slot}`);
    return engine;
  };
}

/** The next migration, were it made now; undefined when models and migrations agree. Throws DW-INTENT-INVALID. Pure. */
export function pendingChange(history: History, wanted: Catalog, engines: Engines, intent: Intent): PendingChange | undefined {
  const from = lastState(history);
  const plans = buildPlans(from, wanted, plannersOf(engines), statedRenames(intent, from, wanted));
  if (Object.values(plans).every((plan) => plan.operations.length === 0)) return undefined;
  const approved = new Set(intent.approvals.map(({ line }) => line));
  const hazards = new Map(
    Object.values(plans).flatMap((plan) => unapproved(plan, approved).map((hazard) => [hazard.line, hazard] as const)),
  );
  return { previous: lineOf(history).last, plans, hazards: [...hazards.values()] };
}

export interface MadeMigration extends PendingChange {
  readonly id: string;
}

/**
 * `dw migrate new`: writes the next migration, offline. `now` is milliseconds since the epoch. Undefined when there is nothing
 * to migrate. Throws DW-MIGRATION-EDITED, DW-MIGRATION-ORDER, DW-INTENT-INVALID, DW-USAGE for a name without letters.
 */
export async function makeMigration(
  folder: MigrationFolder,
  wanted: Catalog,
  engines: Engines,
  { name, now }: { readonly name: string; readonly now: number },
): Promise<MadeMigration | undefined> {
  const history = await readHistory(folder, wanted.warehouse);
  const change = pendingChange(history, wanted, engines, await readIntent(folder));
  const id = migrationId(name, now, history.migrations.at(-1)?.id);
  if (!change) return undefined;
  const migration: NewMigration = { id, previous: change.previous, knows: lineOf(history).beside, state: wanted, plans: change.plans };
  await writeMigration(folder, migration);
  await proposeApprovals(folder, id, change.hazards);
  return { id, ...change };
}

/** DW-HAZARD-UNAPPROVED with the lines to add. */
export function hazardLetter(warehouse: string, hazards: readonly Unapproved[]): DwError {
  const lines = [...new Map(hazards.map(({ line, why }) => [line, why]))];
  return new DwError("DW-HAZARD-UNAPPROVED", {
    what: `${lines.length === 1 ? "A statement does" : `${lines.length} statements do`} what nobody has approved:\n${lines.map(([line, why]) => `  ${line}  (${why})`).join("\n")}`,
    why: "Nothing was executed.",
    fix: `When it is meant, add to migrations/${warehouse}/intent.yaml:\napprovals:\n${lines.map(([line]) => `  - ${line}`).join("\n")}`,
  });
}
