import { catalogFor } from "../../core/catalog.js";
import { DwError } from "../../core/errors.js";
import { type History, lastState, stateOf, type Unapproved } from "../../core/migration.js";
import type { Plan, Statement } from "../../core/plan.js";
import type { AppliedMigration, Lease, StatementState, StateStore } from "../../core/state.js";
import type { EngineName } from "../../core/types.js";
import { differenceLines } from "../../present/difference.js";
import { unapprovedHere } from "./adopted.js";
import { executeStep, proveBefore, type Step, unboundSlots } from "./execution.js";
import { type Held, heldOf, letGo } from "./hold.js";
import { approvalsAt } from "./intent.js";
import { compareLive, type Difference, type LiveComparison } from "./live.js";
import { hazardLetter } from "./make.js";
import { type Meeting, surroundings, takeLock, underLease } from "./meeting.js";
import { named, pendingMigrations, stepOf } from "./pending.js";

export interface UpOptions {
  readonly to?: string;
  readonly dryRun: boolean;
  readonly lockTimeoutMs: number;
  /** Lines `HAZARD@STATEMENT-ID`, beside those of intent.yaml. */
  readonly approve: readonly string[];
}

/** One migration as `up` executes it. */
export interface StepReport {
  readonly id: string;
  readonly plan: Plan;
  /** In the words of whoever executes them. */
  readonly statements: readonly Statement[];
  /** Of the statements, how many this run executed; an interrupted run did the others. */
  readonly executed: number;
  readonly notServed: readonly EngineName[];
}

export interface UpReport {
  readonly environment: string;
  readonly warehouse: string;
  readonly dryRun: boolean;
  readonly emulated: readonly EngineName[];
  /** What each emulated slot does differently, for people. */
  readonly deviations: Readonly<Partial<Record<EngineName, readonly string[]>>>;
  readonly alreadyApplied: number;
  readonly steps: readonly StepReport[];
  /** Of earlier migrations: what was held until now and has been let go. In a dry run, what would be. */
  readonly letGo: readonly Held[];
  /** What is held still, so that `down` works. */
  readonly held: readonly Held[];
  /** Only in a dry run; otherwise they stop the run. */
  readonly unapproved: readonly Unapproved[];
}

/**
 * Applies pending migrations. Throws DW-LOCKED, DW-MIGRATION-EDITED, DW-MIGRATION-ORDER, DW-INTENT-INVALID,
 * DW-HAZARD-UNAPPROVED and DW-TARGET-MOVED before anything is executed; afterwards what the engine answers, DW-FENCED and DW-DRIFT.
 */
export async function migrateUp(meeting: Meeting, options: UpOptions): Promise<UpReport> {
  if (options.dryRun) return rehearse(meeting, options);
  const lease = await takeLock(meeting, options.lockTimeoutMs);
  return underLease(lease, async () => {
    const { steps, unapproved: hazards, applied } = await agenda(meeting, options);
    if (hazards.length > 0) throw hazardLetter(meeting.history.warehouse, hazards);
    const reports: StepReport[] = [];
    const newest = applied.at(-1)?.id ?? "";
    for (const step of steps) {
      if (step.id < newest) meeting.say(`${step.id}: out of order, as intent.yaml declares: ${newest} was applied before it`);
      const executed = await executeStep(step, surroundings(meeting), lease);
      await markApplied(meeting, lease, step.id);
      reports.push({ ...stepReport(step, meeting), executed });
    }
    const gone = await letGo(meeting, lease);
    return { ...report(meeting, options, applied.length, reports, []), letGo: gone, held: await heldOf(meeting) };
  });
}

