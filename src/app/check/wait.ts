import type { ErrorClass } from "../../core/codes.js";

/** How long between two attempts, milliseconds. */
const PAUSE_MS = 30_000;

export interface Waiting {
  /** How long to go on, milliseconds; 0 is one attempt. */
  readonly retryFor: number;
  readonly now: () => number;
  /** Rejects when the run is interrupted. */
  readonly pause: (ms: number) => Promise<void>;
  readonly say: (line: string) => void;
}

/**
 * Repeats an attempt until it finds nothing or the time is over; the last attempt is the answer. Data that is late is worth
 * waiting for, a wrong selection is not: what throws ends the wait.
 */
export async function untilPassed<Report>(
  attempt: () => Promise<Report>,
  outcome: (report: Report) => readonly ErrorClass[],
  { retryFor, now, pause, say }: Waiting,
): Promise<Report> {
  const end = now() + retryFor;
  for (;;) {
    const report = await attempt();
    const left = end - now();
    if (outcome(report).length === 0 || left <= 0) return report;
    const wait = Math.min(PAUSE_MS, left);
    say(`not passed yet; trying again in ${Math.ceil(wait / 1000)} s, for ${Math.ceil(left / 1000)} s more`);
    await pause(wait);
  }
}
