import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { DwError } from "../core/errors.js";
import type { MysqlRow, MysqlSession } from "../core/session.js";
import type { Lease, LockHolder } from "../core/state.js";
import { fenced, lockedBy } from "./lease.js";
import { ident, isoTime, text } from "./starrocks-sql.js";

/*
 * A lock for StarRocks, which has no transactions over DDL, no GET_LOCK and no SELECT … FOR UPDATE. What it has (recorded in
 * test/fixtures/starrocks/mig-mutex): of several CREATE TABLE of one name exactly one wins. RENAME does not: several can win,
 * and a table is lost. So each holder makes the next table of a numbered row, `<lock>_<epoch>`; the highest number holds. A
 * table keeps its holder's expiry by the engine's clock; it is expired, released, or held.
 *
 * StarRocks cannot fence: a holder that was paused may still finish one statement. Therefore whoever takes over first kills
 * the connections that the old holder had recorded, and migrations check each statement's before-state.
 */

export interface StarrocksLockTerms {
  /** Database of dw's own tables; it exists. */
  readonly database: string;
  readonly environment: string;
  /** Milliseconds that a holder may be silent before others may take over. */
  readonly leaseMs: number;
  /** Copies of a lock's table: at most the number of backends. */
  readonly replication?: number;
}

/** Connection ids of the holder's other sessions, killed by whoever takes over. */
export type HolderConnections = readonly number[];

const POLL_MS = 500;

/** Both are «you lost»: the first seen while the statement is analysed, the second when another won in between. */
const LOST: ReadonlySet<number> = new Set([1050, 1005]);
const UNKNOWN_TABLE = 5502;

export async function takeStarrocksLock(
  db: MysqlSession,
  terms: StarrocksLockTerms,
  name: string,
  owner: string,
  waitMs: number,
  connections: HolderConnections = [],
): Promise<Lease> {
  const lock: Lock = { db, terms, name, stem: stemOf(terms.environment, name), owner, connections };
  const until = Date.now() + waitMs;
  for (;;) {
    const taken = await tryTake(lock);
    if (taken) return hold(lock, taken);
    const left = until - Date.now();
    if (left <= 0) throw lockedBy(name, await holderOf(lock), waitMs);
    await sleep(Math.min(POLL_MS, left));
  }
}

interface Lock {
  readonly db: MysqlSession;
  readonly terms: StarrocksLockTerms;
  readonly name: string;
  readonly stem: string;
  readonly owner: string;
  readonly connections: HolderConnections;
}

/** Any name becomes a table name of letters and digits; environments do not share locks. */
function stemOf(environment: string, name: string): string {
  return `dw_lock_${createHash("sha256").update(`${environment}\0${name}`, "utf8").digest("hex").slice(0, 16)}`;
}

interface Taken {
  readonly epoch: number;
  /** By the engine's clock, `2026-11-21 10:37:39` in UTC. */
  readonly since: string;
}

async function tryTake(lock: Lock): Promise<Taken | undefined> {
  const newest = await newestEpoch(lock);
  if (newest > 0) {
    const state = await stateOf(lock, newest);
    if (state?.held) return undefined;
    if (state && !state.released) await killConnections(lock, state);
  }
  const epoch = newest + 1;
  const taken = { epoch, since: await engineClock(lock.db) };
  if (!(await createTable(lock, taken))) return undefined;
  // A looker that slept since its look may have made a number that was cleaned away: then a higher one exists.
  if ((await newestEpoch(lock)) !== epoch) {
    await lock.db.ask(`DROP TABLE ${tableOf(lock, epoch)} FORCE`);
    return undefined;
  }
  await writeState(lock, taken, lock.terms.leaseMs, false);
  await cleanUp(lock, epoch);
  return taken;
}

async function epochs({ db, terms, stem }: Lock): Promise<number[]> {
  // `_` is a wildcard of LIKE, so the answer is read again here.
  const rows = await db.query(`SHOW TABLES FROM ${ident(terms.database)} LIKE ${text(`${stem}_%`)}`);
  const pattern = new RegExp(`^${stem}_(\\d+)$`);
  return rows.flatMap((row) => {
    const found = pattern.exec(Object.values(row)[0] ?? "");
    return found ? [Number(found[1])] : [];
  });
}

async function newestEpoch(lock: Lock): Promise<number> {
  return Math.max(0, ...(await epochs(lock)));
}

/** True for the one winner. The comment says who and when, should the winner die before it writes its row. */
async function createTable(lock: Lock, { epoch, since }: Taken): Promise<boolean> {
  const { db, terms, owner } = lock;
  const answer = await db.ask(
    `CREATE TABLE ${tableOf(lock, epoch)} (id INT NOT NULL, owner VARCHAR(1024) NOT NULL, since DATETIME NOT NULL, expires DATETIME NOT NULL, released BOOLEAN NOT NULL, connections VARCHAR(1024) NOT NULL) ` +
      `PRIMARY KEY (id) COMMENT ${text(JSON.stringify({ owner, since }))} DISTRIBUTED BY HASH (id) BUCKETS 1 PROPERTIES ("replication_num" = "${terms.replication ?? 1}")`,
  );
  if (answer.ok) return true;
  if (LOST.has(answer.code)) return false;
  throw new DwError("DW-ENGINE-REFUSED", {
    what: `The lock ${lock.name} could not be taken: StarRocks refused to make its table.`,
    why: `${answer.message} (${answer.code})`,
    fix: `Let the user create tables in the database ${terms.database}, or bind \`state:\` to another connection.`,
  });
}

