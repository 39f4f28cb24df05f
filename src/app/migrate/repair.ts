import { buildPlan } from "../../core/build-plan.js";
import type { Statement } from "../../core/plan.js";
import type { Lease } from "../../core/state.js";
import { adoptedObjects, sparedBy } from "./adopted.js";
import { statementsBack } from "./down.js";
import { executeBatches, proveAfter, type Step, settledStates, touched } from "./execution.js";
import { compareLive } from "./live.js";
import { type Meeting, surroundings, takeLock, underLease } from "./meeting.js";
import { pendingMigrations, stepOf } from "./pending.js";
import { migrateUp } from "./up.js";

/** `look` decides and executes nothing; `finish` does the rest, as `up` would; `undo` takes back what was done. */
export type Repair = "look" | "finish" | "undo";

export interface RepairOptions {
  readonly lockTimeoutMs: number;
  readonly how: Repair;
  /** Lines `HAZARD@STATEMENT-ID` for the statements that are open. */
  readonly approve: readonly string[];
}

export interface RepairReport {
  readonly environment: string;
  readonly warehouse: string;
  readonly how: Repair;
  /** The migration that an interrupted run left; undefined when none did. */
  readonly id: string | undefined;
  readonly statements: readonly { readonly id: string; readonly state: "done" | "open" | "undone" }[];
  /** True when it is applied now: all of it was done and only the mark was missing, or the rest has been executed. */
  readonly marked: boolean;
}

/**
 * Looks at the engines for what an interrupted run left, and finishes it or takes it back when told so. DW-TARGET-MOVED when
 * that cannot be told, DW-ENGINE-REFUSED for an undo of a statement that has none; finishing throws what `migrateUp` throws.
 */
export async function repairMigration(meeting: Meeting, options: RepairOptions): Promise<RepairReport> {
  const found = await look(meeting, options);
  if (options.how !== "finish" || found.id === undefined || found.marked) return found;
  const { lockTimeoutMs, approve } = options;
  await migrateUp(meeting, { dryRun: false, lockTimeoutMs, approve, to: found.id });
  return { ...found, statements: found.statements.map(({ id }) => ({ id, state: "done" })), marked: true };
}

async function look(meeting: Meeting, { lockTimeoutMs, how }: RepairOptions): Promise<RepairReport> {
  const { history, store, environment, slots } = meeting;
  const lease = await takeLock(meeting, lockTimeoutMs);
  return underLease(lease, async () => {
    const [next] = pendingMigrations(history, await store.applied(history.warehouse));
    const nothing = { environment, warehouse: history.warehouse, how, id: undefined, statements: [], marked: false };
    if (next === undefined || (await store.journal(history.warehouse, next.id)).length === 0) return nothing;
    const step = stepOf(history, next, environment, slots);
    const states = await settledStates(step, surroundings(meeting), lease);
    const isDone = ({ id }: Statement): boolean => states.get(id) === "done";
    const own = step.statements.filter(({ held }) => !held);
    if (how === "undo") {
      await takeBack({ ...step, statements: own.filter(isDone) }, meeting, lease);
      return { ...nothing, id: next.id, statements: own.map((one) => ({ id: one.id, state: isDone(one) ? "undone" : "open" })) };
    }
    const whole =
      own.every(isDone) && (await compareLive(slots, step.after, touched(step.plan), step.before.objects)).differences.length === 0;
    if (whole) await store.markApplied(lease, history.warehouse, { id: next.id, hash: next.hash });
    return { ...nothing, id: next.id, statements: own.map((one) => ({ id: one.id, state: isDone(one) ? "done" : "open" })), marked: whole };
  });
}

/** An undo that is interrupted goes on when it is repeated: it has a journal of its own. */
async function takeBack(done: Step, meeting: Meeting, lease: Lease): Promise<void> {
  const { planners, store, history } = meeting;
  const around = surroundings(meeting);
  const plan = buildPlan(done.after, done.before, planners);
  const back: Step = {
    id: `${done.id}/down`,
    before: done.after,
    after: done.before,
    plan,
    statements: statementsBack(done, plan, meeting),
  };
  const states = await settledStates(back, around, lease);
  const spared = sparedBy(plan, await adoptedObjects(store, history.warehouse));
  const open = back.statements.filter(({ id, object }) => states.get(id) !== "done" && !spared.has(object));
  await executeBatches(back, open, around, lease);
  await proveAfter({ ...back, plan: done.plan }, around, spared);
  await store.unmarkApplied(lease, history.warehouse, done.id);
}
