import { setTimeout as sleep } from "node:timers/promises";
import pLimit from "p-limit";
import { DwError, isDwError } from "../core/errors.js";
import { type Fingerprint, fingerprintQuery, readFingerprint } from "../core/fingerprint.js";
import type { Chunk, DuckDbSession } from "../core/source.js";
import type { LoadableChunk, LoadedChunk, LoadSession } from "../core/target.js";
import { duckdbCanonical } from "../engines/duckdb/canonical.js";
import { isHashedLater, onlyCounted } from "./hashing.js";
import { ruleQuery } from "./mapping.js";
import type { PreparedBackfill } from "./prepare.js";
import { countRejected, nothingRejected, refuseTooMany, rejectedRows } from "./quarantine.js";
import { ambiguousKeys, goneKeys, type Latest, livingRows, rowsOf } from "./rows.js";

export type Reader = DuckDbSession & { readonly close: () => Promise<void> };

export type ChunkEvent =
  | { readonly event: "planned"; readonly chunks: number; readonly bytes: number; readonly loaded: number; readonly loadedBytes: number }
  | { readonly event: "started"; readonly chunk: Chunk }
  | { readonly event: "loaded"; readonly chunk: Chunk; readonly rows: bigint }
  /** Chunks that were only counted are read once more, for their fingerprints. */
  | { readonly event: "hashing"; readonly chunks: number }
  | { readonly event: "retry"; readonly chunk: Chunk; readonly why: string; readonly seconds: number };

export interface RunOptions {
  /** A DuckDB connection of its own for each lane. */
  readonly connect: () => Promise<Reader>;
  readonly concurrency?: number;
  readonly signal: AbortSignal;
  readonly notice: (event: ChunkEvent) => void;
  /** Waits between attempts for an unreachable target, in milliseconds; one attempt more than waits. */
  readonly waits?: readonly number[];
}

export interface RunResult {
  /** Every chunk of the plan as the target's ledger has it, in plan order; those that are only counted `settledRun` hashes. */
  readonly chunks: readonly LoadedChunk[];
  readonly baseline: Fingerprint;
  /** Loaded by this run; the others were there before. */
  readonly loadedNow: number;
  /** Those of `chunks` that this run loaded. */
  readonly fresh?: readonly LoadedChunk[];
}

const WAITS = [500, 2000, 8000] as const;

/**
 * Loads the chunks that the target's ledger does not have yet. After an interruption no chunk is started, and the chunks
 * in hand are rolled back or finished: the next run goes on. The first refusal stops the run in the same way.
 */
export async function runBackfill(prepared: PreparedBackfill, options: RunOptions): Promise<RunResult> {
  const session = await prepared.target.start(prepared.identity, prepared.columns);
  try {
    const known = new Map((await session.loaded()).map((chunk) => [chunk.chunk, chunk]));
    if (prepared.increment === undefined) refuseStrangers(prepared, known);
    const pending = prepared.plan.chunks.filter((chunk) => !known.has(chunk.id));
    announce(prepared, pending, options);
    if (pending.length > 0) await auditRejected(prepared, options);
    const fresh = await loadAll(prepared, session, pending, options);
    for (const loaded of fresh) known.set(loaded.chunk, loaded);
    const chunks = prepared.plan.chunks.map((chunk) => known.get(chunk.id)).filter((chunk) => chunk !== undefined);
    return { chunks, baseline: session.baseline, loadedNow: pending.length, fresh };
  } finally {
    await session.close();
  }
}

/** What a chunk of the source is as the target should hold it, read anew. */
export async function readFingerprintOf(prepared: PreparedBackfill, chunk: Chunk, connect: RunOptions["connect"]): Promise<Fingerprint> {
  const { route, plan } = prepared;
  if (route.by === "relay" && plan.relay !== undefined) return plan.relay.fingerprint(chunk, route.columns);
  const db = await connect();
  try {
    const rows = await plan.open(chunk, db);
    try {
      return await fingerprintChunk(prepared, chunk, db, rows.sql);
    } finally {
      await rows.close();
    }
  } finally {
    await db.close();
  }
}

/** Rows that would be rejected are counted over every chunk before the first one is loaded: too many leave nothing half visible. */
async function auditRejected(prepared: PreparedBackfill, { connect, signal }: RunOptions): Promise<void> {
  const { name, plan, rejection } = prepared;
  if (rejection === undefined) return;
  const db = await connect();
  try {
    let rejected = nothingRejected;
    for (const chunk of plan.chunks) {
      signal.throwIfAborted();
      const open = await plan.open(chunk, db);
      try {
        rejected = await countRejected(rejection, livingRows(prepared, open.sql), db, rejected);
      } finally {
        await open.close();
      }
    }
    refuseTooMany(name, rejection.most, rejected);
  } finally {
    await db.close();
  }
}

function announce({ plan }: PreparedBackfill, pending: readonly Chunk[], { notice }: RunOptions): void {
  const bytes = sumBytes(plan.chunks);
  const [chunks, loaded] = [plan.chunks.length, plan.chunks.length - pending.length];
  notice({ event: "planned", chunks, bytes, loaded, loadedBytes: bytes - sumBytes(pending) });
}

