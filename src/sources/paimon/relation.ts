import { copyFile } from "node:fs/promises";
import type { Condition } from "../../core/predicate.js";
import type { Storage } from "../../core/storage.js";
import { checkedTime } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";
import { checkPages } from "../../formats/parquet/checksums.js";
import { int96AsBytes, int96Nanos } from "../../formats/parquet/int96.js";
import { withoutLz4 } from "../../formats/parquet/lz4.js";
import { parquetShape } from "../../formats/parquet/shape.js";
import type { SpoolFolder } from "../../formats/spool.js";
import { variantSql } from "../../formats/variant-column.js";
import { atomicType, text, timeOfDay } from "./duckdb.js";
import type { Leaf } from "./evolve.js";
import { unsupported } from "./letters.js";
import type { PaimonField, PaimonType } from "./types.js";

/*
 * The one seam to file formats: a data file becomes a local Parquet file with the same columns and rows in the same order,
 * and a rule how its values become DuckDB's. Parquet is read where it lies; ORC and Avro are decoded column by column into
 * an uncompressed copy, which costs disk, not memory.
 */

export interface Relation {
  readonly path: string;
  readonly leaf: Leaf;
}

export interface FileToRead {
  readonly path: string;
  readonly size: number;
  /** On the file's own columns: rows for which one is not true may be left out. None where the rows' positions matter. */
  readonly conditions: readonly Condition[];
}

export type FileFormat = "parquet" | "orc" | "avro";

type Prepare = (file: FileToRead, fields: readonly PaimonField[], spool: Spool) => Promise<Relation>;

/** Where copies go; all are removed when the chunk is closed. */
export interface Spool {
  readonly storage: Storage;
  readonly folder: SpoolFolder;
  /** Parquet files may be compressed in a way that DuckDB does not read. */
  readonly lz4: boolean;
  /** Called once each when the chunk is closed. */
  readonly release: (() => Promise<void>)[];
  /** Of files with variants, by their shapes. */
  readonly leaves: Map<string, Leaf>;
}

const formats: Readonly<Record<FileFormat, Prepare>> = { parquet, orc, avro };

/** Makes a file readable; `fields` are the columns that will be read, as the file's own schema has them. */
export function openFile(file: FileToRead, fields: readonly PaimonField[], spool: Spool): Promise<Relation> {
  return formats[fileFormat(file.path)](file, fields, spool);
}

/** From the file's last extension, as the reference reader decides. */
export function fileFormat(path: string): FileFormat {
  const extension = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
  if (isFormat(extension)) return extension;
  throw unsupported(
    `${path} has the format ${extension}.`,
    "dw reads data files in Parquet, ORC and Avro.",
    "Rewrite the table with file.format=parquet, for example with Paimon's compact procedure.",
  );
}

function isFormat(extension: string): extension is FileFormat {
  return Object.hasOwn(formats, extension);
}

async function local(file: FileToRead, spool: Spool): Promise<string> {
  const copy = await spool.storage.local(file.path);
  spool.release.push(copy.release);
  return copy.path;
}

async function parquet(file: FileToRead, fields: readonly PaimonField[], spool: Spool): Promise<Relation> {
  const path = await local(file, spool);
  const names = new Set(fields.map(({ name }) => name));
  await checkPages(path, file.path, { column: ({ name }) => names.has(name) });
  const nanoseconds = fields.some((field) => has(field.type, isNanoseconds));
  const variants = fields.some((field) => has(field.type, ({ kind }) => kind === "json"));
  const shape = variants ? await parquetShape(path, file.path) : "";
  const leafOf = (leaf: Leaf): Leaf => (variants ? shared(spool, leaf, shape) : leaf);
  if (!spool.lz4 && !nanoseconds) return { path, leaf: leafOf(parquetLeaf) };
  const copy = await spool.folder.file("parquet");
  const decompressed = spool.lz4 && (await withoutLz4(path, copy, file.path));
  if (!nanoseconds) return { path: decompressed ? copy : path, leaf: leafOf(parquetLeaf) };
  if (!decompressed) await copyFile(path, copy);
  const relabelled = await int96AsBytes(copy, file.path);
  return { path: copy, leaf: leafOf(relabelled ? int96Leaf : parquetLeaf) };
}

