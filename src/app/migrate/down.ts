import { buildPlan, type Planners, planStatements } from "../../core/build-plan.js";
import { DwError } from "../../core/errors.js";
import type { Unapproved } from "../../core/migration.js";
import type { Plan, Statement } from "../../core/plan.js";
import { unapprovedHere } from "./adopted.js";
import { executedStatements, executeStep, type Step } from "./execution.js";
import { approvalsAt } from "./intent.js";
import type { LiveSlots } from "./live.js";
import { hazardLetter } from "./make.js";
import { type Meeting, surroundings, takeLock, underLease } from "./meeting.js";
import { named, pendingMigrations, stepOf } from "./pending.js";

export interface DownOptions {
  /** The newest migration that stays; only the newest goes when absent. */
  readonly to?: string;
  readonly dryRun: boolean;
  readonly lockTimeoutMs: number;
  readonly approve: readonly string[];
}

export interface DownReport {
  readonly environment: string;
  readonly warehouse: string;
  readonly dryRun: boolean;
  readonly steps: readonly { readonly id: string; readonly statements: readonly Statement[] }[];
  readonly unapproved: readonly Unapproved[];
}

/**
 * Takes applied migrations back, newest first. What the way back destroys is approved like any other hazard. Throws
 * DW-ENGINE-REFUSED for a migration with a statement that has no way back, and what `migrateUp` throws.
 */
export async function migrateDown(meeting: Meeting, options: DownOptions): Promise<DownReport> {
  const lease = await takeLock(meeting, options.lockTimeoutMs);
  return underLease(lease, async () => {
    const steps = await stepsBack(meeting, options.to);
    const backwards = new Set(steps.flatMap((step) => step.plan.statements.map(({ id }) => id)));
    const known = new Set([...allStatements(meeting), ...backwards]);
    const approvals = approvalsAt(meeting.intent, options.approve, known, backwards, meeting.now);
    const hazards = await unapprovedHere(steps, approvals, meeting);
    if (hazards.length > 0 && !options.dryRun) throw hazardLetter(meeting.history.warehouse, hazards);
    for (const step of options.dryRun ? [] : steps) {
      await executeStep(step, surroundings(meeting), lease);
      await meeting.store.unmarkApplied(lease, meeting.history.warehouse, step.id.replace(/\/down$/, ""));
    }
    const { environment, history } = meeting;
    return { environment, warehouse: history.warehouse, dryRun: options.dryRun, steps, unapproved: hazards };
  });
}

function allStatements({ history }: Meeting): string[] {
  const plans = history.migrations.flatMap((migration) => Object.values(migration.plans));
  return plans.flatMap((plan) => plan.statements.map(({ id }) => id));
}

async function stepsBack(meeting: Meeting, to: string | undefined): Promise<Step[]> {
  const { history, store, environment, slots } = meeting;
  const applied = await store.applied(history.warehouse);
  pendingMigrations(history, applied);
  const stays = to === undefined ? applied.at(-2)?.id : named(history, to).id;
  const goes = applied.filter(({ id }) => stays === undefined || id > stays).reverse();
  return Promise.all(goes.map(({ id }) => stepBack(stepOf(history, named(history, id), environment, slots), meeting)));
}

/** The same step the other way round. Its plan tells the hazards; its statements are those of the down files. */
async function stepBack(step: Step, meeting: Meeting): Promise<Step> {
  const { planners, store, history } = meeting;
  const plan = buildPlan(step.after, step.before, planners);
  const done = new Set(
    (await store.journal(history.warehouse, step.id)).filter(({ state }) => state === "done").map((entry) => entry.statement),
  );
  const executed = { ...step, statements: step.statements.filter(({ held, id }) => !held || done.has(id)) };
  return { id: `${step.id}/down`, before: step.after, after: step.before, plan, statements: statementsBack(executed, plan, meeting) };
}

export function statementsBack(step: Step, back: Plan, { slots, planners }: Pick<Meeting, "slots" | "planners">): Statement[] {
  const own = [...step.statements].reverse().filter((statement) => !slots.get(statement.slot)?.emulate);
  const lost = own.filter((statement) => statement.undo === undefined);
  if (lost.length > 0) throw noWayBack(step.id, lost);
  const texts = own.flatMap(({ undoWait, ...statement }) =>
    (statement.undo ?? []).map((text, index) => ({
      ...statement,
      ...(undoWait && { wait: undoWait }),
      ...{ id: `${statement.id}/undo${index + 1}`, text, hazards: [] },
    })),
  );
  // An emulated slot has no down file: its stand-in executes the reverse operations.
  const emulated = executedStatements(back, slots).filter((statement) => slots.get(statement.slot)?.emulate);
  return [...texts, ...restored(step, planners, slots), ...emulated];
}

/** What the way back shakes in its turn, as the way there did. */
function restored({ plan, before }: Step, planners: Planners, slots: LiveSlots): Statement[] {
  const served = [...slots.values()].filter(({ emulate }) => emulate === undefined).map(({ slot }) => slot);
  const operations = served.flatMap((slot) => {
    const own = plan.operations.filter(({ object }) => object.slot === slot);
    return planners(slot).restore?.(own, before) ?? [];
  });
  return planStatements(operations, planners).map((statement) => ({ ...statement, id: `${statement.id}/back` }));
}

function noWayBack(id: string, lost: readonly Statement[]): DwError {
  return new DwError("DW-ENGINE-REFUSED", {
    what: `${id} cannot be taken back: these statements have no way back:\n${lost.map((statement) => `  ${statement.id}`).join("\n")}`,
    why: "What they removed or changed is gone.",
    fix: "Change the models to what you want and make a new migration.",
  });
}