const sumBytes = (chunks: readonly Chunk[]): number => chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);

/** A ledger of the same identity has the same chunks, unless a newer dw cuts them differently: then nothing can be skipped safely. */
function refuseStrangers(prepared: PreparedBackfill, known: ReadonlyMap<string, LoadedChunk>): void {
  const planned = new Set(prepared.plan.chunks.map((chunk) => chunk.id));
  const strangers = [...known.keys()].filter((id) => !planned.has(id));
  if (strangers.length === 0) return;
  throw new DwError("DW-LEDGER-CONFLICT", {
    what: `The ledger of ${prepared.target.title} records ${strangers.length} chunks of ${prepared.name} that this plan does not have.`,
    why: "The same rows would be cut into other chunks, and some of them loaded twice.",
    fix: `Finish with the version of dw that began, or start over with \`dw backfill reset ${prepared.name} --empty\`.`,
  });
}

async function loadAll(
  prepared: PreparedBackfill,
  session: LoadSession,
  pending: readonly Chunk[],
  options: RunOptions,
): Promise<readonly LoadedChunk[]> {
  const lanes = Math.max(1, Math.min(options.concurrency ?? prepared.target.lanes, lanesOf(prepared), pending.length));
  const readers: Reader[] = [];
  const limit = pLimit(lanes);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const lane = async (chunk: Chunk, next: Chunk | undefined): Promise<LoadedChunk | undefined> => {
    if (signal.aborted) return undefined;
    const reader = readers.pop() ?? (await options.connect());
    try {
      return await loadWithRetries(prepared, session, chunk, reader, { ...options, signal, next });
    } catch (error) {
      stop.abort(error); // the others abandon their chunks: one letter, not one a lane
      throw error;
    } finally {
      readers.push(reader);
    }
  };
  const results = await Promise.allSettled(pending.map((chunk, index) => limit(lane, chunk, pending[index + lanes])));
  for (const reader of readers) await reader.close();
  options.signal.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
  return results.flatMap((result) => (result.status === "fulfilled" && result.value !== undefined ? [result.value] : []));
}

/** Newer versions of a row come after older ones; ranges that give way do not meet. */
const lanesOf = ({ increment }: PreparedBackfill): number =>
  increment === undefined || increment.meeting.meet === "replace" ? Number.POSITIVE_INFINITY : 1;

interface Turn extends RunOptions {
  /** The chunk that this lane will probably read after this one. */
  readonly next: Chunk | undefined;
}

async function loadWithRetries(
  prepared: PreparedBackfill,
  session: LoadSession,
  chunk: Chunk,
  reader: Reader,
  options: Turn,
): Promise<LoadedChunk> {
  options.notice({ event: "started", chunk });
  const waits = options.waits ?? WAITS;
  for (let attempt = 0; ; attempt++) {
    try {
      const loaded = await (relayed(prepared, session, chunk, options) ?? loadChunk(prepared, session, chunk, reader, options));
      options.notice({ event: "loaded", chunk, rows: BigInt(loaded.fingerprint.rows) });
      return loaded;
    } catch (error) {
      const wait = waits[attempt];
      if (wait === undefined || options.signal.aborted || !isWorthRetrying(error)) throw error;
      options.notice({ event: "retry", chunk, why: error.what, seconds: wait / 1000 });
      await sleep(wait, undefined, { signal: options.signal });
      // No answer to COMMIT is not the answer no: the target's ledger knows, and `load` asks it again with its first statement.
    }
  }
}

function relayed(
  { route, plan: { relay } }: PreparedBackfill,
  session: LoadSession,
  chunk: Chunk,
  { signal }: Turn,
): Promise<LoadedChunk> | undefined {
  if (route.by !== "relay" || relay === undefined) return undefined;
  const columns = route.columns.map(({ name }) => name);
  const rows = () =>
    relay.rows(
      chunk,
      route.columns.map(({ from }) => from),
    );
  return session.relay?.({ chunk, columns, rows }, signal);
}

const isWorthRetrying = (error: unknown): error is DwError => isDwError(error) && error.errorClass === "unreachable";

async function loadChunk(
  prepared: PreparedBackfill,
  session: LoadSession,
  chunk: Chunk,
  reader: Reader,
  { signal, next }: Turn,
): Promise<LoadedChunk> {
  const open = await prepared.plan.open(chunk, reader);
  if (next !== undefined) prepared.plan.prefetch?.(next);
  try {
    if (isHashedLater(prepared)) {
      await checkRules(prepared, chunk, reader, open.sql);
      return await session.load({ chunk, db: reader, sql: rowsOf(prepared, open.sql), fingerprint: onlyCounted(prepared) }, signal);
    }
    const { immutable, textual = false } = prepared.plan;
    const rows = immutable && !textual ? open.sql : await keep(reader, open.sql);
    const fingerprint = await fingerprintChunk(prepared, chunk, reader, rows);
    const { rejection } = prepared;
    const rejected = rejection && { rejected: rejectedRows(rejection, livingRows(prepared, rows)) };
    return await session.load(
      { chunk, db: reader, sql: rowsOf(prepared, rows), fingerprint, ...rejected, ...incremented(prepared, chunk, rows) },
      signal,
    );
  } catch (error) {
    throw conversionRefused(error, chunk);
  } finally {
    await open.close();
  }
}

