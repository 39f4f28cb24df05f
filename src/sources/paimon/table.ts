import { DwError } from "../../core/errors.js";
import type { At } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { typeText } from "../../core/types.js";
import { isBlobFile } from "./beside-files.js";
import { type VectorPlace, vectorPlaces } from "./deletion-vectors.js";
import { sameType } from "./duckdb.js";
import { convert } from "./evolve.js";
import { type DataFile, liveFiles, writtenWith } from "./manifests.js";
import { refusedOptions, startingState, type TableOptions, tableOptions } from "./options.js";
import { Partitions } from "./partitions.js";
import { Paths, POSTPONED } from "./paths.js";
import { fileFormat } from "./relation.js";
import { Schemas, type TableSchema } from "./schema.js";
import { type Found, find, lastCompacted } from "./snapshots.js";
import { foreignTypes, logicalType, type PaimonField } from "./types.js";

/** A table at one state, as far as its metadata tells. */
export interface PaimonTable {
  readonly storage: Storage;
  readonly found: Found;
  readonly schemas: Schemas;
  readonly schema: TableSchema;
  readonly options: TableOptions;
  readonly partitions: Partitions;
  readonly paths: Paths;
  readonly hasKey: boolean;
  /** Features that dw does not read here, each with its reason. */
  readonly refused: readonly string[];
  /** Read once, when first asked for. */
  readonly files: () => Promise<readonly DataFile[]>;
  /** The schema that a file was written with. */
  readonly schemaOf: (file: DataFile) => Promise<TableSchema>;
  /** Of a chain table's partitions that lie in two branches: the state of the branch that has them whole. */
  readonly chain?: Found;
  readonly vectors: () => Promise<ReadonlyMap<string, VectorPlace>>;
}

export async function loadTable(storage: Storage, at: At): Promise<PaimonTable> {
  if ((await new Schemas(storage, "").ids()).length === 0) throw await noTable(storage);
  return tableAt(storage, await find(storage, at));
}

export async function tableAt(storage: Storage, asked: Found): Promise<PaimonTable> {
  const schemas = new Schemas(storage, asked.folder);
  const newest = (await schemas.ids()).at(-1);
  if (newest === undefined) throw await noTable(storage);
  const latest = await schemas.schema(newest);
  // An older state has the columns of its day, and is read by the options of today.
  const schema = asked.travelled && asked.snapshot !== undefined ? await schemas.schema(asked.snapshot.schemaId) : latest;
  const options = tableOptions({ ...schema, options: latest.options });
  const partitions = new Partitions(schema, options);
  const found = await started(storage, asked, options);
  const { snapshot } = found;
  return {
    storage,
    found,
    schemas,
    schema,
    options,
    partitions,
    paths: new Paths(storage, options, partitions),
    hasKey: schema.primaryKeys.length > 0,
    refused: [...refusedOptions(schema, options), ...(found.travelled ? [] : startingState(options).refused), ...twinColumns(schema)],
    schemaOf: ({ schemaId }) => schemas.schema(schemaId),
    files: once(async () => (snapshot === undefined ? [] : await liveFiles(storage, snapshot))),
    vectors: once(async () =>
      // A reader whose table has them disabled does not look at them.
      snapshot?.indexManifest === undefined || !options.deletionVectors
        ? new Map<string, VectorPlace>()
        : await vectorPlaces(storage, snapshot.indexManifest),
    ),
  };
}

/** The state that the table's options choose where none was asked for. */
async function started(storage: Storage, found: Found, options: TableOptions): Promise<Found> {
  if (found.travelled || found.snapshot === undefined || !startingState(options).compacted) return found;
  const commits = options.text("full-compaction.delta-commits");
  const full = commits !== undefined || options.text("changelog-producer")?.trim().toLowerCase() === "full-compaction";
  const every = full ? Math.max(1, Number.parseInt(commits ?? "1", 10) || 1) : undefined;
  return { ...found, snapshot: await lastCompacted(storage, found.folder, found.snapshot, every) };
}

function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined;
  return () => {
    running ??= work();
    return running;
  };
}

async function noTable(storage: Storage): Promise<DwError> {
  return new DwError("DW-TABLE-MISSING", {
    what: `No Paimon table lies at ${storage.root}.`,
    why: "It has no folder schema/ with a schema-0 in it.",
    fix: await insteadOf(storage),
  });
}

const SHOWN = 10;

