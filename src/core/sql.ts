/**
 * SQL text that was built from quoted parts. The constructor is private to this file, so that a value or a name from a
 * model, a metadata file or a server can only enter through a dialect's `id` and `lit`.
 */
export class Sql {
  private constructor(readonly text: string) {}

  /** Only for dialects and for text that this program itself wrote (keywords, templates). */
  static trusted(text: string): Sql {
    return new Sql(text);
  }

  toString(): string {
    return this.text;
  }
}

export type SqlValue = string | number | bigint | boolean | null;

/** How an engine writes names and values. */
export interface Quoting {
  /** One name part, quoted. Throws DwError `DW-MODEL-INVALID` for a name that the engine cannot hold (a NUL byte, empty). */
  readonly ident: (name: string) => string;
  readonly literal: (value: SqlValue) => string;
}

export interface SqlBuilder {
  /** Template whose holes are Sql only; a raw string does not compile. */
  readonly sql: (strings: TemplateStringsArray, ...holes: readonly Sql[]) => Sql;
  /** A qualified name: `id("public", "t")`. */
  readonly id: (...parts: readonly string[]) => Sql;
  readonly lit: (value: SqlValue) => Sql;
  readonly join: (parts: readonly Sql[], separator?: string) => Sql;
  /** A keyword or type text of the engine's own vocabulary; never for anything that came from outside. */
  readonly raw: (text: string) => Sql;
}

export function sqlBuilder(quoting: Quoting): SqlBuilder {
  const raw = (text: string): Sql => Sql.trusted(text);
  return {
    sql: (strings, ...holes) => raw(strings.reduce((text, part, index) => text + (holes[index - 1]?.text ?? "") + part)),
    id: (...parts) => raw(parts.map(quoting.ident).join(".")),
    lit: (value) => raw(quoting.literal(value)),
    join: (parts, separator = ", ") => raw(parts.map((part) => part.text).join(separator)),
    raw,
  };
}
