import { open } from "node:fs/promises";
import { I32, isStruct, member, readFooter, structs, type ThriftStruct, writeFooter } from "./thrift-tree.js";

/*
 * Timestamps finer than microseconds lie in Parquet as INT96 (Hive, Spark, Paimon's TIMESTAMP(9)), of which DuckDB's reader
 * keeps microseconds only. An INT96 and a FIXED_LEN_BYTE_ARRAY(12) have the same bytes in every encoding that INT96 has,
 * so a copy of the file whose footer says the latter gives the twelve bytes as they are. Footer: Parquet "File format",
 * Thrift compact protocol.
 */

const INT96 = 3n;
const FIXED_LEN_BYTE_ARRAY = 7n;
const INT96_BYTES = 12n;

/** Changes the Parquet file at `path` in place; only ever a copy. `name` is for messages. Answers whether it had any INT96. */
export async function int96AsBytes(path: string, name: string): Promise<boolean> {
  const file = await open(path, "r+");
  try {
    const { footer, start } = await readFooter(file, name);
    if (!relabel(footer)) return false;
    const changed = writeFooter(footer);
    await file.truncate(start);
    await file.write(changed, 0, changed.length, start);
    return true;
  } finally {
    await file.close();
  }
}

/** Field ids of parquet.thrift. */
const FILE = { schema: 2, rowGroups: 4 };
const SCHEMA_ELEMENT = { type: 1, typeLength: 2 };
const ROW_GROUP = { columns: 1 };
const COLUMN_CHUNK = { metadata: 3 };
const COLUMN_METADATA = { type: 1, statistics: 12 };

function relabel(footer: ThriftStruct): boolean {
  const elements = structs(footer, FILE.schema).filter((element) => member(element, SCHEMA_ELEMENT.type) === INT96);
  for (const element of elements) {
    const rest = element.fields.filter(({ id }) => id !== SCHEMA_ELEMENT.type && id !== SCHEMA_ELEMENT.typeLength);
    element.fields = [
      { id: SCHEMA_ELEMENT.type, type: I32, value: FIXED_LEN_BYTE_ARRAY },
      { id: SCHEMA_ELEMENT.typeLength, type: I32, value: INT96_BYTES },
      ...rest,
    ];
  }
  for (const group of structs(footer, FILE.rowGroups)) {
    for (const chunk of structs(group, ROW_GROUP.columns)) {
      const metadata = member(chunk, COLUMN_CHUNK.metadata);
      if (isStruct(metadata) && member(metadata, COLUMN_METADATA.type) === INT96) {
        const rest = metadata.fields.filter(({ id }) => id !== COLUMN_METADATA.type && id !== COLUMN_METADATA.statistics);
        metadata.fields = [{ id: COLUMN_METADATA.type, type: I32, value: FIXED_LEN_BYTE_ARRAY }, ...rest];
      }
    }
  }
  return elements.length > 0;
}
