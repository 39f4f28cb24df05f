import type { AlterClause } from "../parse/ast.js";
import { type Column, columnOf, sameName, type Table } from "./catalog.js";
import { refuse } from "./refusal.js";
import { type SqlType, sqlType, typeText } from "./sql-type.js";

/** ADD FIELD and DROP FIELD of a STRUCT; the path ends with the field. Throws a Refusal. */
export function addField(table: Table, clause: Extract<AlterClause, { clause: "add-field" }>): Table {
  const { column, path, type, position } = clause;
  return changeStruct(table, column, path, (struct, name) => {
    const fields = struct.fields ?? [];
    if (fields.some((field) => sameName(field.name, name)))
      refuse("field-exists", `The STRUCT has a field ${name} already.`, "Choose another name.");
    const after = position && "after" in position ? position.after : undefined;
    if (after !== undefined && !fields.some((field) => sameName(field.name, after)))
      refuse("field-missing", `AFTER names ${after}, which is no field of the STRUCT.`, "Name one of its fields.");
    return [...fields, { name, type: sqlType(type) }];
  });
}

export function dropField(table: Table, { column, path }: Extract<AlterClause, { clause: "drop-field" }>): Table {
  return changeStruct(table, column, path, (struct, name) => {
    const fields = struct.fields ?? [];
    if (!fields.some((field) => sameName(field.name, name)))
      refuse("field-missing", `The STRUCT has no field ${name}.`, "Correct the name.");
    if (fields.length === 1) refuse("field-last", `${name} is the last field of the STRUCT.`, "Drop the column instead.");
    return fields.filter((field) => !sameName(field.name, name));
  });
}

type Fields = NonNullable<SqlType["fields"]>;

function changeStruct(table: Table, name: string, path: readonly string[], change: (struct: SqlType, field: string) => Fields): Table {
  if ((table.properties.fast_schema_evolution ?? "true").toLowerCase() !== "true")
    refuse(
      "field-evolution",
      "Fields change only where fast schema evolution is on.",
      "Create the table anew without fast_schema_evolution = false.",
    );
  const column = columnOf(table.columns, name);
  if (!column) return refuse("column-missing", `The table has no column ${name}.`, "Correct the name.");
  const changed: Column = { ...column, type: { ...changeType(column.type, path, change), fieldsChanged: true } };
  return {
    ...table,
    columns: table.columns.map((other) => (other === column ? changed : other)),
    indexes: table.indexes.filter((index) => !sameName(index.column, column.id)),
  };
}

function changeType(type: SqlType, path: readonly string[], change: (struct: SqlType, field: string) => Fields): SqlType {
  const [step = "", ...rest] = path;
  if (step === "[*]" && type.element) return { ...type, element: changeType(type.element, rest, change) };
  if (!type.fields) return refuse("field-struct", `${typeText(type)} is no STRUCT.`, "Name a STRUCT column, or a STRUCT inside it.");
  if (rest.length === 0) return { ...type, fields: change(type, step) };
  const field = type.fields.find((candidate) => sameName(candidate.name, step));
  if (!field) return refuse("field-missing", `The STRUCT has no field ${step}.`, "Correct the name.");
  return {
    ...type,
    fields: type.fields.map((other) => (other === field ? { ...field, type: changeType(field.type, rest, change) } : other)),
  };
}
