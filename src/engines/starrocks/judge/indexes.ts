import type { IndexDef, KeyType } from "../parse/ast.js";
import { type Column, columnOf, type Index, sameName } from "./catalog.js";
import { checkFraction } from "./property-values.js";
import { about, refuse, type Subject } from "./refusal.js";
import { type Situation, unproven } from "./situation.js";
import { isDateLike, isDecimal, isInteger as isIntegerType, isText, type SqlType, typeText } from "./sql-type.js";
import { isInteger } from "./values.js";
import { requireFeature } from "./versions.js";

const MAX_NAME = 64;

/** The shape of an index definition, wherever it stands. */
function checkIndexForm({ name, columns }: IndexDef): void {
  if (name === "") refuse("index-name", "The index has no name.", "Name it.");
  if (name.length > MAX_NAME)
    refuse("index-name", `The index name has ${name.length} characters; at most ${MAX_NAME} are allowed.`, "Shorten it.");
  if (columns.length !== 1)
    refuse("index-columns", `Index ${name} is on ${columns.length} columns; an index has one.`, "Make one index a column.");
}

export function indexOf(definition: IndexDef, table: { columns: readonly Column[]; keys: KeyType }, situation: Situation): Index {
  checkIndexForm(definition);
  const [name = ""] = definition.columns;
  const column = columnOf(table.columns, name);
  if (!column)
    refuse(
      "index-column-missing",
      `Index ${definition.name} is on ${name}, which is no column of the table.`,
      "Index a column of the table.",
    );
  const using = definition.using ?? "BITMAP";
  kinds[using]?.(column, definition, table.keys, situation);
  return { name: definition.name, column: column.id, using };
}

/** All indexes of a new table or view. */
export function indexesOf(
  definitions: readonly IndexDef[],
  table: { columns: readonly Column[]; keys: KeyType },
  situation: Situation,
): Index[] {
  const vectors = definitions.filter(({ using }) => using === "VECTOR");
  if (vectors.length > 1) refuse("index-vector", "A table has at most one vector index.", "Keep one.");
  const indexes: Index[] = [];
  for (const definition of definitions) {
    about(subjectOf(definition), () => {
      const index = indexOf(definition, table, situation);
      checkTwice(index, indexes);
      indexes.push(index);
    });
  }
  return indexes;
}

function subjectOf({ columns: [column], at }: IndexDef): Subject {
  return column === undefined ? { at } : { column, at };
}

export function checkTwice(index: Index, others: readonly Index[]): void {
  if (others.some(({ name }) => sameName(name, index.name)))
    refuse("index-name-twice", `Two indexes are called ${index.name}.`, "Rename one of them.");
  const same = others.find(({ column }) => sameName(column, index.column));
  if (same)
    refuse("index-column-twice", `${index.column} has the index ${same.name} already; a column has one.`, "Drop the other index first.");
}

type Check = (column: Column, definition: IndexDef, keys: KeyType, situation: Situation) => void;

const kinds: Readonly<Record<string, Check>> = { BITMAP: checkBitmap, GIN: checkGin, NGRAMBF: checkNgram, VECTOR: checkVector };

function isIndexed({ key, aggregate }: Column, keys: KeyType): boolean {
  return key || keys === "PRIMARY" || keys === "DUPLICATE" || aggregate === "NONE";
}

const bitmapTypes = (type: SqlType): boolean =>
  isDateLike(type) || isIntegerType(type) || isDecimal(type) || isText(type) || ["boolean", "varbinary", "unknown"].includes(type.name);

function checkBitmap(column: Column, _: IndexDef, keys: KeyType): void {
  if (!bitmapTypes(column.type))
    refuse("index-type", `${typeText(column.type)} takes no bitmap index; ${column.name} has one.`, "Leave the index out.");
  checkKeysOnly(column, keys, "bitmap");
}