async function rehearse(meeting: Meeting, options: UpOptions): Promise<UpReport> {
  const { steps, unapproved: hazards, applied } = await agenda(meeting, options);
  const [next] = steps;
  // Only the next one meets the live objects as they are; and a run that was interrupted left its objects in between.
  if (next && (await meeting.store.journal(meeting.history.warehouse, next.id)).length === 0)
    await proveBefore(next, surroundings(meeting));
  const reports = steps.map((step) => ({ ...stepReport(step, meeting), executed: 0 }));
  const all = await heldOf(meeting);
  const now = new Date(meeting.now).toISOString();
  const isDue = ({ until }: Held): boolean => until <= now;
  return {
    ...report(meeting, options, applied.length, reports, hazards),
    letGo: all.filter(isDue),
    held: all.filter((one) => !isDue(one)),
  };
}

interface Agenda {
  readonly steps: readonly Step[];
  readonly unapproved: readonly Unapproved[];
  readonly applied: readonly AppliedMigration[];
}

async function agenda(meeting: Meeting, options: UpOptions): Promise<Agenda> {
  const { history, environment, store, slots } = meeting;
  const applied = await store.applied(history.warehouse);
  const steps = pendingMigrations(history, applied, options.to).map((migration) => stepOf(history, migration, environment, slots));
  for (const { id } of steps) if ((await store.journal(history.warehouse, `${id}/down`)).length > 0) throw halfUndone(id);
  const approvals = approvalsAt(meeting.intent, options.approve, knownStatements(history), statementsOf(steps), meeting.now);
  const hazards = await unapprovedHere(steps, approvals, meeting);
  return { steps, unapproved: hazards, applied };
}

function halfUndone(id: string): DwError {
  return new DwError("DW-TARGET-MOVED", {
    what: `${id} was being taken back when that was interrupted.`,
    why: "Some of its statements are undone, and its journal still says that they were done.",
    fix: "`dw migrate repair --undo` ends the way back; then `dw migrate up` begins again.",
  });
}

function statementsOf(steps: readonly Step[]): Set<string> {
  return new Set(steps.flatMap(({ plan }) => plan.statements.map(({ id }) => id)));
}

function knownStatements(history: History): Set<string> {
  const plans = history.migrations.flatMap((migration) => Object.values(migration.plans));
  return new Set(plans.flatMap((plan) => plan.statements.map((statement) => statement.id)));
}

function stepReport(step: Step, { slots }: Meeting): Omit<StepReport, "executed"> {
  return { id: step.id, plan: step.plan, statements: step.statements, notServed: unboundSlots(step.plan, slots) };
}

function report(
  meeting: Meeting,
  options: UpOptions,
  applied: number,
  steps: readonly StepReport[],
  hazards: readonly Unapproved[],
): Omit<UpReport, "letGo" | "held"> {
  const emulations = [...meeting.slots.values()].filter((slot) => slot.emulatedBy !== undefined);
  const { environment, history } = meeting;
  return {
    environment,
    warehouse: history.warehouse,
    dryRun: options.dryRun,
    emulated: emulations.map(({ slot }) => slot),
    deviations: Object.fromEntries(emulations.map(({ slot, deviations = [] }) => [slot, deviations])),
    alreadyApplied: applied,
    steps,
    unapproved: hazards,
  };
}

async function markApplied({ history, store }: Meeting, lease: Lease, id: string): Promise<void> {
  const migration = named(history, id);
  await store.markApplied(lease, history.warehouse, { id, hash: migration.hash });
}

export interface MigrationStatus {
  readonly id: string;
  readonly status: "applied" | "interrupted" | "pending";
  readonly appliedAt?: string;
  /** After a younger one, as intent.yaml declares. */
  readonly outOfOrder?: true;
  /** Journal of a migration that is not applied: last state of each statement that a run reached. */
  readonly statements: Readonly<Partial<Record<StatementState, number>>>;
  readonly total: number;
}

