import { sqlStateOf } from "../../connections/pg-errors.js";
import type { StatementBody } from "../../core/plan.js";
import type { PgSession } from "../../core/session.js";

/** How DDL waits for its lock: briefly, and several times, because everybody who comes later queues up behind it. */
export interface LockPatience {
  /** Milliseconds a statement waits for a lock. */
  readonly lockTimeout: number;
  readonly attempts: number;
  /** Milliseconds before the next attempt. */
  readonly pause: number;
}

export const DEFAULT_PATIENCE: LockPatience = { lockTimeout: 5000, attempts: 5, pause: 1000 };

/** lock_not_available and deadlock_detected: nothing was done, and the next attempt may succeed. */
const RETRIED: ReadonlySet<string> = new Set(["55P03", "40P01"]);

/**
 * Runs one statement outside of a transaction. Throws DwError with the statement's text and the server's answer.
 * `signal` cancels the running statement at the server (DW-TIMEOUT); PGlite finishes it first.
 */
export async function execute(
  session: PgSession,
  statement: StatementBody,
  signal: AbortSignal,
  patience = DEFAULT_PATIENCE,
): Promise<void> {
  await patiently(session, patience, signal, () => cancellable(session, signal, () => session.query(statement.text)));
}

/** Runs transactional statements as one: all of them or none, however often a lock has to be waited for. */
export async function executeTogether(
  session: PgSession,
  statements: readonly StatementBody[],
  signal: AbortSignal,
  patience = DEFAULT_PATIENCE,
): Promise<void> {
  await patiently(session, patience, signal, () =>
    session.transaction(async () => {
      for (const statement of statements) await cancellable(session, signal, () => session.query(statement.text));
    }),
  );
}

async function patiently(session: PgSession, patience: LockPatience, signal: AbortSignal, work: () => Promise<unknown>): Promise<void> {
  await session.query(`SET lock_timeout = ${patience.lockTimeout}`);
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await work();
        return;
      } catch (error) {
        if (attempt >= patience.attempts || signal.aborted || !RETRIED.has(sqlStateOf(error) ?? "")) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, patience.pause));
    }
  } finally {
    await session.query("RESET lock_timeout").catch(() => {}); // a dead connection has no settings
  }
}

async function cancellable(session: PgSession, signal: AbortSignal, work: () => Promise<unknown>): Promise<void> {
  signal.throwIfAborted();
  const cancel = (): void => {
    session.cancel?.().catch(() => {}); // the statement may have ended meanwhile
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    await work();
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