/** A warehouse, a database and a format table are taken for a table now and then. */
async function insteadOf(storage: Storage): Promise<string> {
  const { files, folders } = await storage.list("");
  const names = folders.map((folder) => folder.replace(/\/$/, "").split("/").at(-1) ?? "");
  const few = (list: readonly string[]): string =>
    `${list.slice(0, SHOWN).join(", ")}${list.length > SHOWN ? ` and ${list.length - SHOWN} more` : ""}`;
  const databases = names.filter((name) => name.endsWith(".db"));
  if (databases.length > 0) return `It is a warehouse with the databases ${few(databases)}: give the folder of a table in one of them.`;
  const tables: string[] = [];
  for (const name of names.slice(0, 100)) if ((await storage.list(`${name}/schema`)).files.length > 0) tables.push(name);
  if (tables.length > 0) return `It is a database with the tables ${few(tables)}: give the folder of one of them.`;
  if (names.some((name) => name.includes("=")) || files.some(({ path }) => /\.(parquet|orc|avro|csv|json)(\.|$)/.test(path))) {
    return "Its files look like those of a format table, which are plain ones: read them with parquet:, orc:, avro:, csv: or jsonl:.";
  }
  return "Give the table's own folder, the one that holds schema/, snapshot/ and manifest/.";
}

/** DuckDB would take the two columns for one. */
function twinColumns(schema: TableSchema): readonly string[] {
  const seen = new Set<string>();
  return schema.fields.flatMap((field) => {
    const folded = field.name.toLowerCase();
    if (seen.has(folded)) return [`column ${field.name}: another column's name differs in upper and lower case only`];
    seen.add(folded);
    return [];
  });
}

/** Columns among these whose types dw does not read. */
export function refusedColumns(table: PaimonTable, fields: readonly PaimonField[]): readonly string[] {
  return fields.flatMap((field) => {
    if (table.options.blobDescriptors.includes(field.name))
      return [`column ${field.name}: its values lie outside of the table (BLOB descriptors); name the other columns instead`];
    const types = foreignTypes(field.type);
    return types.length === 0
      ? []
      : [`column ${field.name}: dw does not read the type ${types.join(", ")}, which is newer than it; name the other columns instead`];
  });
}

/** Columns among these whose type was changed in a way that dw does not follow, with files from before. */
export async function refusedChanges(
  table: PaimonTable,
  fields: readonly PaimonField[],
  files: readonly DataFile[],
): Promise<readonly string[]> {
  const written = new Map(files.map((file) => [writtenWith(file), file]));
  const schemas = await Promise.all([...written.values()].map((file) => table.schemaOf(file)));
  return fields.flatMap((field) => {
    const older = schemas.flatMap(({ id, fields: stored }) => stored.flatMap((before) => (before.id === field.id ? [{ id, before }] : [])));
    return older
      .slice()
      .sort((a, b) => a.id - b.id)
      .flatMap(({ id, before }) => refusedChange(field, id, before))
      .slice(0, 1);
  });
}

function refusedChange(field: PaimonField, schema: number, before: PaimonField): readonly string[] {
  if (sameType(before.type, field.type)) return [];
  try {
    convert("", before.type, field.type, (expression) => expression);
    return [];
  } catch (error) {
    if (!(error instanceof DwError)) throw error;
    const types = `${typeText(logicalType(before.type))} in files of schema ${schema} and ${typeText(logicalType(field.type))} now`;
    return [`column ${field.name}: it is ${types}. ${error.why} ${error.fix}`];
  }
}

/** Releases before 1.3 gave the option's value for every null of the column; later ones write it once, and give nulls as they are. */
export function refusedDefaults(table: PaimonTable, fields: readonly PaimonField[], files: readonly DataFile[]): readonly string[] {
  const option = fields.map(({ name }) => `fields.${name}.default-value`).find((key) => table.options.text(key) !== undefined);
  const early = files.some((file) => file.early);
  return option === undefined || !early
    ? []
    : [`option ${option}: to releases before 1.3, which wrote files of it, nulls of the column are that value`];
}

/** The files whose rows a batch read shows. */
export function visibleFiles(table: PaimonTable, files: readonly DataFile[]): readonly DataFile[] {
  if (!table.hasKey) return files;
  // Rows in the postpone bucket have no bucket yet; level 0 is left out where it could contradict what was looked up.
  return files.filter((file) => file.bucket !== POSTPONED && !(table.options.skipLevel0 && file.level === 0));
}

/** Reasons that only the files show. */
export async function refusedFiles(table: PaimonTable, files: readonly DataFile[]): Promise<readonly string[]> {
  const reasons = new Set<string>();
  for (const file of files) {
    if (table.options.dataEvolution && isBlobFile(file.name)) continue;
    try {
      fileFormat(file.name);
    } catch (error) {
      if (!(error instanceof DwError)) throw error;
      reasons.add(`file ${file.name}: ${error.why}`);
    }
    if (file.writtenColumns === undefined || table.options.dataEvolution) continue;
    const { fields } = await table.schemaOf(file);
    const missing = fields.filter((field) => !file.writtenColumns?.includes(field.name));
    if (missing.length > 0) reasons.add(`file ${file.name}: it holds only some of the columns (data evolution)`);
  }
  return [...reasons];
}
