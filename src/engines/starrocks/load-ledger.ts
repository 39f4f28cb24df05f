import { createHash } from "node:crypto";
import { tableCopies } from "../../connections/starrocks-copies.js";
import type { DwError } from "../../core/errors.js";
import type { Fingerprint } from "../../core/fingerprint.js";
import type { MysqlRow, MysqlSession } from "../../core/session.js";
import type { LedgerEntry, LoadedChunk, LoadIdentity } from "../../core/target.js";
import { starrocks } from "./dialect.js";

/*
 * The ledger of backfills, in PRIMARY KEY tables beside the target. A chunk is `sent` before its rows leave and `loaded` once
 * they are known to be there; what is only sent is asked for by its label. Keys are hashes: a primary key has at most 128 bytes.
 */

export interface Attempt {
  readonly chunk: string;
  readonly title: string;
  readonly fingerprint: Fingerprint;
  readonly label: string;
}

export interface Ledger {
  readonly baseline: Fingerprint;
  readonly loaded: () => Promise<readonly LoadedChunk[]>;
  /** Chunks that were sent and are not known to have arrived. */
  readonly open: () => Promise<readonly Attempt[]>;
  readonly sending: (attempt: Attempt) => Promise<void>;
  readonly arrived: (attempt: Attempt) => Promise<LoadedChunk>;
}

const { sql, id, lit } = starrocks;
const BACKFILLS = id("dw_state", "backfill");
const CHUNKS = id("dw_state", "chunk");

const TABLES = [
  sql`${BACKFILLS} (id VARCHAR(64) NOT NULL, backfill STRING NOT NULL, target STRING NOT NULL, source STRING NOT NULL, digest STRING NOT NULL, baseline STRING NOT NULL, started_at DATETIME NOT NULL)`,
  sql`${CHUNKS} (id VARCHAR(64) NOT NULL, backfill STRING NOT NULL, target STRING NOT NULL, chunk STRING NOT NULL, title STRING NOT NULL, fingerprint STRING NOT NULL, label STRING NOT NULL, state STRING NOT NULL, changed_at DATETIME NOT NULL)`,
];

/** Takes the ledger for this identity, or throws what `conflict` says of the recorded source. */
export async function openLedger(
  db: MysqlSession,
  identity: LoadIdentity,
  target: string,
  baseline: () => Promise<Fingerprint>,
  conflict: (identity: LoadIdentity, target: string, recorded: string) => DwError,
): Promise<Ledger> {
  await prepare(db);
  const { backfill } = identity;
  const recorded = await recordOf(db, backfill, target);
  if (recorded !== undefined && recorded.digest !== identity.digest && (await rowsOf(db, backfill, target)).length > 0)
    throw conflict(identity, target, recorded.source ?? "");
  const base = recorded?.digest === identity.digest ? (JSON.parse(recorded.baseline ?? "") as Fingerprint) : await baseline(); // written below
  if (recorded?.digest !== identity.digest) {
    const values = [key(backfill, target), backfill, target, identity.source, identity.digest, JSON.stringify(base)].map(
      (value) => lit(value).text,
    );
    await db.query(`INSERT INTO ${BACKFILLS.text} VALUES (${values.join(", ")}, utc_timestamp())`);
  }
  const write = async ({ chunk, title, fingerprint, label }: Attempt, state: "sent" | "loaded"): Promise<void> => {
    const values = [key(backfill, target, chunk), backfill, target, chunk, title, JSON.stringify(fingerprint), label, state].map(
      (value) => lit(value).text,
    );
    await db.query(`INSERT INTO ${CHUNKS.text} VALUES (${values.join(", ")}, utc_timestamp())`);
  };
  const chunks = async (state: string): Promise<readonly MysqlRow[]> =>
    (await rowsOf(db, backfill, target)).filter((row) => row.state === state);
  return {
    baseline: base,
    loaded: async () => (await chunks("loaded")).map(loadedOf),
    open: async () => (await chunks("sent")).map((row) => ({ ...loadedOf(row), label: row.label ?? "" })),
    sending: (attempt) => write(attempt, "sent"),
    arrived: async (attempt) => {
      await write(attempt, "loaded");
      const { chunk, title, fingerprint } = attempt;
      return { chunk, title, fingerprint, loadedAt: new Date().toISOString() };
    },
  };
}

export async function ledgerOf(db: MysqlSession, backfill: string, target: string): Promise<LedgerEntry | undefined> {
  await prepare(db);
  const row = await recordOf(db, backfill, target);
  if (row === undefined) return undefined;
  const chunks = (await rowsOf(db, backfill, target)).filter(({ state }) => state === "loaded").map(loadedOf);
  return {
    identity: { backfill, source: row.source ?? "", digest: row.digest ?? "" },
    startedAt: iso(row.started_at),
    baseline: JSON.parse(row.baseline ?? "") as Fingerprint, // written by openLedger
    chunks,
  };
}

export async function forget(db: MysqlSession, backfill: string, target: string): Promise<void> {
  await db.query(sql`DELETE FROM ${CHUNKS} WHERE backfill = ${lit(backfill)} AND target = ${lit(target)}`.text);
  await db.query(sql`DELETE FROM ${BACKFILLS} WHERE id = ${lit(key(backfill, target))}`.text);
}

async function prepare(db: MysqlSession): Promise<void> {
  await db.query("CREATE DATABASE IF NOT EXISTS dw_state");
  const copies = await tableCopies(db);
  for (const { text } of TABLES)
    await db.query(
      `CREATE TABLE IF NOT EXISTS ${text} PRIMARY KEY (id) DISTRIBUTED BY HASH (id) BUCKETS 1 PROPERTIES ("replication_num" = "${copies}")`,
    );
}

async function recordOf(db: MysqlSession, backfill: string, target: string): Promise<MysqlRow | undefined> {
  const query = sql`SELECT source, digest, baseline, CAST(started_at AS VARCHAR) AS started_at FROM ${BACKFILLS} WHERE id = ${lit(key(backfill, target))}`;
  return (await db.query(query.text))[0];
}

async function rowsOf(db: MysqlSession, backfill: string, target: string): Promise<readonly MysqlRow[]> {
  return db.query(
    sql`SELECT chunk, title, fingerprint, label, state, CAST(changed_at AS VARCHAR) AS changed_at FROM ${CHUNKS} WHERE backfill = ${lit(backfill)} AND target = ${lit(target)} ORDER BY chunk`
      .text,
  );
}

function loadedOf(row: MysqlRow): LoadedChunk {
  return {
    chunk: row.chunk ?? "",
    title: row.title ?? "",
    fingerprint: JSON.parse(row.fingerprint ?? "") as Fingerprint, // written by openLedger
    loadedAt: iso(row.changed_at),
  };
}

function key(...parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts), "utf8").digest("hex");
}

const iso = (shown: string | null | undefined): string => `${(shown ?? "").replace(" ", "T").slice(0, 19)}Z`;
