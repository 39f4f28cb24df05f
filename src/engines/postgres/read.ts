import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DwError } from "../../core/errors.js";
import { alsoNamed, pushedDown } from "../../core/pushdown.js";
import type { Pg, PgSession } from "../../core/session.js";
import type { Chunk, Inspection, OpenChunk, ReadPlan, ReadRequest, SourceColumn, SourceTable } from "../../core/source.js";
import { csvSelect } from "../../core/spooled-csv.js";
import { typeText } from "../../core/types.js";
import { postgresCanonical } from "./canonical.js";
import { tableColumns } from "./live-columns.js";
import { relayedTypes, relaySource } from "./relay.js";

/*
 * A PostgreSQL table as a source. One session holds a snapshot for as long as the source is open; every chunk, a range of
 * pages, is read in that snapshot, so that the chunks together are the table at one moment. Pages come out of COPY as CSV,
 * and DuckDB reads them with the types that the catalog states: nothing is sniffed.
 */

export interface PgSourceOptions {
  readonly schema: string;
  readonly table: string;
  /** A folder for chunk files; whoever made it removes it. */
  readonly scratch: string;
  /** Pages a chunk; 64 MiB of them when absent. */
  readonly pages?: number;
}

const { ident } = postgresCanonical;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** 8 KiB each: enough that a chunk's own statements weigh nothing, few enough that lanes have work to share. */
const PAGES_A_CHUNK = 8192;

interface Held {
  readonly session: PgSession;
  readonly snapshot: string;
}

/** Throws DW-TABLE-MISSING, DW-SOURCE-UNSUPPORTED (a type that has no exact form here) and what connections throw. */
export async function openPgTable(pg: Pg, options: PgSourceOptions): Promise<SourceTable> {
  const columns = await sourceColumns(pg, options);
  const relayed = await relayedTypes(pg, options.schema, options.table);
  const relation = `${ident(options.schema)}.${ident(options.table)}`;
  let held: Promise<Held> | undefined;
  const hold = (): Promise<Held> => {
    held ??= holdSnapshot(pg);
    return held;
  };
  return {
    title: `${options.schema}.${options.table}`,
    columns,
    plan: async (request) => planPages(pg, await hold(), { ...options, relation, columns, relayed }, request),
    inspect: () => inspectTable(pg, options, relation, columns),
    close: async () => {
      if (held !== undefined) await releaseSnapshot((await held).session);
    },
  };
}

async function sourceColumns(pg: Pg, { schema, table }: PgSourceOptions): Promise<readonly SourceColumn[]> {
  const columns = await tableColumns(pg, schema, table);
  return columns.map(({ name, type, nullable, comment }) => ({
    name,
    // Numbers of any length have no type elsewhere: they travel as their exact text.
    type: type.kind === "native" ? { kind: "text" } : type,
    nullable,
    ...(comment !== undefined && { comment }),
  }));
}

/** Embedded, everybody shares one connection: a transaction that stays open would hold up the rest. */
async function holdSnapshot(pg: Pg): Promise<Held> {
  const session = await pg.session();
  if (pg.server.embedded) return { session, snapshot: "" };
  await session.query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const [row] = await session.query("SELECT pg_catalog.pg_export_snapshot() AS snapshot");
  return { session, snapshot: String(row?.snapshot) };
}

async function releaseSnapshot(session: PgSession): Promise<void> {
  await session.query("ROLLBACK").catch(() => {}); // the connection may be gone, and the snapshot with it
  await session.close();
}

interface Place extends PgSourceOptions {
  readonly relation: string;
  readonly columns: readonly SourceColumn[];
  /** Types of the columns that another server can take as they are. */
  readonly relayed: ReadonlyMap<string, string>;
}

