import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type FingerprintColumn, rowHash } from "../../core/fingerprint.js";
import { rowsMoved } from "../../core/ledger-letters.js";
import type { Pg, PgSession } from "../../core/session.js";
import type { LoadableChunk, Mending, MissingRows } from "../../core/target.js";
import { postgresCanonical } from "./canonical.js";
import type { CopyForm } from "./copy-form.js";
import { copyBytes } from "./copy-text.js";
import { inSession } from "./ledger.js";

/** Rows taken out and put in, one by one, in one transaction. */

export interface MendedTable {
  readonly backfill: string;
  readonly name: string;
  /** Quoted. */
  readonly relation: string;
  readonly columns: readonly FingerprintColumn[];
  readonly form: CopyForm;
  readonly scratch: string;
}

export async function mendTable(pg: Pg, to: MendedTable, { extra, missing }: Mending, signal: AbortSignal): Promise<void> {
  const fileOf = ({ chunk }: MissingRows): string => join(to.scratch, `${chunk.id}.mend`);
  try {
    for (const rows of missing) await to.form.prepare(loadable(rows), fileOf(rows));
    await inSession(pg, async (session) => {
      await takeOut(session, to, extra);
      for (const rows of missing) await putIn(session, pg.server.embedded, to, rows, fileOf(rows), signal);
    });
  } finally {
    for (const rows of missing) await rm(fileOf(rows), { force: true });
  }
}

const loadable = ({ chunk, db, sql, fingerprint }: MissingRows): LoadableChunk => ({ chunk, db, sql, fingerprint });

/** Places of rows: of a partitioned table and a hypertable, in the table that has them. */
async function takeOut(session: PgSession, { name, relation, columns }: MendedTable, extra: Mending["extra"]): Promise<void> {
  if (extra.size === 0) return;
  const values = [...extra].map(([hash, count]) => `('${hash}', ${count})`).join(", ");
  const hashed = `SELECT tableoid AS o, ctid AS c, ${rowHash(postgresCanonical, columns)} AS row_hash FROM ${relation}`;
  const numbered = `SELECT o, c, row_hash, row_number() OVER (PARTITION BY row_hash ORDER BY o, c) AS copy FROM (${hashed}) h`;
  const places = `SELECT o, c FROM (${numbered}) n JOIN (VALUES ${values}) AS e(hash, copies) ON e.hash = n.row_hash AND n.copy <= e.copies`;
  const gone = await session.query(
    `WITH places AS MATERIALIZED (${places}), gone AS (DELETE FROM ${relation} t USING places WHERE t.tableoid = places.o AND t.ctid = places.c RETURNING 1) SELECT count(*)::text AS n FROM gone`,
  );
  const expected = [...extra.values()].reduce((sum, count) => sum + count, 0);
  if (gone[0]?.n !== String(expected)) throw rowsMoved(name);
}

async function putIn(
  session: PgSession,
  embedded: boolean,
  { backfill, name, relation, columns, form }: MendedTable,
  rows: MissingRows,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const names = columns.map((column) => postgresCanonical.ident(column.name)).join(", ");
  const copy = `COPY ${relation} (${names}) FROM STDIN (FORMAT ${form.format})`;
  const copied = await copyBytes(session, copy, form.bytes(loadable(rows), file, signal), embedded);
  if (copied !== rows.rows) throw rowsMoved(name);
  await session.query(
    "UPDATE dw_state.chunks SET fingerprint = $4, loaded_at = clock_timestamp() WHERE backfill = $1 AND target = $2 AND chunk = $3",
    [backfill, name, rows.chunk.id, JSON.stringify(rows.fingerprint)],
  );
}
