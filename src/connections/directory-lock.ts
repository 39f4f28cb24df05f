import { access, link, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DwError } from "../core/errors.js";

/**
 * One process at a time on an embedded directory. DuckDB holds an operating-system lock on its file, which ends with
 * the process however it dies; Node itself offers no such lock. The file is `<path>.lock`, `shown` what messages call the
 * directory. Answers with the way to let go. Throws DW-LOCKED.
 */
export async function lockDirectory(path: string, shown = path): Promise<() => void> {
  const file = `${path}.lock`;
  await mkdir(dirname(path), { recursive: true });
  if (!(await exists(file))) await createWhole(file);
  try {
    const instance = await openFile(file);
    return () => instance.closeSync();
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    if (!/lock/i.test(words.replaceAll(file, ""))) throw error;
    throw new DwError("DW-LOCKED", {
      what: `Another process works on ${shown}${holder(words)}.`,
      why: "An embedded database belongs to one process at a time: two on one folder lose rows silently.",
      fix: "Wait until the other run has ended, or stop it, then run again.",
      cause: error,
    });
  }
}

async function openFile(file: string): Promise<{ closeSync(): void }> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  return DuckDBInstance.create(file, { threads: "1", memory_limit: "32MB" });
}

/**
 * DuckDB refuses a half-written file for ever, so a process that dies here must leave none: the file appears under its
 * name whole. Of two processes that make it at once, the second link fails and both go on with the first one's.
 */
async function createWhole(file: string): Promise<void> {
  const own = `${file}.${process.pid}`;
  await rm(own, { force: true });
  (await openFile(own)).closeSync();
  await link(own, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(own, { force: true });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function holder(words: string): string {
  const pid = /PID (\d+)/.exec(words)?.[1];
  return pid === undefined ? "" : ` (process ${pid})`;
}
