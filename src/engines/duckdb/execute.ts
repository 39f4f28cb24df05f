import { DwError, isDwError } from "../../core/errors.js";
import type { StatementBody } from "../../core/plan.js";
import type { DuckDbSession } from "../../core/source.js";

/** Runs one statement; DW-ENGINE-REFUSED with the statement and DuckDB's own answer. */
export async function execute(db: DuckDbSession, statement: StatementBody, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    await db.run(statement.text);
  } catch (error) {
    if (isDwError(error)) throw error;
    throw new DwError("DW-ENGINE-REFUSED", {
      what: `DuckDB refused: ${statement.text}`,
      why: error instanceof Error ? error.message : String(error),
      fix: "Correct the model or the table that the statement meets, and run again.",
      cause: error,
    });
  }
}
