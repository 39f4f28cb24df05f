import { expect, test } from "vitest";
import { openDuckDb } from "../../../src/connections/duckdb.js";

test("the newest row of each key keeps the sign of a negative zero", async () => {
  const db = await openDuckDb();
  const session = await db.session();
  await session.run(
    "CREATE TABLE merged AS SELECT range::VARCHAR AS a, range AS b, CASE WHEN range = 5 THEN '-0.0'::DOUBLE ELSE range * 1.5 END AS x, 'x' || range AS s FROM range(3000)",
  );
  const newest =
    "SELECT a, b, x, s FROM (SELECT *, row_number() OVER () AS seen FROM merged) QUALIFY row_number() OVER (PARTITION BY a, b ORDER BY seen DESC) = 1";
  const rows = await session.rows(`SELECT CAST(x AS VARCHAR) AS x FROM (${newest}) WHERE b = 5`);
  const plan = await session.rows<{ explain_value: string }>(`EXPLAIN ${newest}`);
  await session.close();
  await db.close();
  expect(rows).toEqual([{ x: "-0.0" }]);
  expect(plan.map((row) => row.explain_value).join("\n")).toContain("WINDOW");
});
