import { createHash } from "node:crypto";
import { parseDuration } from "../core/duration.js";
import { DwError } from "../core/errors.js";
import type { WatermarkRange } from "../core/fingerprint.js";
import { type Json, stableJson } from "../core/json.js";
import type { ByColumn } from "../core/model.js";
import type { Chunk, DuckDbSession, OpenChunk, ReadPlan, SourceColumn } from "../core/source.js";
import type { Apply, LedgerEntry, LoadedChunk } from "../core/target.js";
import { quoteName, quoteText, transitType } from "../core/transit.js";
import { type LogicalType, typeText } from "../core/types.js";
import { isUtc } from "../core/wall-clock.js";
import type { PreparedBackfill } from "./prepare.js";
import type { Latest } from "./rows.js";
import type { Reader } from "./run.js";

/*
 * Incremental runs. The chunks of such a backfill are ranges of the watermark column; which ranges are loaded, the ledger
 * knows, and the watermark is the end of those that follow each other from the beginning. A range is read again as a whole,
 * and takes the place of what was loaded from it before: what dies, or arrives late, is repaired by reading again.
 */

/** How a run's chunks meet what the target has. */
export type Meeting =
  /** Unique by this key: rows replace rows. */
  | { readonly meet: "upsert"; readonly key: readonly string[] }
  /** The engine itself keeps one row a key. */
  | { readonly meet: "merge" }
  /** Everything in the range of this target column gives way. */
  | { readonly meet: "replace"; readonly column: string }
  /** Rows are only added: nothing is read twice. */
  | { readonly meet: "append" };

export interface IncrementRequest {
  readonly incremental: ByColumn;
  readonly meeting: Meeting;
  readonly ledger: LedgerEntry | undefined;
  readonly connect: () => Promise<Reader>;
  readonly signal: AbortSignal;
}

/** What a run of an incremental backfill adds to a prepared one. */
export interface Increment {
  /** Before the run; null: nothing was loaded yet. */
  readonly watermark: string | null;
  readonly meeting: Meeting;
  readonly range: (chunk: string) => WatermarkRange | undefined;
  readonly supersedes: (chunk: string) => readonly string[];
  readonly apply: (chunk: string) => Apply | undefined;
}

/** Rows of a chunk when the source does not say how large they are. */
const ROWS_A_CHUNK = 500_000;
const BYTES_A_CHUNK = 128 * 1024 * 1024;

/**
 * The backfill with the ranges that this run reads. Throws DW-BACKFILL-MAPPING (a watermark column that has no order to rely
 * on), DW-VALUE-REFUSED (rows without a watermark) and what planning throws.
 */
export async function planIncrement(prepared: PreparedBackfill, request: IncrementRequest): Promise<PreparedBackfill> {
  const column = watermarkColumn(prepared, request.incremental);
  const mark = markOf(column);
  const reach = latenessOf(prepared.name, column, request);
  const loaded = rangesOf(request.ledger);
  const db = await request.connect();
  try {
    const at = await whereNext(db, mark, reach, loaded);
    const { plan, edges } = await edgesAbove(prepared, { column, mark, reach, at, db, ...request });
    return withRanges(prepared, { ...request, column, mark, watermark: at.watermark, loaded, source: plan }, at.start, edges);
  } finally {
    await db.close();
  }
}

// ------------------------------------------------------------------------------------------------ the column

/** A column of which DuckDB knows the order, and how its values are written. */
interface Mark {
  readonly name: string;
  readonly type: LogicalType;
  /** DuckDB literal of a value that `text` wrote. */
  readonly literal: (text: string) => string;
}

function markOf({ name, type }: SourceColumn): Mark {
  return {
    name: quoteName(name),
    type,
    literal: (text) => (type.kind === "int" ? text : `CAST(${quoteText(text)} AS ${transitType(type)})`),
  };
}

const ORDERED: ReadonlySet<LogicalType["kind"]> = new Set(["int", "date", "timestamp"]);

function watermarkColumn({ name, source }: PreparedBackfill, { column }: ByColumn): SourceColumn {
  const found = source.columns.find((candidate) => candidate.name === column);
  if (found === undefined) throw wrongWatermark(name, column, "the source has no such column");
  if (!ORDERED.has(found.type.kind))
    throw wrongWatermark(name, column, `it is ${typeText(found.type)}, and not a time, a date or an integer`);
  return found;
}

function wrongWatermark(name: string, column: string, why: string): DwError {
  return new DwError("DW-BACKFILL-MAPPING", {
    what: `Backfill ${name} cannot go on from column ${column}: ${why}.`,
    why: "What is newer must be above the greatest value that was loaded.",
    fix: "Name a column of the source in `incremental` that only grows: when a row was written or changed, or its offset.",
  });
}

