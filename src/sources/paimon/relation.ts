import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import type { Storage } from "../../core/storage.js";
import type { ByteSource } from "../../formats/orc/index.js";
import { int96AsBytes } from "../../formats/parquet/int96.js";
import { ParquetWriter } from "../../formats/parquet/writer.js";
import { atomicType, text, timeOfDay } from "./duckdb.js";
import { type Leaf, wrapped } from "./evolve.js";
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
}

export type FileFormat = "parquet" | "orc" | "avro";

type Prepare = (file: FileToRead, fields: readonly PaimonField[], spool: Spool) => Promise<Relation>;

/** Where copies go; its folder is removed when the chunk is closed. */
export interface Spool {
  readonly storage: Storage;
  readonly folder: string;
  /** A fresh number for names in the folder. */
  readonly next: () => number;
  /** Called once each when the chunk is closed. */
  readonly release: (() => Promise<void>)[];
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
  if (!fields.some((field) => hasNanoseconds(field.type))) return { path, leaf: parquetLeaf };
  const copy = join(spool.folder, `${spool.next()}.parquet`);
  await copyFile(path, copy);
  const relabelled = await int96AsBytes(copy, file.path);
  return { path: copy, leaf: relabelled ? int96Leaf : parquetLeaf };
}

/** Does a type hold times finer than microseconds? */
function hasNanoseconds(type: PaimonType): boolean {
  switch (type.kind) {
    case "atomic":
      return type.logical.kind === "timestamp" && type.logical.precision > 6;
    case "array":
      return hasNanoseconds(type.element.type);
    case "map":
      return hasNanoseconds(type.key.type) || hasNanoseconds(type.value.type);
    case "row":
      return type.fields.some((field) => hasNanoseconds(field.type));
    case "foreign":
      return false;
  }
}

const parquetLeaf: Leaf = (expression, type) => {
  // Paimon writes TIME as adjusted to UTC, which DuckDB shows as a time with zone.
  if (type.kind === "time") return `CAST(${expression} AS ${atomicType(type)})`;
  if (type.kind === "timestamp" && type.precision > 6) return `CAST(${expression} AS TIMESTAMP_NS)`;
  return expression;
};

const JULIAN_EPOCH = 2_440_588;
const NANOSECONDS_A_DAY = 86_400_000_000_000n;

/** INT96: eight little-endian bytes of nanoseconds in the day, four of the Julian day. */
const int96Leaf: Leaf = (expression, type) => {
  if (type.kind !== "timestamp" || type.precision <= 6) return parquetLeaf(expression, type);
  const pairs = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, index) => `substr(hex(${expression}), ${2 * (to - index) - 1}, 2)`).join(" || ");
  // Signed: the writer may count back from midnight.
  const nanoseconds = wrapped(`CAST('0x' || ${pairs(0, 8)} AS UBIGINT)`, 64);
  const days = `CAST('0x' || ${pairs(8, 12)} AS BIGINT)`;
  return `make_timestamp_ns((${days} - ${JULIAN_EPOCH}) * ${NANOSECONDS_A_DAY} + ${nanoseconds})`;
};

const BATCH_ROWS = 8192;

async function orc(file: FileToRead, fields: readonly PaimonField[], spool: Spool): Promise<Relation> {
  const { openOrc } = await import("../../formats/orc/index.js");
  const { parquetType } = await import("../../formats/orc/parquet.js");
  const source = fileSource(await local(file, spool));
  try {
    const orcFile = await openOrc(source);
    const present = fields.flatMap((field) => {
      const index = orcFile.schema.fieldNames.indexOf(field.name);
      return index < 0 ? [] : [{ index, nanoseconds: hasNanoseconds(field.type) }];
    });
    // Two passes over the same stripes: nanoseconds reach from 1677 to 2262 only, microseconds hold every other column.
    const micros = present.filter((column) => !column.nanoseconds);
    const nanos = present.filter((column) => column.nanoseconds);
    const columns = [...micros, ...nanos].map(({ index, nanoseconds }) => ({
      name: orcFile.schema.fieldNames[index] ?? "",
      type: parquetType(childType(orcFile.schema.children, index), nanoseconds ? "nanos" : "micros"),
    }));
    return await written(columns, spool, orcLeaf, async (writer) => {
      const request = (part: typeof micros, timestampUnit: "micros" | "nanos") =>
        orcFile.batches({ fields: part.map(({ index }) => index), batchRows: BATCH_ROWS, timestampUnit });
      const finer = nanos.length === 0 ? undefined : request(nanos, "nanos");
      for (const batch of request(micros, "micros")) {
        const more = finer?.next();
        writer.rowGroup(batch.rows, [...batch.columns, ...(more?.done === false ? more.value.columns : [])]);
      }
    });
  } finally {
    source.close();
  }
}

function childType<Type>(children: readonly Type[], index: number): Type {
  const child = children[index];
  if (child === undefined) throw new RangeError(`no child ${index}`);
  return child;
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
  const { openAvro } = await import("../../formats/avro/index.js");
  const { avroColumn, avroLeaf } = await import("./avro-columns.js");
  const input = await openAvro({
    name: file.path,
    size: await spool.storage.size(file.path),
    read: (start, length) => spool.storage.read(file.path, { start, length }),
  });
  const present = fields.filter((field) => input.row.fields.some(({ name }) => name === field.name));
  const shapes = present.map((field) => avroColumn(field, input.row, file.path));
  const columns = shapes.map(({ type }, index) => ({ name: present[index]?.name ?? "", type }));
  return written(columns, spool, avroLeaf, async (writer) => {
    const batches = input.batches(
      present.map((field) => field.name),
      BATCH_ROWS,
    );
    for await (const batch of batches) {
      writer.rowGroup(
        batch.rows,
        shapes.map(({ vector }, index) => vector(batch.columns[index] ?? [])),
      );
    }
  });
}

async function written(
  columns: ConstructorParameters<typeof ParquetWriter>[0],
  spool: Spool,
  leaf: Leaf,
  fill: (writer: ParquetWriter) => Promise<void>,
): Promise<Relation> {
  const path = join(spool.folder, `${spool.next()}.parquet`);
  const file = openSync(path, "wx");
  try {
    const writer = new ParquetWriter(columns, (bytes) => void writeSync(file, bytes));
    await fill(writer);
    writer.close();
  } finally {
    closeSync(file);
  }
  return { path, leaf };
}

function fileSource(path: string): ByteSource & { readonly close: () => void } {
  const file = openSync(path, "r");
  return {
    size: readSize(file),
    read: (start, length) => {
      const bytes = new Uint8Array(length);
      readSync(file, bytes, 0, length, start);
      return bytes;
    },
    close: () => closeSync(file),
  };
}

function readSize(file: number): number {
  return Number(fstatSync(file).size);
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
