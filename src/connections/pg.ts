import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ClientConfig, Client as PgClient, Pool as PgPool, QueryResult } from "pg";
import type { PostgresConnection } from "../core/config.js";
import type { Pg, PgRow, PgServer, PgSession, PgValue } from "../core/session.js";
import { copiedOut } from "./pg-copy-out.js";
import { type ErrorPlace, pgError } from "./pg-errors.js";
import { asText, SERVER_FACTS, SESSION_SETTINGS, type ServerFacts, serverOf } from "./pg-text.js";

export interface PgTimeouts {
  /** Milliseconds until a login must have succeeded. */
  readonly connect?: number;
  /** Milliseconds after which the server cancels a statement; none when absent. */
  readonly statement?: number;
}

const CONNECT_TIMEOUT = 10_000;
const POOL_SIZE = 4;

/**
 * A PostgreSQL server. `query` runs on a small pool; `session` opens a connection of its own (at `direct` behind a
 * pooler, because temporary tables, settings and COPY need one). Every error is a DwError as core/session.ts says.
 */
export async function openPg(connection: PostgresConnection, password: string | undefined, timeouts: PgTimeouts = {}): Promise<Pg> {
  const { default: pg } = await import("pg");
  const config = clientConfig(connection, password, timeouts);
  const place: ErrorPlace = { server: `${config.host}:${config.port}/${config.database}`, ...(password && { password }) };

  const pool: PgPool = new pg.Pool({ ...config, max: POOL_SIZE, idleTimeoutMillis: 10_000 });
  pool.on("error", () => {}); // an idle connection that dies is replaced by the pool; the next query reports what is wrong
  const prepared = new WeakSet<object>();

  const query = async <Row extends PgRow>(sql: string, values?: readonly PgValue[]): Promise<readonly Row[]> => {
    const client = await pool.connect().catch(refuse(place));
    let isBroken = false;
    try {
      if (!prepared.has(client)) {
        client.on("error", () => {}); // the query that meets the broken connection reports it
        await client.query(SESSION_SETTINGS);
        prepared.add(client);
      }
      return rowsOf<Row>(await client.query(sql, parameters(values)));
    } catch (error) {
      const letter = pgError(error, { ...place, statement: sql });
      isBroken = letter.errorClass === "unreachable";
      throw letter;
    } finally {
      client.release(isBroken); // the next query must not meet a connection that the server has ended
    }
  };

  const session = async (): Promise<PgSession> => {
    const direct = connection.direct ? { host: connection.direct.host, port: connection.direct.port ?? config.port } : {};
    const client = new pg.Client({ ...config, ...direct });
    client.on("error", () => {}); // the statement that meets the broken connection reports it
    await client.connect().catch(refuse(place));
    await client.query(SESSION_SETTINGS).catch(refuse(place));
    const cancel = async (): Promise<void> => {
      const pid = (client as PgClient & { readonly processID?: number }).processID; // node-pg keeps it since the login
      if (pid != null) await query("SELECT pg_cancel_backend($1)", [pid]);
    };
    return sessionOn(client, place, cancel);
  };

  try {
    const [facts] = await query<ServerFacts>(SERVER_FACTS);
    const server: PgServer = serverOf(facts, false);
    return { server, session, query, close: () => pool.end() };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

function clientConfig(connection: PostgresConnection, password: string | undefined, timeouts: PgTimeouts): ClientConfig {
  const { ssl } = connection;
  return {
    host: connection.host,
    port: connection.port ?? 5432,
    database: connection.database,
    user: connection.user,
    ...(password !== undefined && { password }),
    ...(ssl !== undefined && { ssl }),
    application_name: "dw",
    keepAlive: true,
    connectionTimeoutMillis: timeouts.connect ?? CONNECT_TIMEOUT,
    ...(timeouts.statement !== undefined && { statement_timeout: timeouts.statement }),
    types: { getTypeParser: (oid: number) => (text: string) => asText(oid, text) },
  } as ClientConfig; // @types/pg wants a parser per format; ours never asks for binary
}

function sessionOn(client: PgClient, place: ErrorPlace, cancel: () => Promise<void>): PgSession {
  const query = async <Row extends PgRow>(sql: string, values?: readonly PgValue[]): Promise<readonly Row[]> => {
    try {
      return rowsOf<Row>(await client.query(sql, parameters(values)));
    } catch (error) {
      throw pgError(error, { ...place, statement: sql });
    }
  };
  return {
    query,
    cancel,
    transaction: async (work) => {
      await query("BEGIN");
      try {
        const result = await work();
        await query("COMMIT");
        return result;
      } catch (error) {
        await query("ROLLBACK").catch(() => {}); // the connection may be gone: the server has rolled back then
        throw error;
      }
    },
    copyIn: async (copy, bytes) => {
      const { from } = await import("pg-copy-streams");
      const stream = client.query(from(copy));
      try {
        await pipeline(Readable.from(bytes, { objectMode: true }), stream);
      } catch (error) {
        throw pgError(error, { ...place, statement: copy });
      }
      return stream.rowCount;
    },
    copyOut: (copy) => copyOut(client, copy, place),
    close: async () => {
      await client.end().catch(() => {}); // nothing is lost: what was not committed is rolled back
    },
  };
}

async function* copyOut(client: PgClient, copy: string, place: ErrorPlace): AsyncGenerator<Uint8Array> {
  try {
    yield* copiedOut(client, copy);
  } catch (error) {
    throw pgError(error, { ...place, statement: copy });
  }
}

/** A text of several statements answers with several results; the last one counts, as in psql. */
function rowsOf<Row>(result: QueryResult | QueryResult[]): readonly Row[] {
  const last = Array.isArray(result) ? result.at(-1) : result;
  return (last?.rows ?? []) as Row[]; // the caller names the shape of its own SELECT
}

function parameters(values: readonly PgValue[] | undefined): unknown[] | undefined {
  return values?.map((value) => (value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value));
}

function refuse(place: ErrorPlace): (error: unknown) => never {
  return (error) => {
    throw pgError(error, place);
  };
}
