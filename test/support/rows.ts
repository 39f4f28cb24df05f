import { readFileSync } from "node:fs";
import { CHUNK_READING, openDuckDb } from "../../src/connections/duckdb.js";
import type { ReadRequest, SourceTable } from "../../src/core/source.js";
import { jsonLine } from "../../src/formats/jsonl.js";

/** All rows of a source as JSON Lines, read chunk by chunk as `dw cat` does. */
export async function jsonLines(table: SourceTable, request: ReadRequest = {}): Promise<string[]> {
  const database = await openDuckDb(CHUNK_READING);
  try {
    const db = await database.session();
    const plan = await table.plan(request);
    const lines: string[] = [];
    for (const chunk of plan.chunks) {
      const open = await plan.open(chunk, db);
      for await (const batch of db.strings(`SELECT ${jsonLine(plan.columns)} FROM (${open.sql})`)) lines.push(...batch.map(String));
      await open.close();
    }
    return lines;
  } finally {
    await database.close();
  }
}

export interface Expected {
  readonly name: string;
  readonly type: string;
}

/** Lines in one form for comparing as multisets: numbers by their double, entries of maps in any order. */
export function comparable(lines: readonly string[], columns: readonly Expected[]): string[] {
  const maps = columns.filter(({ type }) => type.startsWith("map<")).map(({ name }) => name);
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      const row: Record<string, unknown> = JSON.parse(line);
      for (const name of maps) {
        const entries = row[name];
        if (Array.isArray(entries)) row[name] = entries.map((entry) => normal(entry)).sort();
      }
      return normal(row);
    })
    .sort();
}

/** JSON with sorted keys; -0 and 0 differ, 1 and 1.0 do not. */
function normal(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (Array.isArray(value)) return `[${value.map(normal).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${normal(member)}`).join(",")}}`;
}

export function fileLines(path: string): string[] {
  return readFileSync(path, "utf8").split("\n");
}
