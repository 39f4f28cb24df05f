import { expect, onTestFinished, test } from "vitest";
import { timeOfDay } from "../../../src/sources/paimon/duckdb.js";
import { openDatabase } from "../../backfill/duckdb.js";

test("milliseconds beyond the day are damage, not a time of the next one", async () => {
  const database = await openDatabase();
  const db = await database.connect();
  onTestFinished(async () => {
    await db.close();
    database.close();
  });
  const shown = (milliseconds: string) =>
    db.rows(`SELECT CAST(${timeOfDay("ms")} AS VARCHAR) AS t FROM (SELECT CAST(${milliseconds} AS INTEGER) AS ms)`);
  expect(await shown("86399999")).toEqual([{ t: "23:59:59.999" }]);
  expect(await shown("NULL")).toEqual([{ t: null }]);
  for (const outside of ["-1", "86400000"]) await expect(shown(outside)).rejects.toThrow(/a time of day in a file is none/i);
});
