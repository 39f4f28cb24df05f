/*
 * Tokens of StarRocks SQL. Words are not classified here: what is a keyword depends on where it stands, and which words
 * are reserved is in words.ts.
 */

export type TokenKind = "word" | "quoted" | "string" | "binary" | "integer" | "decimal" | "double" | "symbol" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** As written; for quoted names and strings the value without quotes and escapes. */
  readonly text: string;
  /** Upper case for words, otherwise the text: what keywords and symbols are compared with. */
  readonly key: string;
  /** Offset of the first character, and of the one behind the last. */
  readonly start: number;
  readonly end: number;
}

/** Where in the file something is: one-based line and column (UTF-16 units). */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A statement that the engine's parser would not read. `at` is an offset into the text. */
export class SyntaxFault extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

export function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
}

const patterns: readonly (readonly [TokenKind | "space", RegExp])[] = [
  ["space", /[ \r\n\t\u3000]+|--[^\r\n]*|\/\*[\s\S]*?\*\//y],
  ["binary", /[xX](?:'[^'\\]*'|"[^"\\]*")/y],
  ["double", /(?:\d+(?:\.\d*)?|\.\d+)[eE][+-]?\d+(?![A-Za-z0-9_$\u0080-\ud7ff\ue000-\uffff])/y],
  ["decimal", /\d+\.\d*|\.\d+(?![A-Za-z0-9_$\u0080-\ud7ff\ue000-\uffff])/y],
  // Letters end at U+FFFF: beyond it a name has to be quoted. A name may begin with digits: `2024_sales`. Checked before integers, after numbers with an exponent.
  ["word", /\d+[A-Za-z_$\u0080-\ud7ff\ue000-\uffff][A-Za-z0-9_$\u0080-\ud7ff\ue000-\uffff]*/y],
  ["integer", /\d+/y],
  ["word", /[A-Za-z_$\u0080-\ud7ff\ue000-\uffff][A-Za-z0-9_$\u0080-\ud7ff\ue000-\uffff]*/y],
  ["quoted", /`(?:[^`]|``)*`/y],
  ["string", /'(?:\\[\s\S]|''|[^'\\])*'|"(?:\\[\s\S]|""|[^"\\])*"/y],
  ["symbol", /<=>|<>|!=|<=|>=|&&|\|\||->|=>|\.\.\.|[=<>+\-*/%&|^~!@(){}[\],.;:?]/y],
];

/** All tokens of a text, an end token last. Throws SyntaxFault at a character that begins none. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const token = tokenAt(text, at);
    if (token === undefined) throw new SyntaxFault(`Unexpected character ${JSON.stringify(text[at])}.`, at);
    at = token.end;
    if (token.kind !== "space") tokens.push({ ...token, kind: token.kind });
  }
  tokens.push({ kind: "end", text: "", key: "", start: text.length, end: text.length });
  return tokens;
}

function tokenAt(text: string, at: number): (Omit<Token, "kind"> & { kind: TokenKind | "space" }) | undefined {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const [match] = pattern.exec(text) ?? [];
    if (match === undefined) continue;
    const value = kind === "quoted" ? unquoteName(match) : kind === "string" ? unquoteString(match) : match;
    const key = kind === "word" ? match.toUpperCase() : kind === "symbol" ? match : "";
    return { kind, text: value, key, start: at, end: at + match.length };
  }
  return undefined;
}

function unquoteName(text: string): string {
  return text.slice(1, -1).replaceAll("``", "`");
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", "0": "\0", Z: "\u001a" };

/** Backslash escapes as in MySQL; `\_` and `\%` keep their backslash for LIKE. */
function unquoteString(text: string): string {
  const quote = text[0] ?? "";
  return text
    .slice(1, -1)
    .replaceAll(quote + quote, quote)
    .replace(/\\([\s\S])/g, (whole, escaped: string) => (escaped === "_" || escaped === "%" ? whole : (escapes[escaped] ?? escaped)));
}

/** One statement of a file, with its tokens (without the semicolon). */
export interface StatementText {
  readonly start: number;
  readonly end: number;
  readonly tokens: readonly Token[];
}

interface FaultyText {
  readonly start: number;
  readonly end: number;
  readonly fault: SyntaxFault;
}

/**
 * Splits a file at its semicolons; empty statements vanish. A character that begins no token is a fault of the statement in
 * which it stands; behind a quote that nothing closes no semicolon can be trusted, and the rest of the file belongs to it.
 */
export function splitStatements(text: string): (StatementText | FaultyText)[] {
  const statements: (StatementText | FaultyText)[] = [];
  let current: Token[] = [];
  let fault: SyntaxFault | undefined;
  let at = 0;
  const flush = (): void => {
    const [first] = current;
    const end = current.at(-1)?.end ?? at;
    if (fault) statements.push({ start: first && first.start < fault.at ? first.start : fault.at, end, fault });
    else if (first) statements.push({ start: first.start, end, tokens: [...current, endToken(end)] });
    current = [];
    fault = undefined;
  };
  while (at < text.length) {
    const token = tokenAt(text, at);
    if (token === undefined) {
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      fault ??= new SyntaxFault(`Unexpected character ${JSON.stringify(character)}; a quote may be missing.`, at);
      at = "'\"`".includes(character) ? text.length : at + character.length;
      continue;
    }
    at = token.end;
    if (token.kind === "space") continue;
    if (token.key === ";") flush();
    else current.push({ ...token, kind: token.kind });
  }
  flush();
  return statements;
}

function endToken(at: number): Token {
  return { kind: "end", text: "", key: "", start: at, end: at };
}
