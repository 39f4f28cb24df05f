import type { Storage } from "../../core/storage.js";
import type { ParquetColumn } from "../parquet/schema.js";
import { BATCH_ROWS, spoolParquet } from "../spool.js";
import { positions, type RowRange } from "../vector.js";
import { type TimestampUnit, type TimestampUnits, unitOf } from "./columns.js";
import type { OrcFile, ReadRequest } from "./file.js";
import type { OrcType } from "./metadata.js";
import { parquetType } from "./parquet.js";
import { openStoredOrc } from "./stored.js";

/** A top-level field to keep: its index in the file's schema, and the unit of the timestamps in it. */
export interface KeptField {
  readonly index: number;
  readonly unit: TimestampUnits;
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

/** Spools an ORC file as Parquet and answers its schema. */
export async function spoolOrc({ storage, path, to, keep, wanted, position, ...chosen }: OrcSpool): Promise<OrcType> {
  const { orc, bring, close } = await openStoredOrc(storage, path);
  try {
    const kept = keep(orc.schema);
    const columns = kept.map(({ index, unit }) => ({
      name: orc.schema.fieldNames[index] ?? "",
      type: parquetType(child(orc, index), unit),
    }));
    const units = new Map(
      kept.flatMap(({ index, unit }) => timestampsOf(child(orc, index)).map((type) => [type, unitOf(unit, type)] as const)),
    );
    const filter = wanted?.(orc.schema);
    const fields = kept.map(({ index }) => index);
    await bring({ fields, ...chosen, ...(filter && { wanted: filter }) });
    const last: readonly ParquetColumn[] = position === undefined ? [] : [{ name: position(orc.schema), type: { kind: "int64" } }];
    await spoolParquet(to, path, [...columns, ...last], async (write) => {
      const timestampUnit = (type: OrcType): TimestampUnit => units.get(type) ?? "micros";
      for (const batch of orc.batches({ fields, batchRows: BATCH_ROWS, timestampUnit, ...chosen, ...(filter && { wanted: filter }) })) {
        write(batch.rows, [...batch.columns, ...last.map(() => positions(batch.firstRow, batch.rows))]);
      }
    });
    return orc.schema;
  } finally {
    await close();
  }
}

function timestampsOf(type: OrcType): readonly OrcType[] {
  return [...(type.kind.startsWith("timestamp") ? [type] : []), ...type.children.flatMap(timestampsOf)];
}

function child(orc: OrcFile, index: number): OrcType {
  const type = orc.schema.children[index];
  if (type === undefined) throw new RangeError(`the file has no field ${index}`);
  return type;
}
