import { createHash, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DwError } from "../../core/errors.js";
import { tableMissing } from "../../core/ledger-letters.js";
import type { DuckDb, DuckDbConnection } from "../../core/session.js";
import type { Chunk, DuckDbSession, Inspection, OpenChunk, ReadPlan, ReadRequest, SourceColumn, SourceTable } from "../../core/source.js";
import { carried, logicalType, quoteName, quoteText } from "../../core/transit.js";
import { typeText } from "../../core/types.js";

/*
 * A table or view of a DuckDB database as a source. Chunks are read on another database: rows go there through a database
 * file, the only form that keeps each of DuckDB's types (Parquet makes a HUGEINT a double).
 */

export interface DuckdbSourceOptions {
  /** Schema and name, or a name in `main`. */
  readonly name: readonly string[];
  /** A folder for chunk files; whoever made it removes it. */
  readonly scratch: string;
}

/** Throws DW-TABLE-MISSING, DW-SOURCE-UNSUPPORTED (a type that dw does not know) and what DuckDB throws. */
export async function openDuckdbTable(duckdb: DuckDb, { name, scratch }: DuckdbSourceOptions): Promise<SourceTable> {
  const db = await duckdb.session();
  const place: Place = { db, scratch, title: name.join("."), relation: name.map(quoteName).join("."), columns: await columnsOf(db, name) };
  return {
    title: place.title,
    columns: place.columns,
    plan: (request) => planTable(place, request),
    inspect: () => inspectTable(place),
    close: () => db.close(),
  };
}

interface Place {
  readonly db: DuckDbConnection;
  readonly scratch: string;
  readonly title: string;
  readonly relation: string;
  readonly columns: readonly SourceColumn[];
}

async function columnsOf(db: DuckDbSession, name: readonly string[]): Promise<readonly SourceColumn[]> {
  const [schema, table] = name.length > 1 ? name : ["main", ...name];
  const rows = await db.rows<{ name: string; type: string; nullable: boolean; comment: string | null }>(
    `SELECT column_name AS name, data_type AS type, is_nullable AS nullable, comment FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = ${quoteText(schema ?? "main")}
       AND table_name = ${quoteText(table ?? "")} ORDER BY column_index`,
  );
  if (rows.length === 0) throw tableMissing(name.join("."));
  return rows.map((row) => ({
    name: row.name,
    type: logicalType(row.type),
    nullable: row.nullable,
    ...(row.comment !== null && { comment: row.comment }),
  }));
}

async function planTable(place: Place, request: ReadRequest): Promise<ReadPlan> {
  const columns = request.columns?.map((name) => columnNamed(place, name)) ?? place.columns;
  const { rows, version } = await stateOf(place);
  const chunk: Chunk = { id: "table", title: place.title, rows, bytes: 0, files: [] };
  return {
    columns,
    identity: `duckdb:${place.title}@${version}`,
    immutable: false,
    chunks: [chunk],
    open: (_, db) => openRows(place, columns, request.where, db),
  };
}

function columnNamed(place: Place, name: string): SourceColumn {
  const found = place.columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  throw new DwError("DW-USAGE", {
    what: `${place.title} has no column ${name}.`,
    why: `Its columns are ${place.columns.map((column) => column.name).join(", ")}.`,
    fix: "Name some of these; names are case-sensitive.",
  });
}

/** Changes with every row: a ledger must not go on where the table is another one. */
async function stateOf({ db, relation }: Place): Promise<{ rows: number; version: string }> {
  const [state] = await db.rows<{ rows: string; sum: string | null }>(
    `SELECT count(*)::VARCHAR AS rows, sum(hash(t)::HUGEINT)::VARCHAR AS sum FROM ${relation} AS t`,
  );
  const version = createHash("sha256").update(`${state?.rows} ${state?.sum}`).digest("hex").slice(0, 16);
  return { rows: Number(state?.rows ?? 0), version };
}

async function openRows(place: Place, columns: readonly SourceColumn[], where: string | undefined, db: DuckDbSession): Promise<OpenChunk> {
  const name = `dw_rows_${randomUUID().replaceAll("-", "")}`;
  const file = join(place.scratch, `${name}.duckdb`);
  const list = columns.map((column) => quoteName(column.name)).join(", ");
  const values = columns.map(
    (column) => `CAST(${quoteName(column.name)} AS ${carried(column.name, column.type)}) AS ${quoteName(column.name)}`,
  );
  const kept = `SELECT * FROM ${place.relation}${where === undefined ? "" : ` WHERE (${where}\n)`}`;
  await place.db.run(`ATTACH ${quoteText(file)} AS ${name}`);
  try {
    await place.db.run(`CREATE TABLE ${name}.main.held AS SELECT ${values.join(", ")} FROM (${kept})`);
  } finally {
    await place.db.run(`DETACH ${name}`);
  }
  await db.run(`ATTACH ${quoteText(file)} AS ${name} (READ_ONLY)`);
  return {
    sql: `SELECT ${list} FROM ${name}.main.held`,
    close: async () => {
      await db.run(`DETACH ${name}`);
      await rm(file, { force: true });
    },
  };
}

async function inspectTable(place: Place): Promise<Inspection> {
  const { rows } = await stateOf(place);
  return {
    format: "duckdb table",
    location: place.title,
    facts: [{ name: "rows", value: String(rows) }],
    columns: place.columns,
    sections: [],
    refused: place.columns.flatMap(({ name, type }) => (type.kind === "native" ? [`column ${name} is ${typeText(type)}`] : [])),
  };
}
