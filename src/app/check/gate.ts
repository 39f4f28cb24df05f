import { setTimeout as sleep } from "node:timers/promises";
import { postText } from "../../connections/notify.js";
import type { Connections } from "../../connections/open.js";
import type { ErrorClass } from "../../core/codes.js";
import { parseDuration } from "../../core/duration.js";
import { DwError, isDwError } from "../../core/errors.js";
import { instantOf } from "../../core/instant.js";
import type { Project } from "../project.js";
import { openState } from "../state.js";
import { type AlertResult, configuredAlerts, sendAlerts } from "./alerts.js";
import { type CheckReport, type CheckRequest, check } from "./check.js";
import { type ExitTerms, exitClasses } from "./exit.js";
import { keepFailedRows } from "./failed-rows.js";
import { SAMPLE_ROWS } from "./run.js";
import { untilPassed } from "./wait.js";

export interface GateRequest extends Omit<CheckRequest, "now" | "deadline" | "sampleRows">, ExitTerms {
  /** A duration; one attempt when absent. */
  readonly retryFor?: string;
  /** A duration from now, or an instant (UTC without a zone): what has not answered by then is not evaluated. */
  readonly deadline?: string;
  /** A folder for rows that show failures, and how many of each check at most. */
  readonly failedRows?: { readonly folder: string; readonly limit: number };
  /** Tells the channels of dw.config.ts. */
  readonly alert: boolean;
  /** Address of a Prometheus Pushgateway; `text` makes what it gets. */
  readonly push?: { readonly url: string; readonly text: (report: CheckReport) => string };
  readonly say: (line: string) => void;
  readonly warn: (line: string) => void;
}

/** What `dw check` answers: the last attempt, and who was told of it. */
export interface GateReport extends CheckReport {
  /** Absent when nobody was to be told. */
  readonly alerts?: readonly AlertResult[];
  /** Files of failed rows, relative to the folder that was asked for. */
  readonly failedRows?: readonly string[];
}

/** Checks as a scheduler's gate: again until everything passes, if asked to, and what the last attempt means to the scheduler. */
export async function checkGate(
  project: Project,
  connections: Connections,
  request: GateRequest,
): Promise<{ readonly report: GateReport; readonly classes: readonly ErrorClass[] }> {
  const { deadline: text, failedRows, push } = request;
  if (request.alert) configuredAlerts(project); // not to be found out when everything is done
  const deadline = text === undefined ? undefined : deadlineOf(text, Date.now());
  const attempt = (): Promise<CheckReport> => {
    const { deadline: _, ...rest } = request;
    const terms = { ...(deadline !== undefined && { deadline }), ...(failedRows && { sampleRows: failedRows.limit }) };
    return check(project, connections, { ...rest, ...terms, now: Date.now() });
  };
  const classesOf = (report: CheckReport): ErrorClass[] => exitClasses(report, request);
  const last = await untilPassed(attempt, classesOf, {
    retryFor: waiting(request.retryFor, deadline),
    now: Date.now,
    pause: (ms) => sleep(ms, undefined, { signal: request.signal }),
    say: request.say,
  });
  // Nothing of what follows may keep the verdict from whoever waits for it.
  const { warn } = request;
  const files = failedRows && (await orSaid(keepFailedRows(failedRows.folder, last), "Rows that show failures could not be kept", warn));
  if (push) await pushed(push.url, push.text(last), request.environment, warn);
  const told = async () => sendAlerts(project, await openState(connections), last);
  const alerts = request.alert ? await orSaid(told(), "Nobody was told of this run", warn) : undefined;
  for (const { error } of alerts ?? []) if (error) warn(`${error.what} ${error.why}`);
  const report = { ...trimmed(last), ...(alerts && { alerts }), ...(files && { failedRows: files }) };
  return { report, classes: classesOf(last) };
}

/** What went wrong on the way is said; a mistake of ours, or of the command line, is none of that. */
async function orSaid<Value>(work: Promise<Value>, what: string, warn: (line: string) => void): Promise<Value | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isDwError(error) ? error.errorClass === "usage" : !isSystemError(error)) throw error;
    warn(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error; // a full disk, a folder that is not ours
}

/** The files have all of them. */
function trimmed(report: CheckReport): CheckReport {
  const outcomes = report.outcomes.map((outcome) =>
    outcome.sample === null ? outcome : { ...outcome, sample: { ...outcome.sample, rows: outcome.sample.rows.slice(0, SAMPLE_ROWS) } },
  );
  return { ...report, outcomes };
}

function deadlineOf(text: string, now: number): number {
  const instant = instantOf(text, "UTC");
  if (instant !== undefined) return instant;
  try {
    return now + parseDuration(text);
  } catch (cause) {
    throw new DwError("DW-USAGE", {
      what: `--deadline ${text} is neither a duration nor a time.`,
      why: "It says how long the run may take, or when it has to be over.",
      fix: "Write for example --deadline 20min or --deadline 2026-01-31T06:00:00Z.",
      cause,
    });
  }
}

/** Nobody waits past the deadline. */
function waiting(retryFor: string | undefined, deadline: number | undefined): number {
  const asked = retryFor === undefined ? 0 : parseDuration(retryFor);
  return deadline === undefined ? asked : Math.max(0, Math.min(asked, deadline - Date.now()));
}

/** A gateway that is down is said, and changes nothing: the verdict is the checks' alone. */
async function pushed(gateway: string, text: string, environment: string, warn: (line: string) => void): Promise<void> {
  const url = `${gateway.replace(/\/$/, "")}/metrics/job/dw_check/environment/${encodeURIComponent(environment)}`;
  try {
    await postText(url, `${text}\n`, "text/plain; version=0.0.4", "PUT");
  } catch (error) {
    warn(`The metrics gateway did not take this run: ${error instanceof Error ? error.message : String(error)}`);
  }
}
