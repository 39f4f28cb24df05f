import { isJsonObject } from "../../core/json.js";
import type { StatementBody } from "../../core/plan.js";
import type { MysqlSession } from "../../core/session.js";
import { awaitJobs, JOB_PATIENCE, type JobPatience, type JobTable, youngestJob } from "./jobs.js";

/**
 * Runs one statement, and waits for the job that it starts to end. Throws DwError with the statement's text and the engine's
 * answer: DW-ENGINE-REFUSED (a cancelled job too), DW-PERMISSION, DW-CONNECT, DW-TIMEOUT. An abort ends the waiting, not the job.
 */
export async function execute(
  session: MysqlSession,
  statement: StatementBody,
  signal: AbortSignal,
  patience: JobPatience = JOB_PATIENCE,
): Promise<void> {
  signal.throwIfAborted();
  const table = waitsFor(statement);
  if (!table) {
    await session.query(statement.text);
    return;
  }
  const before = await youngestJob(session, table);
  await session.query(statement.text);
  await awaitJobs(session, table, before, signal, patience);
}

function waitsFor({ wait }: StatementBody): JobTable | undefined {
  if (wait?.job !== "starrocks-alter-table" || !isJsonObject(wait.args)) return undefined;
  const { database, table } = wait.args;
  return typeof database === "string" && typeof table === "string" ? { database, table } : undefined;
}
