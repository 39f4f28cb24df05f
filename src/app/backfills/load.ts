import type { PreparedBackfill } from "../../backfill/prepare.js";
import { type RunOptions, runBackfill } from "../../backfill/run.js";
import type { Conversation } from "../../core/conversation.js";
import { predicate } from "./bounds.js";
import type { BackfillCall, BackfillReport, RunFlags } from "./call.js";
import { certify } from "./certify.js";
import type { OpenBackfill } from "./open.js";
import { progressOf } from "./progress.js";
import { refreshed, tended } from "./tend.js";

export async function loadInto(call: BackfillCall, open: OpenBackfill, flags: RunFlags): Promise<BackfillReport> {
  const prepared = await open.prepare(await predicate(open, flags), {});
  sayMapping(prepared, call.conversation);
  const run = await tended(call, open, prepared, () => runBackfill(prepared, runOptions(call, open, flags)));
  if (run.loadedNow > 0) await refreshed(call, open);
  return certify(call, open, prepared, run, flags.certificates);
}

export function runOptions(call: BackfillCall, open: OpenBackfill, flags: RunFlags): RunOptions {
  const concurrency = flags.concurrency ?? open.definition.model?.concurrency;
  return {
    connect: open.connect,
    signal: call.signal,
    notice: progressOf(open.definition.name, call.conversation, call.now),
    ...(concurrency !== undefined && { concurrency }),
  };
}

export function sayMapping({ name, mapping }: PreparedBackfill, { say }: Conversation): void {
  for (const column of mapping.columns) if (column.note) say(`${name}: ${column.name}: ${column.note}`);
  if (mapping.unused.length > 0) say(`${name}: not loaded: ${mapping.unused.join(", ")}`);
}
