import type { Inspection, SourceColumn } from "../core/source.js";
import { typeText } from "../core/types.js";
import { textTable } from "./text-table.js";

/** Rows of a section that a person reads; the rest is counted. */
const SHOWN = 40;

/** What `dw inspect` prints for a person. */
export function inspectionText(inspection: Inspection): string {
  const { format, location, facts, columns, sections, refused } = inspection;
  return [
    `${format} ${location}`,
    textTable(
      ["", ""],
      facts.map(({ name, value }) => [name, value]),
    ).trimStart(),
    titled("Columns", textTable(["name", "type", "null", "id", "comment"], columns.map(columnRow))),
    ...sections.map(({ title, head, rows }) => titled(title, section(head, rows))),
    refused.length === 0
      ? "dw reads this table."
      : titled("dw does not read this table", refused.map((reason) => `- ${reason}`).join("\n")),
  ].join("\n\n");
}

function columnRow({ name, type, nullable, fieldId, comment }: SourceColumn): string[] {
  return [name, typeText(type), nullable ? "yes" : "no", fieldId === undefined ? "" : String(fieldId), comment ?? ""];
}

function titled(title: string, body: string): string {
  return `${title}\n${"-".repeat(title.length)}\n${body}`;
}

function section(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const shown = rows.slice(0, SHOWN).map((row) => row.map((cell) => (cell === null ? "" : String(cell))));
  const more = rows.length - shown.length;
  return `${textTable(head, shown)}${more > 0 ? `\n… and ${more} more (all of them with --json)` : ""}`;
}
