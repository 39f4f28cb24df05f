import { setTimeout as sleep } from "node:timers/promises";
import type { ErrorCode } from "../core/codes.js";
import type { HiveConnection } from "../core/config.js";
import { DwError } from "../core/errors.js";
import type { Hive, HiveRow, HiveSession } from "../core/session.js";
import { BOOL, type Field, I16, I32, I64, MAP, STRING, STRUCT, type Struct, type Value } from "./hive/thrift.js";
import { type HivePlace, openTransport, structAt, type Transport } from "./hive/transport.js";

/*
 * HiveServer2 over Thrift (TCLIService.thrift of Hive): numbers of fields are those of that file. Values arrive by column and
 * as text where Hive itself would make one, so that a decimal keeps its digits.
 */

const CONNECT_TIMEOUT_MS = 15_000;
const PROTOCOL_V10 = 9;

/** Throws DW-CONNECT, DW-TIMEOUT, DW-AUTH. */
export async function openHive(connection: HiveConnection, password: string | undefined): Promise<Hive> {
  const place: HivePlace = {
    host: connection.host,
    port: connection.port ?? 10_000,
    user: connection.user ?? "anonymous",
    password: password ?? "anonymous",
    sasl: connection.sasl ?? true,
    ssl: connection.ssl ?? false,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  };
  const session = (): Promise<HiveSession> => openSession(place, connection.database);
  const first = await openNamed(place, connection.database);
  return {
    version: first.version,
    session,
    query: (sql, signal) => first.session.query(sql, signal),
    close: () => first.session.close(),
  };
}

async function openNamed(place: HivePlace, database: string | undefined): Promise<{ session: HiveSession; version: string }> {
  const transport = await openTransport(place);
  try {
    const handle = await newSession(transport, place, database);
    return { session: sessionOn(transport, handle), version: await serverVersion(transport, handle) };
  } catch (error) {
    transport.close();
    throw error;
  }
}

async function openSession(place: HivePlace, database: string | undefined): Promise<HiveSession> {
  return (await openNamed(place, database)).session;
}

async function newSession(transport: Transport, { user, password }: HivePlace, database: string | undefined): Promise<Struct> {
  const opened = await transport.call("OpenSession", [
    [1, I32, PROTOCOL_V10],
    [2, STRING, user],
    [3, STRING, password],
    ...(database === undefined ? [] : ([[4, MAP, { "use:database": database }]] as const)),
  ]);
  refuse(structAt(opened, 1), "opening a session");
  return structAt(opened, 3);
}

const DBMS_VERSION = 18;

async function serverVersion(transport: Transport, session: Struct): Promise<string> {
  const answer = await transport.call("GetInfo", [
    [1, STRUCT, sessionFields(session)],
    [2, I32, DBMS_VERSION],
  ]);
  return text(structAt(answer, 2).get(1));
}

/** A handle is a struct of a struct of two byte strings: it is sent back as it came. */
function sessionFields(handle: Struct): readonly Field[] {
  const identifier = structAt(handle, 1);
  return [
    [
      1,
      STRUCT,
      [
        [1, STRING, bytesOf(identifier.get(1))],
        [2, STRING, bytesOf(identifier.get(2))],
      ],
    ],
  ];
}

function operationFields(handle: Struct): readonly Field[] {
  return [...sessionFields(handle), [2, I32, Number(handle.get(2) ?? 0)], [3, BOOL, handle.get(3) === true]];
}

function bytesOf(value: Value | undefined): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function text(value: Value | undefined): string {
  return bytesOf(value).toString("utf8");
}

function sessionOn(transport: Transport, handle: Struct): HiveSession {
  return {
    query: (sql, signal) => query(transport, handle, sql, signal),
    columns: (sql, signal) => pieces(transport, handle, sql, signal, () => {}),
    close: async () => {
      await transport.call("CloseSession", [[1, STRUCT, sessionFields(handle)]]).catch(() => undefined); // one that is gone is closed
      transport.close();
    },
  };
}

async function query(transport: Transport, session: Struct, sql: string, signal?: AbortSignal): Promise<readonly HiveRow[]> {
  const rows: HiveRow[] = [];
  let names: readonly string[] = [];
  for await (const columns of pieces(transport, session, sql, signal, (found) => {
    names = found;
  })) {
    const count = columns[0]?.length ?? 0;
    for (let row = 0; row < count; row++) rows.push(Object.fromEntries(names.map((name, index) => [name, columns[index]?.[row] ?? null])));
  }
  return rows;
}

type Columns = readonly (readonly (string | null)[])[];

