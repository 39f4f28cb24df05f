import { createHash } from "node:crypto";
import { openDuckDb } from "../../connections/duckdb.js";
import { DwError } from "../../core/errors.js";
import { nearest } from "../../core/nearest.js";
import { conditions } from "../../core/predicate.js";
import type { DuckDb } from "../../core/session.js";
import type { Chunk, OpenChunk, OpenSource, ReadPlan, ReadRequest, SourceColumn, SourceTable } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { carried, quoteName, quoteText } from "../../core/transit.js";
import { typeText } from "../../core/types.js";
import { avro } from "./avro.js";
import { csv } from "./csv.js";
import type { FileFormat, FileTable, Shape } from "./format.js";
import { jsonl } from "./jsonl.js";
import { type TableFile, tableFiles } from "./listing.js";
import { orc } from "./orc.js";
import { parquet } from "./parquet.js";
import { cut, isLarge, type Piece, packed, pieceTitle } from "./pieces.js";
import { mayHold } from "./prune.js";
import { LocalCopies } from "./spool.js";
import { typedText } from "./typed-text.js";

const formats = { parquet, csv, jsonl, orc, avro } as const;

export type PlainFormat = keyof typeof formats;

export interface Stated {
  /** `KEY=VALUE` that a person said of CSV files. */
  readonly stated?: readonly string[];
}

interface Opened {
  readonly storage: Storage;
  readonly format: FileFormat;
  readonly files: readonly TableFile[];
  /** How many files were left out for having no bytes. */
  readonly empty: number;
  readonly table: FileTable;
  readonly columns: readonly SourceColumn[];
  readonly typed: OpenSource["typed"];
}

/**
 * A table of plain files below the storage's root: `pattern` is a file, a folder or a glob, relative to it. Folders named
 * `name=value` are columns, text unless a model types them; NULL is `__HIVE_DEFAULT_PARTITION__`.
 *
 * Errors: DW-TABLE-MISSING, DW-FILE-MISSING, DW-FILE-CORRUPT, DW-FILE-OUTSIDE, DW-FILE-TOO-LARGE, DW-VALUE-REFUSED (a text
 * that is not of the type the model states), DW-SOURCE-UNSUPPORTED, and DW-USAGE for an unknown column.
 */
