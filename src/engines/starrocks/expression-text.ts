import { starrocks } from "./dialect.js";
import type { DataType, Expression } from "./parse/ast.js";
import { Cursor } from "./parse/cursor.js";
import { parseExpression } from "./parse/expression.js";
import { SyntaxFault, tokenize } from "./parse/lexer.js";
import { foldType } from "./types.js";

/*
 * One text for one expression, however it was written: names quoted, functions in lower case, parentheses only where they
 * change the meaning, types folded. The front end rewrites expressions when it shows them; both sides are brought here.
 */

/** The folded text, or the text itself where it is no expression that our parser reads. */
export function foldExpressionText(text: string): string {
  const expression = readExpression(text);
  return expression ? expressionText(expression) : text.trim();
}

/** Undefined for text that is more or less than one expression. */
export function readExpression(text: string): Expression | undefined {
  try {
    const cursor = new Cursor(tokenize(text));
    const expression = parseExpression(cursor);
    return cursor.done ? expression : undefined;
  } catch (error) {
    if (error instanceof SyntaxFault) return undefined;
    throw error;
  }
}

/** Binding strength; an operand that binds looser than its operator stands in parentheses. */
const STRENGTH: Readonly<Record<string, number>> = {
  OR: 1,
  "||": 1,
  AND: 2,
  "&&": 2,
  NOT: 3,
  "=": 4,
  "!=": 4,
  "<>": 4,
  "<": 4,
  "<=": 4,
  ">": 4,
  ">=": 4,
  "<=>": 4,
  "IS NULL": 4,
  "IS NOT NULL": 4,
  BITSHIFTLEFT: 6,
  BITSHIFTRIGHT: 6,
  BITSHIFTRIGHTLOGICAL: 6,
  "|": 7,
  "&": 8,
  "+": 9,
  "-": 9,
  "*": 10,
  "/": 10,
  "%": 10,
  DIV: 10,
  MOD: 10,
  "^": 11,
};
const PREDICATE = 5;
const PRIMARY = 12;

const SPELLED: Readonly<Record<string, string>> = { "||": "OR", "&&": "AND", "<>": "!=", MOD: "%" };

type Printers = { readonly [Kind in Expression["kind"]]: (expression: Extract<Expression, { kind: Kind }>) => string };

const printers: Printers = {
  column: ({ path }) => starrocks.id(...path).text,
  literal: ({ type, text }) => literalText(type, text),
  interval: ({ value, unit }) => `INTERVAL ${expressionText(value)} ${unit}`,
  call: ({ name, args, distinct, star }) =>
    `${name}(${star ? "*" : `${distinct ? "DISTINCT " : ""}${list(name === "time_slice" ? sliceArguments(args) : args)}`})`,
  operator: ({ operator, args }) => operatorText(operator, args),
  cast: ({ arg, type }) => `CAST(${expressionText(arg)} AS ${typeText(type)})`,
  case: ({ subject, branches, otherwise }) => {
    const head = subject ? ` ${expressionText(subject)}` : "";
    const when = branches.map(([condition, value]) => ` WHEN ${expressionText(condition)} THEN ${expressionText(value)}`).join("");
    return `CASE${head}${when}${otherwise ? ` ELSE ${expressionText(otherwise)}` : ""} END`;
  },
  lambda: ({ parameters, body }) => `(${parameters.map((name) => starrocks.id(name).text).join(", ")}) -> ${expressionText(body)}`,
  field: ({ base, field }) => `${operandText(base, PRIMARY)}.${starrocks.id(field).text}`,
  collection: ({ type, items }) => (type?.kind === "map" ? mapText(type, items) : `${type ? typeText(type) : ""}[${list(items)}]`),
  subquery: () => {
    throw new Error("a generated column or partition holds no query");
  },
};

export function expressionText(expression: Expression): string {
  return (printers[expression.kind] as (one: Expression) => string)(expression); // each printer takes exactly its kind
}

function list(items: readonly Expression[]): string {
  return items.map(expressionText).join(", ");
}

/** `time_slice(c, INTERVAL 7 DAY)` is shown as `time_slice(c, 7, 'day', 'floor')`. */
function sliceArguments(args: readonly Expression[]): readonly Expression[] {
  const [time, step, boundary] = args;
  if (!time || step?.kind !== "interval") return args;
  const word = (text: string): Expression => ({ kind: "literal", type: "string", text, at: 0 });
  const side = boundary?.kind === "column" || boundary?.kind === "literal" ? boundary : undefined;
  const named = side?.kind === "column" ? side.path.join(".") : side?.text;
  return [time, step.value, word(step.unit.toLowerCase()), word((named ?? "floor").toLowerCase())];
}

function mapText(type: DataType, items: readonly Expression[]): string {
  const pairs = items.map((item, index) => `${expressionText(item)}${index % 2 === 0 ? ": " : index === items.length - 1 ? "" : ", "}`);
  return `${typeText(type)}{${pairs.join("")}}`;
}

function literalText(type: Extract<Expression, { kind: "literal" }>["type"], text: string): string {
  if (type === "string") return starrocks.lit(text).text;
  if (type === "date" || type === "datetime") return `${type.toUpperCase()} ${starrocks.lit(text).text}`;
  return text;
}

function operatorText(operator: string, args: readonly Expression[]): string {
  const [first, ...rest] = args;
  if (!first) throw new Error(`the operator ${operator} has no operand`);
  if (operator.startsWith("unary ")) return `${operator.slice(6)}${operandText(first, PRIMARY)}`;
  if (operator === "NOT") return `NOT ${operandText(first, 3)}`;
  if (operator.startsWith("IS ")) return `${operandText(first, 4)} ${operator}`;
  if (operator === "[]") return `${operandText(first, PRIMARY)}[${list(rest)}]`;
  if (operator === "->") return `${operandText(first, PRIMARY)} -> ${list(rest)}`;
  if (operator.endsWith("IN")) return `${operandText(first, PREDICATE + 1)} ${operator} (${list(rest)})`;
  if (operator.endsWith("BETWEEN")) {
    const [low, high] = rest.map((bound) => operandText(bound, PREDICATE + 1));
    return `${operandText(first, PREDICATE + 1)} ${operator} ${low} AND ${high}`;
  }
  const strength = STRENGTH[operator] ?? PREDICATE;
  return [operandText(first, strength), ...rest.map((operand) => operandText(operand, strength + 1))].join(
    ` ${SPELLED[operator] ?? operator} `,
  );
}

function operandText(expression: Expression, atLeast: number): string {
  const text = expressionText(expression);
  const strength = expression.kind === "operator" ? strengthOf(expression.operator) : PRIMARY;
  return strength < atLeast || expression.kind === "lambda" ? `(${text})` : text;
}

function strengthOf(operator: string): number {
  if (operator === "[]" || operator === "->" || operator.startsWith("unary ")) return PRIMARY;
  return STRENGTH[operator] ?? PREDICATE;
}

/** A parsed type as bodies hold it. */
export function typeText(type: DataType): string {
  return foldType(written(type));
}

function written(type: DataType): string {
  switch (type.kind) {
    case "array":
      return `array<${written(type.element)}>`;
    case "map":
      return `map<${written(type.key)},${written(type.value)}>`;
    case "struct":
      return `struct<${type.fields.map(({ name, type: field }) => `${starrocks.id(name).text} ${written(field)}`).join(", ")}>`;
    case "scalar": {
      const numbers = [type.length, type.scale].filter((number) => number !== undefined);
      return numbers.length === 0 ? type.name : `${type.name}(${numbers.join(", ")})`;
    }
  }
}
