import type { AlterClause, ColumnDef, ColumnPosition } from "../parse/ast.js";
import { type Column, columnOf, type Index, sameName, type Table } from "./catalog.js";
import { aggregateName, analyzeColumn, checkColumnForm, isReplace } from "./columns.js";
import { addField, dropField } from "./fields.js";
import { checkGenerated } from "./generated.js";
import { checkTwice, indexOf } from "./indexes.js";
import { columnsIn } from "./infer.js";
import { refuse } from "./refusal.js";
import type { Situation } from "./situation.js";
import { canBeKey, canBePrimaryKey, isFloat, isNested, isSketch, isText, typeText } from "./sql-type.js";
import { checkColumnChange, sameColumn } from "./type-change.js";
import { requireFeature } from "./versions.js";

/** Clauses of ALTER TABLE that change columns and indexes; several may stand in one statement. */
export type SchemaClause = Extract<
  AlterClause,
  {
    clause:
      | "add-column"
      | "add-columns"
      | "drop-column"
      | "modify-column"
      | "modify-column-comment"
      | "add-field"
      | "drop-field"
      | "reorder"
      | "add-index"
      | "drop-index";
  }
>;

/** All clauses are looked at against the table as it was; the columns together have to make a table again. */
export function changeSchema(table: Table, clauses: readonly SchemaClause[], situation: Situation): Table {
  if (table.temporary.length > 0)
    refuse(
      "alter-temporary-partitions",
      "The table has temporary partitions; its columns and indexes cannot change meanwhile.",
      "Replace or drop the temporary partitions first.",
    );
  // A comment alone is changed at once, whatever the column is for; the engine then leaves the other clauses out.
  const [first] = clauses;
  if (clauses.some(({ clause }) => clause === "modify-column-comment")) requireFeature("MODIFY COLUMN … COMMENT alone", situation.target);
  if (first?.clause === "modify-column-comment") return changeComment(table, first.column, first.comment);
  const changed = clauses.reduce((draft, clause) => applyClause(draft, clause, table, situation), table);
  checkSchema(table, changed);
  return changed;
}

function applyClause(draft: Table, clause: SchemaClause, table: Table, situation: Situation): Table {
  switch (clause.clause) {
    case "add-column":
      return addColumn(draft, clause.column, clause.position, clause.rollup, table, situation);
    case "add-columns":
      return addColumns(draft, clause, table, situation);
    case "drop-column":
      return dropColumn(draft, clause.column, clause.rollup, table);
    case "modify-column":
      return modifyColumn(draft, clause, table, situation);
    case "modify-column-comment":
      return changeComment(draft, clause.column, clause.comment);
    case "add-field":
      return addField(draft, clause);
    case "drop-field":
      return dropField(draft, clause);
    case "reorder":
      return reorder(draft, clause.columns, clause.rollup);
    case "add-index":
      return addIndex(draft, clause.index, table, situation);
    case "drop-index":
      return dropIndex(draft, clause.name, table);
  }
}

// ------------------------------------------------------------------------------------------------ add

function addColumns(
  draft: Table,
  { columns, rollup }: Extract<SchemaClause, { clause: "add-columns" }>,
  table: Table,
  situation: Situation,
): Table {
  const generated = columns.filter((column) => column.generated).length;
  if (generated > 0 && generated < columns.length)
    refuse("add-generated", "Generated and ordinary columns are added by statements of their own.", "Write two statements.");
  return columns.reduce((made, column) => addColumn(made, column, undefined, rollup, table, situation), draft);
}

