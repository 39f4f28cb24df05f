import type { SourceTable } from "../core/source.js";
import type { Storage } from "../core/storage.js";

/** A table over a storage that is closed with it, or at once when the table cannot be opened. */
export async function over(storage: Storage, open: (storage: Storage) => Promise<SourceTable>): Promise<SourceTable> {
  try {
    const table = await open(storage);
    return {
      title: table.title,
      columns: table.columns,
      plan: (request) => table.plan(request),
      inspect: () => table.inspect(),
      close: async () => {
        await table.close();
        await storage.close?.();
      },
    };
  } catch (error) {
    await storage.close?.();
    throw error;
  }
}
