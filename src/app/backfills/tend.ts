import type { PreparedBackfill } from "../../backfill/prepare.js";
import type { RunResult } from "../../backfill/run.js";
import { settledRun } from "../../backfill/settle.js";
import { policiesToPause, touchedRanges } from "../../backfill/upkeep.js";
import { timeColumn } from "./bounds.js";
import type { BackfillCall } from "./call.js";
import type { OpenBackfill } from "./open.js";
import { refreshEmulated } from "./refresh.js";

/** Keeps the target's own upkeep out of the way of a run, and makes up for what it could not see of it. */
export async function tended(
  call: BackfillCall,
  open: OpenBackfill,
  prepared: PreparedBackfill,
  work: () => Promise<RunResult>,
): Promise<RunResult> {
  const { upkeep } = prepared.target;
  if (upkeep === undefined) return work();
  const { say, warn } = call.conversation;
  await restored(call, open); // what a run that died has left paused
  const policies = await policiesToPause(prepared, open.definition.model?.policies === "pause", open.connect);
  if (policies.length > 0) await upkeep.pause(prepared.name, policies);
  for (const { what } of policies) say(`${prepared.name}: policy ${what} is paused for this run`);
  const owed = await upkeep.owesRefresh(prepared.name);
  await upkeep.oweRefresh(prepared.name);
  try {
    // The ranges that were touched are known from the chunks' fingerprints.
    const run = await settledRun(prepared, await work(), { connect: open.connect, signal: call.signal });
    const ranges = touchedRanges(prepared, timeColumn(open), owed ? run.chunks : (run.fresh ?? []));
    const names = await upkeep.refresh(prepared.name, ranges);
    for (const name of ranges.length > 0 ? names : []) say(`${prepared.name}: ${name} is refreshed where rows were added`);
    return run;
  } finally {
    await restored(call, open);
    for (const { what } of policies.filter(({ drops }) => drops !== undefined))
      warn(`${prepared.name}: policy ${what} drops the rows that are too old for it when it runs next; widen it to keep them`);
  }
}

export async function restored({ conversation }: BackfillCall, { definition, target }: OpenBackfill): Promise<void> {
  const names = (await target.table.upkeep?.restore(definition.name)) ?? [];
  for (const what of names) conversation.say(`${definition.name}: policy ${what} runs again`);
}

export async function refreshed({ project, environment, signal, conversation }: BackfillCall, { definition }: OpenBackfill): Promise<void> {
  const names = await refreshEmulated(definition, project.connect(environment), signal);
  for (const name of names) conversation.say(`${definition.name}: ${name} is refreshed, as nothing else does that in the emulation`);
}
