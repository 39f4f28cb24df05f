import { copyFile } from "node:fs/promises";
import pLimit from "p-limit";
import { isDwError } from "../../core/errors.js";
import type { DuckDbSession } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { corrupt, unsupported } from "../../formats/damage.js";
import { type CheckedPages, checkPages } from "../../formats/parquet/checksums.js";
import { unannotated } from "../../formats/parquet/unannotated.js";
import { withoutZone } from "../../formats/parquet/zoned-nanos.js";
import type { RowRange } from "../../formats/vector.js";
import { type Convert, type Converted, convertAvro, convertOrc, type FieldCondition } from "./converted.js";
import { type FileField, type ParquetNode, parquetFields, withIds } from "./file-schema.js";
import type { FileFormat } from "./manifests.js";
import { ident, literal } from "./schema.js";
import type { Scratch } from "./scratch.js";

/* Files made readable for DuckDB, whatever their format: columns with ids, the number of the file, the position of the row. */

export interface PlacedFile {
  /** Path below the export's root. */
  readonly path: string;
  readonly format: FileFormat;
  /** Files are read together only where this is equal. */
  readonly group: string;
  /** Positions of the rows that will be read, as a hint: what is converted has these at least. */
  readonly rows?: RowRange;
}

/** Files of one shape as one FROM item. */
export interface Relation<File extends PlacedFile> {
  readonly fields: readonly FileField[];
  /** `read_parquet([…]) AS s` or a table `AS s`. */
  readonly from: string;
  /** SQL of the index in `files`, and of the row's position in its file. */
  readonly fileIndex: string;
  readonly rowNumber: string;
  readonly files: readonly File[];
}

export interface Session {
  readonly db: DuckDbSession;
  readonly storage: Storage;
  readonly scratch: Scratch;
}

export interface Wanted {
  /** Ids of the top-level fields that will be read; all when absent. */
  readonly fields: ReadonlySet<number> | undefined;
  /** Ids of the fields of nanoseconds, at any depth. */
  readonly nanoseconds: ReadonlySet<number>;
  /** Whether variants, geometries or geographies are among them. */
  readonly opaque: boolean;
  /** Rows for which one of them is not true may be left out. */
  readonly conditions: readonly FieldCondition[];
}

/** What turns a file of the format into Parquet, and nothing for Parquet itself. A further format is one line. */
const formats: Readonly<Record<FileFormat, Convert | undefined>> = {
  parquet: undefined,
  avro: convertAvro,
  orc: convertOrc,
  puffin: undefined, // holds deletion vectors only, which are read elsewhere
};

/** A file where DuckDB can open it. */
interface LocalFile<File> {
  readonly file: File;
  readonly local: string;
  /** What the file itself no longer tells. */
  readonly converted: Converted | undefined;
}

const CONCURRENT_COPIES = 8;
/** Names that DuckDB gives to what is not a column; a column of that name would hide it. */
const virtualColumns = ["file_index", "file_row_number"];

export async function relations<File extends PlacedFile>(
  files: readonly File[],
  session: Session,
  wanted: Wanted,
): Promise<readonly Relation<File>[]> {
  if (files.length === 0) return [];
  const limit = pLimit(CONCURRENT_COPIES);
  const copies = await Promise.all(files.map((file) => limit(() => localFile(file, session, wanted))));
  const { local, shaped } = await exact(wanted.opaque ? await bare(copies, session) : copies, session);
  const byName = new Map(local.map((file) => [file.local, file]));
  const found: Relation<File>[] = [];
  for (const { names, nodes } of shaped) {
    const shared = names.flatMap((name) => byName.get(name) ?? []);
    for (const group of grouped(shared, ({ file, converted }) => `${file.group} ${JSON.stringify(converted)}`))
      found.push(relation(group, nodes));
  }
  return found;
}

function relation<File extends PlacedFile>(group: readonly LocalFile<File>[], nodes: readonly ParquetNode[]): Relation<File> {
  const path = group[0]?.file.path ?? "";
  const fields = parquetFields(nodes, path);
  const hidden = fields.find((field) => virtualColumns.includes(field.name.toLowerCase()));
  if (hidden !== undefined) throw hides(hidden.name, path);
  if (nodes.some(isZonedNanos)) throw cut(path);
  const converted = group[0]?.converted;
  return {
    fields: converted === undefined ? fields : withIds(fields, converted.ids),
    from: `read_parquet([${group.map(({ local }) => globLiteral(local)).join(", ")}], hive_partitioning = false) AS s`,
    fileIndex: "s.file_index",
    rowNumber: converted?.position === undefined ? "s.file_row_number" : `s.${ident(converted.position)}`,
    files: group.map(({ file }) => file),
  };
}

