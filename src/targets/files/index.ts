import { readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { DwError } from "../../core/errors.js";
import { resetRefused } from "../../core/ledger-letters.js";
import type { Columns } from "../../core/model.js";
import type { SourceColumn } from "../../core/source.js";
import type { StorageWriter } from "../../core/storage.js";
import type { LoadableChunk, LoadedChunk, LoadSession, TargetColumn, TargetTable } from "../../core/target.js";
import { quoteName, quoteText } from "../../core/transit.js";
import { typeText } from "../../core/types.js";
import { plainText } from "../../formats/jsonl.js";
import { copyStatement, type TargetFormat, type TargetFormatName, targetFormats } from "./format.js";
import { type ChunkFile, type ChunkRecord, FolderLedger } from "./ledger.js";
import { ReadBack } from "./read-back.js";

export interface FilesTargetOptions {
  readonly format: TargetFormatName;
  readonly writer: StorageWriter;
  /** Columns of the model; those of the source without one. */
  readonly columns?: Columns;
  /** Columns whose values become folders `name=value`, outermost first. */
  readonly partitionBy: readonly string[];
  /** A folder's name where it is not percent-escaped as Spark does. */
  readonly folderName?: (name: string, value: string | null) => string;
  /** Who measures the folder before the first chunk, where another engine knows better what belongs to the table. */
  readonly baseline?: TargetTable["fingerprint"];
  /** Facts that a Parquet file states of its writer. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * A folder of files. One chunk is one file, or one file in each partition folder that it has rows for; their names follow from
 * the chunk. Files are made ready beside the others and appear whole; between the first and the last of several a reader
 * may see a part of the chunk.
 */
export function filesTarget(options: FilesTargetOptions): TargetTable {
  const format = targetFormats[options.format];
  const { writer } = options;
  const title = `${format.name}:${writer.root}`;
  const readBack = new ReadBack(writer, format);
  return {
    title,
    engine: "duckdb", // which writes and reads the files
    merge: { merge: "append" },
    route: "DuckDB reads and writes files",
    lanes: 1, // DuckDB itself uses every core for one COPY
    columns: async (source) => targetColumns(options, format, source),
    start: async (identity, columns) => {
      const ledger = new FolderLedger(writer, identity.backfill);
      const baseline = await ledger.claim(identity, () => options.baseline?.(columns) ?? readBack.measures.fingerprint(columns));
      for (const record of await ledger.records()) await settled(writer, ledger, record);
      return loadSession({ ...options, ledger, source: columns }, baseline);
    },
    ledger: (backfill) => new FolderLedger(writer, backfill).entry(),
    reset: async (backfill, empty) => {
      const ledger = new FolderLedger(writer, backfill);
      if (!empty && !(await readBack.isEmpty())) throw resetRefused(backfill, title);
      // Only what the ledger names: dw did not make the rest.
      for (const { files } of await ledger.records()) await writer.remove(files.map(({ path }) => path));
      await ledger.forget();
    },
    quarantined: async (backfill) => {
      const records = await new FolderLedger(writer, backfill).records();
      return records.reduce((sum, { rejectedRows = "0" }) => sum + BigInt(rejectedRows), 0n).toString();
    },
    quarantine: `${writer.root}/_dw`,
    ...readBack.measures,
    close: async () => {},
  };
}

// ------------------------------------------------------------------------------------------------ columns

const FOLDER_KINDS: ReadonlySet<string> = new Set(["boolean", "int", "decimal", "text", "enum", "date", "timestamp", "uuid"]);

function targetColumns(options: FilesTargetOptions, format: TargetFormat, source: readonly SourceColumn[]): TargetColumn[] {
  const wanted = options.columns === undefined ? source : Object.entries(options.columns).map(([name, column]) => ({ name, ...column }));
  const problems: string[] = [];
  const columns = wanted.map(({ name, type, nullable }): TargetColumn => {
    const held = format.held(type);
    if (held === undefined) problems.push(`${name} is ${typeText(type)}, which ${format.name} files do not hold.`);
    return { name, type: held ?? type, nullable, writable: true, hasDefault: false };
  });
  problems.push(...partitionProblems(options, columns));
  const inside = columns.filter(({ name }) => !options.partitionBy.includes(name));
  if (format.loneNull === false && inside.length === 1 && inside[0]?.nullable === true)
    problems.push(`A ${format.name} file of one column has an empty line for NULL, which its readers skip.`);
  if (problems.length > 0) throw unfit(format, problems);
  return columns;
}

function partitionProblems({ partitionBy }: FilesTargetOptions, columns: readonly TargetColumn[]): string[] {
  if (partitionBy.length > 0 && partitionBy.length >= columns.length)
    return ["Every column is a partition column, so that files have none."];
  return partitionBy.flatMap((name) => {
    const column = columns.find((candidate) => candidate.name === name);
    if (column === undefined) return [`partitionBy names ${name}, which is no column.`];
    return FOLDER_KINDS.has(column.type.kind) ? [] : [`${name} is ${typeText(column.type)}, whose values make no names of folders.`];
  });
}

function unfit({ name }: TargetFormat, problems: readonly string[]): DwError {
  return new DwError("DW-TYPE-UNSUPPORTED", {
    what: `The columns cannot be written into ${name} files:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    why: "Some values would come back changed, or not at all.",
    fix: "State a table model in `to` with types that the files hold and convert with { sql } in the map, or choose another format.",
  });
}

// ------------------------------------------------------------------------------------------------ loads

interface Destination extends FilesTargetOptions {
  readonly ledger: FolderLedger;
  readonly source: readonly Pick<SourceColumn, "name" | "type">[];
}

function loadSession(to: Destination, baseline: LoadSession["baseline"]): LoadSession {
  const { ledger } = to;
  return {
    baseline,
    loaded: async () => (await ledger.records()).filter(({ state }) => state === "loaded"),
    load: async (rows, signal) => {
      const before = await ledger.record(rows.chunk.id);
      const known = before && (await settled(to.writer, ledger, before));
      return known ?? publish(to, rows, signal);
    },
    close: async () => {},
  };
}

/** What a run that died has left of a chunk: everything, and it counts; less, and it is taken away. */
async function settled(writer: StorageWriter, ledger: FolderLedger, record: ChunkRecord): Promise<LoadedChunk | undefined> {
  if (record.state === "loaded") return record;
  const storage = await writer.look();
  const sizes = await Promise.all(
    record.files.map(async ({ path }) => (storage !== undefined && (await storage.exists(path)) ? storage.size(path) : undefined)),
  );
  await storage?.close?.();
  if (record.files.every(({ size }, index) => sizes[index] === size)) {
    const loaded: ChunkRecord = { ...record, state: "loaded" };
    await ledger.keep(loaded);
    return loaded;
  }
  await writer.remove(record.files.map(({ path }) => path));
  await ledger.forgetChunk(record.chunk);
  return undefined;
}

async function publish(to: Destination, rows: LoadableChunk, signal: AbortSignal): Promise<LoadedChunk> {
  const { writer, ledger } = to;
  const { chunk, fingerprint } = rows;
  const stage = await writer.stage();
  try {
    const ready = await makeReady(to, rows, stage.folder, signal);
    const rejected = await makeRejectedReady(to, rows, stage.folder);
    signal.throwIfAborted();
    const record: ChunkRecord = {
      chunk: chunk.id,
      title: chunk.title,
      fingerprint,
      loadedAt: new Date().toISOString(),
      state: "publishing",
      files: [...ready, ...(rejected?.files ?? [])].map(({ path, size }) => ({ path, size })),
      ...(rejected && { rejectedRows: rejected.rows, rejected: ledger.rejectedPath(chunk.id) }),
    };
    await ledger.keep(record);
    for (const { local, path } of [...ready, ...(rejected?.files ?? [])]) await writer.put(local, path);
    const loaded: ChunkRecord = { ...record, state: "loaded", loadedAt: new Date().toISOString() };
    await ledger.keep(loaded);
    return loaded;
  } finally {
    await stage.release();
  }
}

interface ReadyFile extends ChunkFile {
  readonly local: string;
}

async function makeReady(to: Destination, rows: LoadableChunk, folder: string, signal: AbortSignal): Promise<readonly ReadyFile[]> {
  if (rows.fingerprint.rows === "0") return [];
  const format = targetFormats[to.format];
  const columns = to.source.map((column) => ({ ...column, nullable: true }));
  const partitions = to.partitionBy.flatMap((name) => columns.filter((column) => column.name === name));
  await refuseFolders(rows, partitions);
  const at = join(folder, "rows");
  await rows.db.run(
    copyStatement(format, columns, partitions, rows.sql, partitions.length === 0 ? `${at}.${format.name}` : at, to.metadata),
  );
  signal.throwIfAborted();
  const made = partitions.length === 0 ? [`${at}.${format.name}`] : await filesBelow(at);
  return Promise.all(
    made.map(async (local, index) => {
      const folders = partitions.length === 0 ? [] : relative(at, local).split(sep).slice(0, -1);
      const place = folders.map((folder) => folderNamed(to, folder)).join("/");
      const name = `dw-${to.ledger.key}-${rows.chunk.id}${made.length > 1 ? `-${index}` : ""}.${format.name}`;
      return { local, path: place === "" ? name : `${place}/${name}`, size: (await stat(local)).size };
    }),
  );
}

function folderNamed({ folderName }: Destination, folder: string): string {
  if (folderName === undefined) return folder;
  const [name = "", value = ""] = folder.split("=").map(decodeURIComponent); // DuckDB escapes every other equals sign
  return folderName(name, value === "__HIVE_DEFAULT_PARTITION__" ? null : value);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Hive and Spark read a folder of no name, and Hive's own name for it, as NULL. */
async function refuseFolders({ db, sql, chunk }: LoadableChunk, partitions: readonly SourceColumn[]): Promise<void> {
  const texts = partitions.filter(({ type }) => type.kind === "text" || type.kind === "enum");
  if (texts.length === 0) return;
  const counts = texts.map(
    ({ name }, index) => `count(*) FILTER (WHERE ${quoteName(name)} IN ('', '__HIVE_DEFAULT_PARTITION__')) AS unnamed_${index}`,
  );
  const [row = {}] = await db.rows(`SELECT ${counts.join(", ")} FROM (${sql}) AS rows`);
  const index = texts.findIndex((_, at) => String(row[`unnamed_${at}`]) !== "0");
  if (index === -1) return;
  throw new DwError("DW-VALUE-REFUSED", {
    what: `Chunk ${chunk.title} has ${row[`unnamed_${index}`]} values of the partition column ${texts[index]?.name} that are empty, or __HIVE_DEFAULT_PARTITION__.`,
    why: "Readers of partition folders take both for NULL. Nothing of the chunk was written.",
    fix: "Map them to NULL or to another text with { sql }, or partition by another column.",
  });
}

/** Rejected rows are JSON Lines with the members `reason` and `row`. */
async function makeRejectedReady(
  to: Destination,
  { db, rejected, chunk }: LoadableChunk,
  folder: string,
): Promise<{ readonly files: readonly ReadyFile[]; readonly rows: string } | undefined> {
  if (rejected === undefined) return undefined;
  const [count] = await db.rows<{ n: string }>(`SELECT count(*)::VARCHAR AS n FROM (${rejected}) AS rejected`);
  if (count === undefined || count.n === "0") return { files: [], rows: "0" };
  const local = join(folder, "rejected.jsonl");
  const text = (name: string): string => plainText(quoteName(name), { kind: "text" });
  await db.run(
    `COPY (SELECT ${text("reason")} AS reason, ${text("row")} AS "row" FROM (${rejected}) AS rejected) TO ${quoteText(local)} (FORMAT json)`,
  );
  return { files: [{ local, path: to.ledger.rejectedPath(chunk.id), size: (await stat(local)).size }], rows: count.n };
}