/** How far below the watermark a run begins, as a DuckDB expression over the watermark's literal. */
type Reach = ((literal: string) => string) | undefined;

/** Clocks are set back by at most that in the zones of the last fifty years. */
const CLOCK_CHANGE = 2 * 3_600_000;

function latenessOf(name: string, column: SourceColumn, { incremental: { lateness }, meeting }: IncrementRequest): Reach {
  if (lateness === undefined || lateness === 0) return undefined;
  if (meeting.meet === "append") throw appendedLate(name);
  if (column.type.kind === "int") {
    if (typeof lateness !== "number" || !Number.isSafeInteger(lateness) || lateness < 0)
      throw wrongLateness(name, column, "a whole number of its units, such as 1000");
    return (literal) => `(${literal}) - ${lateness}`;
  }
  if (typeof lateness !== "string") throw wrongLateness(name, column, "a duration such as 2 h");
  const seconds = Math.ceil(parseDuration(lateness) / 1000);
  return (literal) => `CAST((${literal}) - INTERVAL '${seconds} seconds' AS ${transitType(column.type)})`;
}

function wrongLateness(name: string, { name: column, type }: SourceColumn, wanted: string): DwError {
  return new DwError("DW-BACKFILL-MAPPING", {
    what: `The lateness of backfill ${name} does not fit column ${column}, which is ${typeText(type)}.`,
    why: "It is taken off the watermark to find out where a run begins.",
    fix: `Write ${wanted}.`,
  });
}

function appendedLate(name: string): DwError {
  return new DwError("DW-BACKFILL-MAPPING", {
    what: `Backfill ${name} has a lateness, but what it reads twice would be in its target twice.`,
    why: "The target has no key by which a row could be replaced, and the watermark column is not loaded as it is, so that nothing can give way.",
    fix: "Give the target's model a key, map the watermark column to a column of its own type, or leave `lateness` out.",
  });
}

/**
 * Wall-clock times of a zone whose clocks are set back: in the repeated hour newer rows are not above older ones. Throws where
 * the lateness does not reach over it.
 */
export function refuseRepeatedHour(name: string, column: SourceColumn, zone: string | undefined, { lateness }: ByColumn): void {
  const isWallClock = column.type.kind === "timestamp" && !column.type.zoned;
  if (!isWallClock || zone === undefined || isUtc(zone)) return;
  if (typeof lateness === "string" && parseDuration(lateness) >= CLOCK_CHANGE) return;
  throw new DwError("DW-BACKFILL-MAPPING", {
    what: `Column ${column.name} of backfill ${name} shows the clocks of ${zone}, which are set back once a year.`,
    why: "What is written in the repeated hour is not above the watermark, and would never be read.",
    fix: 'Give `incremental` a lateness of "2 h" or more, or name a column without clocks, such as an offset.',
  });
}

// ------------------------------------------------------------------------------------------------ what is loaded

interface LoadedRange extends WatermarkRange {
  readonly chunk: string;
}

function rangesOf(ledger: LedgerEntry | undefined): readonly LoadedRange[] {
  return (ledger?.chunks ?? []).flatMap(({ chunk, fingerprint }) =>
    fingerprint.range === undefined ? [] : [{ ...fingerprint.range, chunk }],
  );
}

interface Start {
  readonly watermark: string | null;
  /** Where the run begins to read: an end of a loaded range, at or below the watermark less the lateness. */
  readonly start: string | null;
}

/** Order is DuckDB's: texts of values have none. */
async function whereNext(db: DuckDbSession, mark: Mark, reach: Reach, loaded: readonly LoadedRange[]): Promise<Start> {
  if (loaded.length === 0) return { watermark: null, start: null };
  const ordered = await inOrder(db, mark, loaded);
  const watermark = chainEnd(ordered);
  if (watermark === null || reach === undefined) return { watermark, start: watermark };
  const edges = ordered.map(({ after }) => (after === null ? "NULL" : quoteText(after)));
  const [row] = await db.rows<{ start: string | null }>(
    `SELECT CAST(max(v) AS VARCHAR) AS start FROM (SELECT CAST(unnest([${edges.join(", ")}]::VARCHAR[]) AS ${transitType(mark.type)}) AS v) AS edges WHERE v <= ${reach(mark.literal(watermark))}`,
  );
  return { watermark, start: row?.start ?? null };
}

interface RankedRange extends LoadedRange {
  readonly low: number;
  readonly high: number;
}

