import { isDwError } from "../../core/errors.js";
import { corrupt, tooLarge } from "../../formats/damage.js";
import type { Dialect } from "./dialect.js";

/** A dialect with all that was found in a file. */
export interface KnownDialect extends Dialect {
  readonly delimiter: string;
}

/** NULL, or a text. */
export type Field = string | null;

/** Characters of one record. */
const LONGEST_RECORD = 256 * 1024 ** 2;

/** Reads one record after the other. `name` is the file's, for messages. */
export class RecordReader {
  private readonly bare: RegExp;
  private readonly quoted: RegExp;

  constructor(
    private readonly dialect: KnownDialect,
    private readonly name: string,
  ) {
    const { delimiter, quote } = dialect;
    const delimiterClass = /[\\\]^-]/.test(delimiter) ? `\\${delimiter}` : delimiter;
    this.bare = new RegExp(`[^${delimiterClass}\\r\\n${dialect.escape === "letters" ? "\\\\" : ""}]*`, "y");
    this.quoted = new RegExp(`[^${quote}${dialect.escape === "doubled" ? "" : "\\\\"}]*`, "y");
  }

  /** The record that begins at `at` and where it ends; undefined where more text has to come. `isLast`: none will. */
  record(text: string, at: number, isLast: boolean): { readonly fields: readonly Field[]; readonly end: number } | undefined {
    const fields: Field[] = [];
    for (let from = at; ; ) {
      const isQuoted = this.dialect.quote !== "" && text[from] === this.dialect.quote;
      const field = isQuoted ? this.quotedField(text, from + 1, isLast) : this.bareField(text, from, isLast);
      if (field === undefined) return undefined;
      fields.push(field.value);
      if (text[field.end] !== this.dialect.delimiter) {
        const end = endOfLine(text, field.end, isLast);
        return end === undefined ? undefined : { fields, end };
      }
      from = field.end + 1;
    }
  }

  /** The records that end in the text, and where the last of them does. */
  records(text: string, isLast: boolean): { readonly rows: (readonly Field[])[]; readonly end: number } {
    const rows: (readonly Field[])[] = [];
    let end = 0;
    while (end < text.length) {
      const found = this.record(text, end, isLast);
      if (found === undefined) break;
      rows.push(found.fields);
      end = found.end;
    }
    return { rows, end };
  }

  private bareField(text: string, start: number, isLast: boolean): { value: Field; end: number } | undefined {
    let value = "";
    for (let at = start; ; ) {
      const end = this.run(this.bare, text, at);
      value += text.slice(at, end);
      if (end >= text.length && !isLast) return undefined;
      if (text[end] !== "\\" || this.dialect.escape !== "letters") {
        return { value: this.dialect.nulls.includes(text.slice(start, end)) ? null : value, end };
      }
      const sign = text[end + 1];
      if (sign === undefined) {
        if (!isLast) return undefined;
        throw corrupt(this.name, "It ends behind a backslash.");
      }
      value += letters[sign] ?? sign;
      at = end + 2;
    }
  }

  private quotedField(text: string, start: number, isLast: boolean): { value: Field; end: number } | undefined {
    const { quote } = this.dialect;
    let value = "";
    for (let at = start; ; ) {
      const end = this.run(this.quoted, text, at);
      value += text.slice(at, end);
      const next = text[end + 1];
      if (next === undefined && !isLast) return undefined;
      if (text[end] === undefined) throw corrupt(this.name, "A quote in it never ends.");
      if (text[end] === quote && next !== quote) return { value, end: this.closed(text, end + 1) };
      value += text[end] === quote ? quote : this.escaped(next ?? "");
      at = end + 2;
    }
  }

  private escaped(sign: string): string {
    if (this.dialect.escape === "letters") return letters[sign] ?? sign;
    return sign === this.dialect.quote || sign === "\\" ? sign : `\\${sign}`;
  }

  private closed(text: string, at: number): number {
    const next = text[at];
    if (next === undefined || next === this.dialect.delimiter || next === "\n" || next === "\r") return at;
    throw corrupt(this.name, `A quoted field in it goes on behind its end, with ${JSON.stringify(text.slice(at, at + 20))}.`);
  }

  private run(pattern: RegExp, text: string, at: number): number {
    pattern.lastIndex = at;
    pattern.test(text);
    return pattern.lastIndex;
  }
}

