import type { Expression, Query, QueryBody, Relation, Select, SelectItem } from "./ast.js";
import type { Cursor } from "./cursor.js";
// biome-ignore lint/suspicious/noImportCycles: a query holds expressions and an expression a query; the grammar itself is circular
import { parseExpression, sortKey } from "./expression.js";

/** True when a query begins `ahead` tokens from here, behind any parentheses. */
export function seesQuery(cursor: Cursor, ahead = 0): boolean {
  let at = ahead;
  while (cursor.peek(at).key === "(") at++;
  return cursor.peek(at).key === "SELECT" || cursor.peek(at).key === "WITH";
}

export function parseQuery(cursor: Cursor): Query {
  const at = cursor.token.start;
  const ctes = cursor.takes("WITH") ? cursor.commas(() => commonTable(cursor)) : [];
  const body = setOperation(cursor);
  const orderBy = cursor.takes("ORDER", "BY") ? cursor.commas(() => sortKey(cursor)) : [];
  const limit = cursor.takes("LIMIT") ? limitRows(cursor) : undefined;
  return { with: ctes, body, orderBy, ...(limit !== undefined && { limit }), at };
}

function commonTable(cursor: Cursor): Query["with"][number] {
  const name = cursor.name();
  const columns = cursor.sees("(") ? cursor.nameList() : undefined;
  cursor.expect("AS", "(");
  const query = parseQuery(cursor);
  cursor.expect(")");
  return { name, ...(columns && { columns }), query };
}

function limitRows(cursor: Cursor): number {
  const first = cursor.integer();
  if (cursor.takes("OFFSET")) cursor.integer();
  else if (cursor.takes(",")) return cursor.integer();
  return first;
}

/** INTERSECT binds tighter than UNION, EXCEPT and MINUS. */
function setOperation(cursor: Cursor): QueryBody {
  return sets(cursor, (inner) => sets(inner, queryPrimary, ["INTERSECT"]), ["UNION", "EXCEPT", "MINUS"]);
}

function sets(cursor: Cursor, operand: (cursor: Cursor) => QueryBody, operators: readonly string[]): QueryBody {
  let left = operand(cursor);
  for (;;) {
    const operator = cursor.takesAny(...operators);
    if (operator === undefined) return left;
    const all = cursor.takes("ALL");
    if (!all) cursor.takes("DISTINCT");
    left = { kind: "set", operator, all, left, right: operand(cursor) };
  }
}

function queryPrimary(cursor: Cursor): QueryBody {
  if (cursor.takes("(")) {
    const query = parseQuery(cursor);
    cursor.expect(")");
    return { kind: "parenthesized", query };
  }
  return { kind: "select", ...parseSelect(cursor) };
}

function parseSelect(cursor: Cursor): Select {
  const at = cursor.token.start;
  cursor.expect("SELECT");
  const distinct = cursor.takes("DISTINCT");
  if (!distinct) cursor.takes("ALL");
  const items = cursor.commas(() => selectItem(cursor));
  const from = cursor.takes("FROM") ? relations(cursor) : [];
  const where = cursor.takes("WHERE") ? parseExpression(cursor) : undefined;
  const groupBy = cursor.takes("GROUP", "BY") ? groupKeys(cursor) : [];
  const having = cursor.takes("HAVING") ? parseExpression(cursor) : undefined;
  if (cursor.takes("QUALIFY")) parseExpression(cursor);
  return { distinct, items, from, ...(where && { where }), groupBy, ...(having && { having }), at };
}

function selectItem(cursor: Cursor): SelectItem {
  if (cursor.takes("*")) return { kind: "star", except: excluded(cursor) };
  const { position } = cursor;
  if (cursor.seesName() && cursor.peek(1).key === ".") {
    const qualifier = [cursor.name()];
    while (cursor.takes(".")) {
      if (cursor.takes("*")) return { kind: "star", qualifier, except: excluded(cursor) };
      qualifier.push(cursor.name());
    }
    cursor.rewind(position);
  }
  const expression = parseExpression(cursor);
  const alias = cursor.takes("AS") || cursor.seesName() || cursor.token.kind === "string" ? cursor.nameOrString() : undefined;
  return { kind: "expression", expression, ...(alias !== undefined && { alias }) };
}

function excluded(cursor: Cursor): string[] {
  return cursor.takesAny("EXCEPT", "EXCLUDE") === undefined ? [] : cursor.nameList();
}

function groupKeys(cursor: Cursor): Expression[] {
  if (cursor.takesAny("ROLLUP", "CUBE") !== undefined) return cursor.list(() => parseExpression(cursor));
  if (!cursor.takes("GROUPING", "SETS")) return cursor.commas(() => parseExpression(cursor));
  return cursor
    .list(() => {
      cursor.expect("(");
      const keys = cursor.sees(")") ? [] : cursor.commas(() => parseExpression(cursor));
      cursor.expect(")");
      return keys;
    })
    .flat();
}

function relations(cursor: Cursor): Relation[] {
  if (cursor.takes("DUAL")) return [];
  return cursor.commas(() => {
    cursor.takes("LATERAL");
    return joined(cursor);
  });
}

