import type { Certificate } from "../../src/backfill/certificate.js";
import { type BackfillRequest, prepareBackfill } from "../../src/backfill/prepare.js";
import { reconcile } from "../../src/backfill/reconcile.js";
import { type Reader, type RunOptions, runBackfill } from "../../src/backfill/run.js";

/** A whole backfill as app/ runs it, without configuration. */
export async function backfill(
  request: BackfillRequest,
  connect: () => Promise<Reader>,
  more: Partial<RunOptions> & { readonly key?: readonly string[]; readonly afterLoad?: () => Promise<void> } = {},
): Promise<Certificate> {
  const db = await connect();
  try {
    const prepared = await prepareBackfill(request, db);
    const run = await runBackfill(prepared, { connect, signal: new AbortController().signal, notice: () => {}, waits: [], ...more });
    await more.afterLoad?.();
    return await reconcile(prepared, run, { environment: "test", connect, now: "2026-01-01T00:00:00Z", key: more.key ?? [] });
  } finally {
    await db.close();
  }
}