function addColumn(
  draft: Table,
  definition: ColumnDef,
  position: ColumnPosition | undefined,
  rollup: string | undefined,
  table: Table,
  situation: Situation,
): Table {
  const { name } = definition;
  if (definition.autoIncrement)
    refuse("add-auto-increment", `Column ${name} is AUTO_INCREMENT, which only CREATE TABLE can say.`, "Create the table anew.");
  const column = changedColumn(definition, table, "add", situation);
  if (column.generated) {
    if (position || rollup !== undefined)
      refuse("add-generated", "A generated column is added at the end of the table.", "Leave FIRST, AFTER and TO out.");
    checkGenerated(column, column.generated, table.columns, table.keys);
  } else checkNewColumn(column, position, definition, table);
  const same = table.columns.find((other) => sameName(other.name, name) || sameName(other.id, name));
  if (same) refuse("column-exists", `The table has a column ${same.name} already.`, "Choose another name.");
  const twin = columnOf(draft.columns, name);
  if (twin && !sameColumn(twin, column))
    refuse("column-exists", `Column ${name} is added twice, with two definitions.`, "Keep one of them.");
  if (twin) return draft;
  checkRollup(rollup, table, name);
  return { ...draft, columns: inserted(draft.columns, column, position) };
}

function checkRollup(rollup: string | undefined, table: Table, column: string): void {
  if (rollup === undefined) return;
  if (!table.rollups.some(({ name }) => name === rollup))
    refuse("rollup-missing", `The table has no rollup ${rollup} to which ${column} could go.`, "Name a rollup of the table, or none.");
}

function checkNewColumn(
  { name, nullable, aggregate, type }: Column,
  position: ColumnPosition | undefined,
  definition: ColumnDef,
  table: Table,
): void {
  const empty = definition.default === undefined || definition.default.kind === "null";
  // A sketch has a value of its own that stands for nothing.
  if (!nullable && empty && !isSketch(type))
    refuse(
      "add-not-null",
      `Column ${name} is NOT NULL and has no default for the rows that exist.`,
      "Add a DEFAULT, or leave NOT NULL out.",
    );
  if (definition.default?.kind === "function" && definition.default.name.startsWith("uuid"))
    refuse(
      "add-default-function",
      `Column ${name} cannot be added with ${definition.default.name}(): each row would need another value.`,
      "Use a literal or now().",
    );
  if (aggregate === "SUM" && definition.default?.kind === "literal" && definition.default.text !== "0")
    refuse("add-sum-default", `Column ${name} is summed; its default has to be 0.`, 'Write DEFAULT "0".');
  if (position && "first" in position && (aggregateName(definition) || table.keys === "PRIMARY"))
    refuse("add-value-first", `Value column ${name} cannot be the first one.`, "Leave FIRST out.");
}

/** A definition in ALTER TABLE: what is a key and what is aggregated follows from the kind of table. */
function changedColumn(definition: ColumnDef, table: Table, verb: "add" | "modify", { target }: Situation): Column {
  checkColumnForm(definition);
  const { name } = definition;
  const written = aggregateName(definition);
  const key = definition.key || (table.keys === "AGGREGATE" && written === undefined && !definition.generated);
  if (table.keys === "PRIMARY" && definition.key)
    refuse(`${verb}-primary-key`, `The primary key cannot change; ${name} is declared KEY.`, "Leave KEY out, or create the table anew.");
  // What is written in a PRIMARY KEY table is overwritten, whatever it is.
  if ((table.keys === "DUPLICATE" || table.keys === "UNIQUE") && written !== undefined)
    refuse(
      "aggregate-unexpected",
      `Column ${name} has the aggregation ${written}, and a ${table.keys} KEY table has none.`,
      "Leave it out.",
    );
  const implied = table.keys === "DUPLICATE" ? "NONE" : table.keys === "AGGREGATE" ? written : "REPLACE";
  const nullable = definition.nullable ?? true;
  const column = analyzeColumn(
    definition,
    { key: definition.key, aggregate: key ? (definition.key ? written : undefined) : implied, nullable },
    target,
  );
  if (key && !canBeKey(column.type))
    refuse(
      "key-type",
      `Column ${name} has no aggregation and would be a key, which ${typeText(column.type)} cannot be.`,
      "Add an aggregation: REPLACE for example.",
    );
  return key === column.key ? column : { ...withoutAggregate(column), key };
}

function withoutAggregate({ aggregate: _, ...column }: Column): Column {
  return column;
}

function inserted(columns: readonly Column[], column: Column, position: ColumnPosition | undefined): Column[] {
  const at = insertionIndex(columns, column, position);
  return [...columns.slice(0, at), column, ...columns.slice(at)];
}

