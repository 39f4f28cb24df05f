import type { Expression, LiteralType } from "./ast.js";
import type { Cursor } from "./cursor.js";
// biome-ignore lint/suspicious/noImportCycles: a query holds expressions and an expression a query; the grammar itself is circular
import { parseQuery, seesQuery } from "./query.js";
import { parseType, seesType } from "./types.js";
import { reservedWords } from "./words.js";

/*
 * Expressions by precedence climbing. Which operators bind tighter follows the engine's grammar: unlike in MySQL, NOT binds
 * looser than comparisons, and `||` is OR.
 */

export function parseExpression(cursor: Cursor): Expression {
  return or(cursor);
}

type Parser = (cursor: Cursor) => Expression;

function binary(operand: Parser, ...operators: readonly string[]): Parser {
  return (cursor) => {
    let left = operand(cursor);
    for (;;) {
      const { start } = cursor.token;
      const operator = cursor.takesAny(...operators);
      if (operator === undefined) return left;
      left = { kind: "operator", operator, args: [left, operand(cursor)], at: start };
    }
  };
}

const shift = binary(
  binary(binary(binary(binary(binary(primary, "^"), "*", "/", "%", "DIV", "MOD"), "+", "-"), "&"), "|"),
  "BITSHIFTLEFT",
  "BITSHIFTRIGHT",
  "BITSHIFTRIGHTLOGICAL",
);

/** The level that LIMITs of BETWEEN, IN and LIKE take. */
const value: Parser = shift;

const comparisons = ["=", "!=", "<>", "<", "<=", ">", ">=", "<=>"];

function predicate(cursor: Cursor): Expression {
  const left = value(cursor);
  const at = cursor.token.start;
  const negated =
    cursor.token.key === "NOT" && ["IN", "BETWEEN", "LIKE", "RLIKE", "REGEXP"].includes(cursor.peek(1).key) && cursor.takes("NOT");
  const word = cursor.takesAny("IN", "BETWEEN", "LIKE", "RLIKE", "REGEXP");
  if (word === undefined) return left;
  const operator = negated ? `NOT ${word}` : word;
  if (word === "IN") return { kind: "operator", operator, args: [left, ...inList(cursor)], at };
  const first = value(cursor);
  if (word !== "BETWEEN") return { kind: "operator", operator, args: [left, first], at };
  cursor.expect("AND");
  return { kind: "operator", operator, args: [left, first, predicate(cursor)], at };
}

function inList(cursor: Cursor): Expression[] {
  const at = cursor.token.start;
  if (!seesQuery(cursor, 1)) return cursor.list(() => parseExpression(cursor));
  cursor.expect("(");
  const query = parseQuery(cursor);
  cursor.expect(")");
  return [{ kind: "subquery", query, at }];
}

function comparison(cursor: Cursor): Expression {
  let left = predicate(cursor);
  for (;;) {
    const at = cursor.token.start;
    if (cursor.takes("IS")) {
      const operator = cursor.takes("NOT") ? "IS NOT NULL" : "IS NULL";
      cursor.expect("NULL");
      left = { kind: "operator", operator, args: [left], at };
      continue;
    }
    const operator = cursor.takesAny(...comparisons);
    if (operator === undefined) return left;
    left = { kind: "operator", operator, args: [left, predicate(cursor)], at };
  }
}

function not(cursor: Cursor): Expression {
  const at = cursor.token.start;
  if (cursor.takes("BINARY")) return not(cursor);
  return cursor.takes("NOT") ? { kind: "operator", operator: "NOT", args: [not(cursor)], at } : comparison(cursor);
}

const or = binary(binary(not, "AND", "&&"), "OR", "||");

/** A primary expression with what may follow it: `.field`, `[index]`, `-> '$.path'`, COLLATE, MATCH. */
export function primary(cursor: Cursor): Expression {
  let base = operand(cursor);
  for (;;) {
    const at = cursor.token.start;
    if (cursor.takes(".")) base = { kind: "field", base, field: cursor.name(), at };
    else if (cursor.sees("[")) base = { kind: "operator", operator: "[]", args: [base, ...subscript(cursor)], at };
    else if (cursor.takes("->")) base = { kind: "operator", operator: "->", args: [base, literal("string", cursor.string(), at)], at };
    else if (cursor.takes("COLLATE")) cursor.nameOrString();
    else if (cursor.takes("MATCH")) base = { kind: "operator", operator: "MATCH", args: [base, primary(cursor)], at };
    else return base;
  }
}

