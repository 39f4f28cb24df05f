/** Markdown tables for files that people review and for pull-request comments. */

/** A cell is one line: what would end the cell or the line, or start HTML, is escaped. */
export function markdownCell(text: string): string {
  return text
    .replace(/[\\|<>`*[\]]/g, (character) => `\\${character}`)
    .replace(/\r\n|\r|\n/g, " ")
    .trim();
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head.map(markdownCell)), line(head.map(() => "---")), ...rows.map((row) => line(row.map(markdownCell)))].join("\n");
}

/** A code block that its content cannot end. */
export function markdownCode(text: string, language = ""): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map((match) => match[0].length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}
