import type { Statement } from "../../core/plan.js";
import type { Lease, StatementState } from "../../core/state.js";
import { executeBatches, type Step } from "./execution.js";
import { type Meeting, surroundings } from "./meeting.js";
import { stepOf } from "./pending.js";

/*
 * What a rebuild set aside stays for a while, so that `down` can bring it back. Its last statements are due when the
 * migration has been applied for as long as the environment holds such things.
 */

const DEFAULT_HOLD_MS = 7 * 86_400_000;

/** What one applied migration still holds. */
export interface Held {
  readonly id: string;
  readonly statements: readonly Statement[];
  /** ISO-8601: when a run of `up` may let it go. */
  readonly until: string;
}

interface HeldStep extends Held {
  readonly step: Step;
}

/** A migration that was adopted by a baseline executed nothing, and holds nothing. */
async function heldSteps(meeting: Meeting): Promise<HeldStep[]> {
  const { history, store, environment, slots, hold = DEFAULT_HOLD_MS } = meeting;
  const found: HeldStep[] = [];
  for (const { id, appliedAt } of await store.applied(history.warehouse)) {
    const migration = history.migrations.find((one) => one.id === id);
    const step = migration && stepOf(history, migration, environment, slots);
    if (!step?.statements.some(({ held }) => held)) continue;
    const states = await statesOf(meeting, id);
    const statements = step.statements.filter((statement) => statement.held && states.get(statement.id) !== "done");
    const until = new Date(Date.parse(appliedAt) + hold).toISOString();
    if (states.size > 0 && statements.length > 0) found.push({ id, statements, until, step });
  }
  return found;
}

async function statesOf({ store, history }: Meeting, id: string): Promise<Map<string, StatementState>> {
  return new Map((await store.journal(history.warehouse, id)).map((entry) => [entry.statement, entry.state]));
}

export async function heldOf(meeting: Meeting): Promise<Held[]> {
  return (await heldSteps(meeting)).map(({ id, statements, until }) => ({ id, statements, until }));
}

/** Executes what is due. Afterwards those migrations have no way back. */
export async function letGo(meeting: Meeting, lease: Lease): Promise<Held[]> {
  const now = new Date(meeting.now).toISOString();
  const due = (await heldSteps(meeting)).filter(({ until }) => until <= now);
  for (const { step, statements } of due) await executeBatches(step, statements, surroundings(meeting), lease);
  return due.map(({ id, statements, until }) => ({ id, statements, until }));
}
