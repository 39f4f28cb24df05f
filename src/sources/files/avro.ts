import type { DuckDbSession, OpenSource } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import type { AvroRecordType } from "../../formats/avro/index.js";
import { type KeptColumn, spoolAvro, storedAvro } from "../../formats/avro/spool.js";
import { avroParquetType, avroVector } from "../../formats/avro/vectors.js";
import type { FileFormat, FileTable, SpooledFile } from "./format.js";
import type { TableFile } from "./listing.js";
import { keptFields, spooledTable } from "./spooled.js";

/** Avro object container files, each with its own schema; columns are matched by name. */
export const avro: FileFormat = { name: "avro", extensions: ["avro"], packed: false, cutBy: "blocks", describe, spool };

async function describe(storage: Storage, files: readonly TableFile[], _typed: OpenSource["typed"], db: DuckDbSession): Promise<FileTable> {
  const described = [];
  for (const { path } of files) {
    const { row } = await storedAvro(storage, path);
    described.push({ path, rows: undefined, columns: row.fields.map(({ name, type }) => ({ name, type: avroParquetType(type) })) });
  }
  return spooledTable(described, db);
}

async function spool({ storage, path, to, columns, part }: SpooledFile): Promise<void> {
  const keep = ({ fields }: AvroRecordType): readonly KeptColumn[] =>
    keptFields(fields, columns).map(({ name, type }) => ({
      name,
      type: avroParquetType(type),
      vector: (values) => avroVector(type, values),
    }));
  await spoolAvro(storage, path, to, keep, undefined, part);
}
