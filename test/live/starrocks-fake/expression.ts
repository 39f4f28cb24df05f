import type { LogicalType } from "../../../src/core/types.js";
import { mapType } from "../../../src/engines/duckdb/types.js";
import type { Token } from "../../../src/engines/starrocks/parse/lexer.js";
import { fromNative } from "../../../src/engines/starrocks/types.js";
import { Unclaimed } from "./refusal.js";

/*
 * Expressions of StarRocks in DuckDB's words. What differs beyond names: casts to nested types, of which JSON is read as the
 * back end's cast_expr_*.cpp do (a struct also from an array, by position), and array_map, whose lambda comes first.
 */

export const ident = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const WORDS: Readonly<Record<string, string>> = {
  LARGEINT: "HUGEINT",
  STRING: "VARCHAR",
  DATETIME: "TIMESTAMP",
  VARBINARY: "BLOB",
  UNHEX: "text_unhex",
  REGEXP: "~", // matches the whole text; patterns here are anchored at both ends anyway
  RAND: "random",
};

export interface Expression {
  readonly tokens: readonly Token[];
  /** The text that the tokens were read from. */
  readonly sql: string;
  /** The relation that stands at a token, and the token behind it. */
  readonly relation?: (at: number) => Promise<{ readonly text: string; readonly next: number } | undefined>;
}

type Parameters = Readonly<Record<string, string>>;

export function duckdbText(expression: Expression): Promise<string> {
  const end = expression.tokens.findIndex(({ kind }) => kind === "end");
  return within(expression, 0, end < 0 ? expression.tokens.length : end, {});
}

async function within(expression: Expression, from: number, to: number, parameters: Parameters): Promise<string> {
  const { tokens, sql, relation } = expression;
  const pieces: string[] = [];
  for (let at = from; at < to; ) {
    const token = tokens[at];
    if (!token) break;
    const found = (await relation?.(at)) ?? (await special(expression, at, parameters));
    pieces.push(found?.text ?? (token.kind === "word" ? parameters[token.text] : undefined) ?? word(token, sql));
    at = found?.next ?? at + 1;
  }
  return pieces
    .join(" ")
    .replace(/ \( /g, "(")
    .replace(/ (\.) /g, ".");
}

function word(token: Token, sql: string): string {
  if (token.kind === "quoted") return ident(token.text);
  if (token.kind === "string") return `'${token.text.replaceAll("'", "''")}'`;
  if (token.key === "<=>") return "IS NOT DISTINCT FROM";
  return WORDS[token.key] ?? sql.slice(token.start, token.end);
}

async function special(expression: Expression, at: number, parameters: Parameters): Promise<{ text: string; next: number } | undefined> {
  const { tokens } = expression;
  if (tokens[at]?.kind !== "word" || tokens[at + 1]?.key !== "(") return undefined;
  const { close, commas } = parentheses(tokens, at + 1);
  const text =
    tokens[at]?.key === "CAST"
      ? await nestedCast(expression, at + 2, close, parameters)
      : tokens[at]?.key === "ARRAY_MAP"
        ? await arrayMap(expression, [at + 1, ...commas, close], parameters)
        : undefined;
  return text === undefined ? undefined : { text, next: close + 1 };
}

function parentheses(tokens: readonly Token[], open: number): { readonly close: number; readonly commas: readonly number[] } {
  const commas: number[] = [];
  for (let [depth, at] = [0, open]; at < tokens.length; at++) {
    const key = tokens[at]?.key;
    if (key === "(") depth++;
    if (key === ")" && --depth === 0) return { close: at, commas };
    if (key === "," && depth === 1) commas.push(at);
  }
  throw new Unclaimed("parentheses that do not close");
}

/** Casts to scalar types read alike in both. */
async function nestedCast(expression: Expression, from: number, close: number, parameters: Parameters): Promise<string | undefined> {
  const { tokens, sql } = expression;
  const as = lastTopLevel(tokens, from, close, "AS");
  const type = fromNative(sql.slice(tokens[as + 1]?.start, tokens[close - 1]?.end));
  if (!["list", "map", "struct"].includes(type.kind)) return undefined;
  if (tokens[from]?.key === "PARSE_JSON") return fromJson(type, `CAST(${await within(expression, from + 2, as - 1, parameters)} AS JSON)`);
  return `CAST(${await within(expression, from, as, parameters)} AS ${mapType(type).native})`;
}

function lastTopLevel(tokens: readonly Token[], from: number, to: number, key: string): number {
  let [depth, last] = [0, to];
  for (let at = from; at < to; at++) {
    if (tokens[at]?.key === "(") depth++;
    if (tokens[at]?.key === ")") depth--;
    if (depth === 0 && tokens[at]?.key === key) last = at;
  }
  return last;
}

function fromJson(type: LogicalType, value: string, depth = 0): string {
  const name = `j${depth}`;
  switch (type.kind) {
    case "list": {
      const elements = `list_transform(from_json(${value}, '["JSON"]'), lambda ${name}: ${fromJson(type.element.type, name, depth + 1)})`;
      return `CASE WHEN json_type(${value}) = 'ARRAY' THEN ${elements} END`;
    }
    case "struct": {
      const members = type.fields.map(
        ({ name: field, type: member }, index) => `${ident(field)} := ${fromJson(member, `json_extract(${value}, '$[${index}]')`, depth)}`,
      );
      return `CASE WHEN json_type(${value}) = 'ARRAY' THEN struct_pack(${members.join(", ")}) END`;
    }
    case "map": {
      const entries = `CAST(${value} AS MAP(VARCHAR, JSON))`;
      const values = `list_transform(map_values(${entries}), lambda ${name}: ${fromJson(type.value.type, name, depth + 1)})`;
      return `CASE WHEN json_type(${value}) = 'OBJECT' THEN map(map_keys(${entries}), ${values}) END`;
    }
    case "text":
      return `(${value} ->> '$')`;
    default:
      throw new Unclaimed(`a cast of JSON to ${type.kind}`);
  }
}

async function arrayMap(expression: Expression, marks: readonly number[], parameters: Parameters): Promise<string> {
  const { tokens } = expression;
  const arguments_ = marks.slice(1).map((end, index) => [(marks[index] ?? 0) + 1, end] as const);
  const [[from, to] = [0, 0], ...lists] = arguments_;
  // A lambda of several parameters has its own parentheses, whose comma is inside.
  const arrow = tokens.findIndex(({ key }, at) => at >= from && key === "->");
  const names = tokens.slice(from, arrow).flatMap(({ kind, text }) => (kind === "word" ? [text] : []));
  const texts = await Promise.all(lists.map(([start, end]) => within(expression, start, end, parameters)));
  if (names.length === 1) {
    const body = await within(expression, arrow + 1, to, parameters);
    return `list_transform(${texts[0]}, lambda ${names[0]}: ${body})`;
  }
  const both = names.join("_");
  const members = Object.fromEntries(names.map((name, index) => [name, `(${both}[${index + 1}])`]));
  const body = await within(expression, arrow + 1, to, { ...parameters, ...members });
  return `list_transform(list_zip(${texts.join(", ")}), lambda ${both}: ${body})`;
}
