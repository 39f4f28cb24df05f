import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { DuckDbSession } from "../../src/core/source.js";
export type Reader = DuckDbSession & { readonly close: () => Promise<void> };
export async function openDatabase(path = ":memory:"): Promise<{ connect: () => Promise<Reader>; close: () => void }> {
  const instance = await DuckDBInstance.create(path);
  return { connect: async () => sessionOn(await instance.connect()), close: () => instance.closeSync() };
}
async function sessionOn(c: DuckDBConnection): Promise<Reader> {
  await c.run("SET TimeZone='UTC'");
  return {
    run: async (sql) => {
      await c.run(sql);
    },
    rows: async (sql) => (await c.runAndReadAll(sql)).getRowObjectsJson() as never,
    strings: async function* () {},
    appendColumns: async () => {},
    close: async () => c.closeSync(),
  };
}