function insertionIndex(columns: readonly Column[], column: Column, position: ColumnPosition | undefined): number {
  if (position && "first" in position) return 0;
  if (position) {
    const index = columns.findIndex(({ name }) => sameName(name, position.after));
    if (index === -1)
      refuse("column-missing", `AFTER names ${position.after}, which is no column of the table.`, "Name a column of the table.");
    if (columns[index]?.generated)
      refuse("generated-order", `${position.after} is generated; nothing can stand behind it.`, "Name an ordinary column.");
    return index + 1;
  }
  if (column.key) return columns.findLastIndex(({ key }) => key) + 1;
  const generated = columns.findIndex((other) => other.generated);
  return column.generated || generated === -1 ? columns.length : generated;
}

// ------------------------------------------------------------------------------------------------ drop

function dropColumn(draft: Table, name: string, rollup: string | undefined, table: Table): Table {
  checkUnused(table, name, "dropped");
  const reader = table.columns.find((column) => column.generated && columnsIn(column.generated).some((other) => sameName(other, name)));
  if (reader) refuse("drop-generated-source", `Generated column ${reader.name} reads ${name}.`, `Drop ${reader.name} first.`);
  if (
    table.partitioning.expressions.some((expression) => columnsIn(expression).some((other) => sameName(other, name))) &&
    table.partitioning.kind === "list"
  )
    refuse("drop-partition-column", `The table is partitioned by an expression over ${name}.`, "Create the table anew.");
  const column = columnOf(draft.columns, name);
  if (column) checkDropKey(column, table);
  if (rollup !== undefined) {
    checkRollup(rollup, table, name);
    return {
      ...draft,
      rollups: draft.rollups.map((one) =>
        one.name === rollup ? { ...one, columns: one.columns.filter((other) => !sameName(other, name)) } : one,
      ),
    };
  }
  if (!column) return refuse("column-missing", `The table has no column ${name}.`, "Correct the name, or leave the clause out.");
  return {
    ...draft,
    columns: draft.columns.filter((other) => other !== column),
    indexes: draft.indexes.filter((index) => !sameName(index.column, column.id)),
    rollups: draft.rollups.map((one) => ({ ...one, columns: one.columns.filter((other) => !sameName(other, name)) })),
  };
}

function checkDropKey({ name, key }: Column, table: Table): void {
  if (key && (table.keys === "PRIMARY" || table.keys === "UNIQUE"))
    refuse("drop-key", `${name} is in the key of a ${table.keys} KEY table.`, "Create the table anew.");
  if (table.keys === "PRIMARY" && table.orderBy?.some((other) => sameName(other, name)))
    refuse("drop-sort-key", `The table is sorted by ${name}.`, "Change ORDER BY first.");
  if (key && table.keys === "AGGREGATE" && table.columns.some((column) => isReplace(column.aggregate)))
    refuse("drop-key", `${name} is a key column, and the table has a column with REPLACE.`, "Create the table anew.");
}

/** Columns under a synchronous view cannot change. */
export function checkUnused(table: Table, name: string, what: string): void {
  const reader = table.rollups.find((rollup) => rollup.reads?.includes(name.toLowerCase()));
  if (reader)
    refuse(
      "synchronous-view",
      `${name} cannot be ${what}: the synchronous materialized view ${reader.name} reads it.`,
      `DROP MATERIALIZED VIEW ${reader.name} first.`,
    );
}

// ------------------------------------------------------------------------------------------------ modify

