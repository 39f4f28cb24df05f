import type { Fingerprint } from "../../core/fingerprint.js";
import { ledgerConflict, resetRefused } from "../../core/ledger-letters.js";
import type { Pg, PgSession } from "../../core/session.js";
import type { LedgerEntry, LoadedChunk, LoadIdentity } from "../../core/target.js";

/*
 * The chunk ledger lies in the target database, so that a chunk's rows and the record that they arrived are committed by
 * the same COMMIT. Whoever dies, wherever, leaves both or neither.
 */

const LAYOUT = [
  "CREATE SCHEMA IF NOT EXISTS dw_state",
  `CREATE TABLE IF NOT EXISTS dw_state.backfills (
    backfill text NOT NULL, target text NOT NULL, source text NOT NULL, digest text NOT NULL, baseline json NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (backfill, target))`,
  `CREATE TABLE IF NOT EXISTS dw_state.chunks (
    backfill text NOT NULL, target text NOT NULL, chunk text NOT NULL, title text NOT NULL, fingerprint json NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (backfill, target, chunk),
    FOREIGN KEY (backfill, target) REFERENCES dw_state.backfills ON DELETE CASCADE)`,
  // "row" is text: what was rejected may be what jsonb refuses.
  `CREATE TABLE IF NOT EXISTS dw_state.quarantine (
    backfill text NOT NULL, target text NOT NULL, chunk text NOT NULL, reason text NOT NULL, "row" text NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (backfill, target) REFERENCES dw_state.backfills ON DELETE CASCADE)`,
];

/** ISO-8601 with milliseconds, in UTC, whatever the session's settings. */
const iso = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Rows of the server are JSON that this module wrote: the cast is true for as long as nobody edits the ledger by hand. */
const parsed = (json: unknown): Fingerprint => JSON.parse(String(json)) as Fingerprint;

export async function prepareLedger(pg: Pg): Promise<void> {
  const [found] = await pg.query("SELECT to_regclass('dw_state.quarantine')::text AS found");
  if (typeof found?.found === "string") return;
  await inSession(pg, async (session) => {
    // The state store makes the same schema: one lock for both, because CREATE … IF NOT EXISTS alone races.
    await session.query("SELECT pg_advisory_xact_lock(hashtext('dw_state.layout'))");
    for (const statement of LAYOUT) await session.query(statement);
  });
}

/** Records the identity, or meets the one that is there. `takeBaseline` runs once in a backfill's life, before its first chunk. */
export async function claimLedger(
  pg: Pg,
  target: string,
  identity: LoadIdentity,
  takeBaseline: (session: PgSession) => Promise<Fingerprint>,
): Promise<Fingerprint> {
  return inSession(pg, async (session) => {
    await session.query("SELECT pg_advisory_xact_lock(hashtext($1))", [`dw_state.backfill ${identity.backfill} ${target}`]);
    const [row] = await session.query(
      "SELECT source, digest, baseline::text AS baseline FROM dw_state.backfills WHERE backfill = $1 AND target = $2",
      [identity.backfill, target],
    );
    if (row?.digest === identity.digest) return parsed(row.baseline);
    if (row !== undefined) {
      const key = [identity.backfill, target];
      const chunks = await session.query("SELECT 1 FROM dw_state.chunks WHERE backfill = $1 AND target = $2 LIMIT 1", key);
      if (chunks.length > 0) throw ledgerConflict(identity, target, String(row.source));
      // A first try that loaded nothing binds nobody: the corrected mapping takes its place.
      await session.query("DELETE FROM dw_state.backfills WHERE backfill = $1 AND target = $2", key);
    }
    const baseline = await takeBaseline(session);
    await session.query("INSERT INTO dw_state.backfills (backfill, target, source, digest, baseline) VALUES ($1, $2, $3, $4, $5)", [
      identity.backfill,
      target,
      identity.source,
      identity.digest,
      JSON.stringify(baseline),
    ]);
    return baseline;
  });
}

export async function loadedChunks(pg: Pick<Pg, "query">, backfill: string, target: string): Promise<LoadedChunk[]> {
  const rows = await pg.query(
    `SELECT chunk, title, fingerprint::text AS fingerprint, ${iso("loaded_at")} AS loaded_at
     FROM dw_state.chunks WHERE backfill = $1 AND target = $2 ORDER BY chunk`,
    [backfill, target],
  );
  return rows.map((row) => ({
    chunk: String(row.chunk),
    title: String(row.title),
    fingerprint: parsed(row.fingerprint),
    loadedAt: String(row.loaded_at),
  }));
}

