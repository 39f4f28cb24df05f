import type { SourceColumn } from "../core/source.js";
import { quoteName } from "../core/transit.js";
import { plainText } from "./jsonl.js";

/** The header line of CSV as RFC 4180 has it. */
export function csvHeader(columns: readonly SourceColumn[]): string {
  return columns.map(({ name }) => (/[",\r\n]/.test(name) || name === "" ? `"${name.replaceAll('"', '""')}"` : name)).join(",");
}

/** One CSV line a row, as SQL: NULL is an empty field, an empty text is `""`; other fields are quoted where they must be. */
export function csvLine(columns: readonly SourceColumn[]): string {
  return columns.map(({ name, type }) => field(plainText(quoteName(name), type))).join(" || ',' || ");
}

function field(text: string): string {
  const quoted = `'"' || replace(${text}, '"', '""') || '"'`;
  return `CASE WHEN ${text} IS NULL THEN '' WHEN ${text} = '' OR regexp_matches(${text}, '[",\\r\\n]') THEN ${quoted} ELSE ${text} END`;
}
