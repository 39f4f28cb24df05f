import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHUNK_READING, openDuckDb } from "../../connections/duckdb.js";
import type { Connections, OpenConnection } from "../../connections/open.js";
import type { CheckTable, ColumnDifference } from "../../core/check.js";
import { DwError, isDwError } from "../../core/errors.js";
import type { Column } from "../../core/model.js";
import type { Mysql } from "../../core/session.js";
import type { SourceColumn, SourceTable } from "../../core/source.js";
import { type Quoting, sqlBuilder } from "../../core/sql.js";
import { type LogicalType, typeText } from "../../core/types.js";
import { quoting as duckdbQuoting } from "../../engines/duckdb/dialect.js";
import { mapType } from "../../engines/duckdb/types.js";
import { quoting as hiveQuoting } from "../../engines/hive/dialect.js";
import { quoting as postgresQuoting } from "../../engines/postgres/dialect.js";
import { quoting as starrocksQuoting } from "../../engines/starrocks/dialect.js";
import type { Project } from "../project.js";
import { openRequestedSource } from "../source.js";
import type { AskableSlot } from "./slot.js";
import { checkSlot, duckdbQuery } from "./slot.js";

/** A source as checks ask it. `columns` are those that are there. */
export interface SourcePlace {
  readonly slot: AskableSlot;
  readonly table: CheckTable;
  readonly columns: readonly SourceColumn[];
}

export interface SourceRequest {
  /** What messages call it. */
  readonly name: string;
  readonly at: string;
  readonly project: Project;
  readonly connections: Connections;
  readonly concurrency: number | undefined;
  readonly signal: AbortSignal;
  readonly now: number;
  readonly zone?: string;
  /** The model's columns, which say more than the source does: zones, personal data. */
  readonly columns?: Readonly<Record<string, Column>>;
  /** Where the model is that has these columns; they type what a format without types (CSV) holds. */
  readonly warehouse?: string;
  /** Takes what has to be done when the run is over. */
  readonly closing: (close: () => Promise<void>) => void;
}

/**
 * A table of a database is asked where it is; anything else that `dw cat` reads is copied once, chunk by chunk, into a
 * DuckDB file that goes with the run, and asked there. Throws what opening and reading a source throws.
 */
export async function openSourcePlace(request: SourceRequest): Promise<SourcePlace> {
  const colon = request.at.indexOf(":");
  const [name, rest] = [request.at.slice(0, colon), request.at.slice(colon + 1)];
  const open = colon > 0 ? await databaseOf(name, request.connections) : undefined;
  return open === undefined ? copied(request) : inDatabase(open, rest, request);
}

type Database = Exclude<OpenConnection, { readonly kind: "kafka" | "mongodb" }>;

/** Undefined where the name is a format or `model`, or a connection without SQL. */
async function databaseOf(name: string, connections: Connections): Promise<Database | undefined> {
  try {
    connections.environment.connection(name);
  } catch (error) {
    if (isDwError(error) && error.code === "DW-CONNECTION-UNKNOWN") return undefined;
    throw error;
  }
  const open = await connections.named(name);
  return open.kind === "kafka" || open.kind === "mongodb" ? undefined : open;
}

async function inDatabase(open: Database, rest: string, request: SourceRequest): Promise<SourcePlace> {
  const slot = checkSlot(open.kind === "mysql" && open.server === "mysql" ? "mysql" : slotNames[open.kind], open, request.concurrency);
  const quoting = quotings[open.kind];
  const columns = await columnsThere(open, rest, request);
  return { slot, columns, table: placedTable(request, columns, slot, quoting, rest.split(".").map(quoting.ident).join(".")) };
}

async function columnsThere(open: Database, rest: string, request: SourceRequest): Promise<readonly SourceColumn[]> {
  if (open.kind === "mysql") return mysqlColumns(open.mysql, rest);
  // Hive is asked by what the model says of its columns: dw does not read rows there.
  if (open.kind === "hive" && request.columns)
    return Object.entries(request.columns).map(([name, { type, nullable }]) => ({ name, type, nullable }));
  return sourceColumns(request);
}

const slotNames = { pg: "postgres", duckdb: "duckdb", mysql: "starrocks", hive: "hive" } as const;
const quotings: Readonly<Record<Database["kind"], Quoting>> = {
  pg: postgresQuoting,
  duckdb: duckdbQuoting,
  mysql: starrocksQuoting,
  hive: hiveQuoting,
};

async function sourceColumns(request: SourceRequest): Promise<readonly SourceColumn[]> {
  const source = await openSource(request);
  try {
    return source.columns;
  } finally {
    await source.close();
  }
}

function openSource({ name, at, project, connections, signal, columns, warehouse }: SourceRequest): Promise<SourceTable> {
  const typed = columns && warehouse !== undefined ? { model: name, warehouse } : {};
  return openRequestedSource(
    { source: at, cwd: project.root, ...typed },
    {
      project: async () => project,
      connections: async () => connections,
      signal: () => signal,
      redactor: project.redactor,
      variables: project.variables,
    },
  );
}

async function copied(request: SourceRequest): Promise<SourcePlace> {
  const folder = await mkdtemp(join(tmpdir(), "dw-check-"));
  const database = await openDuckDb({ ...CHUNK_READING, path: join(folder, "rows.duckdb") });
  request.closing(async () => {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  });
  const columns = await copyRows(request, database);
  const slot: AskableSlot = { engine: "source", dialect: "duckdb", emulated: false, concurrency: 1, query: duckdbQuery(database) };
  return { slot, columns, table: placedTable(request, columns, slot, duckdbQuoting, "source_rows") };
}

