import type { Storage } from "../../core/storage.js";
import type { ParquetColumn, ParquetType } from "../parquet/schema.js";
import { BATCH_ROWS, spoolParquet } from "../spool.js";
import { positions, type RowRange, type Vector } from "../vector.js";
import { type AvroColumns, type AvroRecordType, type AvroValue, openAvro } from "./index.js";

/** A top-level field to keep, and how its values become a vector. */
export interface KeptColumn {
  readonly name: string;
  readonly type: ParquetType;
  /** `values` are the field's, as its Avro type is read. */
  readonly vector: (values: readonly AvroValue[]) => Vector;
}

export interface RowPositions {
  /** Positions of the wanted rows; rows before and after them may come, too. */
  readonly rows: RowRange;
  /** Name of a last column, which holds each row's position in the Avro file. */
  readonly column: (row: AvroRecordType) => string;
}

/** An Avro file of a storage, read piece by piece. */
export async function storedAvro(storage: Storage, path: string): Promise<AvroColumns> {
  return openAvro({ name: path, size: await storage.size(path), read: (start, length) => storage.read(path, { start, length }) });
}

/** Spools an Avro file, or a `part` of its bytes, as Parquet and answers the type of its rows. */
export async function spoolAvro(
  storage: Storage,
  path: string,
  to: string,
  keep: (row: AvroRecordType) => readonly KeptColumn[],
  positioned?: RowPositions,
  part?: RowRange,
): Promise<AvroRecordType> {
  const avro = await storedAvro(storage, path);
  const columns = keep(avro.row);
  const names = columns.map(({ name }) => name);
  const last: readonly ParquetColumn[] = positioned === undefined ? [] : [{ name: positioned.column(avro.row), type: { kind: "int64" } }];
  await spoolParquet(to, path, [...columns, ...last], async (write) => {
    for await (const batch of avro.batches(names, BATCH_ROWS, positioned?.rows, part)) {
      const vectors = columns.map(({ vector }, index) => vector((batch.columns[index] ?? []) as readonly AvroValue[])); // what `batches` gives
      write(batch.rows, [...vectors, ...last.map(() => positions(batch.firstRow, batch.rows))]);
    }
  });
  return avro.row;
}