/** Each edge with its place among all edges, the beginning being 0. */
async function inOrder(db: DuckDbSession, mark: Mark, loaded: readonly LoadedRange[]): Promise<readonly RankedRange[]> {
  const edges = new Set(loaded.flatMap(({ after, upTo }) => (after === null ? [upTo] : [after, upTo])));
  const rows = await db.rows<{ edge: string; place: number }>(
    `SELECT edge, CAST(dense_rank() OVER (ORDER BY CAST(edge AS ${transitType(mark.type)})) AS INTEGER) AS place FROM (SELECT unnest([${[...edges].map(quoteText).join(", ")}]) AS edge) AS edges`,
  );
  const places = new Map(rows.map(({ edge, place }) => [edge, Number(place)]));
  return loaded
    .map((range) => ({ ...range, low: range.after === null ? 0 : (places.get(range.after) ?? 0), high: places.get(range.upTo) ?? 0 }))
    .sort((a, b) => a.low - b.low || a.high - b.high);
}

/** The end of the ranges that follow each other without a gap, from the beginning: what is above a gap was not read after it. */
function chainEnd(ordered: readonly RankedRange[]): string | null {
  let end: RankedRange | undefined;
  for (const range of ordered) {
    if (range.low > (end?.high ?? 0)) break;
    if (range.high > (end?.high ?? 0)) end = range;
  }
  return end?.upTo ?? null;
}

// ------------------------------------------------------------------------------------------------ what is there

interface Above extends IncrementRequest {
  readonly column: SourceColumn;
  readonly mark: Mark;
  readonly reach: Reach;
  readonly at: Start;
  readonly db: DuckDbSession;
}

interface Edges {
  readonly plan: ReadPlan;
  /** Ends of the ranges to read, ascending. */
  readonly edges: readonly string[];
}

/** One look at the watermark column above the start: ranges hold about as many rows as a chunk should. */
async function edgesAbove(prepared: PreparedBackfill, above: Above): Promise<Edges> {
  const { column, mark, at, db } = above;
  if (column.nullable) await refuseUnmarked(prepared, above);
  const where = both(prepared.where, at.start === null ? undefined : `${mark.name} > ${mark.literal(at.start)}`);
  const plan = await prepared.source.plan({ columns: [column.name], ...(where !== undefined && { where }), ranged: true });
  await db.run(`CREATE OR REPLACE TEMPORARY TABLE dw_marks (v ${transitType(mark.type)}, n BIGINT)`);
  for (const chunk of plan.chunks) {
    above.signal.throwIfAborted();
    const open = await plan.open(chunk, db);
    try {
      await db.run(`INSERT INTO dw_marks SELECT ${mark.name}, count(*) FROM (${open.sql}) AS marks GROUP BY 1`);
    } finally {
      await open.close();
    }
  }
  const edges = await cutEdges(prepared, above, rowsAChunk(plan));
  await db.run("DROP TABLE dw_marks");
  return { plan, edges };
}

/** The look was at one column: its bytes say little of whole rows, where the source counts bytes by columns at all. */
function rowsAChunk({ chunks }: ReadPlan): number {
  const rows = chunks.reduce((sum, chunk) => sum + (chunk.rows ?? 0), 0);
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  return rows === 0 || bytes === 0 ? ROWS_A_CHUNK : Math.max(10_000, Math.floor(BYTES_A_CHUNK / (bytes / rows)));
}

async function cutEdges({ name }: PreparedBackfill, { mark, reach, at, db }: Above, rows: number): Promise<readonly string[]> {
  const type = transitType(mark.type);
  const known = at.watermark === null ? "NULL" : mark.literal(at.watermark);
  const [top] = await db.rows<{ v: string | null; finite: boolean | null }>(
    `SELECT CAST(v AS VARCHAR) AS v, ${mark.type.kind === "int" ? "true" : "isfinite(v)"} AS finite FROM (SELECT greatest(max(v), ${known}) AS v FROM dw_marks) AS top`,
  );
  const newest = top?.v ?? null;
  if (newest === null || newest === at.start) return [];
  if (top?.finite === false) throw endless(name, mark.name);
  const ends = [
    `SELECT max(v) AS v FROM (SELECT v, (sum(n) OVER (ORDER BY v) - 1) // ${rows} AS part FROM (SELECT v, sum(n) AS n FROM dw_marks GROUP BY v) AS counted) AS parts GROUP BY part`,
    `SELECT ${mark.literal(newest)}`,
    // An end at this place: the next run reads no more than the late rows again.
    ...(reach === undefined ? [] : [`SELECT ${reach(mark.literal(newest))}`]),
  ];
  const above = at.start === null ? "" : ` AND v > ${mark.literal(at.start)}`;
  const found = await db.rows<{ edge: string }>(
    `SELECT CAST(v AS VARCHAR) AS edge FROM (SELECT DISTINCT CAST(v AS ${type}) AS v FROM (${ends.join(" UNION ALL ")}) AS ends) AS edges WHERE v <= ${mark.literal(newest)}${above} ORDER BY v`,
  );
  return found.map(({ edge }) => edge);
}

