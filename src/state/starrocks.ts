import { createHash } from "node:crypto";
import { tableCopies } from "../connections/starrocks-copies.js";
import { isDwError } from "../core/errors.js";
import type { Json } from "../core/json.js";
import type { Mysql, MysqlAnswer, MysqlRow, MysqlSession } from "../core/session.js";
import type { AppliedMigration, CheckRecord, JournalEntry, StatementState, StateStore } from "../core/state.js";
import { retention } from "./postgres.js";
import { takeStarrocksLock } from "./starrocks-lock.js";
import { ident, isoTime, text } from "./starrocks-sql.js";

/*
 * The state store in StarRocks. Its tables are PRIMARY KEY tables with a hash as key, since a primary key has at most 128
 * bytes: a row that is written twice is one row. StarRocks cannot check a fence in the statement that writes, so the lease is
 * asserted right before; the epoch in each journal entry puts the entries of one holder after those of the one before.
 */

export interface StarrocksStateOptions {
  readonly environment: string;
  /** Milliseconds. */
  readonly leaseMs?: number;
}

const DATABASE = "dw_state";
const LEASE_MS = 30_000;
/** Entries that one holder may write: epochs times this are the numbers of the journal. */
const ENTRIES_PER_EPOCH = 1_000_000;

/** Creates its database and tables on demand; does not close `mysql`. */
export async function starrocksState(mysql: Mysql, { environment, leaseMs = LEASE_MS }: StarrocksStateOptions): Promise<StateStore> {
  const db = reconnecting(mysql);
  const replication = await prepare(db);
  const terms = { database: DATABASE, environment, leaseMs, replication };
  let written = 0;
  const insert = async (table: TableName, rows: readonly (readonly (string | number | null)[])[]): Promise<void> => {
    if (rows.length > 0)
      await db.query(`INSERT INTO ${at(table)} VALUES ${rows.map((row) => `(${row.map(literal).join(", ")})`).join(", ")}`);
  };
  return {
    lock: (name, owner, waitMs) => takeStarrocksLock(db, terms, name, owner, waitMs),
    journal: (warehouse, migration) => journal(db, environment, warehouse, migration),
    record: async (lease, entries) => {
      if (entries.length === 0) return;
      await lease.assertHeld();
      const now = await clock(db);
      await insert(
        "journal",
        entries.map(({ warehouse, migration, statement, state, message }) => {
          const seq = lease.fence * ENTRIES_PER_EPOCH + written++;
          return [
            key(environment, warehouse, migration, String(seq)),
            environment,
            warehouse,
            migration,
            seq,
            statement,
            state,
            now,
            message ?? null,
          ];
        }),
      );
    },
    applied: (warehouse) => applied(db, environment, warehouse),
    markApplied: async (lease, warehouse, { id, hash }) => {
      await lease.assertHeld();
      await insert("migration", [[key(environment, warehouse, id), environment, warehouse, id, hash, await clock(db)]]);
      await prune(db, environment, warehouse);
    },
    unmarkApplied: async (lease, warehouse, id) => {
      await lease.assertHeld();
      await db.query(`DELETE FROM ${at("migration")} WHERE id = ${text(key(environment, warehouse, id))}`);
      await db.query(
        `DELETE FROM ${at("journal")} WHERE ${where({ environment, warehouse })} AND migration IN (${text(id)}, ${text(`${id}/down`)})`,
      );
    },
    recordChecks: async (records) => {
      await insert(
        "check_history",
        records.map((record, index) => [
          key(environment, record.run, record.model, record.check, String(index)),
          ...[environment, record.run, record.at.replace("T", " ").replace(/Z$/, ""), index, record.warehouse, record.model, record.check],
          ...[record.outcome, JSON.stringify(record.value), record.message],
        ]),
      );
      if (records.length > 0)
        await db.query(`DELETE FROM ${at("check_history")} WHERE ${where({ environment })} AND ${olderThan(retention.checks)}`);
    },
    checkHistory: (filter) => checkHistory(db, environment, filter),
    get: async (scope, name) => {
      const [row] = await db.query(`SELECT content FROM ${at("value")} WHERE id = ${text(key(environment, scope, name))}`);
      return row === undefined ? undefined : json(row.content);
    },
    put: async (scope, name, value) =>
      insert("value", [[key(environment, scope, name), environment, scope, name, JSON.stringify(value), await clock(db)]]),
    close: () => db.close(),
  };
}

// ------------------------------------------------------------------------------------------------ layout

const TABLES = {
  journal:
    "environment STRING NOT NULL, warehouse STRING NOT NULL, migration STRING NOT NULL, seq BIGINT NOT NULL, statement STRING NOT NULL, state STRING NOT NULL, `at` DATETIME NOT NULL, message STRING NULL",
  migration:
    "environment STRING NOT NULL, warehouse STRING NOT NULL, migration STRING NOT NULL, hash STRING NOT NULL, applied_at DATETIME NOT NULL",
  check_history:
    "environment STRING NOT NULL, run STRING NOT NULL, `at` DATETIME NOT NULL, seq BIGINT NOT NULL, warehouse STRING NOT NULL, model STRING NOT NULL, check_name STRING NOT NULL, outcome STRING NOT NULL, content STRING NULL, message STRING NOT NULL",
  value: "environment STRING NOT NULL, scope STRING NOT NULL, name STRING NOT NULL, content STRING NOT NULL, `at` DATETIME NOT NULL",
} as const;

type TableName = keyof typeof TABLES;

