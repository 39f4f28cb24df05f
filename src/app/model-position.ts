import type { Origin } from "../core/model.js";

/*
 * Where a finding about a model is to be mended. A loaded model keeps no lines, so its file is searched for the call that
 * defines it and the key of the column; what cannot be found is answered by what is around it.
 */

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One-based, in the text of a model's file. `column` is the name of one of the model's columns. */
export function positionInModel(text: string, model: string, column?: string): Position {
  const start = offsetOf(text, new RegExp(`\\bdefine[A-Z]\\w*\\s*(?:<[^(]*>)?\\(\\s*${anyQuotes(model)}`), 0) ?? 0;
  if (column === undefined) return positionAt(text, start);
  const key = new RegExp(`(?<=[{,\\s])(?:${anyQuotes(column)}|${escaped(column)})(?=\\s*:)`);
  const columns = offsetOf(text, /\bcolumns\s*:/, start) ?? start;
  return positionAt(text, offsetOf(text, key, columns) ?? offsetOf(text, key, 0) ?? start);
}

/** `models/shop/orders.ts:12:5`. */
export function placeText({ file }: Pick<Origin, "file">, { line, column }: Position): string {
  return `${file}:${line}:${column}`;
}

function offsetOf(text: string, pattern: RegExp, from: number): number | undefined {
  const at = text.slice(from).search(pattern);
  return at === -1 ? undefined : from + at;
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

function anyQuotes(name: string): string {
  return `["'\`]${escaped(name)}["'\`]`;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
