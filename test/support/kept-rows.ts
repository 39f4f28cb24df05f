import { comparable, type Expected, fileLines } from "./rows.js";

/*
 * Rows that came back from a target against those of a reference reader, in what each target keeps of a value: PostgreSQL
 * has nested values as jsonb, of which `dw cat` gives the text, and no more than six digits after the second.
 */

export type Kept = (line: string) => string;

/** Nine digits after the second are cut to six, towards the past. */
export const microseconds: Kept = (line) => line.replace(/(T\d\d:\d\d:\d\d\.\d{6})\d{3}/g, "$1");
export const nanoseconds: Kept = (line) => line;

const isNested = ({ type }: Expected): boolean => /^(map|struct|row)<|^list<(map|struct|row|list)<|^list<json/.test(type);

function parsedJson(line: string, columns: readonly Expected[]): string {
  const row: Record<string, unknown> = JSON.parse(line);
  for (const { name } of columns.filter(isNested)) {
    const value = row[name];
    if (typeof value === "string") row[name] = JSON.parse(value);
    if (Array.isArray(value)) row[name] = value.map((item) => (typeof item === "string" ? JSON.parse(item) : item));
  }
  // jsonb's numbers have no negative zero: there it is a text.
  return JSON.stringify(row, (_, value) => (Object.is(value, -0) ? "-0.0" : value));
}

export interface Differing {
  readonly rows: number;
  /** The first rows, in comparable form, that only one side has. */
  readonly extra: readonly string[];
  readonly missing: readonly string[];
}

/** `{rows, extra: [], missing: []}` when both are the same multiset. */
export function differing(lines: readonly string[], expectedFile: string, columns: readonly Expected[], kept: Kept): Differing {
  const mine = comparable(
    lines.filter((line) => line !== "").map((line) => parsedJson(line, columns)),
    columns,
  );
  const wanted = fileLines(expectedFile).filter((line) => line !== "");
  const theirs = comparable(
    wanted.map((line) => parsedJson(kept(line), columns)),
    columns,
  );
  return { rows: mine.length, extra: beyond(mine, theirs), missing: beyond(theirs, mine) };
}

/** What `lines` has beyond `others`; a line that is there twice instead of once is beyond once. */
function beyond(lines: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines
    .filter((line) => {
      const count = left.get(line) ?? 0;
      left.set(line, count - 1);
      return count <= 0;
    })
    .slice(0, 3);
}