async function planPages(pg: Pg, held: Held, place: Place, request: ReadRequest): Promise<ReadPlan> {
  const [facts] = await held.session.query(
    `SELECT c.relkind::text AS kind, (pg_catalog.pg_relation_size(c.oid) / current_setting('block_size')::bigint)::text AS pages,
       pg_catalog.pg_relation_size(c.oid)::text AS bytes, c.relfilenode::text AS file, c.reltuples::text AS rows,
       (SELECT oid::text FROM pg_catalog.pg_database WHERE datname = current_database()) AS database,
       (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS system
     FROM pg_catalog.pg_class c WHERE c.oid = ${literal(place.relation)}::regclass`,
  );
  const columns = (request.columns ?? place.columns.map(({ name }) => name)).map((name) => columnNamed(place, name));
  // Partitioned tables, hypertables and views have no pages of their own: they are one chunk.
  const { where, ranged } = request;
  const paged = facts?.kind === "r" && Number(facts.pages) > 0 && ranged !== true;
  const chunks = paged
    ? pageChunks(Number(facts.pages), Number(facts.bytes), place.pages ?? PAGES_A_CHUNK)
    : [wholeTable(Number(facts?.bytes ?? 0))];
  return {
    columns,
    identity: `postgres:${facts?.system}/${facts?.database}.${place.schema}.${place.table}@${ranged ? "range" : await version(held.session, place, facts?.kind === "r")}`,
    immutable: !pg.server.embedded,
    textual: true,
    chunks,
    open: (chunk) => openPages(pg, held, place, columns, chunk, where),
    // A predicate is DuckDB's.
    ...(where === undefined &&
      ranged !== true &&
      place.relayed.size > 0 && { relay: relaySource(place.relayed, place.relation, pageRange, (work) => inSnapshot(pg, held, work)) }),
  };
}

function columnNamed(place: Place, name: string): SourceColumn {
  const found = place.columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  throw new DwError("DW-USAGE", {
    what: `${place.schema}.${place.table} has no column ${name}.`,
    why: `Its columns are ${place.columns.map((column) => column.name).join(", ")}.`,
    fix: "Name one of those.",
  });
}

/**
 * Changes with every insert, update and delete: a ledger must not go on where rows have moved to other pages. Row versions
 * are identified by their place and the transaction that wrote them.
 */
async function version(session: PgSession, place: Place, heap: boolean): Promise<string> {
  const sum = heap ? "sum(hashtidextended(ctid, xmin::text::bigint))" : "sum(hashtextextended(t::text, 0))";
  const [row] = await session.query(`SELECT count(*)::text AS n, coalesce(${sum}, 0)::text AS sum FROM ${place.relation} t`);
  return createHash("sha256").update(`${row?.n} ${row?.sum}`).digest("hex").slice(0, 16);
}

function pageChunks(pages: number, bytes: number, step: number): Chunk[] {
  const chunks: Chunk[] = [];
  for (let from = 0; from < pages; from += step) {
    const to = Math.min(from + step, pages);
    chunks.push({
      id: `pages-${from}-${to}`,
      title: `pages ${from}–${to - 1}`,
      bytes: Math.round((bytes / pages) * (to - from)),
      files: [],
    });
  }
  return chunks;
}

const wholeTable = (bytes: number): Chunk => ({ id: "all", title: "the whole table", bytes, files: [] });

