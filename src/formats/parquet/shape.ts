import { open } from "node:fs/promises";
import { member, readFooter, structs } from "./thrift-tree.js";

/** Field ids of parquet.thrift. */
const FILE = { schema: 2 };
const ELEMENT = { type: 1, name: 4, children: 5 };

/**
 * The names, physical types and nesting of a file's columns: the same text for files that are alike. DuckDB reads a list of
 * files as it finds the first, and leaves out members of structs that only later ones have. `name` is for messages.
 * DW-FILE-CORRUPT.
 */
export async function parquetShape(path: string, name: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { footer } = await readFooter(file, name);
    const members = [ELEMENT.name, ELEMENT.type, ELEMENT.children];
    return structs(footer, FILE.schema)
      .map((element) => members.map((id) => JSON.stringify(String(member(element, id)))).join(" "))
      .join("\n");
  } finally {
    await file.close();
  }
}
