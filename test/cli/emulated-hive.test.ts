import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectFolder } from "../unit/model/project-folder.js";
import { dw, type Run } from "./run-dw.js";

/** A Hive lake and the view over it; `words` is what the view says. */
const models = (words: string, more = ""): string => `import { defineMaterializedView, defineTable, notNull, sql, t } from "dwright";

export const visits = defineTable("visits", {
  layer: "dwd",
  grain: "one row a visit",
  columns: { id: t.bigint("number"), ${more} day: t.date("when") },
  checks: [notNull("id")],
  on: { hive: { table: "external", partitionedBy: ["day"], storedAs: "parquet", location: "hdfs:///lake/visits" } },
});
export const byDay = defineMaterializedView("by_day", {
  layer: "ads",
  grain: "one row a day",
  columns: { day: t.date("when"), visits: t.bigint("how many") },
  query: { ${words} },
  on: { hive: {} },
});
`;

const MODELS = "models/lake/visits.ts";
const counted = `hive: sql.hive\`SELECT \${visits.col.day}, count(*) AS visits FROM \${visits} GROUP BY \${visits.col.day}\``;

test("a lake without servers: migrated, filled, refreshed, checked, and every answer says that Hive is emulated", async () => {
  const rows = [1, 2, 3].map((id) => JSON.stringify({ id, day: `2026-01-0${Math.min(id, 2)}` })).join("\n");
  const cwd = await projectFolder({ [MODELS]: models(counted), "visits.jsonl": `${rows}\n` });
  const run = (...words: string[]): Promise<Run> => dw(words, { cwd, env: { DW_ENV: "local" } });

  expect((await run("migrate", "new", "first")).code).toBe(0);
  const first = await run("migrate");
  expect(first.stdout).toContain("hive is emulated by DuckDB, which differs:\n  - Rows lie in DuckDB: locations, formats,");
  expect(first.stdout).toContain("lake in local (hive is emulated by DuckDB): 1 migration applied");

  const loaded = await run("backfill", "--source", "jsonl:visits.jsonl", "--target", "model:visits", "--json");
  expect(JSON.parse(loaded.stdout)).toMatchObject([{ verdict: "equal", emulated: "hive", rows: { target: "3" } }]);
  expect(loaded.stderr).toContain("lake.by_day is refreshed, as nothing else does that in the emulation");
  const views = await run("cat", "model:by_day", "--format", "jsonl");
  expect(views.stdout.trim().split("\n").sort()).toEqual(['{"day":"2026-01-01","visits":"1"}', '{"day":"2026-01-02","visits":"2"}']);
  const checked = await run("check");
  expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining("environment local; hive emulated by DuckDB") });

  await writeFile(join(cwd, MODELS), models(counted, 'city: t.text("where").nullable(),'));
  await run("migrate", "new", "city");
  const second = JSON.parse((await run("migrate", "up", "--json")).stdout);
  expect(second).toMatchObject({ steps: [{ notServed: [] }], emulated: ["hive"], deviations: { hive: expect.any(Array) } });
  expect(await run("migrate", "verify")).toMatchObject({ code: 0, stdout: expect.stringContaining("no drift") });
  expect((await run("cat", "model:visits", "--limit", "1", "--format", "csv")).stdout).toMatch(/^id,city,day\n/);
  expect((await run("doctor")).stdout).toMatch(/slot hive .*DuckDB .*, emulating hive/);
}, 400_000);

test("a view that DuckDB may understand otherwise stops the migration before anything is made, with what to write", async () => {
  const words = `hive: sql.hive\`SELECT \${visits.col.day}, percentile(\${visits.col.id}, 0.5) AS visits FROM \${visits} GROUP BY \${visits.col.day}\``;
  const cwd = await projectFolder({ [MODELS]: models(words) });
  await dw(["migrate", "new", "first"], { cwd });
  const refused = await dw(["migrate", "--env", "local"], { cwd });
  expect(refused).toMatchObject({ code: 5, stdout: "", stderr: expect.stringContaining("DW-EMULATION-UNSUPPORTED") });
  expect(refused.stderr).toContain("materialized-view lake.by_day (model by_day): its query says percentile");
  expect(refused.stderr).toContain("duckdb: sql.duckdb`…`");
}, 200_000);
