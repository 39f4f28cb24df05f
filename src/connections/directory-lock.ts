import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DwError } from "../core/errors.js";

/**
 * One process at a time on an embedded directory. DuckDB holds an operating-system lock on its file, which ends with
 * the process however it dies; Node itself offers no such lock. Answers with the way to let go. Throws DW-LOCKED.
 */
export async function lockDirectory(path: string): Promise<() => void> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  await mkdir(dirname(path), { recursive: true });
  try {
    const instance = await DuckDBInstance.create(`${path}.lock`, { threads: "1", memory_limit: "32MB" });
    return () => instance.closeSync();
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    if (!/lock/i.test(words)) throw error;
    throw new DwError("DW-LOCKED", {
      what: `Another process works on ${path}${holder(words)}.`,
      why: "An embedded database belongs to one process at a time: two on one folder lose rows silently.",
      fix: "Wait until the other run has ended, or stop it, then run again.",
      cause: error,
    });
  }
}

function holder(words: string): string {
  const pid = /PID (\d+)/.exec(words)?.[1];
  return pid === undefined ? "" : ` (process ${pid})`;
}