function joined(cursor: Cursor): Relation {
  let left = relationPrimary(cursor);
  for (;;) {
    const join = joinWords(cursor);
    if (join === undefined) return left;
    if (cursor.takes("[")) {
      cursor.commas(() => cursor.next().text);
      cursor.expect("]");
    }
    cursor.takes("LATERAL");
    const right = relationPrimary(cursor);
    const on = cursor.takes("ON") ? parseExpression(cursor) : undefined;
    const using = on === undefined && cursor.takes("USING") ? cursor.nameList() : undefined;
    if (on === undefined && using === undefined && !/^(INNER|CROSS)/.test(join)) throw cursor.fault("ON");
    left = { kind: "join", join, left, right, ...(on && { on }), ...(using && { using }) };
  }
}

/** The kind of the join that comes next, e.g. `LEFT ANTI`. */
function joinWords(cursor: Cursor): string | undefined {
  if (cursor.takes("JOIN") || cursor.takes("INNER", "JOIN")) return "INNER";
  if (cursor.takes("CROSS")) {
    cursor.takes("JOIN");
    return "CROSS";
  }
  const awareOfNull = cursor.takes("NULL", "AWARE");
  const side = cursor.seesAny("LEFT", "RIGHT", "FULL") && cursor.peek(1).key !== "(" ? cursor.next().key : undefined;
  if (side === undefined) {
    if (awareOfNull) throw cursor.fault("LEFT");
    return undefined;
  }
  const kind = cursor.takesAny("OUTER", "SEMI", "ANTI") ?? "OUTER";
  cursor.expect("JOIN");
  return `${side} ${kind}`;
}

function relationPrimary(cursor: Cursor): Relation {
  const at = cursor.token.start;
  if (cursor.sees("(")) return inParentheses(cursor, at);
  if (cursor.takes("TABLE")) {
    cursor.expect("(");
    const relation = tableFunction(cursor, cursor.qualifiedName(), at);
    cursor.expect(")");
    return { ...relation, ...aliases(cursor) };
  }
  if (cursor.takes("FILES")) {
    cursor.properties();
    return { kind: "function", name: "files", args: [], ...aliases(cursor), at };
  }
  const name = cursor.qualifiedName();
  if (cursor.sees("(")) {
    const relation = tableFunction(cursor, name, at);
    return { ...relation, ...aliases(cursor) };
  }
  tableSuffixes(cursor);
  const alias = tableAlias(cursor);
  if (cursor.takes("[")) {
    cursor.commas(() => cursor.name());
    cursor.expect("]");
  }
  return { kind: "table", name, ...(alias !== undefined && { alias }), at };
}

function tableFunction(cursor: Cursor, name: readonly string[], at: number): Extract<Relation, { kind: "function" }> {
  return { kind: "function", name: name.join(".").toLowerCase(), args: cursor.list(() => parseExpression(cursor)), at };
}

/** Partitions, tablets and time travel behind a table's name. */
function tableSuffixes(cursor: Cursor): void {
  cursor.takes("FOR");
  if (cursor.seesAny("SYSTEM_TIME", "TIMESTAMP", "VERSION") && cursor.peek(1).key === "AS") {
    cursor.next();
    cursor.expect("AS", "OF");
    parseExpression(cursor);
  }
  if (cursor.sees("TEMPORARY") && cursor.peek(1).key.startsWith("PARTITION")) cursor.next();
  if (cursor.takesAny("PARTITION", "PARTITIONS") !== undefined) {
    if (cursor.sees("(")) cursor.list(() => cursor.nameOrString());
    else cursor.commas(() => cursor.nameOrString());
  }
  if (cursor.seesAny("TABLET", "TABLETS") && cursor.peek(1).key === "(") {
    cursor.next();
    cursor.list(() => cursor.integer());
  }
}

function inParentheses(cursor: Cursor, at: number): Relation {
  if (cursor.peek(1).key === "VALUES") {
    cursor.expect("(", "VALUES");
    const rows = cursor.commas(() => cursor.list(() => parseExpression(cursor)));
    cursor.expect(")");
    return { kind: "values", rows, ...aliases(cursor), at };
  }
  if (seesQuery(cursor)) {
    const { position } = cursor;
    cursor.expect("(");
    const query = parseQuery(cursor);
    if (cursor.takes(")")) return { kind: "subquery", query, ...aliases(cursor), at };
    cursor.rewind(position); // `((select …) t join …)`: the parenthesis belongs to the relations
  }
  cursor.expect("(");
  const inner = relations(cursor);
  cursor.expect(")");
  const [first, ...rest] = inner;
  if (!first) throw cursor.fault("a table");
  return rest.reduce<Relation>((left, right) => ({ kind: "join", join: "CROSS", left, right }), first);
}

function tableAlias(cursor: Cursor): string | undefined {
  if (cursor.takes("AS")) return cursor.name();
  // Words that go on with the query although they are not reserved.
  if (cursor.seesAny("SEMI", "ANTI", "EXCEPT", "MINUS", "QUALIFY") || cursor.sees("NULL", "AWARE")) return undefined;
  return cursor.seesName() ? cursor.name() : undefined;
}

function aliases(cursor: Cursor): { alias?: string; columns?: readonly string[] } {
  const alias = tableAlias(cursor);
  if (alias === undefined) return {};
  return cursor.sees("(") ? { alias, columns: cursor.nameList() } : { alias };
}
