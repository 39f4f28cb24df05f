import { randomUUID } from "node:crypto";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import duckdb, { type DuckDBConnection, type DuckDBDataChunk, type DuckDBInstance } from "@duckdb/node-api";
import { DwError } from "../core/errors.js";
import type { DuckDb, DuckDbConnection } from "../core/session.js";
import type { AppendColumn, ColumnBatch, StoredValue } from "../core/source.js";
import { quoteName } from "../core/transit.js";
import { duckDbLetter } from "./duckdb-errors.js";
import { chunkValues, firstColumn, rowObjects, storedValues } from "./duckdb-values.js";
import { withVectors } from "./duckdb-vectors.js";

export interface DuckDbOptions {
  /** A database file; in memory when absent. */
  readonly path?: string;
  readonly readOnly?: boolean;
  /** Bytes, or a text such as `2GB`. Default: half of the machine, at most 2 GiB. */
  readonly memoryLimit?: number | string;
  readonly threads?: number;
  /** Where operators spill. Default: beside the file, or `.tmp` folders of the system for a database in memory. */
  readonly tempDirectory?: string;
}

const GIB = 1024 ** 3;

/** For reading a source chunk by chunk, however large it is: with it the whole process stays below 512 MiB, and DuckDB spills. */
export const CHUNK_READING: DuckDbOptions = { memoryLimit: 384 * 1024 ** 2 };

/**
 * Opens DuckDB with a stated memory limit, thread count and spill directory, times in UTC, and no extension that is
 * fetched from anywhere: what is compiled in (parquet, json, icu) is what there is.
 * Throws DW-LOCKED (another process has the file), DW-FILE-CORRUPT, DW-FILE-MISSING, DW-DISK-FULL, DW-PERMISSION.
 */
export async function openDuckDb(options: DuckDbOptions = {}): Promise<DuckDb> {
  const instance = await lettered(() => duckdb.DuckDBInstance.create(options.path ?? ":memory:", settings(options)));
  const open = new Set<DuckDbConnection>();
  const functions = new Set<string>();
  return {
    version: duckdb.version().replace(/^v/, ""),
    session: async (signal) => {
      const connection = await connect(instance, functions, signal, () => open.delete(connection));
      open.add(connection);
      return connection;
    },
    close: async () => {
      for (const connection of open) await connection.close();
      instance.closeSync();
    },
  };
}

function settings(options: DuckDbOptions): Record<string, string> {
  const memory = options.memoryLimit ?? Math.min(2 * GIB, Math.floor(totalmem() / 2));
  return {
    memory_limit: typeof memory === "string" ? memory : `${Math.floor(memory / 1024)}KiB`,
    threads: String(options.threads ?? Math.min(8, availableParallelism())),
    temp_directory: options.tempDirectory ?? spillDirectory(options.path),
    access_mode: options.readOnly ? "READ_ONLY" : "AUTOMATIC",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
    // The cache of footers takes a file for unchanged that has the same size and was written within the same second (seen in 1.5.6).
    enable_external_file_cache: "false",
    // It turns «the newest row of each key» into an aggregate that sorts values as bytes and gives -0.0 back as 0.0 (seen in 1.5.6).
    disabled_optimizers: "top_n_window_elimination",
  };
}

/** DuckDB makes the folder when it first spills and removes it when it closes. */
function spillDirectory(path: string | undefined): string {
  return path === undefined ? join(tmpdir(), `dw-spill-${randomUUID()}`) : `${path}.tmp`;
}

/** `functions` are those that the database knows already: it knows them for all of its connections. */
async function connect(
  instance: DuckDBInstance,
  functions: Set<string>,
  signal: AbortSignal | undefined,
  onClose: () => void,
): Promise<DuckDbConnection> {
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  const interruptible = interruption(connection, signal);
  const turns = takeTurns();
  let closed = false;
  return {
    run: (sql) => turns.wait(() => interruptible(signal, async () => void (await connection.run(sql)))),
    rows: <Row extends Record<string, unknown>>(sql: string) =>
      // The caller states the row's shape: it wrote the SELECT list.
      turns.wait(() => interruptible(signal, async () => (await rowObjects(await connection.run(sql))) as Row[])),
    strings: (sql, own) => turns.hold(() => pieces(connection, sql, own ?? signal, interruptible, firstColumn)),
    vectors: (sql, read, own) =>
      turns.hold(() => pieces(connection, sql, own ?? signal, interruptible, (chunk) => withVectors(chunk, read))),
    appendColumns: (table, batches, columns) =>
      turns.wait(() => interruptible(signal, () => appendColumns(connection, table, batches, columns))),
    blobFunction: (name, fold) => {
      if (functions.has(name)) return;
      functions.add(name);
      connection.registerScalarFunction(blobFunction(name, fold));
    },
    valueFunction: (name, of) => {
      if (functions.has(name)) return;
      functions.add(name);
      connection.registerScalarFunction(valueFunction(name, of));
    },
    close: async () => {
      if (closed) return;
      closed = true;
      onClose();
      connection.closeSync();
    },
  };
}

/** DuckDB calls it with a vector of rows at a time and waits; NULL for NULL is its own rule for functions. */
function blobFunction(name: string, fold: (a: Uint8Array, b: Uint8Array) => Uint8Array) {
  return duckdb.DuckDBScalarFunction.create({
    name,
    parameterTypes: [duckdb.BLOB, duckdb.BLOB],
    returnType: duckdb.BLOB,
    mainFunction: (_info, rows, out) => {
      for (let row = 0; row < rows.rowCount; row++) {
        const [a, b] = [rows.getColumnVector(0).getItem(row), rows.getColumnVector(1).getItem(row)];
        const both = a instanceof duckdb.DuckDBBlobValue && b instanceof duckdb.DuckDBBlobValue;
        out.setItem(row, both ? new duckdb.DuckDBBlobValue(withCode(() => fold(a.bytes, b.bytes))) : null);
      }
      out.flush();
    },
  });
}

