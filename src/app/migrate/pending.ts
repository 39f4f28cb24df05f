import { planFor } from "../../core/build-plan.js";
import { catalogFor } from "../../core/catalog.js";
import { DwError } from "../../core/errors.js";
import { type History, type Migration, stateAfter, stateBefore } from "../../core/migration.js";
import type { AppliedMigration } from "../../core/state.js";
import { executedStatements, type Step } from "./execution.js";
import { declaring } from "./folder.js";
import type { LiveSlots } from "./live.js";

/** One migration as it meets an environment. */
export function stepOf(history: History, migration: Migration, environment: string, slots: LiveSlots): Step {
  const plan = planFor(migration.plans, environment);
  return {
    id: migration.id,
    before: catalogFor(stateBefore(history, migration.id), environment),
    after: catalogFor(stateAfter(history, migration.id), environment),
    plan,
    statements: executedStatements(plan, slots),
  };
}

/**
 * Migrations that are not applied yet, oldest first, at most up to `to`. Throws DW-MIGRATION-EDITED when an applied one has
 * other files now, DW-MIGRATION-ORDER when one is applied that is not on disk, or pending that is older than an applied one and not declared as
 * out of order.
 */
export function pendingMigrations(history: History, applied: readonly AppliedMigration[], to?: string): Migration[] {
  const known = new Map(history.migrations.map((migration) => [migration.id, migration]));
  for (const { id, hash } of applied) {
    const migration = known.get(id);
    if (migration === undefined) throw unknownApplied(history, id);
    if (migration.hash !== hash) throw editedAfterwards(id);
  }
  const done = new Set(applied.map(({ id }) => id));
  const newest = applied.at(-1)?.id ?? "";
  const pending = history.migrations.filter(({ id }) => !done.has(id));
  const late = pending.find(({ id, outOfOrder: declared }) => id < newest && !declared);
  if (late) throw outOfOrder(late.id, newest);
  if (to === undefined) return pending;
  const last = named(history, to).id;
  return pending.filter(({ id }) => id <= last);
}

/** The migration that `--to` names: its whole id, its stamp or its slug. DW-USAGE. */
export function named(history: History, name: string): Migration {
  const found = history.migrations.filter(({ id }) => id === name || id.startsWith(`${name}_`) || id.slice(15) === name);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new DwError("DW-USAGE", {
    what: found.length === 0 ? `There is no migration ${name}.` : `Several migrations are called ${name}.`,
    why: `${history.warehouse} has ${history.migrations.map(({ id }) => id).join(", ") || "none"}.`,
    fix: "Name one by its whole id.",
  });
}

function unknownApplied(history: History, id: string): DwError {
  return new DwError("DW-MIGRATION-ORDER", {
    what: `${id} is applied here, but migrations/${history.warehouse} does not have it.`,
    why: "This checkout is older than the environment, or the migration was deleted.",
    fix: "Check out the version that has it.",
  });
}

function editedAfterwards(id: string): DwError {
  return new DwError("DW-MIGRATION-EDITED", {
    what: `${id} is applied here with other files than those on disk.`,
    why: "What it says now is not what was executed.",
    fix: "Restore its files from git and put the change into a new migration.",
  });
}

function outOfOrder(late: string, newest: string): DwError {
  return new DwError("DW-MIGRATION-ORDER", {
    what: `${late} is pending, but ${newest} is applied already.`,
    why: "Its plan was made for a state that is gone.",
    fix: `Delete ${late}, run \`dw migrate rehash\`, and make it again with \`dw migrate new\`. ${declaring(late)}`,
  });
}
