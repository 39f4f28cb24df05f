import type { Planners } from "../../core/build-plan.js";
import type { History } from "../../core/migration.js";
import type { Lease, StateStore } from "../../core/state.js";
import type { Surroundings } from "./execution.js";
import type { Intent } from "./intent.js";
import type { LiveSlots } from "./live.js";

/** A warehouse's migrations and the environment that they meet. */
export interface Meeting {
  readonly environment: string;
  readonly history: History;
  readonly intent: Intent;
  readonly slots: LiveSlots;
  readonly planners: Planners;
  readonly store: StateStore;
  /** Who runs, for those who find the lock taken: user, host, process. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds for which a rebuild's old objects stay; a week when absent. */
  readonly hold?: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export function surroundings(meeting: Meeting): Surroundings {
  const { slots, planners, store, signal, say } = meeting;
  return { warehouse: meeting.history.warehouse, slots, planners, store, signal, say };
}

export function takeLock(meeting: Meeting, waitMs: number): Promise<Lease> {
  return meeting.store.lock(`migrate:${meeting.history.warehouse}`, meeting.owner, waitMs);
}

/** The lock goes back whatever happens; what went wrong inside is what is reported. */
export async function underLease<Result>(lease: Lease, work: () => Promise<Result>): Promise<Result> {
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    await lease.release().catch(() => undefined); // it expires by itself
    throw error;
  }
  await lease.release();
  return result;
}
