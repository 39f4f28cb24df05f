import { DwError } from "../../core/errors.js";
import { entryKey, entryValue, quoteName, quoteText } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";
import { starrocks } from "./dialect.js";
import { mapType } from "./types.js";

/*
 * Rows as Stream Load's CSV, made by DuckDB: one text a row. Separators are two control characters, and no value can contain
 * them: texts travel with a mark in front, `x` as they are or `h` in hexadecimal where a control character is in them, so
 * that an empty text, `\N` and a separator stay what they are. The header `columns` says how each field becomes its column.
 * A nested value travels as JSON whose leaves are texts: casts of JSON know no dates and decimals, casts of texts do. A struct is
 * an array there, which the engine reads by position, because it looks fields up by a path that their names may break.
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
  const unread = columns.find(({ type }) => isNested(type) && !isReadable(type));
  if (unread) throw notRead(unread.name);
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
    case "text":
    case "enum":
    case "json":
      return `CASE WHEN regexp_matches(${value}, '[\\x00-\\x1f]') THEN 'h' || hex(encode(${value})) ELSE 'x' || ${value} END`;
    case "list":
    case "map":
    case "struct":
      return `CASE WHEN ${value} IS NOT NULL THEN ${nestedText(type, value)} END`;
    default:
      return leafText(type, value);
  }
}

/** The value as casts of texts read it. */
function leafText(type: LogicalType, value: string): string {
  switch (type.kind) {
    case "boolean":
      return `CASE WHEN ${value} THEN '1' WHEN NOT ${value} THEN '0' END`;
    case "date":
      return `strftime(${value}, '%Y-%m-%d')`;
    case "timestamp":
      return `strftime(${type.zoned ? `timezone('UTC', ${value})` : value}, '%Y-%m-%d %H:%M:%S.%f')`;
    case "binary":
      return `lower(hex(${value}))`;
    default:
      return `CAST(${value} AS VARCHAR)`;
  }
}

/** JSON, never NULL. */
function nestedText(type: LogicalType, value: string, depth = 0): string {
  const name = `dw_${depth}`;
  switch (type.kind) {
    case "list": {
      const elements = `list_transform(${value}, lambda ${name}: ${nestedText(type.element.type, name, depth + 1)})`;
      return `coalesce('[' || array_to_string(${elements}, ',') || ']', 'null')`;
    }
    case "map": {
      const entry = `${jsonText(type.key, entryKey(name))} || ':' || ${nestedText(type.value.type, entryValue(name), depth + 1)}`;
      const entries = `array_to_string(list_transform(map_entries(${value}), lambda ${name}: ${entry}), ',')`;
      return `CASE WHEN ${value} IS NULL THEN 'null' ELSE '{' || ${entries} || '}' END`;
    }
    case "struct": {
      const members = type.fields.map((one) => nestedText(one.type, `struct_extract(${value}, ${quoteText(one.name)})`, depth));
      return `CASE WHEN ${value} IS NULL THEN 'null' ELSE '[' || ${members.join(" || ',' || ")} || ']' END`;
    }
    default:
      return `coalesce(${jsonText(type, value)}, 'null')`;
  }
}

const jsonText = (type: LogicalType, value: string): string => `CAST(to_json(${leafText(type, value)}) AS VARCHAR)`;

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
    case "list":
    case "map":
    case "struct":
      return `CAST(CAST(parse_json(${value}) AS ${mapType(withTexts(type)).native}) AS ${mapType(type).native})`;
    default:
      return value;
  }
}

const isNested = ({ kind }: LogicalType): boolean => kind === "list" || kind === "map" || kind === "struct";

/** The same nesting with a text in every leaf. */
function withTexts(type: LogicalType): LogicalType {
  switch (type.kind) {
    case "list":
      return { ...type, element: { ...type.element, type: withTexts(type.element.type) } };
    case "map":
      return { ...type, key: withTexts(type.key), value: { ...type.value, type: withTexts(type.value.type) } };
    case "struct":
      return { ...type, fields: type.fields.map((one) => ({ ...one, type: withTexts(one.type) })) };
    default:
      return { kind: "text" };
  }
}

/** Binary leaves have no text that a cast reads back, and JSON's keys are scalars. */
function isReadable(type: LogicalType): boolean {
  switch (type.kind) {
    case "list":
      return isReadable(type.element.type);
    case "map":
      return !isNested(type.key) && isReadable(type.key) && isReadable(type.value.type);
    case "struct":
      return type.fields.every((one) => isReadable(one.type));
    default:
      return type.kind !== "binary";
  }
}

function notRead(column: string): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `Column ${JSON.stringify(column)} cannot be loaded by Stream Load.`,
    why: "It holds binary values, or maps with nested keys, inside of nested ones, and no text of a load becomes such a value.",
    fix: "Write such values as texts (hexadecimal) with { sql } in the map, into a column of that type.",
  });
}

function notNamed(column: string): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `Column ${JSON.stringify(column)} cannot be loaded by Stream Load.`,
    why: "Its HTTP headers name the columns, and Node.js sends none with characters beyond Latin-1.",
    fix: "Load into a table whose columns have such names, and rename the column afterwards (RENAME COLUMN is instant).",
  });
}
