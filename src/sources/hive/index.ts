import { createHash, randomUUID } from "node:crypto";
import { DwError, isDwError } from "../../core/errors.js";
import { tableMissing } from "../../core/ledger-letters.js";
import type { Hive, HiveSession } from "../../core/session.js";
import type { Chunk, ColumnBatch, DuckDbSession, Inspection, OpenChunk, ReadPlan, ReadRequest, SourceTable } from "../../core/source.js";
import { carried, quoteName } from "../../core/transit.js";
import { type HiveColumn, logicalType, valueText } from "./types.js";

/*
 * A table or view of Hive as a source, read through HiveServer2: whatever its SerDe, format or transactions are, Hive itself
 * reads it. A partition is a chunk. Values come as Hive's own text, which is exact for all types that are read.
 */

export interface HiveSourceOptions {
  readonly database: string;
  readonly table: string;
}

interface Place extends HiveSourceOptions {
  readonly session: HiveSession;
  readonly relation: string;
  readonly columns: readonly HiveColumn[];
  readonly partitions: readonly string[] | undefined;
  /** Sessions do one thing at a time. */
  readonly turns: { last: Promise<unknown> };
}

/** Throws DW-TABLE-MISSING, and what a Hive throws. */
export async function openHiveTable(hive: Hive, { database, table }: HiveSourceOptions): Promise<SourceTable> {
  const session = await hive.session();
  try {
    const relation = `${quoted(database)}.${quoted(table)}`;
    const columns = await columnsOf(session, relation, `${database}.${table}`);
    const partitions = await partitionsOf(session, relation);
    const place: Place = { database, table, session, relation, columns, partitions, turns: { last: Promise.resolve() } };
    return {
      title: `${database}.${table}`,
      columns: columns.map(({ name, type }) => ({ name, type, nullable: true })),
      plan: (request) => plan(place, request),
      inspect: () => inspection(place, hive.version),
      close: () => session.close(),
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** A dollar sign before a brace starts a variable, quoted or not: a name cannot say it otherwise. */
function quoted(name: string): string {
  if (!name.includes("${")) return `\`${name.replaceAll("`", "``")}\``;
  throw new DwError("DW-USAGE", {
    what: `${name} cannot be asked for in Hive.`,
    why: "It would replace a dollar sign and what follows in braces by a variable.",
    fix: "Name another table or column.",
  });
}

function literal(text: string): string {
  return `'${text.replace(/[\\'$;]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`)}'`;
}

/** Partition columns are listed with the others, and again after a heading. */
async function columnsOf(session: HiveSession, relation: string, title: string): Promise<readonly HiveColumn[]> {
  const rows = await session.query(`DESCRIBE ${relation}`).catch((error: unknown) => {
    if (isDwError(error) && /not found|10001|42S02/i.test(error.why)) throw tableMissing(title);
    throw error;
  });
  const texts = rows.map((row) => Object.values(row).map((value) => (value ?? "").trim()));
  const end = texts.findIndex(([name = ""]) => name === "" || name.startsWith("#"));
  return texts.slice(0, end === -1 ? undefined : end).map(([name = "", native = ""]) => ({ name, native, type: logicalType(native) }));
}

/** Undefined where the table has none. */
async function partitionsOf(session: HiveSession, relation: string): Promise<readonly string[] | undefined> {
  try {
    return (await session.query(`SHOW PARTITIONS ${relation}`)).map((row) => Object.values(row)[0] ?? "");
  } catch (error) {
    if (isDwError(error) && error.errorClass === "refused") return undefined; // "is not a partitioned table", "not a table"
    throw error;
  }
}

async function plan(place: Place, request: ReadRequest): Promise<ReadPlan> {
  const columns = (request.columns ?? place.columns.map(({ name }) => name)).map((name) => columnNamed(place, name));
  for (const column of columns) valueText(column, "''", (type) => carried(column.name, type));
  const chunks = place.partitions?.map(partitionChunk) ?? [{ id: "table", title: place.table, bytes: 0, files: [] }];
  return {
    columns: columns.map(({ name, type }) => ({ name, type, nullable: true })),
    identity: `hive:${place.database}.${place.table}@${await versionOf(place)}`,
    immutable: false,
    chunks,
    open: (chunk, db) => inTurn(place, () => openRows(place, chunk, columns, request.where, db)),
  };
}

function columnNamed({ columns, table }: Place, name: string): HiveColumn {
  const found = columns.find((column) => column.name === name.toLowerCase());
  if (found) return found;
  throw new DwError("DW-USAGE", {
    what: `${table} has no column ${name}.`,
    why: `Its columns are ${columns.map((column) => column.name).join(", ")}.`,
    fix: "Name some of these; Hive keeps names in lower case.",
  });
}

function partitionChunk(partition: string): Chunk {
  const id = createHash("sha256").update(partition).digest("hex").slice(0, 24);
  return { id: `p-${id}`, title: partition, bytes: 0, files: [] };
}

/** What the metastore knows of the last change: a ledger must not go on where the table is another one. */
async function versionOf({ session, relation, partitions }: Place): Promise<string> {
  const rows = await session.query(`SHOW TBLPROPERTIES ${relation}`);
  const known = rows
    .map((row) => Object.values(row).join("="))
    .filter((line) => /^(transient_lastDdlTime|totalSize|numFiles|numRows)=/.test(line));
  return createHash("sha256")
    .update(JSON.stringify([known.sort(), partitions]))
    .digest("hex")
    .slice(0, 16);
}

async function inTurn<Result>({ turns }: Place, work: () => Promise<Result>): Promise<Result> {
  const mine = turns.last.then(work);
  turns.last = mine.catch(() => undefined);
  return mine;
}

async function openRows(
  place: Place,
  chunk: Chunk,
  columns: readonly HiveColumn[],
  where: string | undefined,
  db: DuckDbSession,
): Promise<OpenChunk> {
  const held = `dw_hive_${randomUUID().replaceAll("-", "")}`;
  const list = columns.map(({ name }) => quoted(name)).join(", ");
  const only = place.partitions === undefined ? "" : ` WHERE ${partitionPredicate(chunk.title)}`;
  const texts = columns.map((_, index) => ({ name: `c${index}`, type: "VARCHAR" }));
  await db.appendColumns(held, batches(place.session, `SELECT ${list} FROM ${place.relation}${only}`), texts);
  const values = columns.map(
    (column, index) => `${valueText(column, `c${index}`, (type) => carried(column.name, type))} AS ${quoteName(column.name)}`,
  );
  const rows = `SELECT ${values.join(", ")} FROM temp.${held}`;
  return {
    sql: where === undefined ? rows : `SELECT * FROM (${rows}) WHERE (${where}\n)`,
    close: () => db.run(`DROP TABLE IF EXISTS temp.${held}`),
  };
}

async function* batches(session: HiveSession, sql: string): AsyncGenerator<ColumnBatch> {
  for await (const columns of session.columns(sql)) yield { rows: columns[0]?.length ?? 0, columns };
}

/** Hive's own name for NULL in a partition's path. */
const NO_VALUE = "__HIVE_DEFAULT_PARTITION__";

/** `dt=2024-01-01/hr=3`, each value escaped as in a path. */
function partitionPredicate(partition: string): string {
  const parts = partition.split("/").map((part) => {
    const at = part.indexOf("=");
    const [name, value] = [decodeURIComponent(part.slice(0, at)), decodeURIComponent(part.slice(at + 1))];
    return value === NO_VALUE ? `${quoted(name)} IS NULL` : `${quoted(name)} = ${literal(value)}`;
  });
  return parts.join(" AND ");
}

async function inspection(place: Place, version: string): Promise<Inspection> {
  const { columns, partitions, database, table } = place;
  return {
    format: "hive table",
    location: `${database}.${table}`,
    facts: [
      { name: "Hive", value: version },
      { name: "partitions", value: partitions === undefined ? "none" : String(partitions.length) },
    ],
    columns: columns.map(({ name, type }) => ({ name, type, nullable: true })),
    sections: partitions === undefined ? [] : [{ title: "Partitions", head: ["partition"], rows: partitions.map((one) => [one]) }],
    refused: columns.flatMap(({ name, native, type }) => (type.kind === "native" ? [`column ${name} is ${native}`] : [])),
  };
}
