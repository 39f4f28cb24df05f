import { certifyReadBack } from "../../backfill/certificate-of-increment.js";
import type { Meeting } from "../../backfill/increment.js";
import type { PreparedBackfill } from "../../backfill/prepare.js";
import { type RunResult, readFingerprintOf, runBackfill } from "../../backfill/run.js";
import { loadedState, planStates, type StateRequest, snapshotOf } from "../../backfill/snapshots.js";
import { emptyFingerprint } from "../../core/fingerprint.js";
import type { LoadedChunk } from "../../core/target.js";
import type { BackfillCall, BackfillReport, RunFlags } from "./call.js";
import { certifyMended, reconcileOptions, reportOf } from "./certify.js";
import { runOptions, sayMapping } from "./load.js";
import type { OpenBackfill } from "./open.js";
import { refreshed, tended } from "./tend.js";

type Meet = (base: PreparedBackfill) => Promise<Meeting>;

/** What changed between the snapshot that is loaded and the current one; the first snapshot is finished before. */
export async function loadSnapshots(
  call: BackfillCall,
  open: OpenBackfill,
  flags: RunFlags,
  where: string | undefined,
  meet: Meet,
): Promise<BackfillReport> {
  const unfinished = await plannedStates(open, where, meet, true);
  if (unfinished !== undefined && unfinished.plan.chunks.length > 0) await runStates(call, open, flags, unfinished);
  const prepared = await plannedStates(open, where, meet, false);
  if (prepared === undefined) throw new Error("a run without a plan");
  sayMapping(prepared, call.conversation);
  const from = prepared.increment?.watermark;
  call.conversation.say(`${prepared.name}: ${from == null ? "nothing is loaded yet" : `snapshot ${snapshotOf(from)} is loaded`}`);
  const run = await runStates(call, open, flags, prepared);
  if (prepared.increment?.meeting.meet !== "upsert") return verifySnapshots(call, open, flags, where, run.loadedNow);
  return reportOf(call, certifyReadBack(prepared, run, reconcileOptions(call, open)), run, flags.certificates);
}

async function runStates(call: BackfillCall, open: OpenBackfill, flags: RunFlags, prepared: PreparedBackfill): Promise<RunResult> {
  const run = await tended(call, open, prepared, () => runBackfill(prepared, runOptions(call, open, flags)));
  if (run.loadedNow > 0) await refreshed(call, open);
  return run;
}

/**
 * To the current snapshot; `first`: the rest of the first one, undefined where there is none. Both sources are opened before
 * anything is read.
 */
export async function plannedStates(
  open: OpenBackfill,
  where: string | undefined,
  meet: Meet,
  first: boolean,
): Promise<PreparedBackfill | undefined> {
  const { name } = open.definition;
  const ledger = await open.target.table.ledger(name);
  const loaded = loadedState(ledger?.chunks ?? []);
  if (first && !(loaded.isFirst && loaded.state !== null)) return undefined;
  const earlier = loaded.state === null ? undefined : await open.prepare(where, { snapshot: snapshotOf(loaded.state) });
  const base = first && earlier !== undefined ? earlier : await open.prepare(where, {});
  const meeting = await meet(base);
  if (meeting.meet === "replace") throw new Error("snapshots have no ranges that could give way");
  const before: StateRequest["before"] =
    first || loaded.state === null || earlier === undefined ? undefined : { state: loaded.state, source: earlier.source };
  const prepared = await planStates(base, { meeting, before });
  if (!first) return prepared;
  const known = new Set(ledger?.chunks.map(({ chunk }) => chunk));
  return { ...prepared, plan: { ...prepared.plan, chunks: prepared.plan.chunks.filter(({ id }) => !known.has(id)) } };
}

/** The snapshot that is loaded, read again as a whole, and the target. */
export async function verifySnapshots(
  call: BackfillCall,
  open: OpenBackfill,
  flags: RunFlags,
  where: string | undefined,
  loadedNow: number,
): Promise<BackfillReport> {
  const ledger = await open.target.table.ledger(open.definition.name);
  const { state } = loadedState(ledger?.chunks ?? []);
  const prepared = await open.prepare(where, state === null ? {} : { snapshot: snapshotOf(state) });
  const living = prepared.deletedWhen === undefined ? prepared : { ...prepared, ...leftOut(prepared, prepared.deletedWhen) };
  const read = async (): Promise<RunResult> => {
    const chunks: LoadedChunk[] = [];
    for (const chunk of living.plan.chunks)
      chunks.push({ chunk: chunk.id, title: chunk.title, fingerprint: await readFingerprintOf(living, chunk, open.connect), loadedAt: "" });
    return { chunks, baseline: ledger?.baseline ?? emptyFingerprint(prepared.columns), loadedNow };
  };
  return certifyMended(call, open, living, read, flags);
}

/** Rows that delete are no rows. */
function leftOut({ plan }: PreparedBackfill, deletedWhen: string): Pick<PreparedBackfill, "plan"> {
  return {
    plan: {
      ...plan,
      open: async (chunk, db) => {
        const open = await plan.open(chunk, db);
        return { ...open, sql: `SELECT * FROM (${open.sql}) AS source WHERE NOT coalesce((${deletedWhen}), false)` };
      },
    },
  };
}