function endless(name: string, column: string): DwError {
  return new DwError("DW-VALUE-REFUSED", {
    what: `The newest value of ${column}, the watermark of backfill ${name}, is infinity.`,
    why: "Nothing could ever be newer.",
    fix: "Leave such rows out with `where`, or correct them in the source.",
  });
}

async function refuseUnmarked(prepared: PreparedBackfill, { column, mark, db }: Above): Promise<void> {
  const where = both(prepared.where, `${mark.name} IS NULL`);
  const plan = await prepared.source.plan({ columns: [column.name], ...(where !== undefined && { where }), ranged: true });
  for (const chunk of plan.chunks) {
    const open = await plan.open(chunk, db);
    try {
      const [row] = await db.rows<{ n: string }>(`SELECT count(*) AS n FROM (${open.sql}) AS unmarked`);
      if (String(row?.n ?? "0") !== "0") throw unmarked(prepared.name, column.name);
    } finally {
      await open.close();
    }
  }
}

function unmarked(name: string, column: string): DwError {
  return new DwError("DW-VALUE-REFUSED", {
    what: `The source of backfill ${name} has rows whose ${column} is NULL.`,
    why: "No run would ever read them: they are neither above nor below a watermark.",
    fix: `Leave them out with \`where: "${column} IS NOT NULL"\`, or give them a value in the source.`,
  });
}

const both = (a: string | undefined, b: string | undefined): string | undefined =>
  a !== undefined && b !== undefined ? `(${a}) AND ${b}` : (a ?? b);

// ------------------------------------------------------------------------------------------------ ranges as chunks

interface Ranging extends IncrementRequest {
  readonly column: SourceColumn;
  readonly mark: Mark;
  readonly watermark: string | null;
  readonly loaded: readonly LoadedRange[];
  readonly source: ReadPlan;
}

interface Ranged extends WatermarkRange {
  readonly supersedes: readonly string[];
}

async function withRanges(
  prepared: PreparedBackfill,
  ranging: Ranging,
  start: string | null,
  edges: readonly string[],
): Promise<PreparedBackfill> {
  const ranges = new Map<string, Ranged>();
  const chunks: Chunk[] = [];
  const db = await ranging.connect();
  try {
    for (const [index, upTo] of edges.entries()) {
      const range = { after: index === 0 ? start : (edges[index - 1] ?? null), upTo };
      const supersedes = await overlapping(db, ranging, range);
      // What takes another's place has another name, also where the range is the same: the ledger keeps both apart.
      const id = `range-${hash(stableJson({ after: range.after, upTo, supersedes }))}`;
      ranges.set(id, { ...range, supersedes });
      chunks.push({ id, title: titleOf(ranging.column.name, range), bytes: 0, files: [] });
    }
  } finally {
    await db.close();
  }
  const { meeting } = ranging;
  const latest = latestOf(prepared, meeting, ranging.mark);
  return {
    ...prepared,
    plan: rangedPlan(prepared, ranging, chunks, (id) => ranges.get(id)),
    identity: identityOf(prepared, ranging),
    ...(latest && { latest }),
    increment: {
      watermark: ranging.watermark,
      meeting,
      range: (chunk) => {
        const found = ranges.get(chunk);
        return found && { after: found.after, upTo: found.upTo };
      },
      supersedes: (chunk) => ranges.get(chunk)?.supersedes ?? [],
      apply: (chunk) => applyOf(meeting, ranges.get(chunk)),
    },
  };
}

function latestOf({ deletedWhen, target, mapping }: PreparedBackfill, meeting: Meeting, mark: Mark): Latest | undefined {
  const { merge } = target;
  const key = meeting.meet === "upsert" ? meeting.key : merge.merge === "upsert" ? merge.key : undefined;
  if (key === undefined || !key.every((name) => mapping.columns.some((column) => column.name === name))) return undefined;
  return { key, mark: mark.name, ...(deletedWhen !== undefined && { gone: deletedWhen }) };
}

function applyOf(meeting: Meeting, range: Ranged | undefined): Apply | undefined {
  if (range === undefined) return undefined;
  if (meeting.meet === "upsert") return { apply: "upsert", key: meeting.key };
  if (meeting.meet === "replace") return { apply: "replace", column: meeting.column, after: range.after, upTo: range.upTo };
  return undefined;
}

