import { quoteName } from "./transit.js";

/*
 * Pruning by a predicate. A reader that knows bounds of files or values of partitions may leave out what cannot hold a
 * row that the predicate accepts; the predicate itself is always applied by DuckDB afterwards. Therefore this parser
 * understands little and gives up easily: what it does not understand, it leaves out of the conjunction.
 */

/** A literal as it was written: numbers keep every digit. `type` is that of a cast or a typed literal, in upper case: DATE, TIMESTAMP. */
export interface PredicateLiteral {
  readonly kind: "number" | "text" | "boolean";
  readonly text: string;
  readonly type?: string;
}

/** Holds for every row that the predicate accepts. Column names are as written; DuckDB compares them without case. */
export type Condition =
  | { readonly column: string; readonly op: "=" | "<" | "<=" | ">" | ">="; readonly value: PredicateLiteral }
  | { readonly column: string; readonly op: "in"; readonly values: readonly PredicateLiteral[] }
  | { readonly column: string; readonly op: "is null" | "is not null" };

/** The conditions that a DuckDB predicate implies; together they may be weaker than it. */
export function conditions(predicate: string): readonly Condition[] {
  const tokens = tokenize(predicate);
  return tokens === undefined ? [] : conjuncts(tokens).flatMap(condition);
}

type Token =
  | { readonly is: "name"; readonly text: string }
  | { readonly is: "word"; readonly text: string }
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "number"; readonly text: string }
  | { readonly is: "sign"; readonly text: string };

const tokenPatterns: readonly [Token["is"] | "space", RegExp][] = [
  ["space", /\s+/y],
  ["name", /"(?:[^"]|"")+"/y],
  ["text", /'(?:[^']|'')*'/y],
  ["number", /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y],
  ["word", /[A-Za-z_][A-Za-z0-9_]*/y],
  ["sign", /<=|>=|<>|!=|==|::|[=<>(),-]/y],
];

/** undefined for a text with anything else in it: comments, escapes, brackets, parameters, operators. */
function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    if (text.startsWith("--", at)) return undefined;
    const found = tokenPatterns
      .map(([is, pattern]) => ({ is, match: matchAt(pattern, text, at) }))
      .find(({ match }) => match !== undefined);
    if (found?.match === undefined) return undefined;
    at += found.match.length;
    if (found.is !== "space") tokens.push({ is: found.is, text: unquoted(found.is, found.match) });
  }
  return tokens;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function unquoted(is: Token["is"], text: string): string {
  if (is === "name") return text.slice(1, -1).replaceAll('""', '"');
  return is === "text" ? text.slice(1, -1).replaceAll("''", "'") : text;
}

function isWord(token: Token | undefined, ...words: readonly string[]): boolean {
  return token?.is === "word" && words.includes(token.text.toUpperCase());
}

function isSign(token: Token | undefined, ...signs: readonly string[]): boolean {
  return token?.is === "sign" && signs.includes(token.text);
}

/** Splits at the ANDs of the outermost level; an OR there, or brackets that do not pair, leave nothing to rely on. */
function conjuncts(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const inner = withoutBrackets(tokens);
  const depths = bracketDepths(inner);
  if (depths === undefined) return [];
  const outer = (index: number, ...words: readonly string[]): boolean => depths[index] === 0 && isWord(inner[index], ...words);
  if (inner.some((_, index) => outer(index, "OR", "CASE", "COLLATE", "ESCAPE"))) return [];
  const parts: Token[][] = [[]];
  let between = false; // its AND belongs to it
  for (const [index, token] of inner.entries()) {
    const and = outer(index, "AND");
    if (and && !between) parts.push([]);
    else parts.at(-1)?.push(token);
    if (and) between = false;
    if (outer(index, "BETWEEN")) between = true;
  }
  return parts.length === 1 ? parts : parts.flatMap(conjuncts);
}