function modifyColumn(
  draft: Table,
  { column: definition, position, rollup }: Extract<SchemaClause, { clause: "modify-column" }>,
  table: Table,
  situation: Situation,
): Table {
  const { name } = definition;
  if (definition.autoIncrement) refuse("modify-auto-increment", `Column ${name} cannot become AUTO_INCREMENT.`, "Create the table anew.");
  checkUnused(table, name, "modified");
  const wanted = changedColumn(definition, table, "modify", situation);
  if (wanted.generated) checkGenerated(wanted, wanted.generated, table.columns, table.keys);
  const index = draft.columns.findIndex((column) => sameName(column.name, name));
  const current = draft.columns[index];
  if (current) checkModifyKey(current, table);
  const reader = table.columns.find((column) => column.generated && columnsIn(column.generated).some((other) => sameName(other, name)));
  if (reader && !wanted.generated)
    refuse("modify-generated-source", `Generated column ${reader.name} reads ${name}.`, `Drop ${reader.name} first.`);
  if (!current) return refuse("column-missing", `The table has no column ${name}.`, "Correct the name.");
  if (rollup !== undefined && !position) refuse("modify-rollup", "FROM a rollup is for a change of place.", "Leave FROM out.");
  checkRollup(rollup, table, name);
  checkModifyKind(current, wanted, table);
  const made = { ...wanted, name: current.name, id: current.id, ...(current.generated && { generated: current.generated }) };
  if (!position) return { ...draft, columns: draft.columns.with(index, made) };
  const others = draft.columns.filter((column) => column !== current);
  if ("after" in position && sameName(position.after, name))
    refuse("modify-position", `${name} cannot stand behind itself.`, "Name another column.");
  return { ...draft, columns: inserted(others, made, position) };
}

function checkModifyKey({ name, key }: Column, table: Table): void {
  if (table.keys !== "PRIMARY") return;
  if (key) refuse("modify-primary-key", `${name} is in the primary key, which cannot change.`, "Create the table anew.");
  if (table.orderBy?.some((other) => sameName(other, name)))
    refuse("modify-sort-key", `The table is sorted by ${name}.`, "Change ORDER BY first.");
}

function checkModifyKind(current: Column, wanted: Column, table: Table): void {
  const { name } = current;
  if (current.autoIncrement) refuse("modify-auto-increment", `${name} is AUTO_INCREMENT and cannot change.`, "Create the table anew.");
  if (current.generated && !wanted.generated)
    refuse("modify-generated", `${name} is generated and cannot become an ordinary column.`, "Drop it and add it anew.");
  if (!current.generated && wanted.generated)
    refuse("modify-generated", `${name} is an ordinary column and cannot become generated.`, "Drop it and add it anew.");
  const gin = table.indexes.find((index) => index.using === "GIN" && sameName(index.column, current.id));
  if (gin && !isText(wanted.type))
    refuse("modify-index", `${name} has the inverted index ${gin.name}, which needs text.`, "Drop the index first.");
}

function changeComment(draft: Table, name: string, comment: string): Table {
  if (!columnOf(draft.columns, name)) refuse("column-missing", `The table has no column ${name}.`, "Correct the name.");
  return { ...draft, columns: draft.columns.map((column) => (sameName(column.name, name) ? { ...column, comment } : column)) };
}

// ------------------------------------------------------------------------------------------------ order

/** All columns: their order. Fewer: the sort key. */
function reorder(draft: Table, names: readonly string[], rollup: string | undefined): Table {
  checkRollup(rollup, draft, names[0] ?? "");
  const columns = names.map(
    (name) =>
      columnOf(draft.columns, name) ??
      refuse("column-missing", `ORDER BY names ${name}, which is no column of the table.`, "Name columns of the table."),
  );
  const twice = columns.find((column, index) => columns.indexOf(column) < index);
  if (twice) refuse("sort-key-twice", `ORDER BY names ${twice.name} twice.`, "Name it once.");
  if (rollup !== undefined) return draft;
  if (columns.length === draft.columns.length) return reorderAll(draft, columns);
  checkSortKey(draft, columns);
  return { ...draft, orderBy: columns.map(({ name }) => name) };
}

function reorderAll(draft: Table, columns: readonly Column[]): Table {
  if (draft.keys === "PRIMARY")
    refuse("reorder-primary", "The columns of a PRIMARY KEY table keep their order.", "Name only the columns of the sort key.");
  return { ...draft, columns };
}

