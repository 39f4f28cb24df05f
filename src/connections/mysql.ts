import type { Connection, QueryResult } from "mysql2/promise";
import type { ErrorCode } from "../core/codes.js";
import { DwError } from "../core/errors.js";
import type { MysqlAnswer, MysqlRow, MysqlSession } from "../core/session.js";

export interface OpenMysql {
  readonly host: string;
  /** 9030 for a StarRocks front end, 3306 for MySQL. */
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database?: string;
  readonly ssl?: boolean;
  readonly connectTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A connection with the MySQL protocol. Values arrive as text, decoded here: StarRocks labels its results utf8 (33), which
 * the driver reads as three-byte UTF-8, so that every 4-byte character would be lost. Throws DW-CONNECT, DW-TIMEOUT, DW-AUTH.
 */
export async function openMysql(options: OpenMysql, signal?: AbortSignal): Promise<MysqlSession> {
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
    close: async () => {
      signal?.removeEventListener("abort", abandon);
      await connection.end().catch(() => connection.destroy()); // a connection that is gone already is closed
    },
  };
}

async function connect({
  host,
  port,
  user,
  password,
  database,
  ssl,
  connectTimeoutMs = CONNECT_TIMEOUT_MS,
}: OpenMysql): Promise<Connection> {
  const { createConnection } = await import("mysql2/promise");
  try {
    return await createConnection({
      ...{ host, port, user, connectTimeout: connectTimeoutMs, multipleStatements: false },
      ...(password !== undefined && { password }),
      ...(database !== undefined && { database }),
      ...(ssl && { ssl: {} }),
      typeCast: (field) => field.buffer()?.toString("utf8") ?? null,
    });
  } catch (error) {
    throw lost({ host, port }, error);
  }
}

async function answer(connection: Connection, sql: string, at: Pick<OpenMysql, "host" | "port">): Promise<MysqlAnswer> {
  try {
    const [result] = await connection.query<QueryResult & readonly MysqlRow[]>(sql);
    return { ok: true, rows: Array.isArray(result) ? result : [] };
  } catch (error) {
    const { errno, sqlState, sqlMessage } = error as { errno?: number; sqlState?: string; sqlMessage?: string }; // of mysql2's errors
    if (errno === undefined || sqlState === undefined || sqlMessage === undefined) throw lost(at, error);
    return { ok: false, code: errno, sqlState, message: sqlMessage };
  }
}

/** Codes recorded from StarRocks; MySQL has the first three too. */
const CODES: Readonly<Record<number, ErrorCode>> = { 1044: "DW-PERMISSION", 1045: "DW-AUTH", 1142: "DW-PERMISSION", 5203: "DW-PERMISSION" };

function refused(sql: string, { code, message }: Extract<MysqlAnswer, { ok: false }>): DwError {
  return new DwError(CODES[code] ?? "DW-ENGINE-REFUSED", {
    what: `The server refused: ${sql}`,
    why: `${message} (${code})`,
    fix: "Correct the statement, the object that it meets, or the user's rights.",
  });
}

function lost({ host, port }: Pick<OpenMysql, "host" | "port">, error: unknown): DwError {
  const { errno, code, message = "" } = error as { errno?: number; code?: string; message?: string }; // of mysql2 and of sockets
  if (errno === 1045) {
    return new DwError("DW-AUTH", {
      what: `${host}:${port} refused the user or password.`,
      why: "Trying again would be refused again.",
      fix: "Check `user` and `password` of the connection in dw.config.ts.",
      cause: error,
    });
  }
  return new DwError(code === "ETIMEDOUT" ? "DW-TIMEOUT" : "DW-CONNECT", {
    what: `${host}:${port} does not answer.`,
    why: message === "" ? "The connection was closed." : message,
    fix: "Check that the server runs and that this machine reaches it; then run the command again.",
    cause: error,
  });
}
