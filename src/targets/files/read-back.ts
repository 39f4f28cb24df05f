import { CHUNK_READING, openDuckDb } from "../../connections/duckdb.js";
import { isDwError } from "../../core/errors.js";
import type { FingerprintColumn } from "../../core/fingerprint.js";
import { type Measures, measuresOf, measuresOfParts } from "../../core/measures.js";
import type { Column } from "../../core/model.js";
import type { SourceTable } from "../../core/source.js";
import type { StorageWriter } from "../../core/storage.js";
import { carried, quoteName } from "../../core/transit.js";
import { duckdbCanonical } from "../../engines/duckdb/canonical.js";
import { openFiles } from "../../sources/files/index.js";
import type { TargetFormat } from "./format.js";

/*
 * What lies in the folder, as the reader of `dw cat` sees it: no measure of a target is taken from what was meant to be written.
 */

export class ReadBack {
  readonly measures = measuresOfParts((columns, read) => this.each(columns, read));

  constructor(
    private readonly writer: StorageWriter,
    private readonly format: TargetFormat,
  ) {}

  async isEmpty(): Promise<boolean> {
    const table = await this.open([]);
    await table?.close();
    return table === undefined;
  }

  /** Each chunk of what lies there, as a relation with the columns in their types; nothing when there is no file. */
  private async each<Part>(columns: readonly FingerprintColumn[], read: (part: Measures) => Promise<Part>): Promise<readonly Part[]> {
    const table = await this.open(columns);
    if (table === undefined) return [];
    const database = await openDuckDb(CHUNK_READING);
    try {
      const db = await database.session();
      const plan = await table.plan({ columns: columns.map(({ name }) => name) });
      const parts: Part[] = [];
      for (const [index, chunk] of plan.chunks.entries()) {
        const open = await plan.open(chunk, db);
        const next = plan.chunks[index + 1];
        if (next !== undefined) plan.prefetch?.(next);
        try {
          parts.push(await read(measuresOf(duckdbCanonical, (sql) => db.rows(sql), typed(columns, open.sql))));
        } finally {
          await open.close();
        }
      }
      return parts;
    } finally {
      await database.close();
      await table.close();
    }
  }

  private async open(columns: readonly FingerprintColumn[]): Promise<SourceTable | undefined> {
    const storage = await this.writer.look();
    if (storage === undefined) return undefined;
    try {
      const types = Object.fromEntries(columns.map((column) => [column.name, this.readAs(column)]));
      const table = await openFiles(storage, this.format.name, "", { at: {}, typed: types });
      return { ...table, close: () => table.close().finally(() => storage.close?.()) };
    } catch (error) {
      await storage.close?.();
      if (isDwError(error) && error.code === "DW-TABLE-MISSING") return undefined;
      throw error;
    }
  }

  private readAs({ type, pii }: FingerprintColumn): Column {
    return { type: this.format.readAs?.(type) ?? type, comment: "", nullable: true, ...(pii && { pii }) };
  }
}

function typed(columns: readonly FingerprintColumn[], sql: string): string {
  const list = columns.map(({ name, type }) => `CAST(${quoteName(name)} AS ${carrier(name, type)}) AS ${quoteName(name)}`);
  return `(SELECT ${list.join(", ")} FROM (${sql}) AS files) AS rows`;
}

const carrier = (name: string, type: FingerprintColumn["type"]): string => (type.kind === "json" ? "JSON" : carried(name, type));
