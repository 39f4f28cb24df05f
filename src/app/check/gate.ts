import { setTimeout as sleep } from "node:timers/promises";
import type { Connections } from "../../connections/open.js";
import type { ErrorClass } from "../../core/codes.js";
import { parseDuration } from "../../core/duration.js";
import type { Project } from "../project.js";
import { type CheckReport, type CheckRequest, check } from "./check.js";
import { type ExitTerms, exitClasses } from "./exit.js";
import { untilPassed } from "./wait.js";

export interface GateRequest extends Omit<CheckRequest, "now">, ExitTerms {
  /** A duration; one attempt when absent. */
  readonly retryFor?: string;
  readonly say: (line: string) => void;
}

/** Checks as a scheduler's gate: again until everything passes, if asked to, and what the last attempt means to the scheduler. */
export async function checkGate(
  project: Project,
  connections: Connections,
  request: GateRequest,
): Promise<{ readonly report: CheckReport; readonly classes: readonly ErrorClass[] }> {
  const classesOf = (report: CheckReport): ErrorClass[] => exitClasses(report, request);
  const report = await untilPassed(() => check(project, connections, { ...request, now: Date.now() }), classesOf, {
    retryFor: request.retryFor === undefined ? 0 : parseDuration(request.retryFor),
    now: Date.now,
    pause: (ms) => sleep(ms, undefined, { signal: request.signal }),
    say: request.say,
  });
  return { report, classes: classesOf(report) };
}
