import { DwError } from "../../core/errors.js";
import { isJsonObject } from "../../core/json.js";
import type { StatementBody } from "../../core/plan.js";
import type { MysqlSession } from "../../core/session.js";
import { starrocks } from "./dialect.js";
import { shadowStep } from "./execute-rebuild.js";
import { awaitJobs, JOB_PATIENCE, type JobPatience, type JobTable, youngestJob } from "./jobs.js";

const { sql, id } = starrocks;

/**
 * Runs one statement, and waits for the job that it starts to end. Throws DwError with the statement's text and the engine's
 * answer: DW-ENGINE-REFUSED (a cancelled job too), DW-PERMISSION, DW-CONNECT, DW-TIMEOUT; DW-TARGET-MOVED for steps of a rebuild. An abort ends the waiting, not the job.
 */
export async function execute(
  session: MysqlSession,
  statement: StatementBody,
  signal: AbortSignal,
  patience: JobPatience = JOB_PATIENCE,
): Promise<void> {
  signal.throwIfAborted();
  const step = shadowStep(statement);
  if (step) return step(session, statement, signal, patience);
  const view = viewOf(statement);
  if (view) return activate(session, statement.text, view);
  await keepOthersTables(session, statement.text);
  const table = waitsFor(statement);
  if (!table) {
    await session.query(statement.text);
    return;
  }
  const before = await youngestJob(session, table);
  await session.query(statement.text);
  await awaitJobs(session, table, before, signal, patience);
}

/**
 * DROP DATABASE takes along whatever is in it, also without FORCE (manual, DROP DATABASE): PostgreSQL and Hive would refuse.
 * Ours have been dropped by the statements before it.
 */
async function keepOthersTables(session: MysqlSession, text: string): Promise<void> {
  const [, database] = /^DROP DATABASE (.+)$/.exec(text) ?? [];
  if (database === undefined) return;
  const names = (await session.query(`SHOW FULL TABLES FROM ${database}`)).flatMap((row) => Object.values(row)[0] ?? []);
  if (names.length === 0) return;
  throw new DwError("DW-ENGINE-REFUSED", {
    what: `The database ${database} is not dropped: ${names.slice(0, 5).join(", ")}${names.length > 5 ? " and more" : ""} would go with it.`,
    why: "dw did not make them, or keeps them until the hold of a rebuild is over.",
    fix: "Move or drop them by hand if they are not needed, then run the command again.",
  });
}

function waitsFor({ wait }: StatementBody): JobTable | undefined {
  if (wait?.job !== "starrocks-alter-table" || !isJsonObject(wait.args)) return undefined;
  const { database, table } = wait.args;
  return typeof database === "string" && typeof table === "string" ? { database, table } : undefined;
}

interface View {
  readonly database: string;
  readonly view: string;
}

function viewOf({ wait }: StatementBody): View | undefined {
  if (wait?.job !== "starrocks-active" || !isJsonObject(wait.args)) return undefined;
  const { database, view } = wait.args;
  return typeof database === "string" && typeof view === "string" ? { database, view } : undefined;
}

/** A view can stay inactive although the statement was taken. */
async function activate(session: MysqlSession, text: string, { database, view }: View): Promise<void> {
  await session.query(text);
  const rows = await session.query(sql`SHOW MATERIALIZED VIEWS FROM ${id(database)}`.text);
  const row = rows.find(({ name }) => name === view);
  if (row?.is_active !== "false") return;
  throw new DwError("DW-ENGINE-REFUSED", {
    what: `The materialized view ${database}.${view} stays inactive: ${text}`,
    why: row.inactive_reason ?? "No reason is given.",
    fix: "Its query does not fit the table below it any more: change the model of the view, or the table back.",
  });
}
