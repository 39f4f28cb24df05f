import type { ColumnDef, CreateTable, KeyType } from "../parse/ast.js";
import { type Column, columnOf, sameName } from "./catalog.js";
import { aggregateName, columnType } from "./columns.js";
import { about, refuse } from "./refusal.js";
import { canBeKey, canBePrimaryKey, indexBytes, isFloat, isNested, isText, type SqlType, typeText } from "./sql-type.js";

export interface Keys {
  readonly type: KeyType;
  readonly columns: readonly string[];
}

const SHORT_KEY_COLUMNS = 3;
const SHORT_KEY_BYTES = 36;

const ORDER_FIX = "Put the key columns first, in the order in which the key names them.";

/** The key of a table as it is written or, without a key, as the engine chooses it. Throws a Refusal. */
export function tableKeys(definition: CreateTable): Keys {
  const keys = definition.key ?? impliedKeys(definition.columns);
  if (keys.columns.length === 0)
    refuse("key-empty", "No column is left for the key: all are aggregated.", "Leave a column without aggregation.");
  checkKeyOrder(keys, definition.columns);
  definition.columns.forEach((column, index) => {
    const check = index < keys.columns.length ? checkKeyColumn : checkValueColumn;
    about({ column: column.name, at: column.at }, () => check(keys.type, column));
  });
  return keys;
}

function impliedKeys(columns: readonly ColumnDef[]): Keys {
  const aggregated = columns.some(aggregateName);
  if (aggregated) return { type: "AGGREGATE", columns: columns.filter((column) => !aggregateName(column)).map(({ name }) => name) };
  const names = shortKey(columns.map((column) => ({ name: column.name, type: columnType(column), stops: column.generated !== undefined })));
  const [first] = columns;
  if (names.length === 0 && first)
    refuse(
      "first-column-type",
      `Without a key clause the first column is the key, and ${typeText(columnType(first))} cannot be one.`,
      "Write the key, or put another column first.",
    );
  return { type: "DUPLICATE", columns: names };
}

/** At most three columns and 36 bytes, up to the first VARCHAR, before the first type that cannot be a key. */
function shortKey(columns: readonly { name: string; type: SqlType; stops: boolean }[]): string[] {
  const names: string[] = [];
  let bytes = 0;
  for (const { name, type, stops } of columns) {
    if (stops) break;
    bytes += indexBytes(type);
    if (names.length >= SHORT_KEY_COLUMNS || bytes > SHORT_KEY_BYTES) {
      if (names.length === 0 && isText(type)) names.push(name);
      break;
    }
    if (!canBeKey(type)) break;
    names.push(name);
    if (type.name === "varchar") break;
  }
  return names;
}

function checkKeyOrder({ columns }: Keys, definitions: readonly ColumnDef[]): void {
  if (columns.length > definitions.length) refuse("key-order", "The key has more columns than the table.", ORDER_FIX);
  columns.forEach((name, index) => {
    if (sameName(definitions[index]?.name ?? "", name)) return;
    if (!definitions.some((definition) => sameName(definition.name, name)))
      refuse("key-column-missing", `The key names ${name}, which is no column of the table.`, "Name columns of the table.");
    refuse("key-order", `The key column ${name} is not at place ${index + 1} of the table.`, ORDER_FIX, { column: name });
  });
}

function checkKeyColumn(type: KeyType, column: ColumnDef): void {
  const { name, nullable } = column;
  if (aggregateName(column)) refuse("key-aggregate", `Key column ${name} has an aggregation.`, "Leave the aggregation out.");
  if (type !== "PRIMARY") return;
  if (nullable === true) refuse("primary-key-null", `Primary key column ${name} may be NULL.`, "Write NOT NULL.");
  if (!canBePrimaryKey(columnType(column)))
    refuse(
      "primary-key-type",
      `${typeText(columnType(column))} cannot be in a primary key; ${name} is.`,
      "Use BOOLEAN, an integer type, DATE, DATETIME or VARCHAR.",
    );
}

