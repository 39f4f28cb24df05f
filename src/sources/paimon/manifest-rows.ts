import type { Storage } from "../../core/storage.js";
import { type AvroRecord, readAvro } from "../../formats/avro/index.js";
import type { ParquetRows } from "./manifest-parquet.js";

/*
 * Rows of manifests, their lists and index manifests in the formats that `manifest.format` knows. A file's first bytes tell
 * its format: the option may have changed since. The three give the same members by the same names.
 */

/** Fields that `wants` refuses may be absent. */
type Wants = (field: string) => boolean;

export interface ManifestReader {
  readonly rows: (file: string, wants?: Wants) => Promise<readonly AvroRecord[]>;
  readonly close: () => Promise<void>;
}

/** Has to be closed: Parquet needs a DuckDB, which is opened for the first such file. DW-FILE-CORRUPT, DW-FILE-MISSING, DW-FILE-TOO-LARGE. */
export function manifestReader(storage: Storage): ManifestReader {
  let parquet: Promise<ParquetRows> | undefined;
  return {
    rows: async (file, wants) => {
      const bytes = await storage.read(file);
      const magic = Buffer.from(bytes.subarray(0, 4)).toString("latin1");
      if (magic === "PAR1") {
        parquet ??= import("./manifest-parquet.js").then(({ openParquetRows }) => openParquetRows(storage));
        return (await parquet).rows(file, wants);
      }
      if (magic.startsWith("ORC")) return orc(bytes, file, wants);
      return (await readAvro(bytes, file, wants)).rows;
    },
    close: async () => void (await (await parquet)?.close()),
  };
}

async function orc(bytes: Uint8Array, file: string, wants?: Wants): Promise<readonly AvroRecord[]> {
  const { orcRows } = await import("../../formats/orc/rows.js");
  const { named } = await import("../../formats/spool.js");
  return named(file, () => orcRows({ size: bytes.length, read: (start, length) => bytes.subarray(start, start + length) }, wants));
}
