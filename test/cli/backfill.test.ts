import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { projectFolder } from "../unit/model/project-folder.js";
import { dw, type Run } from "./run-dw.js";

const fixture = fileURLToPath(new URL("../fixtures/iceberg/i21_large_narrow/table", import.meta.url));

const columns = (aqi: string): string => `{
    station_id: t.varchar(64, "station"),
    hour_start: t.instant("UTC"),
    aqi: t.${aqi}("index").nullable(),
    dominant: t.text("pollutant"),
    avg_value: t.double("mean").nullable(),
    samples: t.bigint("how many").nullable(),
  }`;

/** The same history in embedded TimescaleDB and in StarRocks emulated by DuckDB. */
const models = (aqi = "int"): string => `import { defineBackfill, defineMaterializedView, defineTable, hash, sql, t } from "dwright";

export const hourly = defineTable("hourly", {
  layer: "dws", grain: "one row per station and hour", columns: ${columns(aqi)},
  on: { timescale: { timeColumn: "hour_start" } },
});
export const wide = defineTable("wide", {
  layer: "dws", grain: "one row per station and hour", columns: ${columns("int")},
  on: { starrocks: { database: "air", table: "duplicate", key: ["station_id"], distributeBy: hash(["station_id"], 4) } },
});
export const stations = defineMaterializedView("stations", {
  layer: "ads", grain: "one row per station",
  columns: { station_id: t.varchar(64, "station"), rows: t.bigint("how many") },
  query: {
    starrocks: sql.starrocks\`SELECT \${wide.col.station_id} AS station_id, count(*) AS rows FROM \${wide} GROUP BY 1\`,
    duckdb: sql.duckdb\`SELECT \${wide.col.station_id} AS station_id, count(*) AS rows FROM \${wide} GROUP BY 1\`,
  },
  on: { starrocks: { database: "air", refresh: "manual", distributeBy: hash(["station_id"], 4) } },
});
export const toTimescale = defineBackfill("to_timescale", { from: ${JSON.stringify(`iceberg:${fixture}`)}, to: hourly });
// StarRocks keeps no NaN
const finite = { sql: "CASE WHEN isfinite(avg_value) THEN avg_value END" };
export const toStarrocks = defineBackfill("to_starrocks", { from: ${JSON.stringify(`iceberg:${fixture}`)}, to: wide, map: { avg_value: finite } });
`;

const MODELS = "models/air/history.ts";
const live = ["--env", "local"];

async function migrated(text: string): Promise<((...words: string[]) => Promise<Run>) & { readonly cwd: string }> {
  const cwd = await projectFolder({ [MODELS]: text });
  const run = (...words: string[]): Promise<Run> => dw(words, { cwd });
  expect((await run("migrate", "new", "first")).stderr).not.toContain("DW-");
  expect((await run("migrate", ...live)).code).toBe(0);
  return Object.assign(run, { cwd });
}

test("history arrives in two engines, reconciled, and a second run has nothing to do", async () => {
  const run = await migrated(models());
  const planned = await run("backfill", "to_timescale", "to_starrocks", "--dry-run", ...live, "--json");
  expect(JSON.parse(planned.stdout)).toMatchObject([{ chunks: [{ loaded: false }] }, { route: "DuckDB reads and inserts" }]);

  const first = await run("backfill", "run", "to_timescale", "to_starrocks", ...live, "--json");
  const equal = { verdict: "equal", environment: "local", rows: { source: "17836", target: "17836", before: "0" } };
  expect({ code: first.code, reports: JSON.parse(first.stdout) }).toMatchObject({ code: 0, reports: [equal, equal] });

  const second = await run("backfill", "to_timescale", ...live, "--json");
  const [report] = JSON.parse(second.stdout);
  expect(report).toMatchObject({ ...equal, loadedNow: 0 });
  const counted = await run("cat", "model:stations", ...live, "--where", "rows > 1000", "--columns", "station_id", "--limit", "1");
  expect({ code: counted.code, rows: counted.stdout.trim().split("\n").length }).toEqual({ code: 0, rows: 1 });
  const status = await run("backfill", "status", "to_timescale", ...live);
  expect(status.stdout).toContain("17836");
  expect((await run("backfill", "verify", "to_starrocks", ...live)).code).toBe(0);
  expect(report.certificate).toMatch(/^\.dw\/certificates\/to_timescale-.*\.json$/);
}, 180_000);

test("two runs on one embedded environment: one works, the other says who holds it and exits 4", async () => {
  const run = await migrated(models());
  const runs = await Promise.all([run("backfill", "to_timescale", ...live), run("backfill", "to_timescale", ...live)]);
  expect(runs.map(({ code }) => code).sort()).toEqual([0, 4]);
  expect(runs.find(({ code }) => code === 4)?.stderr).toContain("DW-LOCKED");
  expect((await run("backfill", "verify", "to_timescale", ...live)).stdout).toMatch(/17836 .*equal/);
}, 180_000);