export async function openFiles(storage: Storage, name: PlainFormat, pattern: string, options: OpenSource & Stated): Promise<SourceTable> {
  refuseTimeTravel(name, options);
  const format = formats[name];
  const listed = await tableFiles(storage, pattern, format.extensions);
  const files = withRows(listed, format);
  const database = await openDuckDb({ memoryLimit: 1024 ** 3 });
  try {
    const db = await database.session();
    const table = await format.describe(storage, files, options.typed, db, options.stated ?? []);
    const opened: Opened = {
      storage,
      format,
      files,
      empty: listed.length - files.length,
      table,
      columns: withPartitions(table.columns, files, options.typed),
      typed: options.typed,
    };
    return sourceTable(opened, pattern, database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * Writers of text leave files of zero bytes where they had no rows, and Hive does so in every format for a bucket without
 * rows. Elsewhere such a file is a copy that failed, which its reader tells. One file at least stays, to be told of.
 */
function withRows(files: readonly TableFile[], { name }: FileFormat): readonly TableFile[] {
  const isText = name === "csv" || name === "jsonl";
  const some = files.filter(({ path, size }) => size > 0 || !(isText || HIVE_NAME.test(path)));
  return some.length === 0 ? files : some;
}

/** `000000_0`, `000001_0_copy_1`, `bucket_00000`. */
const HIVE_NAME = /(?:^|\/)(?:\d{6}_\d+|bucket_\d{5})[^/]*$/;

function sourceTable(opened: Opened, pattern: string, database: DuckDb): SourceTable {
  const title = pattern === "" ? opened.storage.root : `${opened.storage.root}/${pattern}`;
  return {
    title,
    columns: opened.columns,
    plan: async (request) => plan(opened, await versionsOf(opened), request),
    inspect: async () => ({
      format: opened.format.name,
      location: title,
      facts: [
        { name: "files", value: String(opened.files.length) },
        ...(opened.empty === 0 ? [] : [{ name: "files without a byte", value: `${opened.empty}, left out` }]),
        { name: "bytes", value: String(total(opened.files)) },
        ...(opened.table.rows.size === 0 ? [] : [{ name: "rows", value: String(rowsOf(opened, opened.files)) }]),
        ...opened.table.facts,
        ...uncut(opened),
        { name: "partitioned by", value: opened.files[0]?.partition.map((part) => part.name).join(", ") || "nothing" },
        { name: "chunks", value: String(packed(piecesOf(opened, opened.files)).length) },
      ],
      columns: opened.columns,
      sections: [
        {
          title: "Files",
          head: ["path", "bytes", "rows"],
          rows: opened.files.map((file) => [file.path, file.size, opened.table.rows.get(file.path) ?? null]),
        },
      ],
      refused: [],
    }),
    close: () => database.close(),
  };
}

/** Files that are larger than two chunks and yet one: a run that dies reads them again from their beginning. */
function uncut(opened: Opened): readonly { readonly name: string; readonly value: string }[] {
  const large = opened.files.filter((file) => isLarge(file.size, opened.table.rows.get(file.path) ?? 0));
  const whole = large.filter((file) => piecesOf(opened, [file]).length === 1);
  if (whole.length === 0) return [];
  const { cutBy, name } = opened.format;
  const why = cutBy === undefined ? "a line break may be inside of a value" : `no ${cutBy} to cut between`;
  return [
    {
      name: "large, but one chunk each",
      value: `${whole.length} files: ${name === "jsonl" ? "packed text is read from its beginning" : why}`,
    },
  ];
}

function refuseTimeTravel(name: string, { at }: OpenSource): void {
  if (at.snapshot === undefined && at.ref === undefined && at.asOf === undefined) return;
  throw new DwError("DW-SNAPSHOT-MISSING", {
    what: `${name} files have no snapshots, tags or branches.`,
    why: "They are read as they lie there.",
    fix: "Leave out --snapshot, --ref and --as-of.",
  });
}

/** A folder's value counts even where the files have a column of that name, as in Hive and Spark. */
function withPartitions(
  columns: readonly SourceColumn[],
  files: readonly TableFile[],
  typed: OpenSource["typed"],
): readonly SourceColumn[] {
  const names = (files[0]?.partition ?? []).map(({ name }) => name);
  const partitions = names.map((name): SourceColumn => ({ name, type: typed?.[name]?.type ?? { kind: "text" }, nullable: true }));
  const taken = new Set(names.map((name) => name.toLowerCase()));
  return [...columns.filter(({ name }) => !taken.has(name.toLowerCase())), ...partitions];
}

/** What tells a file from another one of the same name and size: paths to sizes and versions. */
type Versions = ReadonlyMap<string, string>;

async function versionsOf({ storage, files }: Opened): Promise<Versions> {
  const known = await Promise.all(files.map(async ({ path, size }) => [path, `${size}:${await storage.version?.(path)}`] as const));
  return new Map(known);
}

/** The plan names files as they were; one that was written again since would be loaded under the other's name. */
async function refuseChanged({ storage }: Opened, paths: readonly string[], versions: Versions): Promise<void> {
  for (const path of paths) {
    const now = `${await storage.size(path)}:${await storage.version?.(path)}`;
    if (now !== versions.get(path)) throw changed(path);
  }
}

function changed(path: string): DwError {
  return new DwError("DW-FILE-CORRUPT", {
    what: `${path} was written again after the run had been planned.`,
    why: "The rows that were planned are not the ones that lie there now.",
    fix: "Run again when nobody writes to this folder, or read a copy.",
  });
}

function plan(opened: Opened, versions: Versions, request: ReadRequest): ReadPlan {
  const columns = chosen(opened, request.columns);
  const pruning = request.where === undefined ? [] : conditions(request.where);
  const files = opened.files.filter((file) => mayHold(file, pruning, opened.columns));
  const chunks = chunksOf(opened, files, versions);
  const piecesOfChunk = new Map(chunks.map(({ chunk, pieces }) => [chunk.id, pieces]));
  const isPartial = request.where !== undefined || columns.length < opened.columns.length;
  const prefetch = (chunk: Chunk): void => {
    const whole = (piecesOfChunk.get(chunk.id) ?? []).filter(({ part }) => isBroughtWhole(opened.format, part !== undefined, isPartial));
    opened.storage.prefetch?.(whole.map(({ file }) => file.path));
  };
  return {
    columns,
    identity: `${opened.format.name}:${hash(opened.files.map(({ path }) => identity(path, versions)))}`,
    immutable: true,
    near: opened.storage.remote !== true && READ_BY_DUCKDB.has(opened.format.name),
    textual: opened.format.name === "csv" || opened.format.name === "jsonl",
    chunks: chunks.map(({ chunk }) => chunk),
    open: async (chunk) => {
      const planned = piecesOfChunk.get(chunk.id);
      if (planned === undefined) throw new Error(`chunk ${chunk.id} is not of this plan`);
      await refuseChanged(opened, chunk.files, versions);
      prefetch(chunk); // all at once; below they are asked for one after the other
      return openChunk(opened, planned, columns, request.where);
    },
    prefetch,
  };
}

/** The other formats are decoded by dw's own readers. */
const READ_BY_DUCKDB: ReadonlySet<string> = new Set(["parquet", "csv", "jsonl"]);

/** Of other files only what is needed is read, which is not known before they are opened. */
function isBroughtWhole({ cutBy }: FileFormat, isPart: boolean, isPartial: boolean): boolean {
  if (cutBy === "stripes") return !isPart && !isPartial;
  return !isPart || cutBy === "row groups";
}

function chosen(opened: Opened, names: readonly string[] | undefined): readonly SourceColumn[] {
  return (names ?? opened.columns.map(({ name }) => name)).map((name) => {
    const column = opened.columns.find((candidate) => candidate.name === name);
    if (column !== undefined) return column;
    const near = nearest(
      name,
      opened.columns.map((candidate) => candidate.name),
    );
    throw new DwError("DW-USAGE", {
      what: `${opened.storage.root} has no column ${JSON.stringify(name)}.`,
      why: `Its columns are ${opened.columns.map((candidate) => candidate.name).join(", ")}.`,
      fix: near === undefined ? "Name some of these; names are case-sensitive." : `Did you mean ${near}?`,
    });
  });
}

interface PlannedChunk {
  readonly chunk: Chunk;
  readonly pieces: readonly Piece[];
}

function chunksOf(opened: Opened, files: readonly TableFile[], versions: Versions): readonly PlannedChunk[] {
  return packed(piecesOf(opened, files)).map((pieces) => ({ pieces, chunk: chunkOf(pieces, versions) }));
}

function piecesOf({ format, table }: Opened, files: readonly TableFile[]): readonly Piece[] {
  return files.flatMap((file) => cut(file, format.cutBy, table.rows.get(file.path), table.groups?.get(file.path)));
}

const identity = (path: string, versions: Versions): string => `${path}:${versions.get(path)}`;

function chunkOf(pieces: readonly Piece[], versions: Versions): Chunk {
  const [first, last] = [pieces[0], pieces.at(-1)].map((piece) => (piece === undefined ? "" : pieceTitle(piece)));
  const known = pieces.every(({ rows }) => rows !== undefined);
  return {
    id: `f-${hash(pieces.map((piece) => `${identity(piece.file.path, versions)}${piece.part === undefined ? "" : ` ${piece.part.start}`}`))}`,
    title: first === last ? (first ?? "") : `${first} … ${last} (${new Set(pieces.map(({ file }) => file.path)).size} files)`,
    ...(known && { rows: pieces.reduce((sum, { rows }) => sum + (rows ?? 0), 0) }),
    bytes: pieces.reduce((sum, { bytes }) => sum + bytes, 0),
    files: [...new Set(pieces.map(({ file }) => file.path))],
  };
}

function total(files: readonly TableFile[]): number {
  return files.reduce((sum, file) => sum + file.size, 0);
}

function rowsOf(opened: Opened, files: readonly TableFile[]): number {
  return files.reduce((sum, file) => sum + (opened.table.rows.get(file.path) ?? 0), 0);
}

function hash(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

async function openChunk(
  opened: Opened,
  pieces: readonly Piece[],
  columns: readonly SourceColumn[],
  where: string | undefined,
): Promise<OpenChunk> {
  const copies = new LocalCopies(opened.storage, opened.format);
  const implied = where === undefined ? [] : conditions(where);
  try {
    const needed = where === undefined ? columns : opened.columns;
    const branches: string[] = [];
    for (const group of grouped(opened, pieces)) {
      const reading = {
        typed: opened.typed,
        shape: group.shape,
        columns: new Set(needed.map(({ name }) => name.toLowerCase())),
        conditions: implied.filter(({ column }) => isOwn(opened, group, column)),
      };
      const paths = await Promise.all(group.pieces.map((piece) => copies.path(piece, reading)));
      branches.push(branch(opened, group, needed, paths));
    }
    const union = branches.join("\nUNION ALL\n");
    const list = columns.map(({ name }) => quoteName(name)).join(", ");
    return { sql: where === undefined ? union : `SELECT ${list} FROM (\n${union}\n) WHERE (${where}\n)`, close: () => copies.release() };
  } catch (error) {
    await copies.release();
    throw error;
  }
}

/** Whether a column's values are those of the files, neither of a folder nor widened on the way. */
function isOwn({ columns }: Opened, { shape, pieces }: PieceGroup, name: string): boolean {
  const named = ({ name: other }: { readonly name: string }): boolean => other.toLowerCase() === name.toLowerCase();
  const [own, whole] = [shape.columns.find(named), columns.find(named)];
  if (own === undefined || whole === undefined || pieces[0]?.file.partition.some(named)) return false;
  return typeText(own.type) === typeText(whole.type);
}

interface PieceGroup {
  readonly shape: Shape;
  readonly pieces: Piece[];
}

/** Whole files of one shape and one partition are one branch of the union, and so is each part of a file. */
function grouped(opened: Opened, pieces: readonly Piece[]): readonly PieceGroup[] {
  const numbers = new Map([...new Set(opened.table.shapes.values())].map((shape, index) => [shape, index]));
  const groups = new Map<string, PieceGroup>();
  for (const piece of pieces) {
    const { file, part } = piece;
    const shape = opened.table.shapes.get(file.path);
    if (shape === undefined) throw new Error(`${file.path} was not described`);
    const key = JSON.stringify([numbers.get(shape), file.partition, part && [file.path, part.start]]);
    const group = groups.get(key) ?? { shape, pieces: [] };
    group.pieces.push(piece);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function branch(opened: Opened, { shape, pieces }: PieceGroup, columns: readonly SourceColumn[], paths: readonly string[]): string {
  const [first] = pieces;
  const partition = new Map(first?.file.partition.map(({ name, value }) => [name, value]));
  const values = columns.map((column) => `${columnValue(opened, shape, partition, column)} AS ${quoteName(column.name)}`);
  // a spooled or copied part has no other rows
  const rows = opened.format.name === "parquet" ? first?.part : undefined;
  const range = rows === undefined ? "" : ` WHERE file_row_number >= ${rows.start} AND file_row_number < ${rows.end}`;
  return `SELECT ${values.join(", ")} FROM ${shape.scan(paths)}${range}`;
}

function columnValue(opened: Opened, shape: Shape, partition: ReadonlyMap<string, string | null>, column: SourceColumn): string {
  const type = carried(column.name, column.type);
  const folder = partition.get(column.name);
  if (folder === null) return `CAST(NULL AS ${type})`;
  if (folder !== undefined) {
    const model = opened.typed?.[column.name];
    return model === undefined ? quoteText(folder) : typedText(quoteText(folder), column.name, model);
  }
  const own = shape.columns.find(({ name }) => name.toLowerCase() === column.name.toLowerCase());
  if (own === undefined || shape.nothing?.has(own.name)) return `CAST(NULL AS ${type})`;
  const value = shape.value(own);
  return typeText(own.type) === typeText(column.type) ? value : `CAST(${value} AS ${type})`;
}