async function openPages(
  pg: Pg,
  held: Held,
  place: Place,
  columns: readonly SourceColumn[],
  chunk: Chunk,
  where: string | undefined,
): Promise<OpenChunk> {
  const read = alsoNamed(place.columns, columns, where);
  const file = join(place.scratch, `${randomUUID()}.csv`);
  const only = [pageRange(chunk), pushedDown(where, place.columns, { ident, literal })].filter((part) => part !== undefined);
  const select = `SELECT ${read.map(copyOutText).join(", ")} FROM ${place.relation}${only.length === 0 ? "" : ` WHERE ${only.join(" AND ")}`}`;
  try {
    const copy = `COPY (${select}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)`;
    await writeFile(
      file,
      inSnapshot(pg, held, (session) => session.copyOut(copy)),
    );
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  return {
    sql: csvSelect(file, read, columns, where),
    close: () => rm(file, { force: true }),
  };
}

function pageRange(chunk: Chunk): string | undefined {
  const match = /^pages-(\d+)-(\d+)$/.exec(chunk.id);
  if (match === null && chunk.id !== "all") throw new Error(`no pages are called ${chunk.id}`);
  return match === null ? undefined : `ctid >= '(${match[1]},0)'::tid AND ctid < '(${match[2]},0)'::tid`;
}

/** Embedded on the one connection there is; on a server in a session of its own, so that chunks can be read side by side. */
async function* inSnapshot<Item>(pg: Pg, held: Held, work: (session: PgSession) => AsyncIterable<Item>): AsyncGenerator<Item> {
  if (held.snapshot === "") {
    yield* work(held.session);
    return;
  }
  const session = await pg.session();
  try {
    await session.query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await session.query(`SET TRANSACTION SNAPSHOT ${literal(held.snapshot)}`);
    yield* work(session);
    await session.query("ROLLBACK");
  } finally {
    await session.close();
  }
}

async function writeFile(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  await pipeline(Readable.from(bytes, { objectMode: false }), createWriteStream(path));
}

/** Texts that DuckDB reads back exactly. NaN and infinities of numeric have no form there: the cast refuses them. */
function copyOutText({ name, type }: SourceColumn): string {
  const value = ident(name);
  switch (type.kind) {
    case "binary":
      return `pg_catalog.encode(${value}, 'hex')`;
    case "timestamp":
    case "date":
      // PostgreSQL writes `0044-03-15 00:00:00 BC`, DuckDB `0044-03-15 (BC) 00:00:00`.
      return `pg_catalog.regexp_replace(${value}::text, '^([0-9-]+)(.*) BC$', '\\1 (BC)\\2')`;
    case "list":
      // Elements as texts: JSON's numbers would lose digits.
      return `pg_catalog.array_to_json(${value}::text[])`;
    case "boolean":
      return `${value}::text`;
    case "interval":
      // After a negative part PostgreSQL writes `+3 days`, which DuckDB does not read.
      return `pg_catalog.replace(${value}::text, '+', '')`;
    case "text":
      return type.padded ? `${value}::text` : value; // the cast leaves out the spaces that fill character(n)
    default:
      return value;
  }
}

async function inspectTable(pg: Pg, options: PgSourceOptions, relation: string, columns: readonly SourceColumn[]): Promise<Inspection> {
  const [facts] = await pg.query(
    `SELECT c.relkind::text AS kind, pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size(c.oid)) AS size,
       c.reltuples::bigint::text AS rows, pg_catalog.obj_description(c.oid) AS comment
     FROM pg_catalog.pg_class c WHERE c.oid = ${literal(relation)}::regclass`,
  );
  return {
    format: "postgres",
    location: `${options.schema}.${options.table}`,
    facts: [
      { name: "server", value: `PostgreSQL ${pg.server.version}${pg.server.timescale ? `, TimescaleDB ${pg.server.timescale}` : ""}` },
      { name: "kind", value: KINDS[String(facts?.kind)] ?? String(facts?.kind) },
      { name: "size", value: String(facts?.size ?? "0") },
      { name: "rows (estimate)", value: Number(facts?.rows ?? -1) < 0 ? "unknown" : String(facts?.rows) },
    ],
    columns,
    sections: [
      {
        title: "columns",
        head: ["name", "type", "nullable"],
        rows: columns.map((column) => [column.name, typeText(column.type), column.nullable ? "yes" : "no"]),
      },
    ],
    refused: [],
  };
}

const KINDS: Readonly<Record<string, string>> = {
  r: "table",
  p: "partitioned table",
  v: "view",
  m: "materialized view",
  f: "foreign table",
};