const at = (table: TableName): string => `${ident(DATABASE)}.${ident(table)}`;

/** Answers how many copies its tables have. */
async function prepare(db: MysqlSession): Promise<number> {
  await db.query(`CREATE DATABASE IF NOT EXISTS ${ident(DATABASE)}`);
  const replication = await tableCopies(db);
  for (const [name, columns] of Object.entries(TABLES)) {
    await db.query(
      `CREATE TABLE IF NOT EXISTS ${ident(DATABASE)}.${ident(name)} (id VARCHAR(64) NOT NULL, ${columns}) PRIMARY KEY (id) ` +
        `DISTRIBUTED BY HASH (id) BUCKETS 1 PROPERTIES ("replication_num" = "${replication}")`,
    );
  }
  return replication;
}

function key(...parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts), "utf8").digest("hex");
}

function literal(value: string | number | null): string {
  return value === null ? "NULL" : typeof value === "number" ? String(value) : text(value);
}

function where(equal: Readonly<Record<string, string>>): string {
  return Object.entries(equal)
    .map(([column, value]) => `${ident(column)} = ${text(value)}`)
    .join(" AND ");
}

/** `400 days` and more ago. */
const olderThan = (period: string): string => `date_add(${ident("at")}, INTERVAL ${Number.parseInt(period, 10)} DAY) < utc_timestamp()`;

/** The engine's clock in UTC: clocks of the machines that run dw differ. */
async function clock(db: MysqlSession): Promise<string> {
  const [row] = await db.query("SELECT CAST(utc_timestamp() AS VARCHAR) AS now");
  return row?.now ?? "";
}

// ------------------------------------------------------------------------------------------------ reads

async function journal(db: MysqlSession, environment: string, warehouse: string, migration: string): Promise<readonly JournalEntry[]> {
  const rows = await db.query(
    `SELECT statement, state, CAST(\`at\` AS VARCHAR) AS \`at\`, message FROM ${at("journal")} WHERE ${where({ environment, warehouse, migration })} ORDER BY seq`,
  );
  return rows.map(({ statement, state, at: when, message }) => ({
    ...{ warehouse, migration, statement: statement ?? "", state: state as StatementState, at: isoTime(when) }, // written by record
    ...(message != null && { message }),
  }));
}

async function applied(db: MysqlSession, environment: string, warehouse: string): Promise<readonly AppliedMigration[]> {
  const rows = await db.query(
    `SELECT migration, hash, CAST(applied_at AS VARCHAR) AS \`at\` FROM ${at("migration")} WHERE ${where({ environment, warehouse })} ORDER BY migration`,
  );
  return rows.map(({ migration, hash, at: when }) => ({ id: migration ?? "", hash: hash ?? "", appliedAt: isoTime(when) }));
}

async function prune(db: MysqlSession, environment: string, warehouse: string): Promise<void> {
  const done = (await applied(db, environment, warehouse)).map(({ id }) => text(id));
  if (done.length === 0) return;
  await db.query(
    `DELETE FROM ${at("journal")} WHERE ${where({ environment, warehouse })} AND ${olderThan(retention.journal)} AND migration IN (${done.join(", ")})`,
  );
}

type HistoryFilter = Parameters<StateStore["checkHistory"]>[0];

/** Newest first. */
async function checkHistory(
  db: MysqlSession,
  environment: string,
  { warehouse, model, check, limit }: HistoryFilter,
): Promise<readonly CheckRecord[]> {
  const equal = { environment, warehouse, ...(model !== undefined && { model }), ...(check !== undefined && { check_name: check }) };
  const rows = await db.query(
    `SELECT run, CAST(\`at\` AS VARCHAR) AS \`at\`, warehouse, model, check_name, outcome, content, message FROM ${at("check_history")} WHERE ${where(equal)} ORDER BY \`at\` DESC, seq DESC LIMIT ${Math.trunc(limit)}`,
  );
  return rows.map(recordOf);
}

function recordOf(row: MysqlRow): CheckRecord {
  const { run, at: when, warehouse, model, check_name: check, outcome, content, message } = row;
  return {
    ...{ run: run ?? "", at: isoTime(when), warehouse: warehouse ?? "", model: model ?? "", check: check ?? "" },
    ...{ outcome: outcome ?? "", value: json(content), message: message ?? "" },
  };
}

/** What this store wrote itself. */
function json(content: string | null | undefined): Json {
  return content == null ? null : (JSON.parse(content) as Json); // JSON.stringify wrote it
}

// ------------------------------------------------------------------------------------------------ connection

/** One session, opened when it is needed and anew after it was lost: a lease outlives a broken connection. */
function reconnecting(mysql: Mysql): MysqlSession {
  let open: Promise<MysqlSession> | undefined;
  const attempt = async <Result>(work: (session: MysqlSession) => Promise<Result>): Promise<Result> => {
    open ??= mysql.session();
    try {
      return await work(await open);
    } catch (error) {
      if (isDwError(error) && error.errorClass === "unreachable") {
        const lost = open;
        open = undefined;
        await lost?.then((session) => session.close()).catch(() => undefined); // it is gone already
      }
      throw error;
    }
  };
  return {
    ask: (sql): Promise<MysqlAnswer> => attempt((session) => session.ask(sql)),
    query: (sql) => attempt((session) => session.query(sql)),
    close: async () => {
      await open?.then((session) => session.close()).catch(() => undefined); // nothing to close
      open = undefined;
    },
  };
}
