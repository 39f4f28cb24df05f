import type { OpenConnection } from "../../connections/open.js";
import type { CheckDialect } from "../../core/check.js";
import { DwError } from "../../core/errors.js";
import type { Json } from "../../core/json.js";
import type { DuckDb, Hive, Mysql, MysqlSession, Pg } from "../../core/session.js";
import type { CheckSlot, SlotName } from "./ask.js";

/** An engine slot as checks ask it, and the dialect in which it understands them. */
export interface AskableSlot extends CheckSlot {
  readonly dialect: CheckDialect;
  /** The engine that DuckDB stands in for, when it does. */
  readonly emulated: boolean;
}

/** How many queries a server takes from one run, unless dw.config.ts says otherwise: two scans do not slow its readers down. */
const CONCURRENCY = 2;

/** `concurrency` is the configuration's; a database inside this process takes one query at a time whatever it says. */
export function checkSlot(engine: SlotName, open: OpenConnection, concurrency = CONCURRENCY): AskableSlot {
  switch (open.kind) {
    case "pg": {
      const dialect = engine === "timescale" ? "timescale" : "postgres";
      return { engine, dialect, emulated: false, concurrency: open.embedded ? 1 : concurrency, query: pgQuery(open.pg, open.embedded) };
    }
    case "duckdb":
      return { engine, dialect: "duckdb", emulated: open.emulates !== undefined, concurrency: 1, query: duckdbQuery(open.duckdb) };
    case "mysql": {
      const { server } = open;
      const dialect = server === "starrocks" ? "starrocks" : "mysql";
      return { engine, dialect, emulated: false, concurrency, query: mysqlQuery(open.mysql, server) };
    }
    case "hive":
      return { engine, dialect: "hive", emulated: false, concurrency, query: hiveQuery(open.hive) };
    case "kafka":
    case "mongodb":
      // Nobody asks it in a dialect: a topic's questions go another way.
      return { engine, dialect: "duckdb", emulated: false, concurrency, query: () => Promise.reject(noRows()) };
  }
}

/**
 * In one text with the query: the setting then lives and dies with its transaction, also behind a pooler. A server that is
 * left with a query is told to stop by the same setting. PGlite takes one statement a text, and cannot stop.
 */
function pgQuery(pg: Pg, embedded: boolean): CheckSlot["query"] {
  return async (sql, { signal, timeoutMs }) => {
    const text = timeoutMs === undefined || embedded ? sql : `SET LOCAL statement_timeout = ${timeoutMs};\n${sql}`;
    return table(await unlessAborted(pg.query(text), signal));
  };
}

export function duckdbQuery(duckdb: DuckDb): CheckSlot["query"] {
  return async (sql, { signal, timeoutMs }) => {
    const limit = timeoutMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const session = await duckdb.session(limit);
    try {
      return table(await session.rows(sql));
    } catch (error) {
      if (limit.aborted && !signal.aborted) throw tooSlow("DuckDB", timeoutMs ?? 0);
      throw error;
    } finally {
      await session.close();
    }
  };
}

/** Of each server's settings, those that it does not know are refused, which changes nothing. */
const limits = {
  starrocks: (ms: number) => [`SET query_timeout = ${Math.max(1, Math.ceil(ms / 1000))}`],
  mysql: (ms: number) => [`SET SESSION max_execution_time = ${ms}`, `SET SESSION max_statement_time = ${ms / 1000}`], // MySQL's, MariaDB's
} as const;

function mysqlQuery(mysql: Mysql, server: "starrocks" | "mysql"): CheckSlot["query"] {
  return async (sql, { signal, timeoutMs }) => {
    const session = await mysql.session();
    try {
      return table(
        await unlessAborted(
          prepared(session, server, timeoutMs).then(() => session.query(sql)),
          signal,
        ),
      );
    } finally {
      await session.close();
    }
  };
}

/**
 * A session a query: its settings are nobody else's. Without the first, `select *` calls a column `table.column`; the second lets
 * a timestamp be a number of seconds, which is UTC's.
 */
const hiveSettings = ["SET hive.resultset.use.unique.column.names=false", "SET hive.strict.timestamp.conversion=false"];

function hiveQuery(hive: Hive): CheckSlot["query"] {
  return async (sql, { signal, timeoutMs }) => {
    const limit = timeoutMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const session = await hive.session();
    try {
      for (const setting of hiveSettings) await session.query(setting);
      return table(await session.query(sql, limit));
    } catch (error) {
      if (limit.aborted && !signal.aborted) throw tooSlow("Hive", timeoutMs ?? 0);
      throw error;
    } finally {
      await session.close();
    }
  };
}

async function prepared(session: MysqlSession, server: "starrocks" | "mysql", timeoutMs: number | undefined): Promise<void> {
  await session.ask("SET time_zone = '+00:00'"); // TIMESTAMP columns are shown in the session's zone
  for (const setting of timeoutMs === undefined ? [] : limits[server](timeoutMs)) await session.ask(setting);
}

/** Gives up waiting when the run is interrupted; the server ends the query by its own limit. */
function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

function noRows(): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: "A topic has no rows that a query could look at.",
    why: "Brokers know offsets, times and what groups have read.",
    fix: "Use freshness, rowCount, lag or messages on topics, and the other checks on the tables that they fill.",
  });
}

function tooSlow(server: string, timeoutMs: number): DwError {
  return new DwError("DW-TIMEOUT", {
    what: `${server} did not answer within ${timeoutMs / 1000} s.`,
    why: "The statement was stopped.",
    fix: "Give `statementTimeout` of `checks` in dw.config.ts more time, or the check less to read.",
  });
}

/** Drivers answer with objects; columns keep their order in them, and queries here never repeat a name. */
function table(rows: readonly Readonly<Record<string, unknown>>[]): { columns: string[]; rows: Json[][] } {
  const columns = Object.keys(rows[0] ?? {});
  return { columns, rows: rows.map((row) => columns.map((column) => row[column] as Json)) }; // drivers give text, numbers, booleans and null
}