/** How many brackets enclose each token; undefined when they do not pair. */
function bracketDepths(tokens: readonly Token[]): readonly number[] | undefined {
  let depth = 0;
  const depths: number[] = [];
  for (const token of tokens) {
    if (isSign(token, "(")) depth++;
    depths.push(depth);
    if (isSign(token, ")") && --depth < 0) return undefined;
  }
  return depth === 0 ? depths : undefined;
}

/** Without the brackets that enclose all of it. */
function withoutBrackets(tokens: readonly Token[]): readonly Token[] {
  if (!isSign(tokens[0], "(") || !isSign(tokens.at(-1), ")")) return tokens;
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (isSign(token, "(")) depth++;
    if (isSign(token, ")") && --depth === 0 && index < tokens.length - 1) return tokens;
  }
  return depth === 0 ? withoutBrackets(tokens.slice(1, -1)) : tokens;
}

const mirrored = { "=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<=" } as const;
type Comparison = keyof typeof mirrored;

function condition(tokens: readonly Token[]): readonly Condition[] {
  const column = columnName(tokens[0]);
  if (column !== undefined) return ofColumn(column, tokens.slice(1));
  const left = literal(tokens);
  const op = comparison(left?.rest[0]);
  const right = columnName(left?.rest[1]);
  if (left === undefined || op === undefined || right === undefined || left.rest.length !== 2) return [];
  return [{ column: right, op: mirrored[op], value: left.value }];
}

function ofColumn(column: string, rest: readonly Token[]): readonly Condition[] {
  const op = comparison(rest[0]);
  if (op !== undefined) {
    const right = literal(rest.slice(1));
    return right?.rest.length === 0 ? [{ column, op, value: right.value }] : [];
  }
  if (isWord(rest[0], "IS")) return isNull(column, rest.slice(1));
  if (isWord(rest[0], "IN")) return isIn(column, rest.slice(1));
  return isWord(rest[0], "BETWEEN") ? isBetween(column, rest.slice(1)) : [];
}

function isNull(column: string, rest: readonly Token[]): readonly Condition[] {
  if (rest.length === 1 && isWord(rest[0], "NULL")) return [{ column, op: "is null" }];
  if (rest.length === 2 && isWord(rest[0], "NOT") && isWord(rest[1], "NULL")) return [{ column, op: "is not null" }];
  return [];
}

function isIn(column: string, rest: readonly Token[]): readonly Condition[] {
  if (!isSign(rest[0], "(")) return [];
  const values: PredicateLiteral[] = [];
  let left = rest.slice(1);
  while (true) {
    const next = literal(left);
    if (next === undefined) return [];
    values.push(next.value);
    if (next.rest.length === 1 && isSign(next.rest[0], ")")) return [{ column, op: "in", values }];
    if (!isSign(next.rest[0], ",")) return [];
    left = next.rest.slice(1);
  }
}

function isBetween(column: string, rest: readonly Token[]): readonly Condition[] {
  const low = literal(rest);
  if (low === undefined || !isWord(low.rest[0], "AND")) return [];
  const high = literal(low.rest.slice(1));
  if (high?.rest.length !== 0) return [];
  return [
    { column, op: ">=", value: low.value },
    { column, op: "<=", value: high.value },
  ];
}

