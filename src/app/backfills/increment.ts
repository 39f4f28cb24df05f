import { certifyReadBack } from "../../backfill/certificate-of-increment.js";
import { type Meeting, overLedger, planIncrement, refuseRepeatedHour } from "../../backfill/increment.js";
import type { PreparedBackfill } from "../../backfill/prepare.js";
import { type RunResult, readFingerprintOf, runBackfill } from "../../backfill/run.js";
import { DwError } from "../../core/errors.js";
import { emptyFingerprint } from "../../core/fingerprint.js";
import type { ByColumn } from "../../core/model.js";
import type { SourceColumn } from "../../core/source.js";
import type { LedgerEntry, LoadedChunk } from "../../core/target.js";
import type { LogicalType } from "../../core/types.js";
import { predicate } from "./bounds.js";
import type { BackfillCall, BackfillReport, RunFlags } from "./call.js";
import { certifyMended, reconcileOptions, reportOf } from "./certify.js";
import { runOptions, sayMapping } from "./load.js";
import type { OpenBackfill } from "./open.js";
import { loadSnapshots, plannedStates, verifySnapshots } from "./snapshots.js";
import { refreshed, tended } from "./tend.js";

/** Reads what is newer than the watermark, and late rows again; answers with what was read back. */
export async function loadIncrement(call: BackfillCall, open: OpenBackfill, flags: RunFlags): Promise<BackfillReport> {
  if (isBySnapshot(open)) return loadSnapshots(call, open, flags, await statedBounds(open, flags), (base) => meetingBySnapshot(open, base));
  const { base, meeting, column, ledger } = await beginning(open, flags);
  sayMapping(base, call.conversation);
  const prepared = await planIncrement(base, { ...asked(call, open), meeting, ledger });
  call.conversation.say(`${prepared.name}: ${nextOf(prepared, column)}`);
  const run = await tended(call, open, prepared, () => runBackfill(prepared, runOptions(call, open, flags)));
  if (run.loadedNow > 0) await refreshed(call, open);
  if (meeting.meet === "upsert" || meeting.meet === "replace") {
    const certificate = certifyReadBack(prepared, run, reconcileOptions(call, open));
    return reportOf(call, certificate, run, flags.certificates);
  }
  return compareAll(call, open, flags, { base, meeting, column }, run.loadedNow);
}

/** The backfill with the ranges that a run would read now. */
export async function plannedIncrement(call: BackfillCall, open: OpenBackfill, flags: RunFlags): Promise<PreparedBackfill> {
  if (isBySnapshot(open)) {
    const meet = (base: PreparedBackfill): Promise<Meeting> => meetingBySnapshot(open, base);
    const where = await statedBounds(open, flags);
    const planned = (await plannedStates(open, where, meet, true)) ?? (await plannedStates(open, where, meet, false));
    if (planned !== undefined && planned.plan.chunks.length > 0) return planned;
    return (await plannedStates(open, where, meet, false)) ?? open.prepare(where, {});
  }
  const { base, meeting, ledger } = await beginning(open, flags);
  return planIncrement(base, { ...asked(call, open), meeting, ledger });
}

/** Everything up to the watermark, read again. */
export async function verifyIncrement(call: BackfillCall, open: OpenBackfill, flags: RunFlags): Promise<BackfillReport> {
  if (isBySnapshot(open)) return verifySnapshots(call, open, flags, await statedBounds(open, flags), 0);
  return compareAll(call, open, flags, await beginning(open, flags), 0);
}

const asked = (call: BackfillCall, open: OpenBackfill) => ({
  incremental: incrementalOf(open),
  connect: open.connect,
  signal: call.signal,
});

const isBySnapshot = ({ definition }: OpenBackfill): boolean =>
  definition.model?.incremental !== undefined && "by" in definition.model.incremental;

function incrementalOf({ definition }: OpenBackfill): ByColumn {
  const incremental = definition.model?.incremental;
  if (incremental === undefined || "by" in incremental) throw new Error(`${definition.name} has no watermark column`);
  return incremental;
}

/** The same rows in every run: those that the model chooses. */
async function statedBounds(open: OpenBackfill, flags: RunFlags): Promise<string | undefined> {
  refuseBounds(open.definition.name, flags);
  return predicate(open, {});
}

async function meetingBySnapshot(open: OpenBackfill, base: PreparedBackfill): Promise<Meeting> {
  const keyed = await keyedMeeting(open, base);
  if (base.deletedWhen !== undefined && keyed?.meet !== "upsert") throw noKey(base.name, open);
  return keyed ?? { meet: "append" };
}

function nextOf({ increment, plan }: PreparedBackfill, column: SourceColumn): string {
  const from = increment?.watermark == null ? "nothing is loaded yet" : `${column.name} was loaded to ${increment.watermark}`;
  return plan.chunks.length === 0 ? `${from}; nothing is newer` : `${from}; ${plan.chunks.length} ranges to read`;
}

interface Beginning {
  readonly base: PreparedBackfill;
  readonly meeting: Meeting;
  readonly column: SourceColumn;
  readonly ledger: LedgerEntry | undefined;
}