/** Runs the statement when the first piece is asked for, and closes it when nobody wants more. */
async function* pieces(
  transport: Transport,
  session: Struct,
  sql: string,
  signal: AbortSignal | undefined,
  named: (columns: readonly string[]) => void,
): AsyncGenerator<Columns> {
  signal?.throwIfAborted();
  const started = await transport.call("ExecuteStatement", [
    [1, STRUCT, sessionFields(session)],
    [2, STRING, sql],
    [4, BOOL, true],
  ]);
  refuse(structAt(started, 1), sql);
  const operation = structAt(started, 2);
  const fields: Field = [1, STRUCT, operationFields(operation)];
  try {
    await finished(transport, fields, sql, signal);
    if (operation.get(3) !== true) return;
    named(await columnNames(transport, fields));
    for (let piece = await fetched(transport, fields, 0); (piece[0]?.length ?? 0) > 0; piece = await fetched(transport, fields, 0)) {
      signal?.throwIfAborted();
      yield piece;
    }
  } finally {
    await transport.call("CloseOperation", [fields]).catch(() => undefined); // what happened is known already
  }
}

const FINISHED = 2;
/** Canceled, closed, error, timed out. */
const ENDED_BADLY: ReadonlySet<number> = new Set([3, 4, 5, 8]);

async function finished(transport: Transport, operation: Field, sql: string, signal?: AbortSignal): Promise<void> {
  for (let pause = 2; ; pause = Math.min(pause * 2, 250)) {
    if (signal?.aborted) {
      await transport.call("CancelOperation", [operation]).catch(() => undefined);
      signal.throwIfAborted();
    }
    const status = await transport.call("GetOperationStatus", [operation]);
    refuse(structAt(status, 1), sql);
    const state = Number(status.get(2) ?? 0);
    if (state === FINISHED) return;
    if (ENDED_BADLY.has(state)) throw refused(sql, text(status.get(5)) || (await lastWords(transport, operation)), text(status.get(3)));
    await sleep(pause);
  }
}

const FETCH_LOG = 1;

/** Some failures say nothing; the operation's log may. */
async function lastWords(transport: Transport, operation: Field): Promise<string> {
  const [lines = []] = await fetched(transport, operation, FETCH_LOG).catch((): Columns => []);
  const errors = lines.map((line) => line ?? "").filter((line) => /error|fail|exception/i.test(line));
  return errors.at(-1) ?? "HiveServer2 gives no reason; its log does.";
}

async function columnNames(transport: Transport, operation: Field): Promise<readonly string[]> {
  const answer = await transport.call("GetResultSetMetadata", [operation]);
  refuse(structAt(answer, 1), "the columns of a result");
  return listAt(structAt(answer, 2), 1).map((column) => text(column instanceof Map ? column.get(1) : undefined));
}

const FETCH_ROWS = 1000n;

async function fetched(transport: Transport, operation: Field, what: number): Promise<Columns> {
  const answer = await transport.call("FetchResults", [operation, [2, I32, 0], [3, I64, FETCH_ROWS], [4, I16, what]]);
  refuse(structAt(answer, 1), "the rows of a result");
  return listAt(structAt(answer, 3), 3).map(columnTexts);
}

function listAt(struct: Struct, id: number): readonly Value[] {
  const value = struct.get(id);
  return Array.isArray(value) ? value : [];
}

const BINARY_COLUMN = 8;

/** One member of the union, with the values and a bit for each NULL. */
function columnTexts(column: Value): readonly (string | null)[] {
  if (!(column instanceof Map)) return [];
  const [[kind, inner] = [0, undefined]] = column.entries();
  if (!(inner instanceof Map)) return [];
  const nulls = bytesOf(inner.get(2));
  const isNull = (index: number): boolean => (((nulls[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
  return listAt(inner, 1).map((value, index) => (isNull(index) ? null : valueText(value, kind)));
}

function valueText(value: Value, kind: number): string {
  if (!Buffer.isBuffer(value)) return Object.is(value, -0) ? "-0" : String(value);
  return value.toString(kind === BINARY_COLUMN ? "base64" : "utf8");
}

const SUCCESS: ReadonlySet<number> = new Set([0, 1, 2]);

function refuse(status: Struct, sql: string): void {
  if (!SUCCESS.has(Number(status.get(1) ?? 0))) throw refused(sql, text(status.get(5)), text(status.get(3)));
}

/** By SQLSTATE where Hive gives one that means something, else by its own numbers and words. */
function codeOf(message: string, sqlState: string): ErrorCode {
  if (/Permission denied|AccessControlException|HiveAccessControlException|not have .*privilege/i.test(message)) return "DW-PERMISSION";
  return sqlState === "28000" ? "DW-AUTH" : "DW-ENGINE-REFUSED";
}

function refused(sql: string, message: string, sqlState: string): DwError {
  const lines = message.split("\n").map((line) => line.trim());
  const why = lines
    .filter((line) => line !== "" && !line.startsWith("at "))
    .slice(0, 3)
    .join(" ")
    .replace(/^Error while (?:compiling|processing) statement: /, "")
    .replace(/^FAILED: /, "");
  return new DwError(codeOf(message, sqlState), {
    what: `Hive refused: ${sql}`,
    why: why === "" ? "HiveServer2 gives no reason; its log does." : `${why}${sqlState === "" ? "" : ` (${sqlState})`}`,
    fix: "Correct the statement, the object that it meets, or the user's rights.",
  });
}