const keywords = ["NOT", "NULL", "TRUE", "FALSE", "CAST", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIME", "CASE", "EXISTS", "INTERVAL"];

function columnName(token: Token | undefined): string | undefined {
  if (token?.is === "name") return token.text;
  return token?.is === "word" && !isWord(token, ...keywords) ? token.text : undefined;
}

function comparison(token: Token | undefined): Comparison | undefined {
  if (token?.is !== "sign") return undefined;
  const op = token.text === "==" ? "=" : token.text;
  return op in mirrored ? (op as Comparison) : undefined; // one of its keys
}

interface Parsed {
  readonly value: PredicateLiteral;
  readonly rest: readonly Token[];
}

function literal(tokens: readonly Token[]): Parsed | undefined {
  const parsed = castLiteral(tokens) ?? bracketed(tokens) ?? typedLiteral(tokens) ?? bareLiteral(tokens);
  if (parsed === undefined || !isSign(parsed.rest[0], "::")) return parsed;
  return castTo(parsed.value, parsed.rest.slice(1));
}

function bracketed(tokens: readonly Token[]): Parsed | undefined {
  if (!isSign(tokens[0], "(")) return undefined;
  const inner = literal(tokens.slice(1));
  return inner !== undefined && isSign(inner.rest[0], ")") ? { value: inner.value, rest: inner.rest.slice(1) } : undefined;
}

/** `CAST('2024-01-01' AS DATE)`: how DuckDB itself writes a typed literal. */
function castLiteral(tokens: readonly Token[]): Parsed | undefined {
  if (!isWord(tokens[0], "CAST") || !isSign(tokens[1], "(")) return undefined;
  const inner = literal(tokens.slice(2));
  if (inner === undefined || !isWord(inner.rest[0], "AS")) return undefined;
  const cast = castTo(inner.value, inner.rest.slice(1));
  return cast !== undefined && isSign(cast.rest[0], ")") ? { value: cast.value, rest: cast.rest.slice(1) } : undefined;
}

/** Types that a text literal is cast to without being rounded or cut on the way. */
const exactTypes = ["DATE", "TIMESTAMP", "TIMESTAMPTZ", "VARCHAR", "TIMESTAMP WITH TIME ZONE"];

function castTo({ kind, text }: PredicateLiteral, tokens: readonly Token[]): Parsed | undefined {
  const zoned = isWord(tokens[0], "TIMESTAMP") && isWord(tokens[1], "WITH") && isWord(tokens[2], "TIME") && isWord(tokens[3], "ZONE");
  const type = zoned ? "TIMESTAMP WITH TIME ZONE" : tokens[0]?.text.toUpperCase();
  if (kind !== "text" || type === undefined || !exactTypes.includes(type)) return undefined;
  return { value: { kind, text, type }, rest: tokens.slice(zoned ? 4 : 1) };
}

function typedLiteral(tokens: readonly Token[]): Parsed | undefined {
  const [type, text] = tokens;
  if (!isWord(type, "DATE", "TIMESTAMP", "TIMESTAMPTZ") || text?.is !== "text") return undefined;
  return { value: { kind: "text", text: text.text, type: type?.text.toUpperCase() ?? "" }, rest: tokens.slice(2) };
}

function bareLiteral(tokens: readonly Token[]): Parsed | undefined {
  const [first, second] = tokens;
  if (isSign(first, "-") && second?.is === "number") {
    return { value: { kind: "number", text: `-${second.text}` }, rest: tokens.slice(2) };
  }
  if (first?.is === "text" || first?.is === "number") return { value: { kind: first.is, text: first.text }, rest: tokens.slice(1) };
  if (!isWord(first, "TRUE", "FALSE")) return undefined;
  return { value: { kind: "boolean", text: first?.text.toLowerCase() ?? "" }, rest: tokens.slice(1) };
}

/**
 * A float column's same value, in a form that DuckDB (1.5) does not compare with a Parquet file's bounds: writers leave NaN
 * out of them, and `x > 5` would lose the NaN that DuckDB itself takes for the largest number.
 */
export const nanKept = (column: string): string => `if(isnan(${column}), 'NaN', ${column})`;

/** A relation (a table or a SELECT in parentheses) in whose float columns a predicate finds NaN too. */
export function withNan(floats: readonly string[], relation: string): string {
  if (floats.length === 0) return relation;
  const columns = floats.map(quoteName).map((name) => `${nanKept(name)} AS ${name}`);
  return `(SELECT * REPLACE (${columns.join(", ")}) FROM ${relation})`;
}