async function beginning(open: OpenBackfill, flags: RunFlags): Promise<Beginning> {
  const incremental = incrementalOf(open);
  const base = await open.prepare(await statedBounds(open, flags), {});
  const column = base.source.columns.find(({ name }) => name === incremental.column);
  if (column !== undefined) refuseRepeatedHour(base.name, column, zoneOf(open, column), incremental);
  const ledger = await open.target.table.ledger(base.name);
  const meeting = await meetingOf(open, base, incremental, ledger);
  if (base.deletedWhen !== undefined && meeting.meet !== "upsert") throw noKey(base.name, open);
  return { base, meeting, column: column ?? { name: incremental.column, type: { kind: "text" }, nullable: true }, ledger };
}

function refuseBounds(name: string, { where, since, until }: RunFlags): void {
  if (where === undefined && since === undefined && until === undefined) return;
  throw new DwError("DW-USAGE", {
    what: `Backfill ${name} is incremental: its watermark says which rows are read.`,
    why: "What --where, --since or --until leave out today would be below the watermark tomorrow, and never be read.",
    fix: "Leave the flags out, or state `where` or `since` in the backfill, for every run.",
  });
}

/** Whose clocks a wall-clock column shows, as far as anybody says. */
function zoneOf({ definition: { model, sourceModel } }: OpenBackfill, { name }: SourceColumn): string | undefined {
  const mapped = Object.values(model?.map ?? {}).find((mapping) => "zone" in mapping && mapping.column === name);
  return (
    (mapped && "zone" in mapped ? mapped.zone : undefined) ?? sourceModel?.columns?.[name]?.zone ?? sourceModel?.zone ?? model?.sourceZone
  );
}

async function keyedMeeting(
  open: OpenBackfill,
  base: PreparedBackfill,
): Promise<Extract<Meeting, { meet: "merge" | "upsert" }> | undefined> {
  const { table, key } = open.target;
  const loaded = new Set(base.mapping.columns.map(({ name }) => name));
  if (table.merge.merge === "upsert") return { meet: "merge" };
  const isKeyed = key.length > 0 && key.every((name) => loaded.has(name)) && (await table.applies?.({ upsert: key })) === true;
  return isKeyed ? { meet: "upsert", key } : undefined;
}

async function meetingOf(
  open: OpenBackfill,
  base: PreparedBackfill,
  { column }: ByColumn,
  ledger: LedgerEntry | undefined,
): Promise<Meeting> {
  const keyed = await keyedMeeting(open, base);
  if (keyed !== undefined) return keyed;
  const { table } = open.target;
  const same = sameColumn(base, column);
  if (same === undefined || (await table.applies?.("replace")) !== true) return { meet: "append" };
  const before = ledger?.baseline.rows ?? (await table.fingerprint(base.columns)).rows;
  return before === "0" ? { meet: "replace", column: same } : { meet: "append" }; // rows of others would give way, too
}

/** The target column that holds the watermark column's values as they are. */
function sameColumn({ source, mapping }: PreparedBackfill, name: string): string | undefined {
  const from = source.columns.find((column) => column.name === name)?.type;
  return mapping.columns.find(
    (column) => column.from === name && column.note === undefined && from !== undefined && isSame(from, column.type),
  )?.name;
}

function isSame(from: LogicalType, to: LogicalType): boolean {
  if (from.kind === "int" && to.kind === "int") return true; // what is out of range is refused on loading
  if (from.kind === "timestamp" && to.kind === "timestamp")
    return from.zoned === to.zoned && from.precision <= to.precision && from.precision <= 6;
  return from.kind === "date" && to.kind === "date";
}

function noKey(name: string, { target }: OpenBackfill): DwError {
  return new DwError("DW-BACKFILL-MAPPING", {
    what: `Backfill ${name} deletes rows, and dw finds no key in ${target.table.title} by which it could.`,
    why: "A deletion names the row by its key: the model's `key`, all of which is loaded, with a unique index or primary key over exactly these columns.",
    fix: "Give the target's model a key and migrate, or leave `deletedWhen` out.",
  });
}

/** Source and target as wholes: ranges add up where rows were only added; where rows replace each other, the newest of each key counts. */
async function compareAll(
  call: BackfillCall,
  open: OpenBackfill,
  flags: RunFlags,
  { base, meeting, column }: Pick<Beginning, "base" | "meeting" | "column">,
  loadedNow: number,
): Promise<BackfillReport> {
  const ledger = await open.target.table.ledger(base.name);
  const prepared = await planIncrement(base, { ...asked(call, open), meeting, ledger });
  const watermark = prepared.increment?.watermark ?? null;
  const addsUp = meeting.meet === "replace" || meeting.meet === "append";
  const recorded = addsUp ? (ledger?.chunks ?? []) : watermark === null ? [] : [everything(prepared, watermark)];
  const over = overLedger(prepared, column, recorded);
  const read = async (): Promise<RunResult> => {
    const chunks: LoadedChunk[] = [];
    for (const loaded of recorded) {
      const chunk = over.plan.chunks.find(({ id }) => id === loaded.chunk);
      if (chunk === undefined) continue;
      const fingerprint = loadedNow > 0 && addsUp ? loaded.fingerprint : await readFingerprintOf(over, chunk, open.connect);
      chunks.push({ ...loaded, fingerprint });
    }
    return { chunks, baseline: ledger?.baseline ?? emptyFingerprint(base.columns), loadedNow };
  };
  return certifyMended(call, open, over, read, flags);
}

function everything({ columns }: PreparedBackfill, upTo: string): LoadedChunk {
  return {
    chunk: "all",
    title: `everything to ${upTo}`,
    fingerprint: { ...emptyFingerprint(columns), range: { after: null, upTo } },
    loadedAt: "",
  };
}