function checkValueColumn(type: KeyType, column: ColumnDef): void {
  const aggregate = aggregateName(column);
  if (type === "AGGREGATE" && aggregate === undefined)
    refuse(
      "aggregate-missing",
      `Column ${column.name} of an AGGREGATE KEY table has no aggregation.`,
      "Add SUM, MAX, MIN, REPLACE …, or make it a key column.",
    );
  if (type !== "AGGREGATE" && aggregate !== undefined && aggregate !== "REPLACE")
    refuse(
      "aggregate-unexpected",
      `Column ${column.name} has the aggregation ${aggregate}, and a ${type} KEY table has none.`,
      "Leave it out, or use AGGREGATE KEY.",
    );
}

/** Columns of ORDER BY. Throws a Refusal; primary keys and aggregated tables repeat the exact letters of the column. */
export function checkSortKeys(keys: Keys, orderBy: readonly string[], columns: readonly { name: string; type: SqlType }[]): void {
  for (const name of orderBy) about({ column: name }, () => checkSortKey(name, keys, columns));
  if (keys.type === "AGGREGATE" || keys.type === "UNIQUE") checkSameColumns(keys, orderBy);
  const twice = orderBy.find((name, index) => orderBy.findIndex((other) => sameName(other, name)) < index);
  if (twice !== undefined) refuse("sort-key-twice", `ORDER BY names ${twice} twice.`, "Name it once.");
  checkShortKey(orderBy.flatMap((name) => columns.filter((column) => sameName(column.name, name)).slice(0, 1)));
}

function checkSortKey(name: string, keys: Keys, columns: readonly { name: string; type: SqlType }[]): void {
  const exact = keys.type !== "DUPLICATE";
  const column = columns.find((candidate) => (exact ? candidate.name === name : sameName(candidate.name, name)));
  if (!column)
    refuse(
      "sort-key-missing",
      `ORDER BY names ${name}, which is no column of the table (upper and lower case count).`,
      "Name columns of the table.",
    );
  if (keys.type === "PRIMARY" && !canBePrimaryKey(column.type))
    refuse(
      "sort-key-type",
      `${typeText(column.type)} cannot sort a PRIMARY KEY table; ${name} does.`,
      "Sort by BOOLEAN, integer, DATE, DATETIME or VARCHAR columns.",
    );
}

function checkSameColumns(keys: Keys, orderBy: readonly string[]): void {
  const wanted = new Set(keys.columns.map((name) => name.toLowerCase()));
  const given = new Set(orderBy.map((name) => name.toLowerCase()));
  if (wanted.size !== given.size || [...wanted].some((name) => !given.has(name)))
    refuse(
      "sort-key-columns",
      `A ${keys.type} KEY table is sorted by its key columns, all of them and no others.`,
      `Write ORDER BY (${keys.columns.join(", ")}) in the order that you want.`,
    );
}

/** The engine builds its short key from the front of these columns, and needs at least one of them. */
function checkShortKey(sorted: readonly { name: string; type: SqlType }[]): void {
  const [column] = sorted;
  if (!column || !(isFloat(column.type) || isNested(column.type))) return;
  refuse(
    "first-column-type",
    `The table is sorted by ${column.name} first, and ${typeText(column.type)} cannot be in the short key.`,
    "Sort by another column first.",
    { column: column.name },
  );
}

/** `short_key`: how many columns of the sort key make the prefix index. */
export function checkShortKeyCount(value: string, sorted: readonly Column[]): void {
  const count = Number(value);
  if (!/^\d+$/.test(value) || count <= 0) refuse("short-key", "short_key is a number above 0.", "Leave short_key out.");
  if (count > sorted.length)
    refuse("short-key", `short_key is ${count}, and the sort key has ${sorted.length} columns.`, "Lower short_key.");
  const middle = sorted.slice(0, count - 1).find((column) => column.type.name === "varchar");
  if (middle)
    refuse("short-key", `short_key puts the VARCHAR column ${middle.name} before others.`, "Let the VARCHAR column be the last one.");
}

export function columnsNamed(columns: readonly Column[], names: readonly string[]): Column[] {
  return names.flatMap((name) => columnOf(columns, name) ?? []);
}
