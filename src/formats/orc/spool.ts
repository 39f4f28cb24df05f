import type { Storage } from "../../core/storage.js";
import type { ParquetColumn } from "../parquet/schema.js";
import { BATCH_ROWS, spoolParquet } from "../spool.js";
import { positions, type RowRange } from "../vector.js";
import type { TimestampUnit } from "./columns.js";
import type { OrcFile, ReadRequest } from "./file.js";
import type { OrcType } from "./metadata.js";
import { parquetType } from "./parquet.js";
import { openStoredOrc } from "./stored.js";

/** A top-level field to keep: its index in the file's schema, and the unit of the timestamps in it. */
export interface KeptField {
  readonly index: number;
  /** ORC has one timestamp for all precisions: nanoseconds reach from 1677 to 2262 only. */
  readonly unit: TimestampUnit;
}

export interface OrcSpool {
  /** The file below the storage's root, and the local Parquet file to write. */
  readonly storage: Storage;
  readonly path: string;
  readonly to: string;
  readonly keep: (schema: OrcType) => readonly KeptField[];
  /** Stripes and row groups that it refuses are left out. */
  readonly wanted?: (schema: OrcType) => ReadRequest["wanted"];
  /** As in ReadRequest. */
  readonly rows?: RowRange;
  readonly proleptic?: boolean;
  /** Name of a last column, which holds each row's position in the ORC file: for readers that need it although rows are left out. */
  readonly position?: (schema: OrcType) => string;
}

/** Spools an ORC file as Parquet and answers its schema. Fields of microseconds come first, then those of nanoseconds. */
export async function spoolOrc({ storage, path, to, keep, wanted, position, ...chosen }: OrcSpool): Promise<OrcType> {
  const { orc, bring, close } = await openStoredOrc(storage, path);
  try {
    const kept = keep(orc.schema);
    const micros = kept.filter(({ unit }) => unit !== "nanos");
    const microUnit = micros.some(({ unit }) => unit === "exact-micros") ? "exact-micros" : "micros";
    const nanos = kept.filter(({ unit }) => unit === "nanos");
    const columns = [...micros, ...nanos].map(({ index, unit }) => ({
      name: orc.schema.fieldNames[index] ?? "",
      type: parquetType(child(orc, index), unit),
    }));
    const filter = wanted?.(orc.schema);
    await bring({ fields: kept.map(({ index }) => index), ...chosen, ...(filter && { wanted: filter }) });
    const read = (fields: readonly KeptField[], timestampUnit: TimestampUnit) =>
      orc.batches({
        fields: fields.map(({ index }) => index),
        batchRows: BATCH_ROWS,
        timestampUnit,
        ...chosen,
        ...(filter && { wanted: filter }),
      });
    const last: readonly ParquetColumn[] = position === undefined ? [] : [{ name: position(orc.schema), type: { kind: "int64" } }];
    await spoolParquet(to, path, [...columns, ...last], async (write) => {
      // Two passes side by side over the same stripes and row groups: their batches have the same rows.
      const finer = nanos.length === 0 ? undefined : read(nanos, "nanos");
      for (const batch of read(micros, microUnit)) {
        const more = finer?.next();
        const numbers = last.map(() => positions(batch.firstRow, batch.rows));
        write(batch.rows, [...batch.columns, ...(more?.done === false ? more.value.columns : []), ...numbers]);
      }
    });
    return orc.schema;
  } finally {
    await close();
  }
}

function child(orc: OrcFile, index: number): OrcType {
  const type = orc.schema.children[index];
  if (type === undefined) throw new RangeError(`the file has no field ${index}`);
  return type;
}