function subscript(cursor: Cursor): Expression[] {
  cursor.expect("[");
  const parts: Expression[] = [];
  while (!cursor.takes("]")) {
    if (!cursor.takes(":")) parts.push(value(cursor));
  }
  return parts;
}

function literal(type: LiteralType, text: string, at: number): Expression {
  return { kind: "literal", type, text, at };
}

const numbers = { integer: "integer", decimal: "decimal", double: "double" } as const;

function operand(cursor: Cursor): Expression {
  const { token } = cursor;
  const at = token.start;
  switch (token.kind) {
    case "integer":
    case "decimal":
    case "double":
      return literal(numbers[token.kind], cursor.next().text, at);
    case "string":
      return literal("string", cursor.next().text, at);
    case "binary":
      return literal("binary", cursor.next().text, at);
    case "symbol":
      return symbol(cursor);
    case "word":
    case "quoted":
      return word(cursor);
    case "end":
      throw cursor.fault("an expression");
  }
}

function symbol(cursor: Cursor): Expression {
  const at = cursor.token.start;
  const sign = cursor.takesAny("-", "+", "~", "!");
  if (sign !== undefined) return { kind: "operator", operator: `unary ${sign}`, args: [primary(cursor)], at };
  if (cursor.sees("(")) return parenthesized(cursor);
  if (cursor.sees("[")) return { kind: "collection", items: brackets(cursor), at };
  if (cursor.takes("@")) return variable(cursor, at);
  if (cursor.takes("?")) return literal("null", "?", at);
  throw cursor.fault("an expression");
}

/** `@user_variable` or `@@global.system_variable`. */
function variable(cursor: Cursor, at: number): Expression {
  const system = cursor.takes("@");
  if (system && cursor.seesAny("GLOBAL", "LOCAL", "SESSION", "VERBOSE") && cursor.peek(1).key === ".") {
    cursor.next();
    cursor.next();
  }
  return literal("string", cursor.nameOrString(), at);
}

/** A lambda's parameters, a subquery, a row, or just parentheses. */
function parenthesized(cursor: Cursor): Expression {
  const at = cursor.token.start;
  const lambda = lambdaAfterNames(cursor);
  if (lambda) return lambda;
  if (seesQuery(cursor, 1)) {
    cursor.expect("(");
    const query = parseQuery(cursor);
    cursor.expect(")");
    return { kind: "subquery", query, at };
  }
  const items = cursor.list(() => parseExpression(cursor));
  const [only] = items;
  return items.length === 1 && only ? only : { kind: "collection", items, at };
}

/** `(x, y) -> body`; gives up without a trace when it is something else. */
function lambdaAfterNames(cursor: Cursor): Expression | undefined {
  const { position, token } = cursor;
  if (!cursor.seesName(1) || !(cursor.peek(2).key === "," || cursor.peek(2).key === ")")) return undefined;
  cursor.expect("(");
  const parameters: string[] = [cursor.name()];
  while (cursor.takes(",") && cursor.seesName()) parameters.push(cursor.name());
  if (cursor.takes(")") && cursor.takes("->") && cursor.token.kind !== "string") {
    return { kind: "lambda", parameters, body: parseExpression(cursor), at: token.start };
  }
  cursor.rewind(position);
  return undefined;
}

function brackets(cursor: Cursor): Expression[] {
  cursor.expect("[");
  if (cursor.takes("]")) return [];
  const items = cursor.commas(() => parseExpression(cursor));
  cursor.expect("]");
  return items;
}

/** Words that begin an expression of their own, though they are no plain names. */
const special: Readonly<Record<string, (cursor: Cursor, at: number) => Expression>> = {
  NULL: (_, at) => literal("null", "NULL", at),
  TRUE: (_, at) => literal("boolean", "TRUE", at),
  FALSE: (_, at) => literal("boolean", "FALSE", at),
  CASE: caseExpression,
  CAST: (cursor, at) => cast(cursor, at, "AS"),
  CONVERT: (cursor, at) => cast(cursor, at, ","),
  EXISTS: exists,
  INTERVAL: interval,
  EXTRACT: extract,
};

function word(cursor: Cursor): Expression {
  const { token } = cursor;
  const at = token.start;
  const after = cursor.peek(1);
  const keyword = token.kind === "word" ? keywordExpression(cursor) : undefined;
  if (keyword) return keyword;
  if (cursor.seesName() && after.key === "->" && cursor.peek(2).kind !== "string") {
    const parameters = [cursor.name()];
    cursor.expect("->");
    return { kind: "lambda", parameters, body: parseExpression(cursor), at };
  }
  const path = cursor.qualifiedName();
  return cursor.sees("(") ? call(cursor, path) : { kind: "column", path, at };
}

