import type { Certificate } from "../../backfill/certificate.js";
import { reconcile } from "../../backfill/reconcile.js";
import { runBackfill } from "../../backfill/run.js";
import { settledRun } from "../../backfill/settle.js";
import { DwError } from "../../core/errors.js";
import type { Staging } from "../../core/target.js";
import { type Audit, auditStaged } from "./audit.js";
import { predicate } from "./bounds.js";
import type { BackfillCall, BackfillReport, RunFlags } from "./call.js";
import { certify, reconcileOptions } from "./certify.js";
import { runOptions, sayMapping } from "./load.js";
import type { OpenBackfill } from "./open.js";
import { refreshed, tended } from "./tend.js";

/** What is staged must equal the source and pass the checks; then it is published, and the target itself is compared. */
export async function publishAudited(call: BackfillCall, open: OpenBackfill, flags: RunFlags, staging: Staging): Promise<BackfillReport> {
  const { name } = open.definition;
  const where = await predicate(open, flags);
  const table = await staging.table();
  try {
    const staged = await open.prepare(where, {}, table);
    sayMapping(staged, call.conversation);
    const prepared = { ...staged, target: open.target.table };
    const run = await tended(call, open, prepared, async () => {
      const written = await settledRun(staged, await runBackfill(staged, runOptions(call, open, flags)), runOptions(call, open, flags));
      const certificate = await reconcile(staged, written, reconcileOptions(call, open));
      if (certificate.verdict !== "equal") throw stagedDifferently(name, certificate);
      const passed = await auditStaged(open.definition, staging.name, auditOf(call, open));
      await staging.publish();
      call.conversation.say(`${name}: ${certificate.rows.target} rows are published (${passed} checks passed on them)`);
      return { ...written, fresh: written.chunks };
    });
    await refreshed(call, open);
    const ledger = await open.target.table.ledger(name);
    return await certify(call, open, prepared, { ...run, baseline: ledger?.baseline ?? run.baseline }, flags.certificates);
  } finally {
    await table.close();
  }
}

const auditOf = ({ project, environment, signal, conversation, now }: BackfillCall, open: OpenBackfill): Audit => ({
  project,
  connections: open.connections,
  environment: environment.name,
  signal,
  conversation,
  now: now(),
});

export function stagingOf({ definition: { name }, target }: OpenBackfill): Staging {
  const staging = target.table.staging?.(name);
  if (staging !== undefined) return staging;
  throw new DwError("DW-BACKFILL-MAPPING", {
    what: `Backfill ${name} publishes what was audited, which dw cannot do in ${target.table.title}.`,
    why: `${target.table.engine} has no staging table there that could become visible at once.`,
    fix: 'Leave `publish: "audited"` out; `dw check` looks at the rows after they were loaded.',
  });
}

function stagedDifferently(name: string, { findings }: Certificate): DwError {
  const lines = findings.map(({ what, source, target }) => `  - ${what}: ${source ?? "nothing"} read, ${target ?? "nothing"} staged`);
  return new DwError("DW-RECONCILE-MISMATCH", {
    what: `What backfill ${name} has staged is not what it read:\n${lines.join("\n")}`,
    why: "Nothing of it was published.",
    fix: `Start over with \`dw backfill reset ${name}\`.`,
  });
}
