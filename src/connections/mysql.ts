import type { Connection as StreamingConnection } from "mysql2";
import type { Connection, ConnectionOptions, QueryResult } from "mysql2/promise";
import type { ErrorCode } from "../core/codes.js";
import type { MysqlConnection } from "../core/config.js";
import { DwError } from "../core/errors.js";
import type { MysqlAnswer, MysqlReader, MysqlRow, MysqlServer, MysqlSession } from "../core/session.js";

export interface OpenMysql {
  readonly host: string;
  /** 9030 for a StarRocks front end, 3306 for MySQL. */
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database?: string;
  readonly ssl?: MysqlConnection["ssl"];
  /** Milliseconds until a login must have succeeded. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds until a statement must have answered; none when absent. Whether it ran is unknown then. */
  readonly statementTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_SESSIONS = 4;

/** How each server says its version: to MySQL's own question StarRocks answers as MySQL. */
const VERSION = { starrocks: "SELECT current_version() AS version", mysql: "SELECT version() AS version" } as const;

/** A server with a few idle connections for `query`. Throws as openMysql, and DW-ENGINE-REFUSED where `kind` is not what listens. */
export async function openMysqlServer(kind: keyof typeof VERSION, options: OpenMysql): Promise<MysqlServer> {
  const idle: MysqlSession[] = [];
  const query = async (sql: string): Promise<readonly MysqlRow[]> => {
    const session = idle.pop() ?? (await openMysql(options));
    let usable = false;
    try {
      const answered = await session.ask(sql);
      usable = true; // a refusal leaves the connection as it was
      if (answered.ok) return answered.rows;
      throw refused(sql, answered);
    } finally {
      if (usable && idle.length < IDLE_SESSIONS) idle.push(session);
      else await session.close();
    }
  };
  const close = async (): Promise<void> => {
    await Promise.all(idle.splice(0).map((session) => session.close()));
  };
  try {
    const [row] = await query(VERSION[kind]);
    return {
      version: (row?.version ?? "").split(/[\s-]/)[0] ?? "",
      session: () => openMysql(options),
      reader: () => openMysql(options),
      query,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * A connection with the MySQL protocol. Values arrive as text, decoded here: StarRocks labels its results utf8 (33), which
 * the driver reads as three-byte UTF-8, so that every 4-byte character would be lost. Throws DW-CONNECT, DW-TIMEOUT, DW-AUTH,
 * DW-PERMISSION, DW-ENGINE-REFUSED (an unknown database).
 */
export async function openMysql(options: OpenMysql, signal?: AbortSignal): Promise<MysqlReader> {
  const connection = await connect(options);
  const abandon = (): void => connection.destroy();
  signal?.addEventListener("abort", abandon, { once: true });
  const ask = (sql: string): Promise<MysqlAnswer> => answer(connection, sql, options);
  return {
    ask,
    query: async (sql) => {
      const answered = await ask(sql);
      if (answered.ok) return answered.rows;
      throw refused(sql, answered);
    },
    values: (sql) => values(connection, sql, options),
    close: async () => {
      signal?.removeEventListener("abort", abandon);
      await connection.end().catch(() => connection.destroy()); // a connection that is gone already is closed
    },
  };
}

async function connect(options: OpenMysql): Promise<Connection> {
  const { createConnection } = await import("mysql2/promise");
  try {
    const connection = await createConnection(clientOptions(options));
    connection.on("error", () => {}); // the statement that meets the broken connection reports it
    return connection;
  } catch (error) {
    throw notConnected(options, error);
  }
}

function clientOptions({ host, port, user, password, database, ssl, connectTimeoutMs = CONNECT_TIMEOUT_MS }: OpenMysql): ConnectionOptions {
  return {
    ...{ host, port, user, connectTimeout: connectTimeoutMs, multipleStatements: false, charset: "utf8mb4" },
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
    ...(ssl && { ssl: ssl === true ? {} : { ...ssl } }),
    enableKeepAlive: true,
    typeCast: (field) => field.buffer()?.toString("utf8") ?? null,
  };
}

async function answer(connection: Connection, sql: string, at: OpenMysql): Promise<MysqlAnswer> {
  const timeout = at.statementTimeoutMs === undefined ? {} : { timeout: at.statementTimeoutMs };
  try {
    const [result] = await connection.query<QueryResult & readonly MysqlRow[]>({ sql, ...timeout });
    return { ok: true, rows: Array.isArray(result) ? result : [] };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal) return refusal;
    connection.destroy(); // an answer that came later would be taken for that of the next statement
    throw lost(at, error);
  }
}

/** Rows that the driver holds before it stops reading from the socket. */
const ROWS_AHEAD = 4096;

async function* values(connection: Connection, sql: string, at: OpenMysql): AsyncGenerator<Uint8Array | undefined> {
  // The promise wrapper has no streams; the connection below it has, and the wrapper's types do not tell of it.
  const { connection: plain } = connection as unknown as { readonly connection: StreamingConnection };
  const rows = plain.query({ sql, rowsAsArray: true, typeCast: (field) => field.buffer() }).stream({ highWaterMark: ROWS_AHEAD });
  let whole = false;
  try {
    for await (const row of rows) yield (row as [Uint8Array | null])[0] ?? undefined; // rows of one column, as typeCast left it
    whole = true;
  } catch (error) {
    const refusal = refusalOf(error);
    throw refusal === undefined ? lost(at, error) : refused(sql, refusal);
  } finally {
    if (!whole) connection.destroy(); // what the server still sends would be taken for the next answer
  }
}

/** What a server sent as its refusal; errors of the socket and of the driver have no SQLSTATE. */
function refusalOf(error: unknown): Extract<MysqlAnswer, { ok: false }> | undefined {
  const { errno, sqlState, sqlMessage } = error as { errno?: number; sqlState?: string; sqlMessage?: string }; // of mysql2's errors
  if (errno === undefined || sqlState === undefined || sqlMessage === undefined) return undefined;
  return { ok: false, code: errno, sqlState, message: sqlMessage };
}

/** Codes recorded from StarRocks, MySQL and MariaDB. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  1044: "DW-PERMISSION",
  1045: "DW-AUTH",
  1142: "DW-PERMISSION",
  1227: "DW-PERMISSION",
  1698: "DW-AUTH",
  1969: "DW-TIMEOUT", // MariaDB's max_statement_time
  3024: "DW-TIMEOUT", // MySQL's max_execution_time
  5203: "DW-PERMISSION",
};

/** The letter for a refusal, for those who ask first and judge the answer themselves. */
export function refused(sql: string, { code, message }: Extract<MysqlAnswer, { ok: false }>): DwError {
  return new DwError(CODES[code] ?? "DW-ENGINE-REFUSED", {
    what: `The server refused: ${sql}`,
    why: `${message} (${code})`,
    fix: "Correct the statement, the object that it meets, or the user's rights.",
  });
}

type Place = Pick<OpenMysql, "host" | "port">;

function notConnected(at: OpenMysql, error: unknown): DwError {
  const refusal = refusalOf(error);
  const code = refusal && CODES[refusal.code];
  if (!refusal) return lost(at, error);
  if (code === "DW-AUTH") {
    return new DwError("DW-AUTH", {
      what: `${at.host}:${at.port} refused the user ${at.user} or its password.`,
      why: "Trying again would be refused again.",
      fix: "Check `user` and `password` of the connection in dw.config.ts.",
      cause: error,
    });
  }
  return new DwError(code ?? "DW-ENGINE-REFUSED", {
    what: `${at.host}:${at.port} refused the connection${at.database === undefined ? "" : ` to the database ${at.database}`}.`,
    why: `${refusal.message} (${refusal.code})`,
    fix: "Check `database` and the rights of `user` of the connection in dw.config.ts.",
    cause: error,
  });
}

const TIMEOUTS: ReadonlySet<string> = new Set(["ETIMEDOUT", "PROTOCOL_SEQUENCE_TIMEOUT"]);

function lost({ host, port }: Place, error: unknown): DwError {
  const { code = "", message = "" } = error as { code?: string; message?: string }; // of mysql2 and of sockets
  return new DwError(TIMEOUTS.has(code) ? "DW-TIMEOUT" : "DW-CONNECT", {
    what: `${host}:${port} does not answer.`,
    why: message === "" ? "The connection was closed." : message,
    fix: "Check that the server runs and that this machine reaches it; then run the command again.",
    cause: error,
  });
}