async function localFile<File extends PlacedFile>(file: File, { storage, scratch }: Session, wanted: Wanted): Promise<LocalFile<File>> {
  const convert = formats[file.format];
  if (convert === undefined) {
    const copy = await storage.local(file.path);
    scratch.later(copy.release);
    if (file.format === "parquet") await checkPages(copy.path, file.path, checked(file, wanted));
    return { file, local: copy.path, converted: undefined };
  }
  const to = await scratch.file("parquet");
  const { rows } = file;
  return { file, local: to, converted: await convert({ storage, path: file.path, to, ...wanted, ...(rows && { rows }) }) };
}

/** A column without an id is found by its name, which is looked up later. */
function checked({ rows }: PlacedFile, { fields }: Wanted): CheckedPages {
  return { column: ({ id }) => id === undefined || (fields?.has(id) ?? true), ...(rows && { rows }) };
}

interface Shaped<File extends PlacedFile> {
  readonly local: readonly LocalFile<File>[];
  readonly shaped: readonly Shape[];
}

/** Files with zoned nanoseconds are read from copies that DuckDB does not cut to microseconds. */
async function exact<File extends PlacedFile>(local: readonly LocalFile<File>[], session: Session): Promise<Shaped<File>> {
  const shaped = await shapes(local, session.db);
  if (!shaped.some(({ nodes }) => nodes.some(isZonedNanos))) return { local, shaped };
  const turned: LocalFile<File>[] = [];
  for (const file of local) {
    const copy = await session.scratch.file("parquet");
    await copyFile(file.local, copy);
    withoutZone(copy);
    turned.push({ ...file, local: copy });
  }
  return { local: turned, shaped: await shapes(turned, session.db) };
}

/** Files with variants and geometries are read from copies that do not call them so. */
async function bare<File extends PlacedFile>(local: readonly LocalFile<File>[], session: Session): Promise<readonly LocalFile<File>[]> {
  const turned: LocalFile<File>[] = [];
  for (const file of local) {
    if (file.converted === undefined) {
      const copy = await session.scratch.file("parquet");
      await copyFile(file.local, copy);
      turned.push((await unannotated(copy, file.file.path)) ? { ...file, local: copy } : file);
    } else turned.push(file);
  }
  return turned;
}

function isZonedNanos({ duckdb, logical }: ParquetNode): boolean {
  return duckdb === "TIMESTAMP WITH TIME ZONE" && logical !== null && /NANOS=NanoSeconds/.test(logical);
}

interface Shape {
  readonly names: readonly string[];
  readonly nodes: readonly ParquetNode[];
}

/** The distinct schemas among files, read from their footers in one query. */
async function shapes(files: readonly LocalFile<PlacedFile>[], db: DuckDbSession): Promise<readonly Shape[]> {
  const sql = `
    SELECT shape, CAST(to_json(list(file_name ORDER BY file_name)) AS VARCHAR) AS names
    FROM (
      SELECT file_name, CAST(to_json(list(struct_pack(
        "name" := name, "type" := type, "repetition" := repetition_type, "children" := num_children,
        "converted" := converted_type, "logical" := logical_type, "id" := field_id, "duckdb" := duckdb_type
      ) ORDER BY column_id)) AS VARCHAR) AS shape
      FROM parquet_schema([${files.map(({ local }) => globLiteral(local)).join(", ")}]) GROUP BY file_name
    ) GROUP BY shape ORDER BY names`;
  try {
    const rows = await db.rows<{ shape: string; names: string }>(sql);
    return rows.map(({ shape, names }) => ({
      names: JSON.parse(names) as string[], // both texts are what the query above makes
      nodes: JSON.parse(shape) as ParquetNode[],
    }));
  } catch (error) {
    if (isDwError(error) && error.code !== "DW-ENGINE-REFUSED") throw error;
    const path = files[0]?.file.path ?? "";
    throw corrupt(files.length === 1 ? path : `${path} or another of ${files.length} files`, "Its Parquet footer cannot be read.", error);
  }
}

/** DuckDB takes every path for a pattern. */
function globLiteral(path: string): string {
  return literal(path.replace(/[*?[]/g, "[$&]"));
}

function cut(path: string): Error {
  return unsupported(
    `${path} has nanoseconds with a time zone in a form that dw does not know.`,
    "DuckDB would cut them to microseconds.",
    "Rewrite the column with microseconds, or without a time zone.",
  );
}

function hides(name: string, path: string): Error {
  return unsupported(
    `${path} has a column named ${name}.`,
    "DuckDB uses that name for the position of a row, by which deletes are found.",
    "Rename the column in the table and rewrite its files.",
  );
}

function grouped<Item>(items: readonly Item[], key: (item: Item) => string): Iterable<readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups.values();
}