/** How a range meets what the target has. */
function incremented(prepared: PreparedBackfill, chunk: Chunk, rows: string): Partial<LoadableChunk> {
  const apply = prepared.increment?.apply(chunk.id);
  const supersedes = prepared.increment?.supersedes(chunk.id) ?? [];
  const gone = goneKeys(prepared, rows);
  return {
    ...(supersedes.length > 0 && { supersedes }),
    ...(apply && { apply: apply.apply === "upsert" && gone !== undefined ? { ...apply, gone } : apply }),
  };
}

/** What may change between two readings, or is parsed by each, is read once: the fingerprint and the load see the same rows. */
async function keep(db: DuckDbSession, sql: string): Promise<string> {
  await db.run(`CREATE OR REPLACE TEMPORARY TABLE dw_kept AS ${sql}`);
  return "SELECT * FROM temp.main.dw_kept";
}

/** What the chunk will be in the target; throws DW-VALUE-REFUSED when a value breaks a rule of the mapping. */
export async function fingerprintChunk(
  prepared: PreparedBackfill,
  chunk: Chunk,
  db: DuckDbSession,
  chunkSql: string,
): Promise<Fingerprint> {
  // What breaks a rule is set aside where rows are rejected.
  if (prepared.rejection === undefined) await checkRules(prepared, chunk, db, livingRows(prepared, chunkSql));
  if (prepared.latest !== undefined) await checkVersions(prepared, prepared.latest, chunk, db, chunkSql);
  const [row] = await db.rows(fingerprintQuery(duckdbCanonical, prepared.columns, `(${rowsOf(prepared, chunkSql)}) AS mapped`));
  const fingerprint = readFingerprint(prepared.columns, row ?? {});
  checkNulls(prepared, chunk, fingerprint);
  const range = prepared.increment?.range(chunk.id);
  return range === undefined ? fingerprint : { ...fingerprint, range };
}

async function checkVersions(prepared: PreparedBackfill, latest: Latest, chunk: Chunk, db: DuckDbSession, chunkSql: string): Promise<void> {
  const [row] = await db.rows<{ n: string }>(ambiguousKeys(prepared, latest, chunkSql));
  if (String(row?.n ?? "0") === "0") return;
  throw valueRefused(
    chunk,
    `${row?.n} keys with two rows that are equally new (${latest.mark}) and differ.`,
    "Let `incremental` name a column that tells which of them is newer, or leave the others out with `where`.",
  );
}

async function checkRules(prepared: PreparedBackfill, chunk: Chunk, db: DuckDbSession, chunkSql: string): Promise<void> {
  const query = ruleQuery(prepared.mapping, chunkSql);
  if (query === undefined) return;
  const [counts = {}] = await db.rows(query);
  for (const [index, rule] of prepared.mapping.rules.entries()) {
    const broken = String(counts[`broken_${index}`] ?? "0");
    if (broken !== "0") throw valueRefused(chunk, `${broken} values of column ${rule.column}: each ${rule.what}.`, rule.fix);
  }
}

function checkNulls(prepared: PreparedBackfill, chunk: Chunk, fingerprint: Fingerprint): void {
  for (const column of prepared.mapping.columns.filter(({ nullable }) => !nullable)) {
    const nulls = fingerprint.columns.find(({ name }) => name === column.name)?.nulls ?? "0";
    if (nulls !== "0")
      throw valueRefused(
        chunk,
        `${nulls} values of column ${column.name} are NULL, and the target allows none there.`,
        "Give them a value with { sql } in the map, leave the rows out with --where, or make the column nullable.",
      );
  }
}

function valueRefused(chunk: Chunk, what: string, fix: string): DwError {
  return new DwError("DW-VALUE-REFUSED", {
    what: `Chunk ${chunk.title} has ${what}`,
    why: "dw does not change values to make them fit. Nothing of the chunk was loaded.",
    fix,
  });
}

/** DuckDB's own refusals while it casts; its sentence may quote the value, so that only the kind of trouble is passed on. */
function conversionRefused(error: unknown, chunk: Chunk): unknown {
  const text = isDwError(error) ? `${error.what} ${error.why}` : error instanceof Error ? error.message : "";
  const kind = /(Conversion|Out of Range) Error: (Could not convert|Type [A-Z0-9]+ with value|Casting value|[A-Za-z ]*)/.exec(text);
  if (kind === null) return error;
  const types = /to (?:destination type|type|format)? ?"?([A-Z][A-Z0-9_(), ]+)/.exec(text)?.[1];
  return new DwError("DW-VALUE-REFUSED", {
    what: `Chunk ${chunk.title} has a value that cannot be converted${types === undefined ? "" : ` to ${types.trim()}`}.`,
    why: "dw does not change values to make them fit. Nothing of the chunk was loaded.",
    fix: "Use TRY_CAST or another expression with { sql } in the map, or leave such rows out with --where.",
    cause: error,
  });
}