test("a personal value is in no message, certificate or sample, whatever is wrong with its row", async () => {
  const table = `{ layer: "dws", grain: "one row per person", columns: {
    id: t.bigint("person"), ssn: t.int("number").pii(), note: t.varchar(12, "note").pii() }, key: ["id"], checks: [unique(["ssn"])],`;
  const run = await migrated(`import { defineTable, t, unique } from "dwright";
export const a = defineTable("people", ${table} on: { postgres: {} } });
export const b = defineTable("people_duckdb", ${table} on: { duckdb: {} } });
`);
  const rows = {
    text: '{"id":1,"ssn":"PERSONAL","note":"PERSONAL"}',
    range: '{"id":1,"ssn":77777777777,"note":"PERSONAL"}',
    long: '{"id":1,"ssn":7777777,"note":"PERSONAL-PERSONAL"}',
    key: '{"id":1,"ssn":7777777,"note":"PERSONAL"}\n{"id":1,"ssn":7777777,"note":"PERSONAL"}',
    broken: '{"id":1,"ssn":7777777,"note":"PERSONAL"',
    good: '{"id":1,"ssn":7777777,"note":"PERSONAL"}',
  };
  const said: string[] = [];
  const codes: (number | null)[] = [];
  for (const [name, text] of Object.entries(rows)) {
    await writeFile(join(run.cwd, `${name}.jsonl`), `${text}\n`);
    for (const model of ["people", "people_duckdb"]) {
      const { code, stdout, stderr } = await run(
        "backfill",
        "--source",
        `jsonl:${name}.jsonl`,
        "--target",
        `model:${model}`,
        ...live,
        "--json",
      );
      codes.push(code);
      said.push(stdout, stderr);
    }
  }
  expect(codes).toEqual([5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 0, 0]);
  const folder = join(run.cwd, ".dw/certificates");
  for (const file of await readdir(folder)) said.push(await readFile(join(folder, file), "utf8"));
  said.push((await run("check", ...live, "--json")).stdout);
  expect(said.join("\n")).not.toMatch(/PERSONAL|7777777/);
}, 180_000);

test("history leaves for files: of a model in partition folders, and of whatever the source has", async () => {
  const run = await migrated(
    models().replace(
      "export const toStarrocks",
      `export const toFiles = defineBackfill("to_files", {
  from: ${JSON.stringify(`iceberg:${fixture}`)}, to: wide, into: "parquet:out/wide", partitionBy: ["dominant"],
});
export const toStarrocks`,
    ),
  );
  const planned = await run("backfill", "to_files", "--dry-run", ...live, "--json");
  expect(JSON.parse(planned.stdout)).toMatchObject([
    { route: "DuckDB reads and writes files", target: expect.stringMatching(/^parquet:.*wide$/) },
  ]);
  const equal = { verdict: "equal", rows: { source: "17836", target: "17836", before: "0" } };
  expect(JSON.parse((await run("backfill", "to_files", ...live, "--json")).stdout)).toMatchObject([equal]);
  expect((await readdir(join(run.cwd, "out/wide"))).some((name) => name.startsWith("dominant="))).toBe(true);
  const again = await run("backfill", "--source", "parquet:out/wide", "--target", "csv:out/again", ...live, "--json");
  expect(JSON.parse(again.stdout)).toMatchObject([equal]);
  expect((await run("cat", "csv:out/again", "--limit", "1")).code).toBe(0);
  expect(JSON.parse((await run("backfill", "status", "to_files", ...live, "--json")).stdout)).toMatchObject([{ rows: "17836" }]);
  expect((await run("backfill", "reset", "to_files", "--empty", ...live)).code).toBe(0);
  expect(JSON.parse((await run("backfill", "status", "to_files", ...live, "--json")).stdout)).toMatchObject([{ chunks: 0, source: null }]);
}, 180_000);

test("a narrowing, an unknown backfill and an unknown source are letters with exit code 2", async () => {
  const run = await migrated(models("smallint"));
  expect(await run("backfill", "to_timescale", ...live)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("aqi is int32, the target int16: not every integer is in range"),
  });
  expect(await run("backfill", "to_timescal", ...live)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("Did you mean to_timescale?"),
  });
  const odd = await run("backfill", "--source", "nowhere:x", "--target", "model:wide", ...live);
  expect(odd).toMatchObject({ code: 2, stderr: expect.stringContaining("DW-SOURCE-UNKNOWN") });
  expect((await run("backfill", ...live)).code).toBe(2);
}, 180_000);