function valueFunction(name: string, of: (value: StoredValue) => Uint8Array) {
  return duckdb.DuckDBScalarFunction.create({
    name,
    parameterTypes: [duckdb.ANY],
    returnType: duckdb.BLOB,
    mainFunction: (_info, rows, out) => {
      for (const [row, value] of storedValues(rows, 0).entries()) {
        out.setItem(row, value.is === "null" ? null : new duckdb.DuckDBBlobValue(withCode(() => of(value))));
      }
      out.flush();
    },
  });
}

/** Only an error's message comes back out of DuckDB: duckdb-errors.ts reads the code there. */
function withCode<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw error instanceof DwError ? new Error(`${error.code}: ${error.what}`) : error;
  }
}

interface Turns {
  /** Runs work when the work before it has ended. */
  readonly wait: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Streams while nothing else runs. Work that is asked for meanwhile is a bug of the caller, who would wait for itself. */
  readonly hold: <Item>(stream: () => AsyncGenerator<Item>) => AsyncGenerator<Item>;
}

/** A DuckDB connection computes one result at a time; a second query during a streamed one silently mixes their rows. */
function takeTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  let streaming = false;
  return {
    wait: (work) => {
      if (streaming) return Promise.reject(new Error("a DuckDB session was asked something while it streams"));
      const turn = last.then(work);
      last = turn.catch(() => undefined);
      return turn;
    },
    hold: async function* (stream) {
      if (streaming) throw new Error("a DuckDB session was asked to stream twice at once");
      streaming = true;
      try {
        await last;
        yield* stream();
      } finally {
        streaming = false;
      }
    },
  };
}

type Interruptible = <Result>(signal: AbortSignal | undefined, work: () => Promise<Result>) => Promise<Result>;

/** Runs work with letters for DuckDB's errors; when the signal aborts, the statement stops and the signal's reason is thrown. */
function interruption(connection: DuckDBConnection, session: AbortSignal | undefined): Interruptible {
  return async (signal, work) => {
    session?.throwIfAborted();
    signal?.throwIfAborted();
    const interrupt = (): void => connection.interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
    try {
      return await lettered(work);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", interrupt);
    }
  };
}

async function lettered<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof DwError ? error : duckDbLetter(error);
  }
}

/** A streaming result: DuckDB computes a little ahead of the reader and waits. Nothing else may run on the connection meanwhile. */
async function* pieces<Piece>(
  connection: DuckDBConnection,
  sql: string,
  signal: AbortSignal | undefined,
  interruptible: Interruptible,
  read: (chunk: DuckDBDataChunk) => Piece,
): AsyncGenerator<Piece> {
  const begun = await begin(connection);
  try {
    const result = await interruptible(signal, () => connection.stream(sql));
    while (true) {
      const chunk = await interruptible(signal, () => result.fetchChunk());
      if (chunk === null || chunk.rowCount === 0) break;
      yield read(chunk);
    }
    if (await isAborted(connection)) throw await interruptible(signal, () => reason(connection, sql));
  } finally {
    if (begun) await connection.run("ROLLBACK").catch(() => {}); // it has only read, and may be gone already
  }
}

/*
 * A streamed result that fails half-way ends like one that is complete: the binding does not ask for the error. The
 * transaction around it knows.
 */

/** False where the caller has one open. */
async function begin(connection: DuckDBConnection): Promise<boolean> {
  return connection.run("BEGIN").then(
    () => true,
    () => false,
  );
}

async function isAborted(connection: DuckDBConnection): Promise<boolean> {
  return connection.run("SELECT 1").then(
    () => false,
    () => true,
  );
}

/** The error of a statement that failed while it was streamed: it is run once more, to the end, for its message. */
async function reason(connection: DuckDBConnection, sql: string): Promise<Error> {
  await connection.run("ROLLBACK");
  return connection.run(`SELECT max(hash(again)) FROM (${sql}) AS again`).then(
    () => new Error(`DuckDB gave up half-way through a result and does not say why: ${sql}`),
    (error: unknown) => duckDbLetter(error),
  );
}

async function appendColumns(
  connection: DuckDBConnection,
  table: string,
  batches: AsyncIterable<ColumnBatch> | Iterable<ColumnBatch>,
  columns: readonly AppendColumn[],
): Promise<void> {
  const list = columns.map((column) => `${quoteName(column.name)} ${column.type}`).join(", ");
  await connection.run(`CREATE TEMPORARY TABLE ${quoteName(table)} (${list})`);
  const appender = await connection.createAppender(table, "main", "temp");
  const types = columns.map((_, index) => appender.columnType(index));
  try {
    for await (const batch of batches) {
      for (let start = 0; start < batch.rows; start += CHUNK_ROWS) {
        const rows = Math.min(CHUNK_ROWS, batch.rows - start);
        const chunk = duckdb.DuckDBDataChunk.create(types, rows);
        for (const [index, type] of types.entries()) {
          chunk.setColumnValues(index, chunkValues(batch.columns[index] ?? [], start, rows, type));
        }
        appender.appendDataChunk(chunk);
      }
    }
    appender.closeSync();
  } catch (error) {
    appender.clear();
    appender.closeSync();
    await connection.run(`DROP TABLE temp.${quoteName(table)}`);
    throw error;
  }
}

/** DuckDB's vector size: a data chunk holds no more. */
const CHUNK_ROWS = 2048;
