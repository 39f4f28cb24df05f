import { type Condition, conditions, withNan } from "../../core/predicate.js";
import type { DuckDbSession, OpenChunk } from "../../core/source.js";
import { SpoolFolder, spoolParquet } from "../../formats/spool.js";
import { filesBeside, isBlobFile, liesBeside } from "./beside-files.js";
import { spoolBlobs } from "./blob-files.js";
import { readVector, vectorKey } from "./deletion-vectors.js";
import { constant, duckType, ident, sameType, text } from "./duckdb.js";
import { convert, type Leaf } from "./evolve.js";
import { withFunctions } from "./functions.js";
import { damaged } from "./letters.js";
import { type DataFile, writtenWith } from "./manifests.js";
import { type MergeColumn, mergeOf, type Pieces, type Versions } from "./merge.js";
import { atomicType } from "./partitions.js";
import { bucketKey, isPlain, layers, type Part } from "./parts.js";
import { fileFormat, openFile, type Spool, scan } from "./relation.js";
import type { TableSchema } from "./schema.js";
import type { PaimonTable } from "./table.js";
import type { PaimonField } from "./types.js";

export interface ReadColumns {
  /** In the order of the answer. */
  readonly wanted: readonly PaimonField[];
  /** Columns that the predicate may mention. */
  readonly filtered: readonly PaimonField[];
  readonly where?: string;
}

/** What DuckDB calls a data file, in an error too when the file lacks a column (duckdb-errors.ts). */
const FILE = "dw_file";

const SEQUENCE: PaimonField = systemField("_SEQUENCE_NUMBER", 64);
const KIND: PaimonField = systemField("_VALUE_KIND", 8);

function systemField(name: string, bits: 8 | 64): PaimonField {
  return { id: -1, name, nullable: false, type: { kind: "atomic", logical: { kind: "int", bits } } };
}