/** What a word begins that is more than a name; undefined when it is just one. */
function keywordExpression(cursor: Cursor): Expression | undefined {
  const { key, start } = cursor.token;
  const after = cursor.peek(1);
  if ((key === "DATE" || key === "DATETIME") && after.kind === "string") {
    cursor.next();
    return literal(key === "DATE" ? "date" : "datetime", cursor.string(), start);
  }
  if (key === "ARRAY" || key === "MAP") return typedCollection(cursor);
  const read = Object.hasOwn(special, key) && isSpecial(cursor) ? special[key] : undefined;
  if (read) {
    cursor.next();
    return read(cursor, start);
  }
  if (bareFunctions.has(key)) return bareFunction(cursor);
  return after.key === "(" && callableWords(key) ? call(cursor, [cursor.next().text]) : undefined;
}

function isSpecial(cursor: Cursor): boolean {
  const { key } = cursor.token;
  if (key === "INTERVAL") return startsInterval(cursor);
  const needsParenthesis = key === "CAST" || key === "CONVERT" || key === "EXISTS" || key === "EXTRACT";
  return !needsParenthesis || cursor.peek(1).key === "(";
}

/** Functions that are written without parentheses. */
const bareFunctions = new Set([
  "CURRENT_DATE",
  "CURRENT_TIME",
  "CURRENT_TIMESTAMP",
  "LOCALTIME",
  "LOCALTIMESTAMP",
  "CURRENT_USER",
  "CURRENT_ROLE",
  "CURRENT_GROUP",
]);

function bareFunction(cursor: Cursor): Expression {
  const { key, start } = cursor.next();
  const args = cursor.sees("(") ? callArguments(cursor).args : [];
  return { kind: "call", name: key.toLowerCase(), args, distinct: false, star: false, at: start };
}

/** Reserved words that are functions when a parenthesis follows. */
const reservedFunctions = new Set(
  "CHAR IF LEFT RIGHT LIKE MOD REGEXP RLIKE REPLACE DATABASE SCHEMA GROUPING GROUPING_ID ROW_NUMBER DENSE_RANK NTILE LEAD LAG FIRST_VALUE LAST_VALUE FILES VALUES".split(
    " ",
  ),
);

function callableWords(key: string): boolean {
  return reservedWords.has(key) && reservedFunctions.has(key);
}

function call(cursor: Cursor, path: readonly string[]): Expression {
  const at = cursor.token.start;
  const { args, distinct, star } = callArguments(cursor);
  if (cursor.takes("IGNORE")) cursor.expect("NULLS");
  if (cursor.sees("FILTER", "(")) {
    cursor.next();
    cursor.expect("(", "WHERE");
    parseExpression(cursor);
    cursor.expect(")");
  }
  const window = cursor.sees("OVER", "(") ? windowParts(cursor) : undefined;
  return { kind: "call", name: path.join(".").toLowerCase(), args, distinct, star, ...(window && { window }), at };
}

function callArguments(cursor: Cursor): { args: Expression[]; distinct: boolean; star: boolean } {
  cursor.expect("(");
  if (cursor.takes("*")) {
    cursor.expect(")");
    return { args: [], distinct: false, star: true };
  }
  const distinct = cursor.takes("DISTINCT");
  if (!distinct) cursor.takes("ALL");
  if (cursor.takes("[")) {
    cursor.commas(() => cursor.name());
    cursor.expect("]");
  }
  if (cursor.takes(")")) return { args: [], distinct, star: false };
  const args = cursor.commas(() => argument(cursor));
  if (cursor.takes("ORDER")) {
    cursor.expect("BY");
    args.push(...cursor.commas(() => sortKey(cursor)));
  }
  if (cursor.takes("SEPARATOR")) args.push(parseExpression(cursor));
  cursor.expect(")");
  return { args, distinct, star: false };
}

/** Units stand where an expression would: `timestampdiff(HOUR, a, b)`; named arguments as `name => value`. */
function argument(cursor: Cursor): Expression {
  if (cursor.seesName() && cursor.peek(1).key === "=>") {
    cursor.next();
    cursor.next();
  }
  const { token } = cursor;
  const unit = token.kind === "word" && (token.key === "MICROSECOND" || token.key === "MILLISECOND");
  if (unit) return literal("string", cursor.next().text, token.start);
  const result = parseExpression(cursor);
  if (cursor.takes("IGNORE")) cursor.expect("NULLS");
  return result;
}

export function sortKey(cursor: Cursor): Expression {
  const key = parseExpression(cursor);
  cursor.takesAny("ASC", "DESC");
  if (cursor.takes("NULLS")) cursor.expectAny("FIRST", "LAST");
  return key;
}

