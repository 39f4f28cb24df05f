import { DwError, isDwError } from "../../core/errors.js";
import type { StatementBody } from "../../core/plan.js";
import type { DuckDbSession } from "../../core/source.js";

/** Runs one statement; DW-ENGINE-REFUSED with the statement and DuckDB's own answer. */
export async function execute(db: DuckDbSession, statement: StatementBody, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    await db.run(statement.text);
  } catch (error) {
    // A locked file or a full disk says nothing about the statement.
    if (isDwError(error) && error.code !== "DW-ENGINE-REFUSED") throw error;
    throw new DwError("DW-ENGINE-REFUSED", {
      what: `DuckDB refused: ${statement.text}`,
      why: isDwError(error) ? error.why : String(error),
      fix: "Correct the model or the table that the statement meets, and run again.",
      cause: error,
    });
  }
}