/** Files are read together that have the same leaf: each may shred its variants in a way of its own. */
function shared(spool: Spool, leaf: Leaf, shape: string): Leaf {
  const key = `${leaf === int96Leaf ? "int96" : "plain"} ${shape}`;
  const known = spool.leaves.get(key) ?? ((expression, type) => leaf(expression, type));
  spool.leaves.set(key, known);
  return known;
}

/** Finer than microseconds. */
function isNanoseconds(type: LogicalType): boolean {
  return type.kind === "timestamp" && type.precision > 6;
}

function has(type: PaimonType, wanted: (logical: LogicalType) => boolean): boolean {
  switch (type.kind) {
    case "atomic":
      return wanted(type.logical);
    case "array":
      return has(type.element.type, wanted);
    case "map":
      return has(type.key.type, wanted) || has(type.value.type, wanted);
    case "row":
      return type.fields.some((field) => has(field.type, wanted));
    case "foreign":
      return false;
  }
}

const parquetLeaf: Leaf = (expression, type) => {
  // Paimon writes TIME as adjusted to UTC, which DuckDB shows as a time with zone.
  if (type.kind === "time") return checkedTime(`CAST(${expression} AS ${atomicType(type)})`);
  if (type.kind === "timestamp" && type.precision > 6) return `CAST(${expression} AS TIMESTAMP_NS)`;
  return type.kind === "json" ? variantSql(expression) : expression;
};

const int96Leaf: Leaf = (expression, type) => (isNanoseconds(type) ? int96Nanos(expression) : parquetLeaf(expression, type));

async function orc(file: FileToRead, fields: readonly PaimonField[], spool: Spool): Promise<Relation> {
  const { spoolOrc } = await import("../../formats/orc/spool.js");
  const { rowFilter } = await import("../../formats/orc/index.js");
  const to = await spool.folder.file("parquet");
  await spoolOrc({
    storage: spool.storage,
    path: file.path,
    to,
    wanted: (schema) => rowFilter(schema, file.conditions),
    keep: ({ fieldNames }) =>
      fields.flatMap((field) => {
        const index = fieldNames.indexOf(field.name);
        return index < 0 ? [] : [{ index, unit: has(field.type, isNanoseconds) ? "nanos" : "micros" }];
      }),
  });
  return { path: to, leaf: orcLeaf };
}

const orcLeaf: Leaf = (expression, type) => {
  switch (type.kind) {
    case "time":
      return timeOfDay(expression);
    case "text":
      return type.padded ? `rtrim(${expression}, ' ')` : expression;
    case "decimal":
    case "timestamp":
      return `CAST(${expression} AS ${atomicType(type)})`;
    default:
      return expression;
  }
};

async function avro(file: FileToRead, fields: readonly PaimonField[], spool: Spool): Promise<Relation> {
  const { spoolAvro } = await import("../../formats/avro/spool.js");
  const { avroColumn, avroLeaf } = await import("./avro-columns.js");
  const to = await spool.folder.file("parquet");
  await spoolAvro(spool.storage, file.path, to, (row) =>
    fields
      .filter((field) => row.fields.some(({ name }) => name === field.name))
      .map((field) => ({ name: field.name, ...avroColumn(field, row, file.path) })),
  );
  return { path: to, leaf: avroLeaf };
}

/** DuckDB takes every path for a pattern: a special character stands for itself in brackets. */
function literalGlob(path: string): string {
  return path.replace(/[[*?]/g, "[$&]");
}

/** `read_parquet` of local files, without guessing at partitions from their folders. */
export function scan(paths: readonly string[], withRowNumbers: boolean): string {
  const list = paths.map((path) => text(literalGlob(path))).join(", ");
  return `read_parquet([${list}], hive_partitioning = false${withRowNumbers ? ", file_row_number = true" : ""})`;
}
