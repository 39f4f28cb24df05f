import { type Column, columnOf, type Place, type Table, type Thing } from "./catalog.js";
import type { Properties } from "./property-values.js";
import { refuse } from "./refusal.js";
import type { Situation } from "./situation.js";

interface Constrained {
  readonly columns: readonly Column[];
}

/** unique_constraints and foreign_key_constraints: the optimizer believes them, so the engine looks the names up. */
export function checkConstraints(properties: Properties, table: Constrained, situation: Situation): void {
  for (const one of listOf(properties.unique_constraints)) checkUnique(one, table.columns);
  for (const one of listOf(properties.foreign_key_constraints)) checkForeignKey(one, table.columns, situation);
}

function listOf(text: string | undefined): string[] {
  return (text ?? "")
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function checkUnique(constraint: string, columns: readonly Column[]): void {
  for (const name of constraint.split(",")) {
    const last = name.trim().split(".").at(-1) ?? "";
    if (!columnOf(columns, last))
      refuse("constraint-column", `unique_constraints names ${last}, which is no column of the table.`, "Name columns of the table.");
  }
}

const FOREIGN_KEY = /^([\w.:-]*)\s*\(([\w\s,]+)\)\s+REFERENCES\s+([\w.:-]+)\s*\(([\w\s,]+)\)/i;

function checkForeignKey(constraint: string, columns: readonly Column[], { catalog }: Situation): void {
  const [, , own, target, foreign] = FOREIGN_KEY.exec(constraint) ?? [];
  if (own === undefined || target === undefined || foreign === undefined)
    refuse("foreign-key", `foreign_key_constraints has ${JSON.stringify(constraint)}.`, 'Write "(column) REFERENCES table(column)".');
  const names = (text: string): string[] => text.split(",").map((name) => name.trim());
  if (names(own).length !== names(foreign).length)
    refuse("foreign-key", "A foreign key has as many columns as what it refers to.", "Name as many columns on both sides.");
  const missing = names(own).find((name) => !columnOf(columns, name));
  if (missing !== undefined)
    refuse("constraint-column", `foreign_key_constraints names ${missing}, which is no column of the table.`, "Name columns of the table.");
  const place = catalog.resolve(target.split("."));
  if (place) checkParent(place, names(foreign), tableOf(catalog.get(place)), catalog.isMissing(place));
}

const tableOf = (thing: Thing | undefined): Table | undefined => (thing?.kind === "table" ? thing : undefined);

function checkParent({ name }: Place, columns: readonly string[], parent: Table | undefined, missing: boolean): void {
  if (missing) refuse("foreign-key-table", `A foreign key refers to ${name}, which does not exist.`, "Create it first.");
  if (!parent) return;
  if (parent.keys === "AGGREGATE")
    refuse("foreign-key-table", `A foreign key refers to ${name}, an AGGREGATE KEY table.`, "Refer to a table with unique rows.");
  const unknown = columns.find((column) => !columnOf(parent.columns, column));
  if (unknown !== undefined)
    refuse("constraint-column", `A foreign key refers to ${name}.${unknown}, which does not exist.`, "Name columns of the other table.");
  if (!uniqueIn(parent, columns))
    refuse(
      "foreign-key-unique",
      `A foreign key refers to ${columns.join(", ")} of ${name}, which nothing says to be unique.`,
      "Add unique_constraints to the other table, or refer to its key.",
    );
}

function uniqueIn(parent: Table, columns: readonly string[]): boolean {
  const wanted = columns
    .map((name) => name.toLowerCase())
    .sort()
    .join();
  const key = parent.columns.filter((column) => column.key).map(({ name }) => name.toLowerCase());
  if ((parent.keys === "PRIMARY" || parent.keys === "UNIQUE") && key.sort().join() === wanted) return true;
  const declared = listOf(parent.properties.unique_constraints).map((one) =>
    one.split(",").map((name) => (name.trim().split(".").at(-1) ?? "").toLowerCase()),
  );
  return declared.some((names) => names.sort().join() === wanted);
}
