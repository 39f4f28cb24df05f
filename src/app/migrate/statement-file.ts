import { DwError } from "../../core/errors.js";
import { isJsonObject, type Json } from "../../core/json.js";
import type { Statement } from "../../core/plan.js";
import type { EngineName } from "../../core/types.js";

/*
 * `up.<engine>.sql` and `down.<engine>.sql`: the text that is executed, for people to review and, with a rehash, to edit. One
 * marker line a statement. Topics have no SQL: their requests are a JSON array.
 */

/** One marked text. In a down file several may have the same id: they lead back in this order. */
export interface MarkedText {
  readonly id: string;
  readonly text: string;
}

export type Direction = "up" | "down";

export function statementFileName(direction: Direction, slot: EngineName): string {
  return `${direction}.${slot}.${slot === "kafka" ? "json" : "sql"}`;
}

export const STATEMENT_FILE = /^(up|down)\.([a-z]+)\.(sql|json)$/;

const MARKER = "-- dw:statement ";
const HAZARD = "-- dw:hazard ";
/** A line of a statement that looks like one of ours: a comment in a function's body must not cut the body in two. */
const QUOTED = "-- dw:| ";
const OURS = /^-- dw:/;

export function statementFileText(slot: EngineName, migration: string, marked: readonly (MarkedText & Partial<Statement>)[]): string {
  if (slot === "kafka") return `${JSON.stringify(marked.map(request), null, 2)}\n`;
  const head = `-- ${migration}, ${slot}. After an edit by hand: dw migrate rehash.\n`;
  return [head, ...marked.map(sqlStatement)].join("\n");
}

function request({ id, text }: MarkedText): Json {
  return { statement: id, request: JSON.parse(text) as Json }; // a topic statement's text is JSON by the contract of StatementBody
}

function sqlStatement({ id, text, hazards = [] }: MarkedText & Partial<Statement>): string {
  const warnings = hazards.map((hazard) => `${HAZARD}${hazard.kind}: ${hazard.why.replace(/\s+/g, " ")}\n`).join("");
  const lines = text.split("\n").map((line) => (OURS.test(line) ? QUOTED + line : line));
  return `${MARKER}${id}\n${warnings}${lines.join("\n")};\n`;
}

/** Throws DW-MIGRATION-EDITED for a file that has text before its first marker or is no JSON array of requests. */
export function parseStatementFile(path: string, text: string): MarkedText[] {
  return path.endsWith(".json") ? parseRequests(path, text) : parseSql(path, text);
}

function parseSql(path: string, text: string): MarkedText[] {
  const marked: { id: string; lines: string[] }[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith(MARKER)) marked.push({ id: line.slice(MARKER.length).trim(), lines: [] });
    else if (line.startsWith(HAZARD)) continue;
    else if (marked.length > 0) marked.at(-1)?.lines.push(line.startsWith(QUOTED) ? line.slice(QUOTED.length) : line);
    else if (line.trim() !== "" && !line.startsWith("--")) throw unreadable(path, "There is SQL before the first `-- dw:statement` line.");
  }
  return marked.map(({ id, lines }) => ({ id, text: lines.join("\n").trim().replace(/;$/, "") }));
}

function parseRequests(path: string, text: string): MarkedText[] {
  let parsed: Json;
  try {
    parsed = JSON.parse(text) as Json; // what JSON.parse gives is JSON
  } catch (cause) {
    throw unreadable(path, "It is not JSON.", cause);
  }
  if (!Array.isArray(parsed)) throw unreadable(path, "It is not an array of requests.");
  return parsed.map((member: Json) => {
    if (!isJsonObject(member) || typeof member.statement !== "string") throw unreadable(path, "A request names no statement.");
    return { id: member.statement, text: JSON.stringify(member.request ?? null) };
  });
}

export function unreadable(path: string, why: string, cause?: unknown): DwError {
  return new DwError("DW-MIGRATION-EDITED", {
    what: `${path} cannot be read.`,
    why,
    fix: "Restore the file from git.",
    ...(cause !== undefined && { cause }),
  });
}