/**
 * How quotes are escaped in a text that goes on: the way in which its records have equally many fields, where the other way
 * breaks. Undefined where both ways do, or neither.
 */
export function foundEscape(text: string, dialect: KnownDialect): Dialect["escape"] | undefined {
  if (dialect.quote === "" || !text.includes(`\\${dialect.quote}`)) return undefined;
  const ways = (["doubled", "backslash"] as const).filter((way) => isEven(text, { ...dialect, escape: way }));
  return ways.length === 1 ? ways[0] : undefined;
}

function isEven(text: string, dialect: KnownDialect): boolean {
  try {
    const counts = new Set(new RecordReader(dialect, "").records(text, false).rows.map(({ length }) => length));
    return counts.size === 1;
  } catch (error) {
    if (isDwError(error)) return false;
    throw error;
  }
}

/** Whether lines end in different ways, which DuckDB does not read. */
export function mixesLineEnds(text: string, { quote }: KnownDialect): boolean {
  const bare = quote === "" ? text : text.replaceAll(new RegExp(`${quote}(?:[^${quote}]|${quote}${quote})*${quote}`, "g"), "");
  return [/\r\n/, /(?:^|[^\r])\n/, /\r(?!\n|$)/].filter((end) => end.test(bare)).length > 1;
}

/** MySQL, "LOAD DATA", and PostgreSQL, "COPY", text format. Any other character stands for itself. */
const letters: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", v: "\v", "0": "\0", Z: "\u001a" };

/** Behind the line break; undefined where a second half of it may follow. */
function endOfLine(text: string, at: number, isLast: boolean): number | undefined {
  if (text[at] !== "\r") return at + (text[at] === "\n" ? 1 : 0);
  if (text[at + 1] === undefined && !isLast) return undefined;
  return at + (text[at + 1] === "\n" ? 2 : 1);
}

/** The bytes of a file of another dialect as RFC 4180 in UTF-8, with a header of these names. DW-FILE-CORRUPT, DW-FILE-TOO-LARGE. */
export function transcribed(
  dialect: KnownDialect,
  names: readonly string[],
  name: string,
): (bytes: AsyncIterable<Uint8Array>) => AsyncGenerator<string> {
  const reader = new RecordReader(dialect, name);
  return async function* (bytes) {
    let text = "";
    let isHead = dialect.header;
    let enough = 0;
    yield line(names);
    for await (const { piece, isLast } of decoded(bytes, dialect.encoding, name)) {
      text += piece;
      if (text.length > LONGEST_RECORD) throw tooLarge(name, "A record", LONGEST_RECORD);
      if (text.length < enough && !isLast) continue;
      const { rows, end } = reader.records(text, isLast);
      if (isHead && rows.length > 0) isHead = rows.shift() === undefined;
      text = text.slice(end);
      enough = text.length * 2; // a long record is not tried again for each piece of it
      if (rows.length > 0) yield rows.map(line).join("");
    }
  };
}

function line(fields: readonly Field[]): string {
  return `${fields.map((field) => (field === null ? "" : mustQuote(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(",")}\n`;
}

const mustQuote = (text: string): boolean => text === "" || text === "\\N" || /[",\r\n]/.test(text);

async function* decoded(
  bytes: AsyncIterable<Uint8Array>,
  encoding: string,
  name: string,
): AsyncGenerator<{ piece: string; isLast: boolean }> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decode = (piece?: Uint8Array): string => {
    try {
      return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
    } catch (cause) {
      throw corrupt(name, `It is no text in ${encoding}.`, cause);
    }
  };
  for await (const piece of bytes) yield { piece: decode(piece), isLast: false };
  yield { piece: decode(), isLast: true };
}
