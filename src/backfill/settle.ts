import pLimit from "p-limit";
import { DwError } from "../core/errors.js";
import type { Chunk } from "../core/source.js";
import type { LoadedChunk } from "../core/target.js";
import type { PreparedBackfill } from "./prepare.js";
import { type Reader, type RunOptions, type RunResult, readFingerprintOf } from "./run.js";

export interface SettleOptions extends Pick<RunOptions, "concurrency"> {
  readonly connect: () => Promise<Reader>;
  readonly signal?: AbortSignal;
  readonly notice?: RunOptions["notice"];
}

/** The same run, with the whole fingerprint of each chunk in it and in the ledger. */
export async function settledRun(prepared: PreparedBackfill, run: RunResult, options: SettleOptions): Promise<RunResult> {
  const counted = run.chunks.filter(({ fingerprint }) => fingerprint.countedOnly);
  if (counted.length === 0) return run;
  options.notice?.({ event: "hashing", chunks: counted.length });
  const limit = pLimit(options.concurrency ?? prepared.target.lanes);
  const settled = await Promise.all(counted.map((loaded) => limit(settle, prepared, loaded, options)));
  const whole = new Map(settled.map((loaded) => [loaded.chunk, loaded]));
  const replaced = (chunks: readonly LoadedChunk[]): LoadedChunk[] => chunks.map((loaded) => whole.get(loaded.chunk) ?? loaded);
  return { ...run, chunks: replaced(run.chunks), ...(run.fresh && { fresh: replaced(run.fresh) }) };
}

async function settle(prepared: PreparedBackfill, loaded: LoadedChunk, { connect, signal }: SettleOptions): Promise<LoadedChunk> {
  signal?.throwIfAborted();
  const chunk = prepared.plan.chunks.find(({ id }) => id === loaded.chunk);
  if (chunk === undefined) throw new Error(`the plan has no chunk ${loaded.chunk}`);
  const fingerprint = await readFingerprintOf(prepared, chunk, connect);
  if (fingerprint.rows !== loaded.fingerprint.rows) throw changedSince(chunk, loaded.fingerprint.rows, fingerprint.rows);
  await prepared.target.settle?.(prepared.name, chunk.id, fingerprint);
  return { ...loaded, fingerprint };
}

function changedSince(chunk: Chunk, copied: string, found: string): DwError {
  return new DwError("DW-RECONCILE-MISMATCH", {
    what: `Chunk ${chunk.title} had ${copied} rows when it was loaded and ${found} when it was hashed.`,
    why: "Both were read from the same snapshot or the same files, so that one of the two readings is wrong.",
    fix: "Look for trouble of the source's storage; then start over with `dw backfill reset NAME --empty`.",
  });
}
