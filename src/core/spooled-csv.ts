import type { SourceColumn } from "./source.js";
import { quoteName, quoteText, transitType } from "./transit.js";
import type { LogicalType } from "./types.js";

/*
 * Rows that a database wrote into a CSV file, for DuckDB to read with the types that the database's catalog states: nothing
 * is sniffed. NULL is an empty field without quotes; binary values are hexadecimal.
 */

const CSV_OPTIONS = "header = false, delim = ',', quote = '\"', escape = '\"', nullstr = '', all_varchar = true, auto_detect = false";
/** Bytes of the longest row; DuckDB keeps buffers of this size. */
const MAX_LINE = 32 * 1024 * 1024;

/** SELECT that gives the wanted columns of rows that were spooled with the columns `read`, in order, less what `where` leaves out. */
export function csvSelect(file: string, read: readonly SourceColumn[], wanted: readonly SourceColumn[], where: string | undefined): string {
  const names = read.map((_, index) => `'c${index}': 'VARCHAR'`).join(", ");
  const typed = read.map((column, index) => `${fromText(column.type, `c${index}`)} AS ${quoteName(column.name)}`).join(", ");
  const rows = `SELECT ${typed} FROM read_csv(${quoteText(file)}, columns = {${names}}, ${CSV_OPTIONS}, allow_quoted_nulls = false, max_line_size = ${MAX_LINE}, buffer_size = ${MAX_LINE})`;
  if (where === undefined) return rows;
  return `SELECT ${wanted.map((column) => quoteName(column.name)).join(", ")} FROM (${rows}) AS pages WHERE ${where}`;
}

function fromText(type: LogicalType, value: string): string {
  switch (type.kind) {
    case "binary":
      return `unhex(${value})`;
    case "list":
      return `list_transform(CAST(CAST(${value} AS JSON) AS VARCHAR[]), lambda element: ${elementText(type.element.type)})`;
    case "text":
    case "enum":
      return value;
    default:
      return `CAST(${value} AS ${duckdbText(type)})`;
  }
}

function elementText(type: LogicalType): string {
  return type.kind === "binary" ? "unhex(substr(element, 3))" : fromText(type, "element");
}

/** JSON is checked while it is read; elsewhere it travels as text. */
const duckdbText = (type: LogicalType): string => (type.kind === "json" ? "JSON" : (transitType(type) ?? "VARCHAR"));
