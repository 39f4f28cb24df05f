import type { StatementBody } from "../../core/plan.js";
import type { HiveSession } from "../../core/session.js";

/** What a migration's statements need of their session, whichever of them an interrupted run has done already. */
const SETTINGS = ["hive.exec.dynamic.partition=true", "hive.exec.dynamic.partition.mode=nonstrict"];

/** Throws what a Hive throws; an abort cancels the statement. */
export async function execute(session: HiveSession, { text }: StatementBody, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (/^\s*INSERT\b/i.test(text)) for (const setting of SETTINGS) await session.query(`SET ${setting}`);
  await session.query(text, signal);
}