const hash = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex").slice(0, 32);

function titleOf(column: string, { after, upTo }: WatermarkRange): string {
  return after === null ? `${column} to ${upTo}` : `${column} after ${after}, to ${upTo}`;
}

async function overlapping(db: DuckDbSession, { mark, loaded }: Ranging, range: WatermarkRange): Promise<readonly string[]> {
  if (loaded.length === 0) return [];
  const rows = loaded.map(
    ({ chunk, after, upTo }) => `(${[chunk, after, upTo].map((text) => (text === null ? "NULL" : quoteText(text))).join(", ")})`,
  );
  const type = transitType(mark.type);
  const isAbove = range.after === null ? "true" : `CAST(up_to AS ${type}) > ${mark.literal(range.after)}`;
  const found = await db.rows<{ chunk: string }>(
    `SELECT chunk FROM (VALUES ${rows.join(", ")}) AS loaded(chunk, after, up_to) WHERE ${isAbove} AND (after IS NULL OR CAST(after AS ${type}) < ${mark.literal(range.upTo)}) ORDER BY chunk`,
  );
  return found.map(({ chunk }) => chunk);
}

/** A range is planned when it is opened, so that only its own files, or the database's index, are looked at. */
function rangedPlan(
  { source, mapping, where }: PreparedBackfill,
  { column, mark, source: looked }: Pick<Ranging, "column" | "mark" | "source">,
  chunks: readonly Chunk[],
  rangeOf: (id: string) => WatermarkRange | undefined,
): ReadPlan {
  const needs = mapping.needs && [...new Set([...mapping.needs, column.name])];
  return {
    columns: source.columns,
    identity: looked.identity,
    immutable: false, // the next run reads newer rows under the same identity
    chunks,
    open: async (chunk, db) => {
      const range = rangeOf(chunk.id);
      if (range === undefined) throw new Error(`chunk ${chunk.id} is not of this plan`);
      const condition = both(where, rangePredicate(mark, range));
      const plan = await source.plan({
        ...(needs && { columns: needs }),
        ...(condition !== undefined && { where: condition }),
        ranged: true,
      });
      return openAll(plan, db);
    },
  };
}

function rangePredicate(mark: Mark, { after, upTo }: WatermarkRange): string {
  const top = `${mark.name} <= ${mark.literal(upTo)}`;
  return after === null ? top : `${mark.name} > ${mark.literal(after)} AND ${top}`;
}

/** All chunks of a plan as one. */
export async function openAll(plan: ReadPlan, db: DuckDbSession): Promise<OpenChunk> {
  const opened: OpenChunk[] = [];
  const close = async (): Promise<void> => {
    for (const open of opened.splice(0)) await open.close();
  };
  try {
    for (const chunk of plan.chunks) opened.push(await plan.open(chunk, db));
  } catch (error) {
    await close();
    throw error;
  }
  const none = `SELECT ${plan.columns.map(({ name, type }) => `CAST(NULL AS ${transitType(type) ?? "VARCHAR"}) AS ${quoteName(name)}`).join(", ")} LIMIT 0`;
  return { sql: opened.length === 0 ? none : opened.map(({ sql }) => `(${sql})`).join(" UNION ALL "), close };
}

/** The same for every state of the table: runs follow each other in one ledger. */
function identityOf(prepared: PreparedBackfill, { column, source, meeting }: Ranging): PreparedBackfill["identity"] {
  const state = source.identity.lastIndexOf("@");
  const place = state > 0 ? source.identity.slice(0, state) : prepared.source.title;
  const decided: Json = {
    source: place,
    where: prepared.where ?? null,
    deletedWhen: prepared.deletedWhen ?? null,
    watermark: column.name,
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

/** The backfill over everything that its ledger says is loaded: what is compared after a run. */
export function overLedger(prepared: PreparedBackfill, column: SourceColumn, loaded: readonly LoadedChunk[]): PreparedBackfill {
  const mark = markOf(column);
  const ranges = new Map(loaded.map(({ chunk, fingerprint }) => [chunk, fingerprint.range]));
  const chunks = loaded.map(({ chunk, title }): Chunk => ({ id: chunk, title, bytes: 0, files: [] }));
  const plan = rangedPlan(prepared, { column, mark, source: prepared.plan }, chunks, (id) => ranges.get(id));
  const { increment } = prepared;
  return { ...prepared, plan, ...(increment && { increment: { ...increment, range: (chunk) => ranges.get(chunk) } }) };
}
