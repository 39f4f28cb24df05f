import { type OpenConnection, rowServer } from "../../connections/open.js";
import type { Json } from "../../core/json.js";
import type { DuckDb, Pg } from "../../core/session.js";
import type { Dialect, EngineName } from "../../core/types.js";
import type { CheckSlot } from "./run.js";

/** An engine slot as checks ask it, and the dialect in which it understands them. */
export interface AskableSlot extends CheckSlot {
  readonly dialect: Dialect;
  /** The engine that DuckDB stands in for, when it does. */
  readonly emulated: boolean;
}

export function checkSlot(engine: EngineName, connection: OpenConnection): AskableSlot {
  const open = rowServer(connection, "run checks");
  if (open.kind === "pg") {
    const dialect = engine === "timescale" ? "timescale" : "postgres";
    // PGlite has one connection; a server's pool takes two scans without slowing its readers down.
    return { engine, dialect, emulated: false, concurrency: open.embedded ? 1 : 2, query: pgQuery(open.pg) };
  }
  return { engine, dialect: "duckdb", emulated: open.emulates !== undefined, concurrency: 1, query: duckdbQuery(open.duckdb) };
}

function pgQuery(pg: Pg): CheckSlot["query"] {
  return async (sql) => table(await pg.query(sql));
}

function duckdbQuery(duckdb: DuckDb): CheckSlot["query"] {
  return async (sql) => {
    const session = await duckdb.session();
    try {
      return table(await session.rows(sql));
    } finally {
      await session.close();
    }
  };
}

/** Drivers answer with objects; columns keep their order in them, and queries here never repeat a name. */
function table(rows: readonly Readonly<Record<string, unknown>>[]): { columns: string[]; rows: Json[][] } {
  const columns = Object.keys(rows[0] ?? {});
  return { columns, rows: rows.map((row) => columns.map((column) => row[column] as Json)) }; // drivers give text, numbers, booleans and null
}
