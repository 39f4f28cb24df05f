import { createHash } from "node:crypto";
import { DwError } from "../core/errors.js";
import type { WatermarkRange } from "../core/fingerprint.js";
import { type Json, stableJson } from "../core/json.js";
import type { Chunk, DuckDbSession, OpenChunk, ReadPlan, ReadRequest, SourceTable } from "../core/source.js";
import type { Apply, LoadedChunk } from "../core/target.js";
import { carried, quoteName } from "../core/transit.js";
import { type Meeting, openAll } from "./increment.js";
import type { PreparedBackfill } from "./prepare.js";
import { goneKeys, type Latest } from "./rows.js";

/*
 * Incremental runs from snapshot to snapshot. Units (a file with its deletes, files that are merged) that both snapshots have
 * are not read; the rows of the others are compared: what the newer snapshot has replaces or is added, what only the older one
 * had is deleted by its key. What a snapshot is called by its writer (append, overwrite, compaction) is not believed.
 */

/** A state that a source was read in, as its identity ends: an Iceberg snapshot id; of Paimon the id and what it is made of. */
export const stateOf = ({ identity }: Pick<ReadPlan, "identity">): string => identity.slice(identity.lastIndexOf("@") + 1);

/** By which a source opens that state again. */
export const snapshotOf = (state: string): string => /^\d+/.exec(state)?.[0] ?? state;

export interface LoadedState {
  /** Null: nothing was loaded. */
  readonly state: string | null;
  /** The first state is loaded in chunks; until a second one follows, some may be missing. */
  readonly isFirst: boolean;
}

/** The end of the states that follow each other in the ledger, from nothing. */
export function loadedState(chunks: readonly LoadedChunk[]): LoadedState {
  const next = new Map<string | null, string>();
  for (const { fingerprint } of chunks) if (fingerprint.range !== undefined) next.set(fingerprint.range.after, fingerprint.range.upTo);
  let state: string | null = null;
  for (let steps = 0; steps <= next.size; steps++) {
    const following = next.get(state);
    if (following === undefined) return { state, isFirst: steps === 1 };
    state = following;
  }
  throw new Error("the ledger's states go in a circle");
}

export interface StateRequest {
  readonly meeting: Exclude<Meeting, { meet: "replace" }>;
  /** What is loaded: nothing, or a source in that state. */
  readonly before: { readonly state: string; readonly source: SourceTable } | undefined;
}

/** The backfill from a loaded state to the one of its source. DW-SOURCE-UNSUPPORTED where snapshots cannot be compared. */
export async function planStates(prepared: PreparedBackfill, { meeting, before }: StateRequest): Promise<PreparedBackfill> {
  const { plan } = prepared;
  if (plan.contents === undefined || !plan.identity.includes("@")) throw noSnapshots(prepared);
  const latest = latestOf(prepared, meeting);
  const identified = { ...prepared, identity: identityOf(prepared, meeting), ...(latest && { latest }) };
  if (before === undefined) return withStates(identified, meeting, null, firstState(prepared, latest !== undefined));
  if (before.state === stateOf(plan)) return withStates(identified, meeting, before.state, { ...plan, immutable: false, chunks: [] });
  return withStates(identified, meeting, before.state, await difference(identified, meeting, before));
}

function latestOf({ deletedWhen, target, mapping }: PreparedBackfill, meeting: StateRequest["meeting"]): Latest | undefined {
  const key = meeting.meet === "upsert" ? meeting.key : target.merge.merge === "upsert" ? target.merge.key : undefined;
  if (key === undefined || !key.every((name) => mapping.columns.some((column) => column.name === name))) return undefined;
  return { key, mark: "NOT dw_old", gone: deletedWhen === undefined ? "dw_old" : `dw_old OR (${deletedWhen})` };
}

/** The chunks of the source itself: a snapshot stays, so that a later run finds the same ones. */
function firstState({ plan }: PreparedBackfill, isMarked: boolean): ReadPlan {
  const own = new Map(plan.chunks.map((chunk) => [idOf([stateOf(plan), chunk.id]), chunk]));
  return {
    ...plan,
    immutable: false, // the ledger outlives the snapshot
    chunks: [...own].map(([id, chunk]) => ({ ...chunk, id })),
    open: async ({ id }, db) => {
      const chunk = own.get(id);
      if (chunk === undefined) throw new Error(`chunk ${id} is not of this plan`);
      const open = await plan.open(chunk, db);
      return isMarked ? { ...open, sql: `SELECT *, false AS dw_old FROM (${open.sql}) AS first` } : open;
    },
    prefetch: ({ id }) => {
      const chunk = own.get(id);
      if (chunk !== undefined) plan.prefetch?.(chunk);
    },
  };
}

async function difference(
  prepared: PreparedBackfill,
  meeting: StateRequest["meeting"],
  before: NonNullable<StateRequest["before"]>,
): Promise<ReadPlan> {
  const { plan, source, mapping, where } = prepared;
  const request: ReadRequest = { ...(mapping.needs && { columns: mapping.needs }), ...(where !== undefined && { where }) };
  const older = withoutNewColumns(before.source, source, request);
  const then = await before.source.plan(older);
  if (stateOf(then) !== before.state) throw rolledBack(prepared, before.state);
  const old = filledUp(await before.source.plan({ ...older, except: new Set(plan.contents) }), request.columns, source);
  const fresh = await source.plan({ ...request, except: new Set(then.contents) });
  const chunks = [...old.chunks, ...fresh.chunks];
  const chunk: Chunk = {
    id: idOf([before.state, stateOf(plan)]),
    title: `snapshot ${snapshotOf(before.state)} to ${snapshotOf(stateOf(plan))}`,
    bytes: chunks.reduce((sum, { bytes }) => sum + bytes, 0),
    files: chunks.flatMap(({ files }) => files),
  };
  return { ...plan, immutable: false, chunks: [chunk], open: (_, db) => openDifference(prepared, meeting, old, fresh, db) };
}

