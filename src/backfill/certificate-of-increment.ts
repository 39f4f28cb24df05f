import { addFingerprints, emptyFingerprint } from "../core/fingerprint.js";
import type { Certificate } from "./certificate.js";
import type { PreparedBackfill } from "./prepare.js";
import { certificateChunks, certificateColumns, certificateHead, type ReconcileOptions } from "./reconcile.js";
import type { RunResult } from "./run.js";

/**
 * What a run of an incremental backfill has proved: each chunk was read back in the transaction that loaded it, which had
 * failed otherwise. The whole table is compared by `dw backfill verify`, not by every run.
 */
export function certifyReadBack(prepared: PreparedBackfill, run: RunResult, options: ReconcileOptions): Certificate {
  const { columns, target, increment } = prepared;
  const read = run.chunks.reduce((sum, chunk) => addFingerprints(sum, chunk.fingerprint, columns), emptyFingerprint(columns));
  return {
    ...certificateHead(prepared, options),
    verdict: "equal",
    watermark: { before: increment?.watermark ?? null, after: run.chunks.at(-1)?.fingerprint.range?.upTo ?? increment?.watermark ?? null },
    rows: { source: read.rows, target: read.rows, before: run.baseline.rows },
    hash: { source: read.hash, target: read.hash },
    columns: certificateColumns(prepared, read, read),
    chunks: certificateChunks(prepared, run),
    findings: [],
    differences: [],
    coverage: [
      `Rows above the watermark, and late ones below it, in ${run.chunks.length} ranges: counted and hashed by DuckDB as they were read.`,
      increment?.meeting.meet === "upsert"
        ? `Each range was read back from ${target.title} by its keys (${increment.meeting.key.join(", ")}), by the engine's own SQL, in the transaction that loaded it.`
        : `Each range was read back from ${target.title}, by the engine's own SQL, in the transaction that loaded it.`,
      "Rows that the source deletes without a trace, or changes below the watermark, are found by `dw backfill verify`, which compares everything.",
    ],
  };
}
