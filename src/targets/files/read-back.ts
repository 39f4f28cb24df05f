import { CHUNK_READING, openDuckDb } from "../../connections/duckdb.js";
import { isDwError } from "../../core/errors.js";
import {
  addFingerprints,
  bucketQuery,
  bucketRowsQuery,
  emptyFingerprint,
  type Fingerprint,
  type FingerprintColumn,
  fingerprintQuery,
  readFingerprint,
  readRowValues,
  rowValuesQuery,
} from "../../core/fingerprint.js";
import type { Column } from "../../core/model.js";
import type { DuckDbSession, SourceTable } from "../../core/source.js";
import type { StorageWriter } from "../../core/storage.js";
import type { HashBucket, HashedRow } from "../../core/target.js";
import { carried, quoteName } from "../../core/transit.js";
import { duckdbCanonical } from "../../engines/duckdb/canonical.js";
import { openFiles } from "../../sources/files/index.js";
import type { TargetFormat } from "./format.js";

/*
 * What lies in the folder, as the reader of `dw cat` sees it: no measure of a target is taken from what was meant to be written.
 */

export class ReadBack {
  constructor(
    private readonly writer: StorageWriter,
    private readonly format: TargetFormat,
  ) {}

  async fingerprint(columns: readonly FingerprintColumn[]): Promise<Fingerprint> {
    const parts = await this.each(columns, async (db, relation) => {
      const [row] = await db.rows(fingerprintQuery(duckdbCanonical, columns, relation));
      return readFingerprint(columns, row ?? {});
    });
    return parts.reduce((sum, part) => addFingerprints(sum, part, columns), emptyFingerprint(columns));
  }

  async buckets(columns: readonly FingerprintColumn[], digits: number): Promise<readonly HashBucket[]> {
    const parts = await this.each(columns, async (db, relation) => {
      const rows = await db.rows<{ bucket: string; total: string; hash_a: string }>(
        bucketQuery(duckdbCanonical, columns, relation, digits),
      );
      return rows.map((row) => ({ bucket: row.bucket, rows: row.total, hash: row.hash_a }));
    });
    return parts.flat();
  }

  async hashedRows(
    columns: readonly FingerprintColumn[],
    label: readonly string[],
    buckets: readonly string[],
    limit: number,
  ): Promise<readonly HashedRow[]> {
    const parts = await this.each(columns, async (db, relation) => {
      const rows = await db.rows<{ row_hash: string; label: string }>(
        bucketRowsQuery(duckdbCanonical, columns, relation, label, buckets, limit),
      );
      return rows.map((row) => ({ hash: row.row_hash, label: row.label }));
    });
    return parts.flat().slice(0, limit);
  }

  async rowValues(columns: readonly FingerprintColumn[], hashes: readonly string[]): Promise<ReturnType<typeof readRowValues>> {
    const parts = await this.each(columns, async (db, relation) =>
      readRowValues(columns, await db.rows(rowValuesQuery(duckdbCanonical, columns, relation, hashes))),
    );
    return new Map(parts.flatMap((part) => [...part]));
  }

  async isEmpty(): Promise<boolean> {
    const table = await this.open([]);
    await table?.close();
    return table === undefined;
  }

  /** Each chunk of what lies there, as a relation with the columns in their types; nothing when there is no file. */
  private async each<Part>(
    columns: readonly FingerprintColumn[],
    measure: (db: DuckDbSession, relation: string) => Promise<Part>,
  ): Promise<readonly Part[]> {
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
          parts.push(await measure(db, typed(columns, open.sql)));
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
