import pLimit from "p-limit";
import { isDwError } from "../../core/errors.js";
import type { DuckDbSession } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { corrupt, unsupported } from "../../formats/damage.js";
import { type FileField, type ParquetNode, parquetFields } from "./file-schema.js";
import type { FileFormat } from "./manifests.js";
import { literal } from "./schema.js";
import type { Scratch } from "./scratch.js";

/* Files made readable for DuckDB, whatever their format: columns with ids, the number of the file, the position of the row. */

export interface PlacedFile {
  /** Path below the export's root. */
  readonly path: string;
  readonly format: FileFormat;
  /** Files are read together only where this is equal. */
  readonly group: string;
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

/** One reader a format; a further format is one line. */
type Reader = <File extends PlacedFile>(files: readonly File[], session: Session) => Promise<readonly Relation<File>[]>;

const readers: Readonly<Record<FileFormat, Reader>> = {
  parquet: parquetRelations,
  avro: refused,
  orc: refused,
  puffin: refused,
};

export async function relations<File extends PlacedFile>(files: readonly File[], session: Session): Promise<readonly Relation<File>[]> {
  const found: Relation<File>[] = [];
  for (const [format, reader] of Object.entries(readers)) {
    const mine = files.filter((file) => file.format === format);
    if (mine.length > 0) found.push(...(await reader(mine, session)));
  }
  return found;
}

/** Formats that tables may have and dw does not read; the plan refuses a table before anything of it is read. */
export const unreadableFormats: readonly FileFormat[] = ["avro", "orc"];

function refused(files: readonly PlacedFile[]): Promise<never> {
  return Promise.reject(unreadable(files[0]?.path ?? "A file", files[0]?.format ?? "orc"));
}

export function unreadable(path: string, format: FileFormat): Error {
  return unsupported(
    `${path} is a file of the format ${format}.`,
    "dw reads Iceberg rows from Parquet files.",
    "Rewrite the table's files as Parquet before exporting it.",
  );
}

const CONCURRENT_COPIES = 8;
/** Names that DuckDB gives to what is not a column; a column of that name would hide it. */
const virtualColumns = ["file_index", "file_row_number"];

async function parquetRelations<File extends PlacedFile>(files: readonly File[], session: Session): Promise<readonly Relation<File>[]> {
  const limit = pLimit(CONCURRENT_COPIES);
  const local = await Promise.all(files.map((file) => limit(() => localCopy(file.path, session))));
  const byName = new Map(files.map((file, index) => [local[index] ?? "", file]));
  const found: Relation<File>[] = [];
  for (const { names, nodes } of await shapes(local, files[0]?.path ?? "", session.db)) {
    const shared = names.flatMap((name) => {
      const file = byName.get(name);
      return file === undefined ? [] : [{ name, file }];
    });
    const fields = parquetFields(nodes, shared[0]?.file.path ?? "");
    const hidden = fields.find((field) => virtualColumns.includes(field.name.toLowerCase()));
    if (hidden !== undefined) throw hides(hidden.name, shared[0]?.file.path ?? "");
    for (const group of grouped(shared, ({ file }) => file.group)) {
      found.push({
        fields,
        from: `read_parquet([${group.map(({ name }) => globLiteral(name)).join(", ")}], hive_partitioning = false) AS s`,
        fileIndex: "s.file_index",
        rowNumber: "s.file_row_number",
        files: group.map(({ file }) => file),
      });
    }
  }
  return found;
}

async function localCopy(path: string, { storage, scratch }: Session): Promise<string> {
  const copy = await storage.local(path);
  scratch.later(() => copy.release());
  return copy.path;
}

/** The distinct schemas among files, read from their footers in one query. */
async function shapes(
  local: readonly string[],
  path: string,
  db: DuckDbSession,
): Promise<readonly { readonly names: readonly string[]; readonly nodes: readonly ParquetNode[] }[]> {
  const sql = `
    SELECT shape, CAST(to_json(list(file_name ORDER BY file_name)) AS VARCHAR) AS names
    FROM (
      SELECT file_name, CAST(to_json(list(struct_pack(
        "name" := name, "type" := type, "repetition" := repetition_type, "children" := num_children,
        "converted" := converted_type, "logical" := logical_type, "id" := field_id, "duckdb" := duckdb_type
      ) ORDER BY column_id)) AS VARCHAR) AS shape
      FROM parquet_schema([${local.map(globLiteral).join(", ")}]) GROUP BY file_name
    ) GROUP BY shape ORDER BY names`;
  try {
    const rows = await db.rows<{ shape: string; names: string }>(sql);
    return rows.map(({ shape, names }) => ({
      names: JSON.parse(names) as string[], // both texts are what the query above makes
      nodes: JSON.parse(shape) as ParquetNode[],
    }));
  } catch (error) {
    if (isDwError(error) && error.code !== "DW-ENGINE-REFUSED") throw error;
    throw corrupt(local.length === 1 ? path : `${path} or another of ${local.length} files`, "Its Parquet footer cannot be read.", error);
  }
}

/** DuckDB takes every path for a pattern. */
function globLiteral(path: string): string {
  return literal(path.replace(/[*?[]/g, "[$&]"));
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
