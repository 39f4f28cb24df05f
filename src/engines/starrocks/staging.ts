import { createHash } from "node:crypto";
import { addFingerprints, emptyFingerprint, type Fingerprint, type FingerprintColumn } from "../../core/fingerprint.js";
import type { MysqlSession } from "../../core/session.js";
import type { LedgerEntry, MergeRule, Staging, TargetTable } from "../../core/target.js";
import type { TableBody } from "./body.js";
import { createTable } from "./create.js";
import { starrocks } from "./dialect.js";
import { isRepeatable, whatArrived } from "./load-doubt.js";
import { ledgerOf, publicationOf, recordPublication } from "./load-ledger.js";
import { unknownLoad } from "./load-letters.js";
import { type Place, settledState } from "./load-send.js";

/*
 * Write, audit, publish. The staging table lies in dw_state and is the target without what works by the clock or follows other
 * tables. It is published by one INSERT … SELECT under a label, which is one transaction: all rows or none. Neither SWAP (grants
 * and materialized views belong to a table, not to its name) nor REPLACE PARTITION (rows that the partition had would be gone)
 * keeps what the target is and has. The staging table goes when its rows are there: a ledger without one is published.
 */

const { sql, id, join, lit } = starrocks;

export type StagedName = readonly [database: string, table: string];

export function stagedName(backfill: string, target: string): StagedName {
  const digest = createHash("sha256")
    .update(JSON.stringify([backfill, target]), "utf8")
    .digest("hex");
  return ["dw_state", `staged_${digest.slice(0, 32)}`];
}

/** Properties that would drop its rows, or tie it to other tables. */
const NOT_STAGED =
  /^(dynamic_partition\..*|partition_live_number|partition_ttl|partition_retention_condition|colocate_with|binlog_.*|.*_constraints)$/;

export async function makeStaged(db: MysqlSession, staged: StagedName, body: TableBody): Promise<void> {
  const properties = Object.fromEntries(Object.entries(body.properties).filter(([name]) => !NOT_STAGED.test(name)));
  await dropStaged(db, staged);
  await db.query(createTable(staged, { ...body, properties, comment: "" }).text);
}

export async function dropStaged(db: MysqlSession, staged: StagedName): Promise<void> {
  await db.query(sql`DROP TABLE IF EXISTS ${id(...staged)} FORCE`.text);
}

export async function isStaged(db: MysqlSession, [database, table]: StagedName): Promise<boolean> {
  const tables = await db.query(sql`SHOW TABLES FROM ${id(database)} LIKE ${lit(table)}`.text);
  return tables.some((row) => Object.values(row).includes(table));
}

export interface StagingRequest {
  readonly db: MysqlSession;
  readonly backfill: string;
  /** The table that everybody reads. */
  readonly home: Place;
  readonly merge: MergeRule;
  readonly open: (staged: StagedName) => Promise<TargetTable>;
  readonly columns: () => Promise<readonly FingerprintColumn[]>;
  /** Of the table that everybody reads. */
  readonly fingerprint: (columns: readonly FingerprintColumn[]) => Promise<Fingerprint>;
}

export function stagingOf(request: StagingRequest): Staging {
  const { db, backfill, home } = request;
  const name = stagedName(backfill, home.title);
  return {
    name,
    table: () => request.open(name),
    isOpen: async () => {
      const entry = await ledgerOf(db, backfill, home.title);
      if (entry === undefined) return true;
      if (!(await isStaged(db, name))) return false;
      const label = await publicationOf(db, backfill, home.title);
      if (label === undefined || !(await isPublished(request, entry, label))) return true;
      await dropStaged(db, name);
      return false;
    },
    publish: async () => {
      const entry = await ledgerOf(db, backfill, home.title);
      const label = `dw_publish_${name[1].slice("staged_".length)}_${entry?.epoch ?? ""}`;
      const brought = entry?.chunks[0]?.fingerprint.columns ?? [];
      const columns = join(brought.map((column) => id(column.name)));
      await recordPublication(db, backfill, home.title, label);
      await db.query("SET query_timeout = 14400"); // an INSERT ends with it, too; five minutes otherwise
      if (brought.length > 0)
        await db.query(
          sql`INSERT INTO ${id(...home.name)} WITH LABEL ${id(label)} (${columns}) SELECT ${columns} FROM ${id(...name)}`.text,
        );
      await dropStaged(db, name);
    },
  };
}

/** What became of a publication whose answer was lost. Throws DW-LOAD-UNKNOWN. */
async function isPublished(request: StagingRequest, entry: LedgerEntry, label: string): Promise<boolean> {
  const { home, merge, backfill } = request;
  const state = await settledState(home, label, undefined, new AbortController().signal);
  if (state !== "UNKNOWN" || isRepeatable(merge)) return state === "VISIBLE";
  const brought = new Set(entry.chunks[0]?.fingerprint.columns.map(({ name }) => name));
  const columns = (await request.columns()).filter(({ name }) => brought.has(name));
  const staged = entry.chunks.reduce((sum, { fingerprint }) => addFingerprints(sum, fingerprint, columns), emptyFingerprint(columns));
  const arrived = whatArrived(merge, [entry.baseline], [{ fingerprint: staged }], await request.fingerprint(columns));
  if (arrived === undefined)
    throw unknownLoad(backfill, home.title, ["the publication of all of them"], "the table holds other rows than they would explain");
  return arrived.length > 0;
}
