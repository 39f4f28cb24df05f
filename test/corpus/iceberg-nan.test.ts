import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openDuckDb } from "../../src/connections/duckdb.js";
import { openIceberg } from "../../src/sources/iceberg/index.js";
import { openLocal } from "../../src/storage/local.js";

test("a predicate finds NaN, the largest number to DuckDB, in a file whose bounds leave it out", async () => {
  const storage = await openLocal(fileURLToPath(new URL("./iceberg/nan_pyiceberg", import.meta.url)));
  const table = await openIceberg(storage, { at: {} });
  const plan = await table.plan({ where: "x > 5" });
  const database = await openDuckDb({});
  const db = await database.session();
  const [chunk] = plan.chunks;
  if (!chunk) throw new Error("the file was pruned");
  const open = await plan.open(chunk, db);
  expect(await db.rows(open.sql)).toEqual([{ id: "9", x: Number.NaN }]);
  await open.close();
  await db.close();
  await database.close();
});
