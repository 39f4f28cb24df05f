import type { HashBucket, HashedRow } from "../core/measures.js";
import { type Measures, measuresOf } from "../core/measures.js";
import type { DuckDbSession } from "../core/source.js";
import { duckdbCanonical } from "../engines/duckdb/canonical.js";
import type { Difference } from "./certificate.js";
import type { PreparedBackfill } from "./prepare.js";
import { rowsOf } from "./rows.js";
import type { Reader } from "./run.js";

/*
 * From "something differs" to the rows that do: buckets by row hash narrow the trouble down on both sides, and only the rows
 * of the differing buckets are looked at. Rows are multisets: one that is there twice instead of once differs too.
 */

export interface DrillDown {
  readonly connect: () => Promise<Reader>;
  /** Columns that a person recognises a row by. */
  readonly key: readonly string[];
}

/** How far it looks: differing buckets, and rows in them on each side. */
export interface Depth {
  readonly buckets: number;
  readonly rows: number;
}

export type SourceRow = HashedRow & {
  /** Id of the chunk that has it. */
  readonly chunk: string;
};

export interface Differing {
  readonly missing: readonly SourceRow[];
  readonly extra: readonly HashedRow[];
  /** False where there is more than the depth allows to see. */
  readonly complete: boolean;
}

const SMALL_TABLE = 100_000n;
const SHOWN: Depth = { buckets: 16, rows: 20_000 };
const MOST_DIFFERENCES = 20;

export async function differingRows(prepared: PreparedBackfill, options: DrillDown, depth: Depth): Promise<Differing> {
  const { columns, target, plan } = prepared;
  const digits = BigInt((await target.fingerprint(columns)).rows) > SMALL_TABLE ? 3 : 1;
  const db = await options.connect();
  try {
    const theirs = await target.buckets(columns, digits);
    const ours: HashBucket[] = [];
    for (const { id } of plan.chunks) ours.push(...(await chunkBuckets(prepared, id, db, digits)));
    const found = differingBuckets(ours, theirs);
    const buckets = found.slice(0, depth.buckets);
    if (buckets.length === 0) return { missing: [], extra: [], complete: true };
    const label = labelOf(prepared, options);
    const there = await target.hashedRows(columns, label, buckets, depth.rows);
    const here: SourceRow[] = [];
    for (const { id } of plan.chunks) here.push(...(await chunkRows(prepared, id, db, label, buckets, depth.rows)));
    const complete = found.length <= depth.buckets && there.length < depth.rows && here.length < depth.rows;
    return { ...unmatched(here, there), complete };
  } finally {
    await db.close();
  }
}

const labelOf = ({ columns }: PreparedBackfill, { key }: DrillDown): readonly string[] =>
  key.length > 0 ? key : columns.slice(0, 1).map(({ name }) => name);

/** What a certificate shows: rows of one key as one difference, with the columns in which they differ. */
export async function shownDifferences(prepared: PreparedBackfill, options: DrillDown): Promise<Difference[]> {
  const { missing, extra } = await differingRows(prepared, options, SHOWN);
  const pairs = options.key.length === 0 ? [] : paired(missing, extra).slice(0, MOST_DIFFERENCES);
  const inPairs = new Set<HashedRow>(pairs.flat());
  const alone: Difference[] = [
    ...missing
      .filter((row) => !inPairs.has(row))
      .map((row): Difference => ({ where: "only in source", row: row.label, chunk: titleOf(prepared, row.chunk) })),
    ...extra.filter((row) => !inPairs.has(row)).map((row): Difference => ({ where: "only in target", row: row.label })),
  ];
  return [...(await changedColumns(prepared, options, pairs)), ...alone].slice(0, MOST_DIFFERENCES);
}

const titleOf = ({ plan }: PreparedBackfill, id: string): string => plan.chunks.find((chunk) => chunk.id === id)?.title ?? id;

type Pair = readonly [SourceRow, HashedRow];

/** Rows of one label, one on each side. A masked key pairs nothing. */
function paired(missing: readonly SourceRow[], extra: readonly HashedRow[]): Pair[] {
  const byLabel = new Map<string, HashedRow[]>();
  for (const row of extra) byLabel.set(row.label, [...(byLabel.get(row.label) ?? []), row]);
  return missing.flatMap((row): Pair[] => {
    const same = byLabel.get(row.label) ?? [];
    const [other] = same;
    return other !== undefined && same.length === 1 && !row.label.includes("***") ? [[row, other]] : [];
  });
}

