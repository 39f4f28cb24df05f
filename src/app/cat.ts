import { CHUNK_READING, openDuckDb } from "../connections/duckdb.js";
import { checkedPredicate } from "../connections/duckdb-predicate.js";
import type { DuckDbConnection } from "../core/session.js";
import type { Chunk, ReadPlan, SourceTable } from "../core/source.js";
import { type CatFormat, catWriters, type Rows, type Write } from "./cat-formats.js";

export type { CatFormat };

export interface CatRequest {
  readonly columns?: readonly string[];
  /** As it was typed. */
  readonly where?: string;
  readonly limit?: number;
  readonly format: CatFormat;
}

/**
 * Writes the rows of a source, chunk by chunk, with back pressure; a limit stops the reading, not only the writing. Rows
 * come in the order of the source's chunks; inside of a chunk in no order that is promised.
 */
export async function cat(table: SourceTable, request: CatRequest, write: Write, signal: AbortSignal): Promise<void> {
  const database = await openDuckDb(CHUNK_READING);
  try {
    const db = await database.session(signal);
    const where = request.where === undefined ? undefined : await checkedPredicate(db, request.where, table.columns);
    const plan = await table.plan({ ...(request.columns && { columns: request.columns }), ...(where !== undefined && { where }) });
    await catWriters[request.format](rows(plan, db, request.limit, signal), plan.columns, db, write);
  } finally {
    await database.close();
  }
}

function rows(plan: ReadPlan, db: DuckDbConnection, limit: number | undefined, signal: AbortSignal): Rows {
  let left = limit ?? Number.POSITIVE_INFINITY;
  async function* chunks(): AsyncGenerator<string> {
    for (const [index, chunk] of plan.chunks.entries()) {
      if (left <= 0) return;
      signal.throwIfAborted();
      yield* opened(chunk, plan.chunks[index + 1]);
    }
  }
  async function* opened(chunk: Chunk, next: Chunk | undefined): AsyncGenerator<string> {
    const open = await plan.open(chunk, db);
    if (next !== undefined && left === Number.POSITIVE_INFINITY) plan.prefetch?.(next); // a limit may never come to it
    try {
      yield Number.isFinite(left) ? `SELECT * FROM (\n${open.sql}\n) LIMIT ${left}` : open.sql;
    } finally {
      await open.close();
    }
  }
  return {
    chunks: chunks(),
    counted: (count) => {
      left -= count;
    },
  };
}