/** Makes a chunk readable: spools what DuckDB cannot read, and answers its SELECT for the session `db`. */
export async function openChunk(table: PaimonTable, columns: ReadColumns, parts: readonly Part[], db: DuckDbSession): Promise<OpenChunk> {
  const spool: Spool = {
    storage: table.storage,
    folder: new SpoolFolder("paimon"),
    lz4: table.options.lz4,
    release: [],
    leaves: new Map(),
  };
  const close = async (): Promise<void> => {
    for (const release of spool.release.splice(0)) await release();
    await spool.folder.close();
  };
  try {
    const mode = parts[0]?.mode ?? "stream";
    const mayDelete = parts.some((part) => part.mayDelete);
    // A merge needs every version of a row: the newest may be one that the predicate refuses.
    const implied = mode === "merge" || columns.where === undefined ? [] : conditions(columns.where);
    const versions = await chunkVersions(table, neededColumns(table, columns, mode), parts, spool, implied);
    const pieces = mode === "merge" ? piecesOf(table, columns, parts, versions) : undefined;
    const whole = pieces === undefined ? chunkSql(table, columns, mode, mayDelete, versions) : pieces.folded.join();
    await withFunctions([versions.base, versions.changes, whole].join(), db);
    if (pieces === undefined) return { sql: whole, close };
    const rows = await inPieces(pieces, db, spool);
    return { sql: answerSql(columns, neededColumns(table, columns, mode), rows), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function piecesOf(table: PaimonTable, columns: ReadColumns, parts: readonly Part[], versions: Versions): Pieces | undefined {
  const changedRows = parts.flatMap((part) => layers(part.files).changes).reduce((sum, file) => sum + file.rows, 0);
  return mergeOf(table.schema, table.options).pieces(versions, neededColumns(table, columns, "merge"), changedRows);
}

/** Folds piece after piece into files, so that no more than one is in memory. */
async function inPieces({ streamed, folded }: Pieces, db: DuckDbSession, spool: Spool): Promise<string> {
  const paths: string[] = [];
  for (const sql of folded) {
    const path = await spool.folder.file("parquet");
    await db.run(`COPY (${sql}) TO ${text(path)} (FORMAT parquet, COMPRESSION uncompressed)`);
    paths.push(path);
  }
  return [...(streamed === undefined ? [] : [streamed]), `SELECT * FROM ${scan(paths, false)}`].join("\nUNION ALL\n");
}

function neededColumns(table: PaimonTable, columns: ReadColumns, mode: Part["mode"]): readonly MergeColumn[] {
  const asked = [...columns.wanted, ...columns.filtered];
  const needed = mode === "merge" ? mergeOf(table.schema, table.options).needs(asked) : asked;
  return table.schema.fields.flatMap((field, index) => (needed.includes(field) ? [{ alias: `c${index}`, field }] : []));
}

/** The chunk's SELECT over its rows' versions; a chunk that streams has them all in `changes`. */
export function chunkSql(table: PaimonTable, columns: ReadColumns, mode: Part["mode"], mayDelete: boolean, versions: Versions): string {
  const needed = neededColumns(table, columns, mode);
  const merged = (): string => mergeOf(table.schema, table.options).sql(versions, needed);
  return answerSql(columns, needed, mode === "merge" ? merged() : streamed(versions.changes, table.hasKey && mayDelete));
}

/** The columns that were asked for, by their names, of the rows that the predicate lets through. */
function answerSql(columns: ReadColumns, needed: readonly MergeColumn[], rows: string): string {
  const names = needed.map(({ alias, field }) => `${alias} AS ${ident(field.name)}`);
  const named = `SELECT ${names.length === 0 ? "1 AS nothing" : names.join(", ")} FROM (${rows})`;
  const answer = `SELECT ${columns.wanted.map((field) => ident(field.name)).join(", ")} FROM`;
  if (columns.where === undefined) return `${answer} (${named})`;
  const floats = needed.flatMap(({ field }) => (field.type.kind === "atomic" && field.type.logical.kind === "float" ? [field.name] : []));
  return `${answer} ${withNan(floats, `(${named})`)} WHERE (${columns.where}\n)`; // a comment at the predicate's end ends there
}

function streamed(source: string, withDeletes: boolean): string {
  return withDeletes ? `SELECT * FROM (${source}) WHERE k IN (0, 2)` : source;
}

async function chunkVersions(
  table: PaimonTable,
  columns: readonly MergeColumn[],
  parts: readonly Part[],
  spool: Spool,
  implied: readonly Condition[],
): Promise<Versions> {
  const files = parts.flatMap((part) => part.files);
  const buckets = new Map([...new Set(files.map(bucketKey))].map((bucket, index) => [bucket, index]));
  const select = (some: readonly DataFile[], withLevels: boolean): Promise<string> =>
    unionOf(some, withLevels, (group) => groupSelects(table, columns, group, buckets, spool, implied));
  if (parts[0]?.mode !== "merge") {
    const whole = parts.filter(isWhole).flatMap((part) => part.files);
    const selects = whole.length === 0 ? [] : [await select(whole, false)];
    for (const part of parts) if (!isWhole(part)) selects.push(await columnsSelect(table, columns, part, spool));
    return { changes: selects.join("\nUNION ALL\n"), newer: false, single: false, plain: true };
  }
  if (table.chain !== undefined) {
    return { changes: await select(files, true), newer: false, single: false, plain: parts.every(isPlain), twins: true };
  }
  const split = parts.map((part) => layers(part.files));
  return {
    base: await select(
      split.flatMap(({ base }) => base),
      true,
    ),
    changes: await select(
      split.flatMap(({ changes }) => changes),
      true,
    ),
    newer: split.every(({ newer }) => newer),
    single: split.every(({ changes }) => changes.length === 1),
    plain: parts.every(isPlain),
  };
}

/** One SELECT for each group of files with the same schema, partition, bucket, format and level. */
async function unionOf(
  files: readonly DataFile[],
  withLevels: boolean,
  selects: (group: readonly DataFile[]) => Promise<readonly string[]>,
): Promise<string> {
  const groups = new Map<string, DataFile[]>();
  for (const file of files) {
    const key = JSON.stringify([bucketKey(file), writtenWith(file), fileFormat(file.name), withLevels ? file.level : 0]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  const all: string[] = [];
  for (const group of groups.values()) all.push(...(await selects(group)));
  return all.join("\nUNION ALL\n");
}

async function groupSelects(
  table: PaimonTable,
  columns: readonly MergeColumn[],
  files: readonly DataFile[],
  buckets: ReadonlyMap<string, number>,
  spool: Spool,
  implied: readonly Condition[],
): Promise<readonly string[]> {
  const [first] = files;
  if (first === undefined) return [];
  const schema = await table.schemaOf(first);
  const sources = columns.map(({ field }) => schema.fields.find((candidate) => candidate.id === field.id));
  const stored = sources.flatMap((field) => (field === undefined || isPartition(table, field.id) ? [] : [field]));
  const system = table.hasKey ? [SEQUENCE, KIND] : [];
  const read = [...system, ...stored];
  const list = (leaf: Leaf): string => selectList(table, columns, schema, first, buckets.get(bucketKey(first)) ?? 0, leaf);
  const vectors = await table.vectors();
  const own = implied.flatMap((condition) => ownCondition(table, schema, condition));
  const together = new Map<Leaf, string[]>();
  const selects: string[] = [];
  for (const file of files) {
    const path = await table.paths.dataFile(file);
    const hasVector = vectors.has(vectorKey(file.partition, file.bucket, file.name));
    const source = { path, size: file.size, conditions: hasVector ? [] : own };
    const relation = await openFile(source, read.length === 0 ? schema.fields.slice(0, 1) : read, spool);
    if (hasVector) {
      const deleted = await deletedRows(table, file, spool);
      const rows = `${scan([relation.path], true)} AS ${FILE} ANTI JOIN read_parquet(${text(deleted)}) AS d ON d.position = ${FILE}.file_row_number`;
      selects.push(`SELECT ${list(relation.leaf)} FROM ${rows}`);
    } else {
      together.set(relation.leaf, [...(together.get(relation.leaf) ?? []), relation.path]);
    }
  }
  for (const [leaf, paths] of together) selects.push(`SELECT ${list(leaf)} FROM ${scan(paths, false)} AS ${FILE}`);
  return selects;
}

/** One file has all columns of its rows. */
function isWhole({ files: [file, ...more] }: Part): boolean {
  return more.length === 0 && file?.writtenColumns === undefined;
}

/** The columns of the same rows from several files: each from the newest file that has it. */
async function columnsSelect(table: PaimonTable, columns: readonly MergeColumn[], part: Part, spool: Spool): Promise<string> {
  const sources = await writtenParts(table, part);
  const has = ({ schema }: WrittenPart, field: PaimonField): boolean => schema.fields.some(({ id }) => id === field.id);
  const chosen = columns.map(({ field, alias }) => ({ field, alias, source: sources.find((source) => has(source, field)) ?? sources[0] }));
  const used = sources.filter(
    (source, index) => chosen.some((column) => column.source === source) || (columns.length === 0 && index === 0),
  );
  const relations: string[] = [];
  const leaves = new Map<WrittenPart, Leaf>();
  for (const source of used) {
    const own = source.schema.fields.filter(({ id }) => chosen.some((column) => column.source === source && column.field.id === id));
    const { rows, leaf } = await openPart(table, source, own, spool);
    leaves.set(source, leaf);
    const on = source === used[0] ? "" : ` ON ${source.alias}.file_row_number = ${used[0]?.alias}.file_row_number`;
    relations.push(`${rows} AS ${source.alias}${on}`);
  }
  const values = chosen.flatMap(({ field, alias, source }) => {
    const leaf = source === undefined ? undefined : leaves.get(source);
    return source === undefined || leaf === undefined
      ? []
      : [`${columnSql(table, field, source.schema, source.file, leaf, source.alias)} AS ${alias}`];
  });
  return `SELECT ${values.join(", ") || "1 AS nothing"} FROM ${relations.join(" JOIN ")}`;
}

interface WrittenPart {
  readonly file: DataFile;
  readonly alias: string;
  /** With the columns alone that the file has. */
  readonly schema: TableSchema;
  /** Of columns that lie beside the data file: the files that have their values, one after the other. */
  readonly beside?: readonly DataFile[];
}

async function writtenParts(table: PaimonTable, { files }: Part): Promise<readonly WrittenPart[]> {
  const written = await Promise.all(
    files.map(async (file, index): Promise<WrittenPart> => {
      const schema = await table.schemaOf(file);
      const fields = schema.fields.filter(({ name }) => file.writtenColumns?.includes(name) ?? true);
      return { file, alias: `${FILE}${index}`, schema: { ...schema, fields } };
    }),
  );
  const [owner] = files;
  const groups = new Map<string, WrittenPart[]>();
  for (const part of written.filter(({ file }) => liesBeside(file)))
    groups.set(besideKey(part), [...(groups.get(besideKey(part)) ?? []), part]);
  const whole = [...groups.values()].flatMap((same): readonly WrittenPart[] => {
    if (owner === undefined) return [];
    const beside = filesBeside(
      same.map(({ file }) => file),
      owner,
    );
    const first = same.find(({ file }) => file === beside[0]);
    return first === undefined ? [] : [{ ...first, beside }];
  });
  return [...written.filter(({ file }) => !liesBeside(file)), ...whole.sort((a, b) => a.file.schemaId - b.file.schemaId)];
}

/** Files beside a data file that have one column's values between them. */
function besideKey({ file, schema: { fields } }: WrittenPart): string {
  const [field] = fields;
  if (field === undefined) throw damaged(file.manifest, `${file.name} names no column.`);
  return isBlobFile(file.name) ? `blob ${field.id}` : JSON.stringify([file.schemaId, fileFormat(file.name), fields.map(({ id }) => id)]);
}

interface PartRows {
  /** A relation with the file's columns and `file_row_number`. */
  readonly rows: string;
  readonly leaf: Leaf;
}

async function openPart(table: PaimonTable, part: WrittenPart, fields: readonly PaimonField[], spool: Spool): Promise<PartRows> {
  const { file, schema, beside = [file] } = part;
  if (isBlobFile(file.name)) {
    const places = await Promise.all(beside.map(async (blob) => ({ path: await table.paths.dataFile(blob), rows: blob.rows })));
    const path = await spoolBlobs(schema.fields[0]?.name ?? "", places, spool);
    return { rows: scan([path], true), leaf: (expression) => expression };
  }
  const scans: string[] = [];
  const leaves: Leaf[] = [];
  let before = 0;
  for (const one of beside) {
    const place = { path: await table.paths.dataFile(one), size: one.size, conditions: [] };
    const { path, leaf } = await openFile(place, fields.length === 0 ? schema.fields.slice(0, 1) : fields, spool);
    scans.push(
      before === 0 ? scan([path], true) : `(SELECT * REPLACE (file_row_number + ${before} AS file_row_number) FROM ${scan([path], true)})`,
    );
    leaves.push(leaf);
    before += one.rows;
  }
  const [leaf] = leaves;
  if (leaf === undefined || leaves.some((other) => other !== leaf))
    throw new RangeError(`the files beside ${file.name} differ in their form`);
  return { rows: scans.length === 1 ? scans.join() : `(${scans.map((rows) => `SELECT * FROM ${rows}`).join(" UNION ALL ")})`, leaf };
}

/** A condition on the table's column as one on the file's, where that has the same values. */
function ownCondition(table: PaimonTable, schema: TableSchema, condition: Condition): readonly Condition[] {
  const field = table.schema.fields.find(({ name }) => name.toLowerCase() === condition.column.toLowerCase());
  const stored = schema.fields.find(({ id }) => id === field?.id);
  if (field === undefined || stored === undefined || isPartition(table, field.id) || !sameType(stored.type, field.type)) return [];
  return [{ ...condition, column: stored.name }];
}

function isPartition(table: PaimonTable, id: number): boolean {
  return table.schema.fields.some((field) => field.id === id && table.schema.partitionKeys.includes(field.name));
}

function selectList(
  table: PaimonTable,
  columns: readonly MergeColumn[],
  schema: TableSchema,
  file: DataFile,
  bucket: number,
  leaf: Leaf,
): string {
  const system = table.hasKey
    ? [`${bucket} AS g`, `${FILE}.${ident(SEQUENCE.name)} AS s`, `${FILE}.${ident(KIND.name)} AS k`, `${file.level} AS l`]
    : [];
  const values = columns.map(({ alias, field }) => `${columnSql(table, field, schema, file, leaf)} AS ${alias}`);
  return [...system, ...values].join(", ") || "1 AS nothing";
}

/** Partition columns come from the manifest: files that were migrated from Hive do not hold them. */
function columnSql(table: PaimonTable, field: PaimonField, schema: TableSchema, file: DataFile, leaf: Leaf, relation = FILE): string {
  const partition = table.schema.partitionKeys.indexOf(field.name);
  if (partition >= 0) {
    const value = table.partitions.of(file.partition, file.manifest).values[partition] ?? null;
    return constant(value, atomicType(field, file.manifest));
  }
  const stored = schema.fields.find((candidate) => candidate.id === field.id);
  if (stored === undefined) return `CAST(NULL AS ${duckType(field.type)})`;
  return convert(`${relation}.${ident(stored.name)}`, stored.type, field.type, leaf);
}

const POSITIONS_A_GROUP = 65_536;

/** The positions that a file's deletion vector names, as a Parquet file with the column `position`. */
async function deletedRows(table: PaimonTable, file: DataFile, spool: Spool): Promise<string> {
  const place = (await table.vectors()).get(vectorKey(file.partition, file.bucket, file.name));
  if (place === undefined) throw new RangeError(`${file.name} has no deletion vector`);
  const index = await table.paths.indexFile(place.indexFile, place.externalPath, place.partition, place.bucket);
  const vector = await readVector(table.storage, index, place);
  // A few bytes can name billions of positions: never more than the file has rows.
  if (vector.cardinality > file.rows) throw damaged(index, `A deletion vector names more rows than ${file.name} has.`);
  const path = await spool.folder.file("parquet");
  await spoolParquet(path, index, [{ name: "position", type: { kind: "int64" } }], async (write) => {
    for (const values of batched(vector.positions(), file, index)) {
      write(values.length, [{ kind: "int64", length: values.length, count: values.length, values }]);
    }
  });
  return path;
}

function* batched(positions: Iterable<number>, file: DataFile, index: string): Generator<BigInt64Array> {
  let batch: bigint[] = [];
  let total = 0;
  for (const position of positions) {
    if (position >= file.rows || ++total > file.rows)
      throw damaged(index, `A deletion vector names a row that ${file.name} does not have.`);
    batch.push(BigInt(position));
    if (batch.length === POSITIONS_A_GROUP) {
      yield BigInt64Array.from(batch);
      batch = [];
    }
  }
  if (batch.length > 0) yield BigInt64Array.from(batch);
}