async function changedColumns(prepared: PreparedBackfill, options: DrillDown, pairs: readonly Pair[]): Promise<Difference[]> {
  const { columns, target } = prepared;
  const theirs = pairs.length === 0 ? undefined : await target.rowValues?.(columns, [...new Set(pairs.map(([, row]) => row.hash))]);
  const ours = new Map<string, readonly (string | null)[]>();
  const db = await options.connect();
  try {
    for (const id of new Set(pairs.map(([row]) => row.chunk))) {
      const hashes = pairs.filter(([row]) => row.chunk === id).map(([row]) => row.hash);
      const rows = await onChunk(prepared, id, db, (chunk) => chunk.rowValues(columns, hashes));
      for (const [hash, values] of rows) ours.set(hash, values);
    }
  } finally {
    await db.close();
  }
  return pairs.map(([here, there]): Difference => {
    const [a, b] = [ours.get(here.hash), theirs?.get(there.hash)];
    const changed = columns.flatMap(({ name, pii }, index) => {
      const [source, found] = [a?.[index] ?? null, b?.[index] ?? null];
      if (a === undefined || b === undefined || source === found) return [];
      return [pii ? { name, source: "***", target: "***" } : { name, source: short(source), target: short(found) }];
    });
    return { where: "differs", row: here.label, chunk: titleOf(prepared, here.chunk), columns: changed };
  });
}

const short = (text: string | null): string | null => (text === null ? null : text.slice(0, 80));

async function onChunk<Result>(
  prepared: PreparedBackfill,
  id: string,
  db: DuckDbSession,
  read: (chunk: Measures) => Promise<Result>,
): Promise<Result> {
  const chunk = prepared.plan.chunks.find((candidate) => candidate.id === id);
  if (chunk === undefined) throw new Error(`the plan has no chunk ${id}`);
  const open = await prepared.plan.open(chunk, db);
  try {
    return await read(measuresOf(duckdbCanonical, (sql) => db.rows(sql), `(${rowsOf(prepared, open.sql)}) AS mapped`));
  } finally {
    await open.close();
  }
}

function chunkBuckets(prepared: PreparedBackfill, id: string, db: DuckDbSession, digits: number): Promise<readonly HashBucket[]> {
  return onChunk(prepared, id, db, (chunk) => chunk.buckets(prepared.columns, digits));
}

function chunkRows(
  prepared: PreparedBackfill,
  id: string,
  db: DuckDbSession,
  label: readonly string[],
  buckets: readonly string[],
  limit: number,
): Promise<SourceRow[]> {
  return onChunk(prepared, id, db, async (chunk) => {
    const rows = await chunk.hashedRows(prepared.columns, label, buckets, limit);
    return rows.map((row) => ({ ...row, chunk: id }));
  });
}

function differingBuckets(ours: readonly HashBucket[], theirs: readonly HashBucket[]): string[] {
  const sums = new Map<string, { rows: bigint; hash: bigint }>();
  const add = (bucket: HashBucket, sign: bigint): void => {
    const sum = sums.get(bucket.bucket) ?? { rows: 0n, hash: 0n };
    sums.set(bucket.bucket, { rows: sum.rows + sign * BigInt(bucket.rows), hash: sum.hash + sign * BigInt(bucket.hash) });
  };
  for (const bucket of ours) add(bucket, 1n);
  for (const bucket of theirs) add(bucket, -1n);
  return [...sums].filter(([, { rows, hash }]) => rows !== 0n || hash !== 0n).map(([bucket]) => bucket);
}

function unmatched(ours: readonly SourceRow[], theirs: readonly HashedRow[]): Pick<Differing, "missing" | "extra"> {
  const left = new Map<string, SourceRow[]>();
  for (const row of ours) {
    const same = left.get(row.hash);
    if (same === undefined) left.set(row.hash, [row]);
    else same.push(row);
  }
  const extra = theirs.filter((row) => left.get(row.hash)?.pop() === undefined);
  return { missing: [...left.values()].flat(), extra };
}
