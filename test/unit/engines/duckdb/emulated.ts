import type { Catalog } from "../../../../src/core/catalog.js";
import { diff } from "../../../../src/core/diff.js";
import type { Engine } from "../../../../src/core/engine.js";
import type { Operation } from "../../../../src/core/operation.js";
import { order } from "../../../../src/core/order.js";
import { type Emulation, emulationOf } from "../../../../src/engines/duckdb/emulate.js";
import { openDatabase, type Reader } from "../../../backfill/duckdb.js";

export async function withDatabase(work: (db: Reader) => Promise<void>): Promise<void> {
  const database = await openDatabase();
  const db = await database.connect();
  try {
    await work(db);
  } finally {
    await db.close();
    database.close();
  }
}

/** An engine's decisions, executed by its emulation, and what that has made of them. */
export function emulated({ name, decide }: Pick<Engine, "name" | "decide">): {
  readonly emulation: Emulation;
  readonly migrate: (db: Reader, from: Catalog, to: Catalog, renames?: Parameters<typeof diff>[2]) => Promise<readonly Operation[]>;
  readonly live: (db: Reader) => Promise<Catalog>;
} {
  const emulation = emulationOf(name);
  const migrate = async (db: Reader, from: Catalog, to: Catalog, renames: Parameters<typeof diff>[2] = []) => {
    const operations = order(diff(from, to, renames).flatMap(decide));
    const { signal } = new AbortController();
    for (const operation of operations)
      for (const statement of emulation.generate(operation)) await emulation.execute(db, statement, signal);
    return operations;
  };
  const live = async (db: Reader) => (await emulation.introspect(db, "", { warehouse: "", objects: [] })).catalog;
  return { emulation, migrate, live };
}
