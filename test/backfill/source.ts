import type { Chunk, SourceColumn, SourceTable } from "../../src/core/source.js";
import { t } from "../../src/index.js";
import type { AnyColumns } from "../../src/model/columns.js";

/** A source whose chunks are DuckDB queries. */
export function sourceOf(name: string, columns: readonly SourceColumn[], chunks: readonly string[]): SourceTable {
  const plan = chunks.map(
    (_, index): Chunk => ({
      id: `chunk-${String(index).padStart(4, "0")}`,
      title: `chunk ${index}`,
      bytes: 1000,
      files: [`file-${index}`],
    }),
  );
  return {
    title: name,
    columns,
    plan: async ({ columns: wanted = columns.map((column) => column.name), where }) => ({
      columns,
      identity: `test:${name}@${chunks.length}`,
      immutable: true,
      chunks: plan,
      open: async (chunk) => {
        const names = wanted.map((column) => `"${column.replaceAll('"', '""')}"`).join(", ");
        const body = chunks[plan.findIndex(({ id }) => id === chunk.id)];
        return { sql: `SELECT ${names} FROM (${body}) AS rows${where === undefined ? "" : ` WHERE ${where}`}`, close: async () => {} };
      },
    }),
    inspect: () => Promise.reject(new Error("not inspected here")),
    close: async () => {},
  };
}

/** Columns as a model writes them. */
export function columnsOf(columns: AnyColumns): SourceColumn[] {
  return Object.entries(columns).map(([name, { column }]) => ({ name, type: column.type, nullable: column.nullable }));
}

export { t };
