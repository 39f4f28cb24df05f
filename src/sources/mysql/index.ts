import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DwError } from "../../core/errors.js";
import { alsoNamed, pushedDown } from "../../core/pushdown.js";
import type { MysqlReader, MysqlServer } from "../../core/session.js";
import type { Inspection, OpenChunk, ReadPlan, ReadRequest, SourceTable } from "../../core/source.js";
import { csvSelect } from "../../core/spooled-csv.js";
import { typeText } from "../../core/types.js";
import { type KeyRange, keyRanges, type Size, whole } from "./chunks.js";
import { type MysqlColumn, mysqlColumns, mysqlText, quoteMysqlName } from "./columns.js";

/*
 * A MySQL or MariaDB table as a source. One session holds a consistent snapshot for as long as the source is open, and every
 * chunk is read in it, one after the other: the server has no way to lend a snapshot to other sessions. The server writes
 * each row as a line of CSV, which is passed on as it is; DuckDB reads the lines with the types of the catalog.
 */

export interface MysqlSourceOptions {
  readonly database: string;
  readonly table: string;
  /** A folder for chunk files; whoever made it removes it. */
  readonly scratch: string;
  readonly rowsAChunk?: number;
}

/** Throws DW-TABLE-MISSING, DW-SOURCE-UNSUPPORTED (a type without an exact text) and what connections throw. */
export async function openMysqlTable(server: MysqlServer, options: MysqlSourceOptions): Promise<SourceTable> {
  const session = await server.reader();
  try {
    // A lost packet of a slow reader must not look like the table's end; texts are literal, times in UTC.
    await session.query("SET SESSION time_zone = '+00:00', net_write_timeout = 3600, sql_mode = 'NO_BACKSLASH_ESCAPES'");
    const place: Place = {
      ...options,
      session,
      relation: `${quoteMysqlName(options.database)}.${quoteMysqlName(options.table)}`,
      columns: await mysqlColumns(session, options.database, options.table),
      turns: { last: Promise.resolve() },
    };
    let held: Promise<boolean> | undefined;
    return {
      title: `${options.database}.${options.table}`,
      columns: place.columns,
      plan: async (request) => {
        held ??= holdSnapshot(place);
        return planTable(place, request, await held);
      },
      inspect: () => inspectTable(place, server.version),
      close: () => session.close(),
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

interface Place extends MysqlSourceOptions {
  readonly session: MysqlReader;
  readonly relation: string;
  readonly columns: readonly MysqlColumn[];
  /** Chunks wait for each other: a session does one thing at a time. */
  readonly turns: { last: Promise<unknown> };
}

/** False where the storage engine has no snapshots (MyISAM, Aria): rows are read as they are when their chunk's turn comes. */
async function holdSnapshot({ session, database, table }: Place): Promise<boolean> {
  await session.query("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  await session.query("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
  const [row] = await session.query(
    `SELECT e.transactions AS transactional FROM information_schema.tables t JOIN information_schema.engines e ON e.engine = t.engine
     WHERE t.table_schema = ${mysqlText(database)} AND t.table_name = ${mysqlText(table)}`,
  );
  return row?.transactional === "YES";
}

async function planTable(place: Place, request: ReadRequest, isSnapshot: boolean): Promise<ReadPlan> {
  const columns = (request.columns ?? place.columns.map(({ name }) => name)).map((name) => columnNamed(place, name));
  const size = await sizeOf(place);
  const ranges = request.ranged ? [whole(size)] : await keyRanges(place.session, place.relation, place.columns, size, place.rowsAChunk);
  return {
    columns,
    identity: await identityOf(place, request.ranged === true),
    immutable: isSnapshot,
    textual: true,
    chunks: ranges.map(({ chunk }) => chunk),
    open: (chunk) => {
      const range = ranges.find((candidate) => candidate.chunk.id === chunk.id);
      if (range === undefined) throw new Error(`chunk ${chunk.id} is not of this plan`);
      return openRange(place, range, columns, request.where);
    },
  };
}

function columnNamed({ columns, database, table }: Place, name: string): MysqlColumn {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  throw new DwError("DW-USAGE", {
    what: `${database}.${table} has no column ${name}.`,
    why: `Its columns are ${columns.map((column) => column.name).join(", ")}.`,
    fix: "Name some of these; names are case-sensitive.",
  });
}

async function sizeOf({ session, database, table }: Place): Promise<Size> {
  const [row] = await session.query(
    `SELECT table_rows AS n, data_length AS bytes FROM information_schema.tables
     WHERE table_schema = ${mysqlText(database)} AND table_name = ${mysqlText(table)}`,
  );
  return { rows: Number(row?.n ?? 0), bytes: Number(row?.bytes ?? 0) };
}

/** Changes with every row: a ledger must not go on where the table is another one. */
async function identityOf({ session, relation, columns, database, table }: Place, isRanged: boolean): Promise<string> {
  const [server] = await session.query("SELECT CONCAT(@@hostname, ':', @@port) AS place");
  if (isRanged) return `mysql:${server?.place}/${database}.${table}@range`;
  const [row] = await session.query(
    `SELECT COUNT(*) AS n, SUM(CRC32(${lineOf(columns)})) AS a, BIT_XOR(CRC32(REVERSE(${lineOf(columns)}))) AS b FROM ${relation}`,
  );
  const version = createHash("sha256").update(`${row?.n} ${row?.a} ${row?.b}`).digest("hex").slice(0, 16);
  return `mysql:${server?.place}/${database}.${table}@${version}`;
}

/** A row as a line of CSV: NULL is nothing, texts stand in quotes. */
function lineOf(columns: readonly MysqlColumn[]): string {
  const fields = columns.map(({ text, quoted }) =>
    quoted ? `IFNULL(CONCAT('"', REPLACE(${text}, '"', '""'), '"'), '')` : `IFNULL(${text}, '')`,
  );
  return `CONCAT(${fields.join(", ',', ")}, '\n')`;
}

/** Sessions are in UTC: a time is written without its offset, which MariaDB does not read. */
const WORDING = { ident: quoteMysqlName, literal: (text: string) => mysqlText(text.replace(/\+00$/, "")) };

async function openRange(
  place: Place,
  { where }: KeyRange,
  columns: readonly MysqlColumn[],
  predicate: string | undefined,
): Promise<OpenChunk> {
  const read = alsoNamed(place.columns, columns, predicate);
  const file = join(place.scratch, `${randomUUID()}.csv`);
  const only = [where, pushedDown(predicate, place.columns, WORDING)].filter((part) => part !== undefined).map((part) => `(${part})`);
  const select = `SELECT ${lineOf(read)} FROM ${place.relation}${only.length === 0 ? "" : ` WHERE ${only.join(" AND ")}`}`;
  try {
    await inTurn(place, () => pipeline(Readable.from(lines(place, select), { objectMode: false }), createWriteStream(file)));
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  return { sql: csvSelect(file, read, columns, predicate), close: () => rm(file, { force: true }) };
}

function inTurn<Result>({ turns }: Place, work: () => Promise<Result>): Promise<Result> {
  const turn = turns.last.then(work);
  turns.last = turn.catch(() => undefined);
  return turn;
}

/** Lines are collected: a write for each row would be slow. */
const PIECE = 256 * 1024;

async function* lines({ session, database, table }: Place, select: string): AsyncGenerator<Uint8Array> {
  let [held, size]: [Uint8Array[], number] = [[], 0];
  for await (const line of session.values(select)) {
    if (line === undefined) throw tooLong(`${database}.${table}`);
    held.push(line);
    size += line.length;
    if (size < PIECE) continue;
    yield Buffer.concat(held);
    [held, size] = [[], 0];
  }
  if (size > 0) yield Buffer.concat(held);
}

/** CONCAT gives NULL, and a warning, for what is longer than a packet may be. */
function tooLong(table: string): DwError {
  return new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `A row of ${table} is longer than the server's max_allowed_packet.`,
    why: "The server cannot write it as one text.",
    fix: "Raise max_allowed_packet on the server, or leave the long column out.",
  });
}

async function inspectTable(place: Place, version: string): Promise<Inspection> {
  const size = await sizeOf(place);
  const key = place.columns.filter(({ key: at }) => at !== undefined).sort((a, b) => Number(a.key) - Number(b.key));
  return {
    format: "mysql",
    location: `${place.database}.${place.table}`,
    facts: [
      { name: "server", value: version },
      { name: "primary key", value: key.map(({ name }) => name).join(", ") || "none: read as one chunk" },
      { name: "rows (estimate)", value: String(size.rows) },
      { name: "bytes (estimate)", value: String(size.bytes) },
    ],
    columns: place.columns,
    sections: [
      {
        title: "columns",
        head: ["name", "type", "nullable"],
        rows: place.columns.map((column) => [column.name, typeText(column.type), column.nullable ? "yes" : "no"]),
      },
    ],
    refused: [],
  };
}
