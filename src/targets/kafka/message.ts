import type { SourceColumn } from "../../core/source.js";
import { quoteName, quoteText, transitType } from "../../core/transit.js";
import { jsonValue, plainText } from "../../formats/jsonl.js";

/*
 * Rows as messages, in SQL. The value is a JSON object in the encoding of DESIGN §7, but for JSON columns, which are members
 * as they are; one that is NULL is left out. The key is the text of the only key column, or a JSON object of several.
 */

/** Stands between key and value: JSON writes it as an escape. */
export const BORDER = "\u0001";

/** One text a row: the key, BORDER, the value; without a key the value alone. */
export function messageText(columns: readonly SourceColumn[], key: readonly string[]): string {
  const value = object(columns);
  if (key.length === 0) return value;
  const parts = key.flatMap((name) => columns.filter((column) => column.name === name));
  const [only] = parts;
  const text = parts.length === 1 && only !== undefined ? plainText(quoteName(only.name), only.type) : object(parts);
  return `${text} || chr(1) || ${value}`;
}

function object(columns: readonly SourceColumn[]): string {
  const members = columns.map(({ name, type }) => {
    const value = type.kind === "json" ? `CAST(${quoteName(name)} AS VARCHAR)` : jsonValue(quoteName(name), type);
    return `${quoteText(`${JSON.stringify(name)}:`)} || ${value}`;
  });
  return `'{' || array_to_string([${members.join(", ")}], ',') || '}'`;
}

/** A column out of such a value: `value` is SQL of the message's text. */
export function memberOf(value: string, { name, type }: Pick<SourceColumn, "name" | "type">): string {
  const path = quoteText(`$."${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);
  const json = `json_extract(CAST(${value} AS JSON), ${path})`;
  const text = `json_extract_string(CAST(${value} AS JSON), ${path})`;
  switch (type.kind) {
    case "json":
      return json;
    case "binary":
      return `from_base64(${text})`;
    case "list":
    case "map":
    case "struct":
      return `CAST(CASE WHEN json_type(${json}) = 'NULL' THEN NULL ELSE ${json} END AS ${transitType(type) ?? "VARCHAR"})`;
    default:
      return `CAST(${text} AS ${transitType(type) ?? "VARCHAR"})`;
  }
}