async function copyRows(request: SourceRequest, database: Awaited<ReturnType<typeof openDuckDb>>): Promise<readonly SourceColumn[]> {
  const source = await openSource(request);
  const db = await database.session(request.signal);
  try {
    const plan = await source.plan({});
    const { id } = sqlBuilder(duckdbQuoting);
    const listed = plan.columns.map(({ name, type }) => `${id(name).text} ${duckdbType(type)}`);
    await db.run(`CREATE TABLE source_rows (${listed.join(", ")})`);
    for (const [index, chunk] of plan.chunks.entries()) {
      request.signal.throwIfAborted();
      const open = await plan.open(chunk, db);
      const next = plan.chunks[index + 1];
      if (next) plan.prefetch?.(next);
      try {
        await db.run(`INSERT INTO source_rows\n${open.sql}`);
      } finally {
        await open.close();
      }
    }
    return plan.columns;
  } finally {
    await db.close();
    await source.close();
  }
}

function duckdbType(type: LogicalType): string {
  const mapped = mapType(type);
  return mapped.level === "impossible" ? "VARCHAR" : mapped.native;
}

function placedTable(
  request: SourceRequest,
  columns: readonly SourceColumn[],
  slot: AskableSlot,
  { ident, literal }: Quoting,
  from: string,
): CheckTable {
  const there = Object.fromEntries(
    columns.map(({ name, type, nullable, comment = "" }): [string, Column] => [name, { type, nullable, comment }]),
  );
  return {
    dialect: slot.dialect,
    model: request.name,
    from,
    columns: { ...there, ...request.columns },
    key: [],
    now: request.now,
    ...(request.zone !== undefined && { zone: request.zone }),
    table: (name) => {
      throw new DwError("DW-MODEL-INVALID", {
        what: `A check of the source ${request.name} refers to ${name}.`,
        why: "One query cannot look into two places.",
        fix: `Compare them with sameAs("${name}", …).`,
      });
    },
    ident,
    literal,
  };
}

/** What a model says of a source's columns against what is there; a source's types are its own, so only kinds of values are compared. */
export function sourceDifferences(
  wanted: Readonly<Record<string, Column>> | undefined,
  there: readonly SourceColumn[],
  name: string,
): ColumnDifference[] {
  if (wanted === undefined) {
    throw new DwError("DW-MODEL-INVALID", {
      what: `The source ${name} states no columns.`,
      why: "A schema check compares what is there with what the model says.",
      fix: "List its `columns`, or remove the check.",
    });
  }
  const found = new Map(there.map((column) => [column.name, typeText(column.type)]));
  const missing = Object.entries(wanted).flatMap(([column, { type }]): ColumnDifference[] => {
    const held = found.get(column);
    if (held === typeText(type)) return [];
    return [{ column, wanted: typeText(type), ...(held !== undefined && { there: held }) }];
  });
  const others = [...found].filter(([column]) => !Object.hasOwn(wanted, column));
  return [...missing, ...others.map(([column, type]) => ({ column, there: type }))];
}

async function mysqlColumns(mysql: Mysql, rest: string): Promise<SourceColumn[]> {
  const [table = "", schema] = rest.split(".").reverse();
  const { literal } = starrocksQuoting;
  const of = schema === undefined ? "database()" : literal(schema);
  const rows = await mysql.query(
    `SELECT column_name AS name, data_type AS type, column_type AS full_type, is_nullable AS nullable, numeric_precision AS prec, numeric_scale AS scale, datetime_precision AS digits FROM information_schema.columns WHERE table_schema = ${of} AND table_name = ${literal(table)} ORDER BY ordinal_position`,
  );
  if (rows.length > 0) return rows.map((row) => ({ name: row.name ?? "", type: mysqlType(row), nullable: row.nullable === "YES" }));
  throw new DwError("DW-TABLE-MISSING", {
    what: `There is no table ${rest} on that server.`,
    why: "Its catalogue lists no columns of that name, or the user may not see them.",
    fix: "Correct the source, or grant SELECT on the table.",
  });
}

const mysqlTypes: Readonly<Record<string, LogicalType>> = {
  tinyint: { kind: "int", bits: 8 },
  smallint: { kind: "int", bits: 16 },
  mediumint: { kind: "int", bits: 32 },
  int: { kind: "int", bits: 32 },
  bigint: { kind: "int", bits: 64 },
  float: { kind: "float", bits: 32 },
  double: { kind: "float", bits: 64 },
  date: { kind: "date" },
  json: { kind: "json" },
};

function mysqlType({ type, prec, scale, digits }: Readonly<Record<string, string | null>>): LogicalType {
  const name = (type ?? "").toLowerCase();
  const precision = Number(digits ?? 0) as 0 | 1 | 2 | 3 | 4 | 5 | 6; // MySQL's fractions have at most six digits
  if (name === "decimal") return { kind: "decimal", precision: Number(prec), scale: Number(scale) };
  if (name === "datetime" || name === "timestamp") return { kind: "timestamp", precision, zoned: name === "timestamp" };
  return mysqlTypes[name] ?? { kind: "text" };
}
