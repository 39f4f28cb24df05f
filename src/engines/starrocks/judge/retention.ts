import type { Expression } from "../parse/ast.js";
import { Cursor } from "../parse/cursor.js";
import { parseExpression } from "../parse/expression.js";
import { SyntaxFault, tokenize } from "../parse/lexer.js";
import { type Partitioning, sameName } from "./catalog.js";
import { columnsIn } from "./infer.js";
import { refuse } from "./refusal.js";

const FIX = "Write a condition over the partition columns: dt >= current_date() - INTERVAL 7 DAY.";

type Partitioned = Pick<Partitioning, "columns" | "expressions">;

/** partition_retention_condition: SQL over what the table is partitioned by. Throws a Refusal. */
export function checkRetention(condition: string, partitioning: Partitioned): void {
  const stranger = strangerIn(parsed(condition), partitioning);
  if (stranger !== undefined)
    refuse("retention-column", `partition_retention_condition reads ${stranger}, by which the table is not partitioned.`, FIX);
}

/** A column of a condition over partitions that does not partition the table. */
export function strangerIn(condition: Expression, { columns, expressions }: Partitioned): string | undefined {
  const allowed = [...columns, ...expressions.flatMap(columnsIn)];
  return columnsIn(condition).find((name) => !allowed.some((column) => sameName(column, name)));
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
