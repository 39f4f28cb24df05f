import { setTimeout as sleep } from "node:timers/promises";
import { DwError } from "../../core/errors.js";
import type { MysqlRow, MysqlSession } from "../../core/session.js";
import { starrocks } from "./dialect.js";

/*
 * Schema changes that go on after ALTER TABLE has answered: one a table at a time, listed by SHOW ALTER TABLE until they are
 * FINISHED or CANCELLED. While one runs the table refuses every other change, and SHOW CREATE shows the old definition.
 */

const { sql, id, lit, raw } = starrocks;

const jobKinds = ["COLUMN", "OPTIMIZE", "ROLLUP"] as const;

export type JobKind = (typeof jobKinds)[number];

export interface JobTable {
  readonly database: string;
  readonly table: string;
}

export interface Job {
  readonly kind: JobKind;
  readonly id: bigint;
  readonly state: string;
  readonly message: string;
  /** Percent, where the engine says it. */
  readonly progress: string;
}

/** How jobs are waited for. Times in milliseconds. */
export interface JobPatience {
  /** Before the second question; each further pause is longer, up to `longest`. */
  readonly pause: number;
  readonly longest: number;
  /** The engine itself gives up after a day (alter_table_timeout_second); nobody waits longer. */
  readonly limit: number;
  /** What the engine says of a job, whenever that changes. */
  readonly say?: (line: string) => void;
}

export const JOB_PATIENCE: JobPatience = { pause: 50, longest: 2_000, limit: 86_400_000 };

const TERMINAL: ReadonlySet<string> = new Set(["FINISHED", "CANCELLED"]);

/** Jobs of one table, oldest first. */
export async function jobsOf(session: MysqlSession, { database, table }: JobTable, kinds: readonly JobKind[] = jobKinds): Promise<Job[]> {
  const jobs: Job[] = [];
  for (const kind of kinds) {
    const { text } = sql`SHOW ALTER TABLE ${raw(kind)} FROM ${id(database)} WHERE TableName = ${lit(table)}`;
    jobs.push(...(await session.query(text)).filter((row) => row.TableName === table).map((row) => jobOf(kind, row)));
  }
  return jobs.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function jobOf(kind: JobKind, row: MysqlRow): Job {
  return { kind, id: BigInt(row.JobId ?? 0), state: row.State ?? "", message: row.Msg ?? "", progress: row.Progress ?? "" };
}

/**
 * Waits until every job of the table that is younger than `after` has ended. Throws DW-ENGINE-REFUSED with the engine's reason
 * when one of them was cancelled, DW-TIMEOUT when it does not end, and what `signal` was aborted with.
 */
export async function awaitJobs(
  session: MysqlSession,
  table: JobTable,
  after: bigint,
  signal: AbortSignal,
  patience: JobPatience = JOB_PATIENCE,
): Promise<void> {
  const until = Date.now() + patience.limit;
  let said = "";
  for (let { pause } = patience; ; pause = Math.min(pause * 1.5, patience.longest)) {
    const jobs = (await jobsOf(session, table)).filter((job) => job.id > after);
    const open = jobs.filter((job) => !TERMINAL.has(job.state));
    said = tell(patience, table, open, said);
    if (open.length === 0) return refuseCancelled(table, jobs);
    if (Date.now() >= until) throw stillRunning(table, open);
    await sleep(pause, undefined, { signal });
  }
}

function tell({ say }: JobPatience, { table }: JobTable, open: readonly Job[], said: string): string {
  const now = open
    .map(({ kind, state, progress }) => `${table}: ${kind} job ${state}${progress === "" ? "" : ` ${progress} %`}`)
    .join("; ");
  if (now !== said && now !== "") say?.(now);
  return now;
}

function refuseCancelled({ database, table }: JobTable, jobs: readonly Job[]): void {
  const cancelled = jobs.findLast((job) => job.state === "CANCELLED");
  if (!cancelled) return;
  throw new DwError("DW-ENGINE-REFUSED", {
    what: `StarRocks accepted the change of ${database}.${table} and cancelled its job ${cancelled.id}.`,
    why: cancelled.message === "" ? "It gives no reason." : cancelled.message,
    fix: "The table is as it was. Correct what the reason names (often values that the new type cannot hold).",
  });
}

function stillRunning({ database, table }: JobTable, open: readonly Job[]): DwError {
  const jobs = open.map(({ kind, id: job, state }) => `${kind} job ${job} is ${state}`).join(", ");
  return new DwError("DW-TIMEOUT", {
    what: `A schema change of ${database}.${table} does not end: ${jobs}.`,
    why: "The engine rewrites the table in the background, and a table in the middle of it can be neither compared nor changed.",
    fix: "Look at SHOW ALTER TABLE, and run the command again when the job has ended.",
  });
}

/** The youngest job of a table: what a statement starts is younger. */
export async function youngestJob(session: MysqlSession, table: JobTable): Promise<bigint> {
  return (await jobsOf(session, table)).at(-1)?.id ?? 0n;
}
