import type { RollupDef } from "../parse/ast.js";
import { type Column, type Rollup, sameName, type Table, twiceIn } from "./catalog.js";
import { isReplace } from "./columns.js";
import { checkTableName } from "./names.js";
import { refuse } from "./refusal.js";
import { indexBytes, isFloat, isNested, isText, typeText } from "./sql-type.js";

const SHORT_KEY_BYTES = 36;

/** The table with one more rollup; `owner` is the table's name. Throws a Refusal. */
export function withRollup(table: Table, definition: RollupDef, owner: string): Table {
  if (sameName(definition.name, owner)) refuse("rollup-name", `The rollup is called ${owner}, as its table is.`, "Choose another name.");
  return { ...table, rollups: [...table.rollups, rollupOf(definition, table)] };
}

function rollupOf(definition: RollupDef, table: Table): Rollup {
  const { name, columns: names } = definition;
  checkTableName(name);
  const twice = twiceIn(names);
  if (twice !== undefined) refuse("rollup-column-twice", `Rollup ${name} names ${twice} twice.`, "Name it once.");
  if (table.keys === "PRIMARY") refuse("rollup-primary", "PRIMARY KEY tables have no rollups.", "Use an asynchronous materialized view.");
  if (table.rollups.some((other) => sameName(other.name, name)))
    refuse("rollup-exists", `The table has a rollup ${name} already.`, "Choose another name.");
  const columns = names.map((column) => rollupColumn(column, table));
  if (table.keys === "DUPLICATE") checkDuplicate(definition, columns);
  else checkAggregated(columns, table);
  return { name, columns: names };
}

function rollupColumn(name: string, table: Table): Column {
  const column = table.columns.find((candidate) => candidate.name === name);
  return (
    column ?? refuse("rollup-column-missing", `A rollup names ${name}, which is no column of the table.`, "Name columns of the table.")
  );
}

function checkAggregated(columns: readonly Column[], table: Table): void {
  const firstValue = columns.findIndex((column) => !column.key);
  if (firstValue !== -1 && columns.slice(firstValue).some((column) => column.key))
    refuse("rollup-order", "A key column stands behind a value column.", "Put the keys first.");
  const keys = columns.filter((column) => column.key).length;
  if (keys === 0) refuse("rollup-key-missing", "The rollup has no key column.", "Add a key column.");
  const all = table.columns.filter((column) => column.key).length;
  const replaces = columns.some((column) => isReplace(column.aggregate));
  if (keys < all && (table.keys === "UNIQUE" || replaces))
    refuse(
      "rollup-keys",
      "A rollup of a UNIQUE KEY table, or one with a REPLACE column, needs all key columns.",
      "Add the missing key columns.",
    );
}

function checkDuplicate({ duplicateKey = [], columns: names }: RollupDef, columns: readonly Column[]): void {
  if (duplicateKey.length > 0) {
    const prefix = duplicateKey.every((key, index) => sameName(key, names[index] ?? ""));
    if (!prefix) refuse("rollup-keys", "DUPLICATE KEY of a rollup are its first columns.", "Name the first columns, in their order.");
    return;
  }
  const [first] = columns;
  if (!first) return;
  const long = indexBytes(first.type) > SHORT_KEY_BYTES && !isText(first.type);
  if (long || isFloat(first.type) || isNested(first.type))
    refuse(
      "first-column-type",
      `The rollup begins with ${typeText(first.type)}, which cannot be in the short key.`,
      "Begin with another column.",
    );
}