/** What is applied in the environment and what is not. Throws as `pendingMigrations`. */
export async function migrationStatus(meeting: Meeting): Promise<MigrationStatus[]> {
  const { history, store, environment, slots } = meeting;
  const applied = new Map((await store.applied(history.warehouse)).map((migration) => [migration.id, migration]));
  pendingMigrations(history, [...applied.values()]);
  const statuses: MigrationStatus[] = [];
  for (const migration of history.migrations) {
    const total = stepOf(history, migration, environment, slots).statements.length;
    const done = applied.get(migration.id);
    if (done) {
      const late = [...applied.values()].some((other) => other.id > migration.id && other.appliedAt < done.appliedAt);
      const { appliedAt } = done;
      statuses.push({
        id: migration.id,
        status: "applied",
        appliedAt,
        ...(late && { outOfOrder: true }),
        statements: { done: total },
        total,
      });
      continue;
    }
    const statements = await journalled(store, history.warehouse, migration.id);
    const status = Object.keys(statements).length > 0 ? "interrupted" : "pending";
    statuses.push({ id: migration.id, status, statements, total });
  }
  return statuses;
}

async function journalled(store: StateStore, warehouse: string, migration: string): Promise<Partial<Record<StatementState, number>>> {
  const last = new Map((await store.journal(warehouse, migration)).map((entry) => [entry.statement, entry.state]));
  const counts: Partial<Record<StatementState, number>> = {};
  for (const state of last.values()) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

export interface Verification extends LiveComparison {
  readonly environment: string;
  readonly warehouse: string;
  /** The newest applied migration; undefined when none is. */
  readonly at: string | undefined;
  readonly objects: number;
  readonly emulated: readonly EngineName[];
}

/** Compares everything that applied migrations made with what is there. Found differences are an answer, not an error. */
export async function verifyMigrations(meeting: Meeting): Promise<Verification> {
  const { history, store, environment, slots } = meeting;
  const applied = await store.applied(history.warehouse);
  pendingMigrations(history, applied);
  const at = applied.at(-1)?.id;
  const done = new Set(applied.map(({ id }) => id));
  const state = stateOf(
    history,
    history.migrations.filter(({ id }) => done.has(id)),
  );
  const expected = catalogFor(state, environment);
  const looked = catalogFor(lastState(history), environment).objects; // objects of pending migrations that are there already
  const served = expected.objects.filter((object) => slots.has(object.slot));
  const comparison = await compareLive(slots, expected, undefined, looked);
  const emulated = [...slots.values()].filter((slot) => slot.emulatedBy !== undefined).map((slot) => slot.slot);
  return { ...comparison, environment, warehouse: history.warehouse, at, objects: served.length, emulated };
}

/**
 * `dw migrate baseline`: marks migrations up to `to` as applied without executing them, in an environment that has their objects
 * already. Throws DW-DRIFT when it has not exactly those.
 */
export async function baseline(
  meeting: Meeting,
  options: { readonly to?: string; readonly lockTimeoutMs: number },
): Promise<readonly string[]> {
  const { history, store } = meeting;
  const lease = await takeLock(meeting, options.lockTimeoutMs);
  return underLease(lease, async () => {
    const pending = pendingMigrations(history, await store.applied(history.warehouse), options.to);
    const last = options.to === undefined ? pending.at(-1) : named(history, options.to);
    if (last === undefined || pending.length === 0) return [];
    const step = stepOf(history, last, meeting.environment, meeting.slots);
    const { differences } = await compareLive(meeting.slots, step.after);
    if (differences.length > 0) throw notTheBaseline(step.id, differences);
    for (const { id, hash } of pending) await store.markApplied(lease, history.warehouse, { id, hash });
    return pending.map(({ id }) => id);
  });
}

function notTheBaseline(id: string, differences: readonly Difference[]): DwError {
  return new DwError("DW-DRIFT", {
    what: `What exists is not what ${id} says:\n${differenceLines(differences)
      .map((line) => `  ${line}`)
      .join("\n")}`,
    why: "A baseline that is not true would make every later plan start from a wrong state.",
    fix: "Change the models until they describe what exists, and make the migration again; or bring the objects to what it says.",
  });
}
