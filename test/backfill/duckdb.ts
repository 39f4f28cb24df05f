import { openDuckDb } from "../../src/connections/duckdb.js";
import type { DuckDb } from "../../src/core/session.js";
import type { DuckDbSession } from "../../src/core/source.js";

export type Reader = DuckDbSession & { readonly close: () => Promise<void> };

export interface TestDatabase {
  readonly connect: () => Promise<Reader>;
  readonly close: () => Promise<void>;
}

/** A DuckDB database as dw opens it. */
export async function openDatabase(path?: string): Promise<TestDatabase> {
  const database: DuckDb = await openDuckDb(path === undefined ? {} : { path });
  return { connect: () => database.session(), close: () => database.close() };
}