function windowParts(cursor: Cursor): Expression[] {
  cursor.expect("OVER", "(");
  const parts: Expression[] = [];
  if (cursor.takes("PARTITION")) {
    cursor.expect("BY");
    parts.push(...cursor.commas(() => parseExpression(cursor)));
  }
  if (cursor.takes("ORDER")) {
    cursor.expect("BY");
    parts.push(...cursor.commas(() => sortKey(cursor)));
  }
  if (cursor.takesAny("ROWS", "RANGE") !== undefined) windowFrame(cursor);
  cursor.expect(")");
  return parts;
}

function windowFrame(cursor: Cursor): void {
  const bound = (): void => {
    if (cursor.takes("UNBOUNDED")) cursor.expectAny("PRECEDING", "FOLLOWING");
    else if (cursor.takes("CURRENT")) cursor.expect("ROW");
    else {
      parseExpression(cursor);
      cursor.expectAny("PRECEDING", "FOLLOWING");
    }
  };
  const between = cursor.takes("BETWEEN");
  bound();
  if (!between) return;
  cursor.expect("AND");
  bound();
}

function caseExpression(cursor: Cursor, at: number): Expression {
  const subject = cursor.sees("WHEN") ? undefined : parseExpression(cursor);
  const branches: (readonly [Expression, Expression])[] = [];
  while (cursor.takes("WHEN")) {
    const condition = parseExpression(cursor);
    cursor.expect("THEN");
    branches.push([condition, parseExpression(cursor)]);
  }
  if (branches.length === 0) throw cursor.fault("WHEN");
  const otherwise = cursor.takes("ELSE") ? parseExpression(cursor) : undefined;
  cursor.expect("END");
  return { kind: "case", ...(subject && { subject }), branches, ...(otherwise && { otherwise }), at };
}

function cast(cursor: Cursor, at: number, separator: string): Expression {
  cursor.expect("(");
  const arg = parseExpression(cursor);
  cursor.expect(separator);
  const type = parseType(cursor);
  cursor.expect(")");
  return { kind: "cast", arg, type, at };
}

function exists(cursor: Cursor, at: number): Expression {
  cursor.expect("(");
  const query = parseQuery(cursor);
  cursor.expect(")");
  return { kind: "operator", operator: "EXISTS", args: [{ kind: "subquery", query, at }], at };
}

export const intervalUnits = ["YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "QUARTER", "MILLISECOND", "MICROSECOND"];

/** INTERVAL is also a name; it begins an interval when a value follows. */
function startsInterval(cursor: Cursor): boolean {
  const { kind, key } = cursor.peek(1);
  return kind !== "symbol" && kind !== "end" ? !["AS", "FROM", "AND", "OR", "IS", "IN"].includes(key) : key === "(" || key === "-";
}

function interval(cursor: Cursor, at: number): Expression {
  const amount = parseExpression(cursor);
  return { kind: "interval", value: amount, unit: cursor.expectAny(...intervalUnits), at };
}

function extract(cursor: Cursor, at: number): Expression {
  cursor.expect("(");
  const unit = cursor.next().text;
  cursor.expect("FROM");
  const from = value(cursor);
  cursor.expect(")");
  return { kind: "call", name: "extract", args: [literal("string", unit, at), from], distinct: false, star: false, at };
}

/** `ARRAY<INT>[1, 2]`, `MAP<INT, INT>{1: 2}`, `MAP{1: 2}`; `map(…)` and columns of these names are ordinary. */
function typedCollection(cursor: Cursor): Expression {
  const at = cursor.token.start;
  const typed = seesType(cursor) && cursor.peek(1).key === "<";
  if (typed) {
    const type = parseType(cursor);
    return { kind: "collection", type, items: cursor.sees("[") ? brackets(cursor) : braces(cursor), at };
  }
  if (cursor.token.key === "MAP" && cursor.peek(1).key === "{") {
    cursor.next();
    return { kind: "collection", items: braces(cursor), at };
  }
  if (cursor.token.key === "MAP") {
    const path = cursor.qualifiedName();
    return cursor.sees("(") ? call(cursor, path) : { kind: "column", path, at };
  }
  throw cursor.fault("an expression");
}

function braces(cursor: Cursor): Expression[] {
  cursor.expect("{");
  if (cursor.takes("}")) return [];
  const items = cursor
    .commas(() => {
      const key = parseExpression(cursor);
      cursor.expect(":");
      return [key, parseExpression(cursor)];
    })
    .flat();
  cursor.expect("}");
  return items;
}
