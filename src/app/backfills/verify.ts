import { type RunResult, readFingerprintOf } from "../../backfill/run.js";
import { DwError } from "../../core/errors.js";
import type { LedgerEntry, LoadedChunk } from "../../core/target.js";
import { predicate } from "./bounds.js";
import type { BackfillCall, BackfillReport, RunFlags } from "./call.js";
import { certifyMended } from "./certify.js";
import type { OpenBackfill } from "./open.js";

/** Reads the chunks of the ledger again and compares them with the table. */
export async function verify(call: BackfillCall, open: OpenBackfill, flags: RunFlags, ledger: LedgerEntry): Promise<BackfillReport> {
  const prepared = await open.prepare(await predicate(open, flags), {});
  const read = async (): Promise<RunResult> => {
    const chunks: LoadedChunk[] = [];
    for (const chunk of prepared.plan.chunks) {
      const loaded = ledger.chunks.find((candidate) => candidate.chunk === chunk.id);
      if (loaded !== undefined) chunks.push({ ...loaded, fingerprint: await readFingerprintOf(prepared, chunk, open.connect) });
    }
    return { chunks, baseline: ledger.baseline, loadedNow: 0 };
  };
  return certifyMended(call, open, prepared, read, flags);
}

export function neverRan({ definition, target }: OpenBackfill): DwError {
  return new DwError("DW-BACKFILL-UNKNOWN", {
    what: `The ledger of ${target.table.title} knows nothing of backfill ${definition.name}.`,
    why: "It has never run in this environment, or was reset.",
    fix: `Run \`dw backfill ${definition.name}\` first.`,
  });
}