function checkSortKey(table: Table, columns: readonly Column[]): void {
  const [first] = columns;
  const wrong = table.keys === "PRIMARY" ? columns.find((column) => !canBePrimaryKey(column.type)) : undefined;
  if (wrong)
    refuse(
      "sort-key-type",
      `${typeText(wrong.type)} cannot sort a PRIMARY KEY table; ${wrong.name} does.`,
      "Sort by BOOLEAN, integer, DATE, DATETIME or VARCHAR columns.",
    );
  if (table.keys === "AGGREGATE" || table.keys === "UNIQUE") {
    const keys = table.columns.filter((column) => column.key);
    if (keys.length !== columns.length || columns.some((column) => !column.key))
      refuse(
        "sort-key-columns",
        `A ${table.keys} KEY table is sorted by its key columns, all of them and no others.`,
        `Write ORDER BY (${keys.map(({ name }) => name).join(", ")}) in the order that you want.`,
      );
  }
  if (first && (isFloat(first.type) || isNested(first.type)))
    refuse(
      "first-column-type",
      `The table would be sorted by ${first.name} first, and ${typeText(first.type)} cannot be in the short key.`,
      "Sort by another column first.",
    );
}

// ------------------------------------------------------------------------------------------------ indexes

function addIndex(draft: Table, definition: Parameters<typeof indexOf>[0], table: Table, situation: Situation): Table {
  const index = indexOf(definition, table, situation);
  if (index.using === "GIN" && (table.properties.replicated_storage ?? "true").toLowerCase() === "true")
    refuse(
      "index-gin-replicated",
      "Inverted indexes do not work with replicated storage.",
      'ALTER TABLE … SET ("replicated_storage" = "false") first.',
    );
  checkTwice(index, table.indexes);
  return { ...draft, indexes: [...draft.indexes, index] };
}

function dropIndex(draft: Table, name: string, table: Table): Table {
  const found: Index | undefined = table.indexes.find((index) => sameName(index.name, name));
  if (!found) refuse("index-missing", `The table has no index ${name}.`, "Correct the name, or leave the clause out.");
  return { ...draft, indexes: draft.indexes.filter((index) => !sameName(index.name, name)) };
}

// ------------------------------------------------------------------------------------------------ the whole

function checkSchema(before: Table, after: Table): void {
  const firstValue = after.columns.findIndex((column) => !column.key);
  const late = firstValue === -1 ? undefined : after.columns.slice(firstValue).find((column) => column.key);
  const changed = before.columns !== after.columns;
  if (changed && late)
    refuse(
      "column-order",
      `Key column ${late.name} would stand behind a value column.`,
      "Repeat KEY where the column is a key, and put value columns behind the keys.",
    );
  if (changed && !after.columns.some((column) => column.key))
    refuse("key-empty", "No key column would be left.", "Keep one, or create the table anew.");
  for (const column of after.columns) {
    const old = before.columns.find(({ id }) => id === column.id);
    if (old && !nestedChange(old, column) && !sameColumn(old, column)) checkColumnChange(old, column);
  }
  checkPlaced(before.partitioning.columns, before, after, "partition");
  checkPlaced(before.distribution.columns, before, after, "distribution");
  const lost = before.orderBy?.find((name) => !columnOf(after.columns, name) && columnOf(before.columns, name));
  if (lost !== undefined) refuse("drop-sort-key", `The table is sorted by ${lost}.`, "Change ORDER BY first.");
}

/** ADD FIELD and DROP FIELD were judged on their own. */
const nestedChange = (old: Column, column: Column): boolean =>
  old.nullable === column.nullable && old.comment === column.comment && column.type.fieldsChanged === true;

function checkPlaced(names: readonly string[], before: Table, after: Table, what: "partition" | "distribution"): void {
  for (const name of names) {
    const old = columnOf(before.columns, name);
    const column = old && after.columns.find(({ id }) => id === old.id);
    if (old && !column) refuse(`drop-${what}-column`, `${name} is a ${what} column.`, "Create the table anew.");
    if (old && column && !sameColumn(old, column))
      refuse(`modify-${what}-column`, `${name} is a ${what} column and cannot change.`, "Create the table anew.");
  }
}
