import type { Expression } from "../parse/ast.js";
import { Cursor } from "../parse/cursor.js";
import { parseExpression } from "../parse/expression.js";
import { SyntaxFault, tokenize } from "../parse/lexer.js";
import { type Partitioning, sameName } from "./catalog.js";
import { columnsIn } from "./infer.js";
import { refuse } from "./refusal.js";

const FIX = "Write a condition over the partition columns: dt >= current_date() - INTERVAL 7 DAY.";

/** partition_retention_condition: SQL over what the table is partitioned by. Throws a Refusal. */
export function checkRetention(condition: string, { columns, expressions }: Pick<Partitioning, "columns" | "expressions">): void {
  const names = columnsIn(parsed(condition));
  const allowed = [...columns, ...expressions.flatMap(columnsIn)];
  const stranger = names.find((name) => !allowed.some((column) => sameName(column, name)));
  if (stranger !== undefined)
    refuse("retention-column", `partition_retention_condition reads ${stranger}, by which the table is not partitioned.`, FIX);
}

function parsed(condition: string): Expression {
  try {
    const cursor = new Cursor(tokenize(condition));
    const expression = parseExpression(cursor);
    if (!cursor.done) throw cursor.fault("the end of the condition");
    return expression;
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    return refuse("retention-condition", `partition_retention_condition is ${JSON.stringify(condition)}: ${error.message}`, FIX);
  }
}
