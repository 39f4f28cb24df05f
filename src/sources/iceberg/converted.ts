import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { DwError, isDwError } from "../../core/errors.js";
import { type AvroField, type AvroType, openAvro, optional } from "../../formats/avro/index.js";
import { avroParquetType, avroVector, mapEntry } from "../../formats/avro/vectors.js";
import { corrupt } from "../../formats/damage.js";
import { type OrcType, openOrc } from "../../formats/orc/index.js";
import { parquetType } from "../../formats/orc/parquet.js";
import type { ParquetColumn } from "../../formats/parquet/schema.js";
import { ParquetWriter } from "../../formats/parquet/writer.js";
import type { Vector } from "../../formats/vector.js";
import type { FieldIds } from "./file-schema.js";

/*
 * Files that DuckDB does not read (Avro, ORC) are decoded into columns and spooled as Parquet. The field ids stay here:
 * the spooled file has none.
 */

export interface Conversion {
  /** Local file to read, and the one to write. */
  readonly from: string;
  readonly to: string;
  /** For messages. */
  readonly name: string;
  /** Ids of the top-level fields to keep; all when absent, and of files without ids. */
  readonly wanted: ReadonlySet<number> | undefined;
  /** ORC has one timestamp for all precisions: nanoseconds do not reach as far. */
  readonly nanoseconds: boolean;
}

/** Converts, and answers the ids of the columns written. */
export type Convert = (conversion: Conversion) => Promise<readonly FieldIds[]>;

export const convertAvro: Convert = async (conversion) => {
  const input = openSync(conversion.from, "r");
  try {
    const read = async (start: number, length: number): Promise<Uint8Array> => readAt(input, start, length);
    const avro = await openAvro({ name: conversion.name, size: fstatSync(input).size, read });
    const fields = kept(avro.row.fields, (field) => numberOf(field.attributes["field-id"]), conversion.wanted);
    const columns = fields.map((field) => ({ name: field.name, type: avroParquetType(field.type) }));
    await spool(conversion, columns, async (row) => {
      for await (const batch of avro.batches(
        fields.map((field) => field.name),
        ROWS_PER_GROUP,
      )) {
        row(
          batch.rows,
          fields.map((field, index) => avroVector(field.type, Array.from(batch.columns[index] ?? []) as never)),
        ); // avro.ts: columns of AvroValue
      }
    });
    return fields.map(avroIds);
  } finally {
    closeSync(input);
  }
};

export const convertOrc: Convert = async (conversion) => {
  const input = openSync(conversion.from, "r");
  try {
    const orc = await named(conversion, () =>
      openOrc({ size: fstatSync(input).size, read: (start, length) => readAt(input, start, length) }),
    );
    const all = orc.schema.children.map((type, index) => ({ type, index, name: orc.schema.fieldNames[index] ?? "" }));
    const fields = kept(all, ({ type }) => orcId(type), conversion.wanted);
    const timestampUnit = conversion.nanoseconds ? "nanos" : "micros";
    const columns = fields.map(({ name, type }) => ({ name, type: parquetType(type, timestampUnit) }));
    await spool(conversion, columns, async (row) => {
      for (const batch of orc.batches({ fields: fields.map(({ index }) => index), batchRows: ROWS_PER_GROUP, timestampUnit })) {
        row(batch.rows, batch.columns);
      }
    });
    return fields.map(({ type }) => orcIds(type));
  } finally {
    closeSync(input);
  }
};

const ROWS_PER_GROUP = 16_384;

function kept<Field>(
  fields: readonly Field[],
  id: (field: Field) => number | undefined,
  wanted: ReadonlySet<number> | undefined,
): readonly Field[] {
  if (wanted === undefined || fields.every((field) => id(field) === undefined)) return fields;
  const some = fields.filter((field) => wanted.has(id(field) ?? Number.NaN));
  return some.length > 0 ? some : fields.slice(0, 1); // a Parquet file counts its rows by a column
}

async function spool(
  conversion: Conversion,
  columns: readonly ParquetColumn[],
  rows: (row: (count: number, vectors: readonly Vector[]) => void) => Promise<void>,
): Promise<void> {
  const output = openSync(conversion.to, "w", 0o600);
  try {
    const writer = new ParquetWriter(columns, (bytes) => writeAll(output, bytes));
    await named(conversion, () => rows((count, vectors) => writer.rowGroup(count, vectors)));
    writer.close();
  } finally {
    closeSync(output);
  }
}

/** Decoders do not know the name of their file; a letter without it helps nobody. */
async function named<Result>(conversion: Conversion, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RangeError) throw corrupt(conversion.name, "Its rows cannot be decoded.", error);
    if (!isDwError(error) || error.what.includes(conversion.name)) throw error;
    throw new DwError(error.code, { what: `${conversion.name}: ${error.what}`, why: error.why, fix: error.fix, cause: error });
  }
}

function writeAll(output: number, bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(output, bytes, at);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOSPC") throw error;
    throw new DwError("DW-DISK-FULL", {
      what: "The disk for temporary files is full.",
      why: "Avro and ORC files are spooled as Parquet for DuckDB to read.",
      fix: "Free space there, or point TMPDIR to a larger disk.",
      cause: error,
    });
  }
}

function readAt(input: number, start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let got = 0;
  while (got < length) {
    const more = readSync(input, bytes, got, length - got, start + got);
    if (more === 0) break;
    got += more;
  }
  return bytes.subarray(0, got);
}

function avroIds(field: AvroField): FieldIds {
  return { id: numberOf(field.attributes["field-id"]), below: avroIdsBelow(field.type) };
}

function avroIdsBelow(outer: AvroType): readonly FieldIds[] {
  const { type } = optional(outer);
  const part = (name: string, below: AvroType): FieldIds => ({ id: numberOf(type.attributes[name]), below: avroIdsBelow(below) });
  if (type.kind === "record") return type.fields.map(avroIds);
  if (type.kind === "map") return [{ id: numberOf(type.attributes["key-id"]), below: [] }, part("value-id", type.values)];
  if (type.kind !== "array") return [];
  return mapEntry(type) !== undefined && type.items.kind === "record" ? type.items.fields.map(avroIds) : [part("element-id", type.items)];
}

function orcIds(type: OrcType): FieldIds {
  return { id: orcId(type), below: type.children.map(orcIds) };
}

function orcId(type: OrcType): number | undefined {
  const text = type.attributes["iceberg.id"];
  return text === undefined ? undefined : numberOf(Number(text));
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}
