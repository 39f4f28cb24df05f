import { createHash, randomUUID } from "node:crypto";
import { tableCopies } from "../../connections/starrocks-copies.js";
import type { DwError } from "../../core/errors.js";
import type { Fingerprint } from "../../core/fingerprint.js";
import type { MysqlRow, MysqlSession } from "../../core/session.js";
import type { LedgerEntry, LoadedChunk, LoadIdentity } from "../../core/target.js";
import { starrocks } from "./dialect.js";

/*
 * The ledger of backfills, in PRIMARY KEY tables beside the target. A chunk is recorded before anything of it leaves, and
 * `loaded` once its rows are known to be there; for what is in between its label is asked. Keys are hashes: a primary key has at
 * most 128 bytes. Labels contain the backfill's epoch, so that those of an earlier life, before a reset, say nothing.
 */

/**
 * `sent`: its rows may be there. `begun`: they are not, unless its transaction was prepared and somebody commits it, which is
 * recorded first, as `committing`.
 */
export type Stage = "sent" | "begun" | "committing";

export interface Attempt {
  readonly chunk: string;
  readonly title: string;
  readonly fingerprint: Fingerprint;
  readonly label: string;
}

export interface OpenAttempt extends Attempt {
  readonly stage: Stage;
}

export interface Ledger {
  readonly baseline: Fingerprint;
  readonly epoch: string;
  readonly loaded: () => Promise<readonly LoadedChunk[]>;
  /** Chunks that are not known to have arrived. */
  readonly open: () => Promise<readonly OpenAttempt[]>;
  readonly record: (attempt: Attempt, stage: Stage) => Promise<void>;
  readonly arrived: (attempt: Attempt) => Promise<LoadedChunk>;
}

const { sql, id, lit } = starrocks;
const BACKFILLS = id("dw_state", "backfill");
const CHUNKS = id("dw_state", "chunk");

const TABLES = [
  sql`${BACKFILLS} (id VARCHAR(64) NOT NULL, backfill STRING NOT NULL, target STRING NOT NULL, source STRING NOT NULL, digest STRING NOT NULL, baseline STRING NOT NULL, started_at DATETIME NOT NULL, epoch STRING NOT NULL)`,
  sql`${CHUNKS} (id VARCHAR(64) NOT NULL, backfill STRING NOT NULL, target STRING NOT NULL, chunk STRING NOT NULL, title STRING NOT NULL, fingerprint STRING NOT NULL, label STRING NOT NULL, state STRING NOT NULL, changed_at DATETIME NOT NULL)`,
];

/** The digest of a backfill whose table is being emptied: until that has ended, nothing may be loaded. */
const RESETTING = "";

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
  const isOther = recorded !== undefined && recorded.digest !== identity.digest;
  if (isOther && (recorded.digest === RESETTING || (await rowsOf(db, backfill, target)).length > 0))
    throw conflict(identity, target, recorded.source ?? "");
  const known = isOther ? undefined : recorded;
  const base = known ? (JSON.parse(known.baseline ?? "") as Fingerprint) : await baseline(); // written below
  const epoch = known?.epoch ?? randomUUID();
  if (known === undefined) await writeRecord(db, identity, target, base, epoch);
  const write = async ({ chunk, title, fingerprint, label }: Attempt, state: Stage | "loaded"): Promise<void> => {
    const values = [key(backfill, target, chunk), backfill, target, chunk, title, JSON.stringify(fingerprint), label, state].map(
      (value) => lit(value).text,
    );
    await db.query(`INSERT INTO ${CHUNKS.text} VALUES (${values.join(", ")}, utc_timestamp())`);
  };
  const chunks = async (isWanted: (state: string) => boolean): Promise<readonly MysqlRow[]> =>
    (await rowsOf(db, backfill, target)).filter((row) => isWanted(row.state ?? ""));
  return {
    baseline: base,
    epoch,
    loaded: async () => (await chunks((state) => state === "loaded")).map(loadedOf),
    open: async () =>
      (await chunks((state) => state !== "loaded")).map((row) => ({ ...loadedOf(row), label: row.label ?? "", stage: row.state as Stage })), // written above
    record: write,
    arrived: async (attempt) => {
      await write(attempt, "loaded");
      const { chunk, title, fingerprint } = attempt;
      return { chunk, title, fingerprint, loadedAt: new Date().toISOString() };
    },
  };
}

async function writeRecord(db: MysqlSession, identity: LoadIdentity, target: string, baseline: Fingerprint, epoch: string): Promise<void> {
  const { backfill, source, digest } = identity;
  const values = [key(backfill, target), backfill, target, source, digest, JSON.stringify(baseline)].map((value) => lit(value).text);
  await db.query(`INSERT INTO ${BACKFILLS.text} VALUES (${values.join(", ")}, utc_timestamp(), ${lit(epoch).text})`);
}

export async function ledgerOf(
  db: MysqlSession,
  backfill: string,
  target: string,
): Promise<(LedgerEntry & { readonly epoch: string }) | undefined> {
  await prepare(db);
  const row = await recordOf(db, backfill, target);
  if (row === undefined) return undefined;
  const chunks = (await rowsOf(db, backfill, target)).filter(({ state }) => state === "loaded").map(loadedOf);
  return {
    identity: { backfill, source: row.source ?? "", digest: row.digest ?? "" },
    epoch: row.epoch ?? "",
    startedAt: iso(row.started_at),
    baseline: JSON.parse(row.baseline ?? "") as Fingerprint, // written by openLedger
    chunks,
  };
}

/** The chunk under which the ledger keeps that a staging table is about to be published. */
const PUBLICATION = "";

export async function recordPublication(db: MysqlSession, backfill: string, target: string, label: string): Promise<void> {
  const values = [key(backfill, target, PUBLICATION), backfill, target, PUBLICATION, "publication", "{}", label, "sent"].map(
    (value) => lit(value).text,
  );
  await db.query(`INSERT INTO ${CHUNKS.text} VALUES (${values.join(", ")}, utc_timestamp())`);
}

/** The label of a publication that was begun. */
export async function publicationOf(db: MysqlSession, backfill: string, target: string): Promise<string | undefined> {
  const [row] = await db.query(sql`SELECT label FROM ${CHUNKS} WHERE id = ${lit(key(backfill, target, PUBLICATION))}`.text);
  return row?.label ?? undefined;
}

/** Forgets a backfill; `empty` empties the table. A run that comes in between finds a ledger that nobody may use, and says so. */
export async function resetLedger(
  db: MysqlSession,
  backfill: string,
  target: string,
  empty: (() => Promise<void>) | undefined,
): Promise<void> {
  const known = await recordOf(db, backfill, target);
  if (empty && known) {
    await writeRecord(
      db,
      { backfill, source: known.source ?? "", digest: RESETTING },
      target,
      JSON.parse(known.baseline ?? "") as Fingerprint,
      "",
    ); // written by openLedger
  }
  await empty?.();
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
  const query = sql`SELECT source, digest, baseline, epoch, CAST(started_at AS VARCHAR) AS started_at FROM ${BACKFILLS} WHERE id = ${lit(key(backfill, target))}`;
  return (await db.query(query.text))[0];
}

async function rowsOf(db: MysqlSession, backfill: string, target: string): Promise<readonly MysqlRow[]> {
  return db.query(
    sql`SELECT chunk, title, fingerprint, label, state, CAST(changed_at AS VARCHAR) AS changed_at FROM ${CHUNKS} WHERE backfill = ${lit(backfill)} AND target = ${lit(target)} AND chunk <> ${lit(PUBLICATION)} ORDER BY chunk`
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
