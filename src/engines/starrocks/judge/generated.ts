import type { Expression, KeyType } from "../parse/ast.js";
import { type Column, columnOf } from "./catalog.js";
import { callsIn, columnsIn, inferType, isAggregate, partsOf } from "./infer.js";
import { about, refuse } from "./refusal.js";
import { isDecimal, isNested, isText, type SqlType, typeText, unknownType } from "./sql-type.js";

/** Generated columns of a new table. Throws a Refusal. */
export function checkGeneratedColumns(columns: readonly Column[], keys: KeyType): void {
  const first = columns.findIndex((column) => column.generated);
  if (first === -1) return;
  for (const column of columns.slice(first)) {
    about({ column: column.name }, () => {
      if (column.generated) checkGenerated(column, column.generated, columns, keys);
      else refuse("generated-order", `Column ${column.name} stands behind a generated column.`, "Put all generated columns last.");
    });
  }
}

export function checkGenerated(
  column: Pick<Column, "name" | "key" | "type">,
  expression: Expression,
  columns: readonly Column[],
  keys: KeyType,
): void {
  if (keys === "AGGREGATE")
    refuse("generated-aggregate-table", "AGGREGATE KEY tables have no generated columns.", "Compute the value before loading.");
  if (column.key) refuse("generated-key", `Generated column ${column.name} is in the key.`, "Take it out of the key.");
  for (const name of columnsIn(expression)) checkSource(column.name, name, columns);
  if (callsIn(expression).some(isAggregate))
    refuse("generated-aggregate", `The expression of ${column.name} aggregates.`, "Use an expression over one row.");
  if (partsOf(expression).some(({ kind }) => kind === "lambda"))
    refuse(
      "generated-lambda",
      `The expression of ${column.name} has a lambda, whose parameter the engine takes for a column.`,
      "Compute the value before loading.",
    );
  // A constant becomes whatever the column is.
  const type = expression.kind === "literal" ? unknownType : inferType(expression, (path) => columnOf(columns, path.at(-1) ?? "")?.type);
  if (!matches(column.type, type))
    refuse(
      "generated-type",
      `Column ${column.name} is ${typeText(column.type)}; its expression gives ${typeText(type)}.`,
      `Declare it as ${typeText(type)}, or write CAST(… AS ${typeText(column.type)}).`,
    );
}

function checkSource(generated: string, name: string, columns: readonly Column[]): void {
  const source = columnOf(columns, name);
  if (!source)
    refuse(
      "generated-column-missing",
      `The expression of ${generated} reads ${name}, which is no column of the table.`,
      "Read columns of the table.",
    );
  if (source.generated)
    refuse("generated-chain", `The expression of ${generated} reads ${name}, which is generated too.`, "Repeat the other expression.");
  if (source.autoIncrement)
    refuse("generated-auto-increment", `The expression of ${generated} reads the AUTO_INCREMENT column ${name}.`, "Read other columns.");
}

/** Texts of every length match; of two decimals the engine decides. */
function matches(column: SqlType, expression: SqlType): boolean {
  if (column.name === "unknown" || expression.name === "unknown" || isNested(expression)) return true;
  if (isDecimal(expression) && isDecimal(column)) return true;
  return column.name === expression.name || (isText(column) && isText(expression));
}
