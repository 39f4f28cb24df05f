import { quoting } from "./dialect.js";

/*
 * What a query's text says that it reads. No parser: a name that stands anywhere outside of a literal or comment counts. The
 * answer may be a dependant too many, which is made again for nothing; never one too few, unless it reads whole rows.
 */

const ESCAPED = /[.*+?^${}()|[\]\\]/g;

/** `count(*)` reads no column. */
const COUNT_ROWS = /\bcount\s*\(\s*\*\s*\)/gi;
/** A star that is followed by the end of a select list: everything else multiplies. */
const ALL_COLUMNS = /\*\s*(?:,|\)|$|\bfrom\b)/i;

/** Whether a query may read the column. */
export function readsColumn(query: string, column: string): boolean {
  const text = withoutLiterals(query);
  return wholeWord(quoting.ident(column)).test(text) || ALL_COLUMNS.test(text.replace(COUNT_ROWS, ""));
}

/** The query with each reference to one relation as a reference to another; names are qualified, as models render them. */
export function redirected(query: string, relations: ReadonlyMap<string, string>): string {
  return [...relations].reduce((text, [from, to]) => text.replace(wholeWord(from), () => to), query);
}

function wholeWord(name: string): RegExp {
  const escaped = name.replace(ESCAPED, "\\$&");
  // An unquoted name means the same in capitals and in quotes.
  return name.startsWith('"') ? new RegExp(escaped, "g") : new RegExp(`(?<![\\w"$])${escaped}(?![\\w"$])|"${escaped}"`, "gi");
}

function withoutLiterals(query: string): string {
  return query.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'/g, " ");
}