function checkKeysOnly(column: Column, keys: KeyType, what: string): void {
  if (!isIndexed(column, keys))
    refuse("index-keys", `A ${keys} KEY table has ${what} indexes on key columns only; ${column.name} is none.`, "Leave the index out.");
}

function checkNgram(column: Column, { properties }: IndexDef, keys: KeyType, { target }: Situation): void {
  requireFeature("NGRAMBF index", target);
  if (!isText(column.type) && column.type.name !== "varbinary")
    refuse("index-type", `An n-gram index is for text; ${column.name} is ${typeText(column.type)}.`, "Leave the index out.");
  checkKeysOnly(column, keys, "n-gram");
  for (const { key, value } of properties) {
    if (key === "gram_num" && (!isInteger(value, 32) || Number(value) <= 0))
      refuse("index-gram-num", `gram_num is ${value}; it has to be above 0.`, 'Write for example "4".');
    if (key === "bloom_filter_fpp") checkFraction("bloom_filter_fpp", 0.0001, 0.05)(value);
    if (key === "case_sensitive" && !/^(?:true|false)$/i.test(value))
      refuse("index-case-sensitive", `case_sensitive is ${value}.`, 'Write "true" or "false".');
  }
}

const PARSERS = ["none", "standard", "english", "chinese"];

/** Both kinds are off in a front end as it comes. */
function needsSwitch(setting: string, situation: Situation): void {
  unproven(
    situation,
    "index-experimental",
    `The engine refuses the index unless ${setting} is on in the front end's configuration, which it is not by default.`,
    `ADMIN SET FRONTEND CONFIG ("${setting}" = "true") before.`,
  );
}

function checkGin(column: Column, { properties }: IndexDef, keys: KeyType, situation: Situation): void {
  const { target } = situation;
  requireFeature("GIN index", target);
  if (keys !== "DUPLICATE") refuse("index-gin-keys", "Inverted indexes are for DUPLICATE KEY tables.", "Leave the index out.");
  if (!isText(column.type))
    refuse("index-type", `An inverted index is for text; ${column.name} is ${typeText(column.type)}.`, "Leave the index out.");
  if (target.mode === "shared-data") refuse("index-shared-data", "Shared-data clusters have no inverted indexes.", "Leave the index out.");
  needsSwitch("enable_experimental_gin", situation);
  for (const { key, value } of properties) {
    if (key.toLowerCase() === "parser" && !PARSERS.includes(value))
      refuse("index-parser", `An inverted index has no parser ${value}.`, `Use one of ${PARSERS.join(", ")}.`);
    if (key.toLowerCase() === "imp_lib" && value.toLowerCase() !== "clucene")
      refuse("index-imp-lib", "imp_lib is clucene.", "Leave imp_lib out.");
  }
}

function checkVector(column: Column, { properties }: IndexDef, keys: KeyType, situation: Situation): void {
  const { target } = situation;
  requireFeature("vector index", target);
  if (target.mode === "shared-data") refuse("index-shared-data", "Shared-data clusters have no vector indexes.", "Leave the index out.");
  needsSwitch("enable_experimental_vector", situation);
  if (column.nullable)
    refuse("index-vector-null", `A vector index needs a NOT NULL column; ${column.name} is nullable.`, "Write NOT NULL.");
  if (keys !== "DUPLICATE" && keys !== "PRIMARY")
    refuse("index-vector-keys", "Vector indexes are for DUPLICATE and PRIMARY KEY tables.", "Leave the index out.");
  if (column.type.element?.name !== "float")
    refuse("index-type", `A vector index is for ARRAY<FLOAT>; ${column.name} is ${typeText(column.type)}.`, "Change the type.");
  const type = properties.find(({ key }) => key.toLowerCase() === "index_type")?.value.toLowerCase();
  if (type === undefined || !["hnsw", "ivfpq"].includes(type))
    refuse("index-vector-type", "A vector index needs index_type.", 'Add "index_type" = "hnsw" (or "ivfpq"), "dim" and "metric_type".');
}
