import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { DwError } from "../../../src/core/errors.js";
import type { At, ColumnBatch, DuckDbSession, ReadRequest } from "../../../src/core/source.js";
import type { Storage } from "../../../src/core/storage.js";
import { openIceberg } from "../../../src/sources/iceberg/index.js";

/* The least of storage and DuckDB that reading a table needs. */

export function folder(root: string): Storage {
  const at = (path: string): string => {
    const full = resolve(root, path);
    if (full !== resolve(root) && !full.startsWith(`${resolve(root)}/`))
      throw new DwError("DW-FILE-OUTSIDE", { what: path, why: "", fix: "" });
    return full;
  };
  const missing = (path: string) => (cause: unknown) => {
    throw new DwError("DW-FILE-MISSING", { what: path, why: "", fix: "", cause });
  };
  return {
    root,
    exists: (path) =>
      stat(at(path)).then(
        () => true,
        () => false,
      ),
    size: async (path) => (await stat(at(path)).catch(missing(path)))?.size ?? 0,
    read: async (path, range) => {
      const bytes = (await readFile(at(path)).catch(missing(path))) ?? new Uint8Array();
      return range === undefined ? bytes : bytes.subarray(range.start, range.start + range.length);
    },
    list: async (path) => {
      const entries = await readdir(at(path), { withFileTypes: true }).catch(() => []);
      const files = entries.filter((entry) => entry.isFile()).map((entry) => ({ path: `${path}/${entry.name}`, size: 0 }));
      return { files, folders: entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name) };
    },
    local: async (path) => {
      const full = (await realpath(at(path)).catch(missing(path))) ?? "";
      return { path: full, release: async () => undefined };
    },
  };
}

export async function duckdb(): Promise<DuckDbSession & { readonly close: () => void }> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run("SET TimeZone = 'UTC'");
  const session = sessionOf(connection);
  return { ...session, close: () => connection.closeSync() };
}

function sessionOf(connection: DuckDBConnection): DuckDbSession {
  const run = async (sql: string): Promise<void> => {
    await connection.run(sql);
  };
  return {
    run,
    rows: async <Row>(sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJson() as Row[],
    strings: () => {
      throw new Error("not needed here");
    },
    appendColumns: async (table, batches, columns) => {
      await run(`CREATE TEMP TABLE "${table}" (${columns.map(({ name, type }) => `"${name}" ${type}`).join(", ")})`);
      for await (const batch of batches as AsyncIterable<ColumnBatch>) {
        const rows = Array.from({ length: batch.rows }, (_, row) => `(${batch.columns.map((column) => String(column[row])).join(", ")})`);
        if (rows.length > 0) await run(`INSERT INTO "${table}" VALUES ${rows.join(", ")}`);
      }
    },
  };
}

/** Rows of a table as DuckDB prints them in JSON. */
export async function rowsOf(root: string, at: At = {}, request: ReadRequest = {}): Promise<readonly Record<string, unknown>[]> {
  const table = await openIceberg(folder(root), { at });
  const plan = await table.plan(request);
  const db = await duckdb();
  try {
    const rows: Record<string, unknown>[] = [];
    for (const chunk of plan.chunks) {
      const open = await plan.open(chunk, db);
      rows.push(...(await db.rows(open.sql)));
      await open.close();
    }
    return rows;
  } finally {
    db.close();
  }
}