/** `2026-11-21 10:37:39` in UTC: sessions differ in time zone, and now() follows it. */
async function engineClock(db: MysqlSession): Promise<string> {
  const [row] = await db.query("SELECT CAST(utc_timestamp() AS VARCHAR) AS now");
  return row?.now ?? "";
}

interface LockState {
  readonly owner: string;
  readonly since: string;
  readonly held: boolean;
  readonly released: boolean;
  readonly connections: readonly number[];
}

async function stateOf(lock: Lock, epoch: number): Promise<LockState | undefined> {
  const { db } = lock;
  const answer = await db.ask(
    `SELECT owner, CAST(since AS VARCHAR) AS since, released, connections, expires <= utc_timestamp() AS expired FROM ${tableOf(lock, epoch)}`,
  );
  // Somebody cleaned it away: the next look finds a newer one.
  if (!answer.ok && answer.code === UNKNOWN_TABLE) return undefined;
  if (!answer.ok)
    throw new DwError("DW-ENGINE-REFUSED", {
      what: `The lock ${lock.name} could not be read.`,
      why: `${answer.message} (${answer.code})`,
      fix: "Give the user SELECT on dw's own database.",
    });
  const [row] = answer.rows;
  return row ? rowState(row) : commentState(lock, epoch);
}

function rowState(row: MysqlRow): LockState {
  const released = row.released === "1";
  return {
    owner: row.owner ?? "",
    since: row.since ?? "",
    released,
    held: !released && row.expired !== "1",
    connections: (row.connections ?? "")
      .split(",")
      .filter((id) => /^\d+$/.test(id))
      .map(Number),
  };
}

/** Between CREATE TABLE and the first row only the comment says how old the holder is. */
async function commentState(lock: Lock, epoch: number): Promise<LockState> {
  const { db, terms, stem } = lock;
  const [row] = await db.query(
    `SELECT TABLE_COMMENT AS comment FROM information_schema.tables WHERE TABLE_SCHEMA = ${text(terms.database)} AND TABLE_NAME = ${text(`${stem}_${epoch}`)}`,
  );
  const { owner, since } = parseComment(row?.comment ?? "");
  const age = Date.parse(`${(await engineClock(db)).replace(" ", "T")}Z`) - Date.parse(`${since.replace(" ", "T")}Z`);
  return { owner, since, released: false, held: !(age >= terms.leaseMs), connections: [] };
}

function parseComment(comment: string): { owner: string; since: string } {
  try {
    const parsed = JSON.parse(comment) as { owner?: unknown; since?: unknown } | null; // written by createTable, or anything
    return { owner: String(parsed?.owner ?? "unknown"), since: String(parsed?.since ?? "") };
  } catch {
    return { owner: "unknown", since: "" };
  }
}

/** Best effort: a connection that is gone cannot be killed, and needs not to be. */
async function killConnections({ db }: Lock, { connections }: LockState): Promise<void> {
  for (const connection of connections) await db.ask(`KILL ${connection}`);
}

async function writeState(lock: Lock, { epoch, since }: Taken, leaseMs: number, released: boolean): Promise<void> {
  const { db, owner, connections } = lock;
  const seconds = Math.ceil(leaseMs / 1000);
  await db.query(
    `INSERT INTO ${tableOf(lock, epoch)} VALUES (0, ${text(owner)}, ${text(since)}, date_add(utc_timestamp(), INTERVAL ${seconds} SECOND), ${released ? "TRUE" : "FALSE"}, ${text(connections.join(","))})`,
  );
}

/** Older tables are of no use to anybody who looks after this one exists. */
async function cleanUp(lock: Lock, epoch: number): Promise<void> {
  const old = (await epochs(lock)).filter((candidate) => candidate < epoch);
  for (const candidate of old) await lock.db.ask(`DROP TABLE IF EXISTS ${tableOf(lock, candidate)} FORCE`);
}

function hold(lock: Lock, taken: Taken): Lease {
  const { epoch } = taken;
  const { name, terms } = lock;
  const renew = async (): Promise<void> => {
    if ((await newestEpoch(lock)) !== epoch) throw fenced(name);
    await writeState(lock, taken, terms.leaseMs, false);
    // Taken over between the look and the write: the row went into a table that holds nothing any more.
    if ((await newestEpoch(lock)) !== epoch) throw fenced(name);
  };
  // A renewal that fails is not an error yet: the connection may come back, and whoever writes asks assertHeld first.
  const renewal = setInterval(() => void renew().catch(() => undefined), terms.leaseMs / 3);
  renewal.unref();
  return {
    name,
    fence: epoch,
    assertHeld: renew,
    release: async () => {
      clearInterval(renewal);
      // The table stays: numbers that started again at 1 would let an old holder pass for the new one.
      if ((await newestEpoch(lock)) === epoch) await writeState(lock, taken, 0, true);
    },
  };
}

async function holderOf(lock: Lock): Promise<LockHolder | undefined> {
  const newest = await newestEpoch(lock);
  const state = newest === 0 ? undefined : await stateOf(lock, newest);
  return state && { owner: state.owner, since: isoTime(state.since) };
}

function tableOf({ terms, stem }: Lock, epoch: number): string {
  return `${ident(terms.database)}.${ident(`${stem}_${epoch}`)}`;
}
