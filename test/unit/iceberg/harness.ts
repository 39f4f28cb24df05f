import { openDuckDb } from "../../../src/connections/duckdb.js";
import type { At, ReadRequest } from "../../../src/core/source.js";
import { openIceberg } from "../../../src/sources/iceberg/index.js";
import { openLocal } from "../../../src/storage/local.js";

/** Rows of a table as DuckDB gives them in JSON; the last argument names a metadata file. */
export async function rowsOf(
  root: string,
  at: At = {},
  request: ReadRequest = {},
  metadata?: string,
): Promise<readonly Record<string, unknown>[]> {
  const table = await openIceberg(await openLocal(root), { at, ...(metadata === undefined ? {} : { metadata }) });
  const plan = await table.plan(request);
  const duckdb = await openDuckDb();
  try {
    const db = await duckdb.session();
    const rows: Record<string, unknown>[] = [];
    for (const chunk of plan.chunks) {
      const open = await plan.open(chunk, db);
      rows.push(...(await db.rows(open.sql)));
      await open.close();
    }
    return rows;
  } finally {
    await duckdb.close();
  }
}