/** False when the chunk is recorded already. Waits for another transaction that is recording the same chunk. */
export async function recordChunk(
  session: PgSession,
  backfill: string,
  target: string,
  chunk: Omit<LoadedChunk, "loadedAt">,
): Promise<boolean> {
  const rows = await session.query(
    `INSERT INTO dw_state.chunks (backfill, target, chunk, title, fingerprint) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT DO NOTHING RETURNING chunk`,
    [backfill, target, chunk.chunk, chunk.title, JSON.stringify(chunk.fingerprint)],
  );
  return rows.length === 1;
}

/** Chunks whose place another takes, with what was set aside of them. */
export async function supersede(session: PgSession, backfill: string, target: string, chunks: readonly string[]): Promise<void> {
  if (chunks.length === 0) return;
  const list = chunks.map((chunk) => `'${chunk.replaceAll("'", "''")}'`).join(", ");
  for (const table of ["quarantine", "chunks"])
    await session.query(`DELETE FROM dw_state.${table} WHERE backfill = $1 AND target = $2 AND chunk IN (${list})`, [backfill, target]);
}

/** A chunk that another run has recorded, or this one whose COMMIT was not answered. */
export async function recordedChunk(session: PgSession, backfill: string, target: string, chunk: string): Promise<LoadedChunk> {
  const found = (await loadedChunks(session, backfill, target)).find((other) => other.chunk === chunk);
  if (found === undefined) throw new Error(`the ledger has lost chunk ${chunk}`);
  return found;
}

/** The fingerprint of a chunk that is recorded already. */
export async function settleChunk(
  session: Pick<PgSession, "query">,
  backfill: string,
  target: string,
  chunk: string,
  fingerprint: Fingerprint,
): Promise<void> {
  await session.query("UPDATE dw_state.chunks SET fingerprint = $4 WHERE backfill = $1 AND target = $2 AND chunk = $3", [
    backfill,
    target,
    chunk,
    JSON.stringify(fingerprint),
  ]);
}

export async function countQuarantined(pg: Pg, backfill: string, target: string): Promise<string> {
  const [row] = await pg.query("SELECT count(*)::text AS n FROM dw_state.quarantine WHERE backfill = $1 AND target = $2", [
    backfill,
    target,
  ]);
  return String(row?.n ?? "0");
}

export async function readLedger(pg: Pg, backfill: string, target: string): Promise<LedgerEntry | undefined> {
  const [found] = await pg.query("SELECT to_regclass('dw_state.chunks')::text AS found");
  if (typeof found?.found !== "string") return undefined;
  const [row] = await pg.query(
    `SELECT source, digest, baseline::text AS baseline, ${iso("started_at")} AS started_at
     FROM dw_state.backfills WHERE backfill = $1 AND target = $2`,
    [backfill, target],
  );
  if (row === undefined) return undefined;
  return {
    identity: { backfill, source: String(row.source), digest: String(row.digest) },
    startedAt: String(row.started_at),
    baseline: parsed(row.baseline),
    chunks: await loadedChunks(pg, backfill, target),
  };
}

/**
 * Forgets the backfill; with `empty` the table is emptied by the same COMMIT. `table` is quoted and qualified. Rows that are
 * staged still go with the ledger: none of the table's are this backfill's then.
 */
export async function resetLedger(
  pg: Pg,
  backfill: string,
  target: string,
  table: string,
  empty: boolean,
  staged: readonly [schema: string, name: string],
): Promise<void> {
  await prepareLedger(pg);
  await inSession(pg, async (session) => {
    const [found] = await session.query("SELECT to_regclass($1)::text AS found", [staged.join(".")]);
    if (typeof found?.found === "string") await session.query(`DROP TABLE ${staged.join(".")}`);
    else if (!empty) await refuseRows(session, backfill, target, table);
    if (empty) await session.query(`TRUNCATE ${table}`);
    await session.query("DELETE FROM dw_state.backfills WHERE backfill = $1 AND target = $2", [backfill, target]);
  });
}

async function refuseRows(session: PgSession, backfill: string, target: string, table: string): Promise<void> {
  const rows = await session.query(`SELECT 1 FROM ${table} LIMIT 1`);
  if (rows.length > 0) throw resetRefused(backfill, target);
}

export async function inSession<Result>(pg: Pg, work: (session: PgSession) => Promise<Result>): Promise<Result> {
  const session = await pg.session();
  try {
    return await session.transaction(() => work(session));
  } finally {
    await session.close();
  }
}
