import { DwError } from "../../core/errors.js";
import { quoteName } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";
import { starrocks } from "./dialect.js";

/*
 * Rows as Stream Load's CSV, made by DuckDB: one text a row. Separators are two control characters, and no value can contain
 * them: texts travel with a mark in front, `x` as they are or `h` in hexadecimal where a control character is in them, so
 * that an empty text, `\N` and a separator stay what they are. The header `columns` says how each field becomes its column.
 */

const COLUMN = "\\x01";
const ROW = "\\x02";
const { id } = starrocks;

export interface LoadColumn {
  readonly name: string;
  readonly type: LogicalType;
}

/** DuckDB SQL over `relation` whose first column is one row of the body, its separator included. */
export function rowsQuery(columns: readonly LoadColumn[], relation: string): string {
  const fields = columns.map(({ name, type }) => `coalesce(${field(type, quoteName(name))}, '\\N')`);
  return `SELECT ${fields.join(" || chr(1) || ")} || chr(2) FROM (${relation}) AS loaded`;
}

/** Headers that explain the body. Throws DW-CONNECTION-UNSUPPORTED for a column that no header can name. */
export function rowsHeaders(columns: readonly LoadColumn[]): Record<string, string> {
  const fields = columns.map((_, index) => `dw_${index}`);
  const unnamed = columns.find(({ name }) => !/^[\x20-\x7e\xa0-\xff]+$/.test(name));
  if (unnamed) throw notNamed(unnamed.name);
  const assigned = columns.map(({ name, type }, index) => `${id(name).text} = ${assignment(type, `dw_${index}`)}`);
  return {
    format: "csv",
    column_separator: COLUMN,
    row_delimiter: ROW,
    columns: [...fields, ...assigned].join(", "),
    strict_mode: "true",
    max_filter_ratio: "0",
  };
}

function field(type: LogicalType, value: string): string {
  switch (type.kind) {
    case "boolean":
      return `CASE WHEN ${value} THEN '1' WHEN NOT ${value} THEN '0' END`;
    case "timestamp":
      return `strftime(${type.zoned ? `timezone('UTC', ${value})` : value}, '%Y-%m-%d %H:%M:%S.%f')`;
    case "binary":
      return `lower(hex(${value}))`;
    case "text":
    case "enum":
    case "json":
      return `CASE WHEN regexp_matches(${value}, '[\\x00-\\x1f]') THEN 'h' || hex(encode(${value})) ELSE 'x' || ${value} END`;
    default:
      return `CAST(${value} AS VARCHAR)`;
  }
}

function assignment(type: LogicalType, value: string): string {
  const text = `CASE WHEN left(${value}, 1) = 'h' THEN unhex(substr(${value}, 2)) ELSE substr(${value}, 2) END`;
  switch (type.kind) {
    case "binary":
      return `to_binary(${value}, 'hex')`;
    case "text":
    case "enum":
      return text;
    case "json":
      return `parse_json(${text})`;
    default:
      return value;
  }
}

function notNamed(column: string): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `Column ${JSON.stringify(column)} cannot be loaded by Stream Load.`,
    why: "Its HTTP headers name the columns, and Node.js sends none with characters beyond Latin-1.",
    fix: "Load into a table whose columns have such names, and rename the column afterwards (RENAME COLUMN is instant).",
  });
}