/** Columns that were added since are unknown to the older snapshot. */
function withoutNewColumns(before: SourceTable, { columns }: SourceTable, request: ReadRequest): ReadRequest {
  const known = new Set(before.columns.map(({ name }) => name));
  const wanted = request.columns ?? columns.map(({ name }) => name);
  return { ...request, columns: wanted.filter((name) => known.has(name)) };
}

/** The older rows with all columns: those that it did not have are NULL. */
function filledUp(old: ReadPlan, names: readonly string[] | undefined, { columns }: SourceTable): ReadPlan {
  const wanted = names ?? columns.map(({ name }) => name);
  const known = new Set(old.columns.map(({ name }) => name));
  const typed = wanted.flatMap((name) => columns.filter((column) => column.name === name));
  const select = typed.map(({ name, type }) =>
    known.has(name) ? quoteName(name) : `CAST(NULL AS ${carried(name, type)}) AS ${quoteName(name)}`,
  );
  return {
    ...old,
    columns: typed,
    open: async (chunk, db) => {
      const open = await old.open(chunk, db);
      return { ...open, sql: `SELECT ${select.join(", ")} FROM (${open.sql}) AS older` };
    },
  };
}

async function openDifference(
  prepared: PreparedBackfill,
  meeting: StateRequest["meeting"],
  old: ReadPlan,
  fresh: ReadPlan,
  db: DuckDbSession,
): Promise<OpenChunk> {
  const opened: OpenChunk[] = [];
  const close = async (): Promise<void> => {
    for (const open of opened.splice(0)) await open.close();
  };
  try {
    const [a, b] = [await openAll(old, db), await openAll(fresh, db)];
    opened.push(a, b);
    const marked = `SELECT *, false AS dw_old FROM (${b.sql}) AS fresh UNION ALL SELECT *, true AS dw_old FROM (${a.sql}) AS old`;
    if (meeting.meet === "upsert") return { sql: marked, close };
    const gone = goneKeys(prepared, marked) ?? `(${a.sql}) EXCEPT ALL (${b.sql})`;
    const [row] = await db.rows<{ n: string }>(`SELECT count(*) AS n FROM (${gone}) AS gone`);
    if (String(row?.n ?? "0") !== "0") throw rowsGone(prepared, String(row?.n));
    return { sql: prepared.latest === undefined ? `(${b.sql}) EXCEPT ALL (${a.sql})` : marked, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function withStates(prepared: PreparedBackfill, meeting: StateRequest["meeting"], after: string | null, plan: ReadPlan): PreparedBackfill {
  const range: WatermarkRange = { after, upTo: stateOf(plan) };
  const apply: Apply | undefined = meeting.meet === "upsert" ? { apply: "upsert", key: meeting.key } : undefined;
  return {
    ...prepared,
    plan,
    increment: { watermark: after, meeting, range: () => range, supersedes: () => [], apply: () => apply },
  };
}

const idOf = (parts: readonly string[]): string =>
  `snapshot-${createHash("sha256").update(JSON.stringify(parts), "utf8").digest("hex").slice(0, 32)}`;

/** The same for every snapshot: runs follow each other in one ledger. */
function identityOf(prepared: PreparedBackfill, meeting: Meeting): PreparedBackfill["identity"] {
  const { identity } = prepared.plan;
  const place = identity.slice(0, identity.lastIndexOf("@"));
  const decided: Json = {
    source: place,
    where: prepared.where ?? null,
    deletedWhen: prepared.deletedWhen ?? null,
    by: "snapshot",
    meet: meeting.meet,
    columns: prepared.mapping.columns.map(({ name, type, expression, nullable }) => ({
      name,
      type: JSON.stringify(type),
      expression,
      nullable,
    })),
  };
  return { backfill: prepared.name, source: place, digest: createHash("sha256").update(stableJson(decided)).digest("hex") };
}

function noSnapshots({ name, source }: PreparedBackfill): DwError {
  return new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `Backfill ${name} goes from snapshot to snapshot, and ${source.title} keeps none that can be compared.`,
    why: "Iceberg and Paimon tables do.",
    fix: "Name a column that only grows instead: incremental: { column }.",
  });
}

function rolledBack({ name }: PreparedBackfill, state: string): DwError {
  return new DwError("DW-SNAPSHOT-MISSING", {
    what: `Snapshot ${snapshotOf(state)}, up to which backfill ${name} is loaded, is another one now.`,
    why: "The table was rolled back, and its number given to other rows: what changed since cannot be told.",
    fix: `Start over with \`dw backfill reset ${name} --empty\`.`,
  });
}

function rowsGone({ name, target }: PreparedBackfill, rows: string): DwError {
  return new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `${rows} rows that backfill ${name} has loaded were changed or removed in the source.`,
    why: `dw can only add rows to ${target.title}: it has no key by which they could be replaced or deleted. Nothing of this snapshot was loaded.`,
    fix: "Give the target's model a key (PostgreSQL, TimescaleDB, DuckDB), or start over with `dw backfill reset --empty`.",
  });
}
