import pLimit from "p-limit";
import type { DuckDbSession, OpenSource } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { type OrcType, rowFilter } from "../../formats/orc/index.js";
import { parquetType } from "../../formats/orc/parquet.js";
import { type KeptField, spoolOrc } from "../../formats/orc/spool.js";
import { openStoredOrc } from "../../formats/orc/stored.js";
import type { FileFormat, FileTable, SpooledFile } from "./format.js";
import type { TableFile } from "./listing.js";
import { type DescribedFile, keptFields, spooledTable } from "./spooled.js";

/**
 * ORC files, each with its own schema; columns are matched by name. ORC does not say how fine a timestamp is: it is read as
 * microseconds, finer values are refused, unless a model types the column as nanoseconds (which reach from 1677 to 2262). Days before 1582-10-15 are those that Hive and Spark show. A union is a struct of its tag and
 * one member a branch.
 */
export const orc: FileFormat = { name: "orc", extensions: ["orc"], packed: false, cutBy: "stripes", describe, spool };

/** Files on another machine whose footers are asked for at once. */
const AT_ONCE = 8;

async function describe(storage: Storage, files: readonly TableFile[], typed: OpenSource["typed"], db: DuckDbSession): Promise<FileTable> {
  const limit = pLimit(AT_ONCE);
  return spooledTable(await Promise.all(files.map(({ path }) => limit(describeFile, storage, path, typed))), db);
}

async function describeFile(storage: Storage, path: string, typed: OpenSource["typed"]): Promise<DescribedFile> {
  const { orc, close } = await openStoredOrc(storage, path);
  try {
    const { schema, rows } = orc;
    const columns = fieldsOf(schema, typed).map(({ name, unit }, index) => ({
      name,
      type: parquetType(schema.children[index] as OrcType, unit), // fieldsOf has one entry a child
    }));
    return { path, rows, columns, groups: orc.stripes.map((stripe) => stripe.rows) };
  } finally {
    await close();
  }
}

function fieldsOf(schema: OrcType, typed: OpenSource["typed"]): readonly (KeptField & { readonly name: string })[] {
  return schema.fieldNames.map((name, index) => {
    const model = typed !== undefined && Object.hasOwn(typed, name) ? typed[name]?.type : undefined;
    const isFine = model?.kind === "timestamp" && model.precision > 6;
    return { name, index, unit: isFine ? "nanos" : "exact-micros" };
  });
}

async function spool({ storage, path, to, typed, part, columns, conditions }: SpooledFile): Promise<void> {
  await spoolOrc({
    storage,
    path,
    to,
    keep: (schema) => keptFields(fieldsOf(schema, typed), columns),
    wanted: (schema) => rowFilter(schema, conditions),
    proleptic: true,
    ...(part && { rows: part }),
  });
}
