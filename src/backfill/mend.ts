import { DwError } from "../core/errors.js";
import { type FingerprintColumn, rowHash } from "../core/fingerprint.js";
import type { DuckDbSession } from "../core/source.js";
import type { MissingRows } from "../core/target.js";
import { quoteName } from "../core/transit.js";
import { duckdbCanonical } from "../engines/duckdb/canonical.js";
import { type DrillDown, differingRows, type SourceRow } from "./drill-down.js";
import type { PreparedBackfill } from "./prepare.js";
import { rowsOf } from "./rows.js";
import { fingerprintChunk, type RunResult } from "./run.js";

/** Rows of differing buckets, on each side: what is held in memory at most. */
const DEPTH = { buckets: 4096, rows: 200_000 };

export interface Mended {
  readonly removed: number;
  readonly copied: number;
  /** Titles of the chunks that rows were copied from. */
  readonly chunks: readonly string[];
}

/**
 * Makes the target equal to the source by as little as that takes: rows that only the target has go, and of the chunks that
 * differ the rows come that only the source has, all in one commit. DW-RECOPY-REFUSED, DW-RECONCILE-MISMATCH.
 */
export async function mend(
  prepared: PreparedBackfill,
  run: RunResult,
  options: DrillDown & { readonly signal: AbortSignal },
): Promise<Mended> {
  const { target } = prepared;
  if (target.mend === undefined) throw refused(prepared, `dw cannot take single rows out of ${target.title}`);
  if (run.baseline.rows !== "0")
    throw refused(prepared, `${target.title} held ${run.baseline.rows} rows before, which cannot be told from others`);
  const { missing, extra, complete } = await differingRows(prepared, options, DEPTH);
  if (!complete) throw refused(prepared, `more than ${DEPTH.rows} rows lie where the two sides differ`);
  const ids = [...new Set(missing.map(({ chunk }) => chunk))];
  const counted = new Map<string, number>();
  for (const { hash } of extra) counted.set(hash, (counted.get(hash) ?? 0) + 1);
  const db = await options.connect();
  const closers: (() => Promise<void>)[] = [];
  try {
    const rows: MissingRows[] = [];
    for (const [index, id] of ids.entries()) {
      const own = missing.filter(({ chunk }) => chunk === id);
      rows.push(await missingRows(prepared, id, own, `dw_missing_${index}`, db, closers));
    }
    await target.mend(prepared.name, prepared.columns, { extra: counted, missing: rows }, options.signal);
    return { removed: extra.length, copied: missing.length, chunks: rows.map(({ chunk }) => chunk.title) };
  } finally {
    for (const close of closers) await close();
    await db.close();
  }
}

/** The rows of a chunk that are missing in the target, as many of each as are missing, in a table of their own. */
async function missingRows(
  prepared: PreparedBackfill,
  id: string,
  missing: readonly SourceRow[],
  table: string,
  db: DuckDbSession,
  closers: (() => Promise<void>)[],
): Promise<MissingRows> {
  const chunk = prepared.plan.chunks.find((candidate) => candidate.id === id);
  if (chunk === undefined) throw new Error(`the plan has no chunk ${id}`);
  const counted = new Map<string, number>();
  for (const { hash } of missing) counted.set(hash, (counted.get(hash) ?? 0) + 1);
  const open = await prepared.plan.open(chunk, db);
  closers.push(() => open.close());
  const fingerprint = await fingerprintChunk(prepared, chunk, db, open.sql);
  await db.run(`CREATE OR REPLACE TEMPORARY TABLE ${table} AS ${wanted(prepared.columns, rowsOf(prepared, open.sql), counted)}`);
  return { chunk, db, sql: `SELECT * FROM temp.main.${table}`, rows: missing.length, fingerprint };
}

function wanted(columns: readonly FingerprintColumn[], rows: string, counted: ReadonlyMap<string, number>): string {
  const names = columns.map(({ name }) => quoteName(name)).join(", ");
  const hashed = `SELECT ${names}, ${rowHash(duckdbCanonical, columns)} AS dw_hash FROM (${rows}) AS mapped`;
  const numbered = `SELECT *, row_number() OVER (PARTITION BY dw_hash) AS dw_copy FROM (${hashed}) AS hashed`;
  const values = [...counted].map(([hash, count]) => `('${hash}', ${count})`).join(", ");
  return `SELECT ${names} FROM (${numbered}) AS numbered JOIN (VALUES ${values}) AS wanted(hash, copies) ON hash = dw_hash AND dw_copy <= copies`;
}

function refused({ name }: PreparedBackfill, why: string): DwError {
  return new DwError("DW-RECOPY-REFUSED", {
    what: `The differing rows of backfill ${name} cannot be copied again.`,
    why: `${why[0]?.toUpperCase()}${why.slice(1)}.`,
    fix: `Correct them by hand with the certificate, or start over with \`dw backfill reset ${name} --empty\`.`,
  });
}
