import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DwError, isDwError } from "../core/errors.js";
import { corrupt, tooLarge } from "./damage.js";
import type { ByteSource } from "./orc/byte-source.js";
import type { ParquetColumn } from "./parquet/schema.js";
import { ParquetWriter } from "./parquet/writer.js";
import type { Vector } from "./vector.js";

/*
 * Files that DuckDB does not read are decoded into columns, batch by batch, and spooled as uncompressed Parquet: that costs
 * disk, not memory.
 */

/** Rows of one batch, and of one row group of the spooled file. */
export const BATCH_ROWS = 16_384;

/** Bytes of one spooled file: what decodes to more is a bomb of a few megabytes, and ends here and not at a full disk. */
const MAX_SPOOLED_BYTES = 64 * 1024 ** 3;

/** A folder for copies, made when the first is wanted, and removed with them by `close`. */
export class SpoolFolder {
  private made: Promise<string> | undefined;
  private count = 0;

  /** `purpose` is a part of the folder's name: `iceberg`. */
  constructor(private readonly purpose: string) {}

  /** A new path. */
  async file(extension: string): Promise<string> {
    this.made ??= mkdtemp(join(tmpdir(), `dw-${this.purpose}-`));
    return join(await this.made, `${this.count++}.${extension}`);
  }

  async close(): Promise<void> {
    const folder = this.made;
    this.made = undefined;
    if (folder !== undefined) await rm(await folder, { recursive: true, force: true });
  }
}

/** One row group of the spooled file: as many values in each vector as `rows`. */
export type WriteRows = (rows: number, vectors: readonly Vector[]) => void;

/**
 * Writes a new Parquet file at `to` from what `fill` gives; `name` is the file that is decoded, for messages.
 * DW-DISK-FULL, DW-FILE-TOO-LARGE, DW-FILE-CORRUPT for what `fill` cannot decode.
 */
export async function spoolParquet(
  to: string,
  name: string,
  columns: readonly ParquetColumn[],
  fill: (write: WriteRows) => Promise<void>,
): Promise<void> {
  const output = openSync(to, "wx", 0o600);
  let written = 0;
  try {
    const writer = new ParquetWriter(columns, (bytes) => {
      written += bytes.length;
      if (written > MAX_SPOOLED_BYTES) throw tooLarge(name, "The decoded content", MAX_SPOOLED_BYTES);
      writeAll(output, bytes);
    });
    await named(name, () => fill((rows, vectors) => writer.rowGroup(rows, vectors)));
    writer.close();
  } finally {
    closeSync(output);
  }
}

/** Decoders do not know the name of their file; a letter without it helps nobody. */
export async function named<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RangeError) throw corrupt(name, "Its rows cannot be decoded.", error);
    if (!isDwError(error) || error.what.includes(name)) throw error;
    throw new DwError(error.code, { what: `${name}: ${error.what}`, why: error.why, fix: error.fix, cause: error });
  }
}

/** Writes all of `bytes`, at the end or from `position` on. DW-DISK-FULL. */
export function writeAll(output: number, bytes: Uint8Array, position?: number): void {
  try {
    for (let at = 0; at < bytes.length; ) {
      at += writeSync(output, bytes, at, bytes.length - at, position === undefined ? null : position + at);
    }
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

/** A local file's bytes, for decoders that pull small pieces; `close` has to be called in the end. */
export function localBytes(path: string): ByteSource & { readonly close: () => void } {
  const input = openSync(path, "r");
  return {
    size: fstatSync(input).size,
    read: (start, length) => readAt(input, start, length),
    close: () => closeSync(input),
  };
}

export function readAt(input: number, start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let got = 0;
  while (got < length) {
    const more = readSync(input, bytes, got, length - got, start + got);
    if (more === 0) break;
    got += more;
  }
  return bytes.subarray(0, got);
}
