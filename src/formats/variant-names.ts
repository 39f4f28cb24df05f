/*
 * The members of objects are columns in a shredded file, and DuckDB compares the names of columns without case: it calls one of
 * `a` and `A` something else. In a copy of our own each such name is followed by a mark and its bytes, which tell them apart.
 */

/** A noncharacter of Unicode: no text that is exchanged has it. */
const MARK = "\uFDD0";

export function markedName(name: string): string {
  return `${name}${MARK}${Buffer.from(name).toString("hex")}`;
}

/**
 * The name as it was, and undefined where that cannot be told: `A_1` beside `a`, unmarked, is a name of the file's, or what
 * DuckDB makes of `A`. `lower` are the names of all members in lower case, each with the one that has it.
 */
export function originalName(name: string, lower: ReadonlyMap<string, string>): string | undefined {
  const mark = name.indexOf(MARK);
  if (mark >= 0) return name.slice(0, mark);
  const base = name.replace(/_\d+$/, "");
  const twin = base === name ? undefined : lower.get(base.toLowerCase());
  return twin === undefined || twin === base ? name : undefined;
}
