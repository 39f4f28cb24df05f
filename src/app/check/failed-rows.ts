import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CheckReport } from "./check.js";
import type { CheckOutcome } from "./run.js";

/**
 * Writes the rows that show failures, personal columns masked already, as JSON Lines: a folder a run, a file a check. Answers
 * the files, relative to `folder`.
 */
export async function keepFailedRows(folder: string, { run, at, outcomes }: CheckReport): Promise<string[]> {
  const place = `${at.slice(0, 19).replace(/:/g, "")}Z_${run.slice(0, 8)}`;
  const failed = outcomes.flatMap((outcome) => (outcome.sample !== null && outcome.sample.rows.length > 0 ? [outcome] : []));
  const files: string[] = [];
  for (const [index, outcome] of failed.entries()) {
    const file = join(place, `${String(index + 1).padStart(3, "0")}_${plain(`${outcome.model}_${outcome.slot}_${outcome.kind}`)}.jsonl`);
    await mkdir(join(folder, place), { recursive: true });
    await writeFile(join(folder, file), rowLines(outcome));
    files.push(file);
  }
  return files;
}

/** The first line says what failed, the others are rows. */
function rowLines({ warehouse, model, slot, check, message, sample }: CheckOutcome): string {
  const rows = (sample?.rows ?? []).map((row) => Object.fromEntries((sample?.columns ?? []).map((column, i) => [column, row[i] ?? null])));
  return [{ warehouse, model, slot, check, message }, ...rows].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Names come from models: a file's name holds nothing that a shell or a path could take for more. */
function plain(name: string): string {
  return name.replace(/[^A-Za-z0-9_.-]/g, "-").replace(/^\.+/, "");
}
