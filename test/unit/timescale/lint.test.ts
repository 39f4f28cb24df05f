import { expect, test } from "vitest";
import type { Model } from "../../../src/core/model.js";
import { timescale } from "../../../src/engines/timescale/index.js";
import { defineMaterializedView, defineTable, sql, t } from "../../../src/index.js";
import { perEnv } from "../../../src/model/define.js";

const columns = { at: t.instant("when"), id: t.int("sensor"), value: t.double("value").nullable() };

function table(options: object, more: object = {}): Model {
  return defineTable("raw", { grain: "one row per reading", columns, key: ["id", "at"], on: { timescale: options }, ...more } as never); // tests state what types would narrow
}

function rules(models: Model[], version = "2.23"): string[] {
  const { objects } = timescale.resolve(models, { warehouse: "w", models: new Map(models.map((model) => [model.name, model])) });
  const findings = timescale.lint(objects, { engine: "timescale", version, mode: "shared-nothing", backends: 1 });
  return findings.map(({ rule, severity }) => `${severity} ${rule}`);
}

const hourly = (options: object, query = "SELECT time_bucket(INTERVAL '1 hour', at), avg(value) FROM "): Model =>
  defineMaterializedView("hourly", {
    grain: "one row per hour",
    columns: { bucket: t.instant("hour"), mean: t.double("mean") },
    query: { timescale: { ...sql.timescale``, parts: [query, { ref: "model", model: "raw" }, " GROUP BY 1"] } },
    on: { timescale: options },
  });

test("a sound hypertable has no findings; an unknown version is unproven, not wrong", () => {
  expect(rules([table({ timeColumn: "at", retention: "30 days" })])).toEqual([]);
  expect(rules([table({ timeColumn: "at" })], "2.17")).toEqual(["unproven timescale/version"]);
});

test("a key without the time column, and a unique index without it, are what TimescaleDB refuses", () => {
  expect(rules([table({ timeColumn: "at" }, { key: ["id"] })])).toEqual(["error timescale/unique-contains-partitioning"]);
  expect(rules([table({ timeColumn: "at", indexes: [{ columns: ["id"], unique: true }] })])).toEqual([
    "error timescale/unique-contains-partitioning",
  ]);
  expect(rules([table({ timeColumn: "at", spaceBy: { column: "value", partitions: 2 } })])).toEqual([
    "error timescale/unique-contains-partitioning",
  ]);
});

test("retention inside the refresh window deletes history, and is accepted by the engine without a word", () => {
  const refresh = { startOffset: "3 days", endOffset: "1 hour", every: "1 hour" };
  expect(rules([table({ timeColumn: "at", retention: "1 day" }), hourly({ refresh })])).toEqual([
    "error cross/retention-inside-refresh-window",
  ]);
  expect(rules([table({ timeColumn: "at", retention: "30 days" }), hourly({ refresh })])).toEqual([]);
  expect(rules([table({ timeColumn: "at", retention: "30 days" }), hourly({ refresh: { ...refresh, startOffset: null } })])).toEqual([
    "error cross/retention-inside-refresh-window",
  ]);
  const perEnvironment = perEnv({ default: "30 days", test: "1 day" });
  expect(rules([table({ timeColumn: "at", retention: perEnvironment }), hourly({ refresh })])).toEqual([
    "error cross/retention-inside-refresh-window",
  ]);
});

test("columnstore settings that contradict each other or the retention are found", () => {
  const columnstore = { segmentBy: ["id"], orderBy: ["id", "at"] };
  expect(rules([table({ timeColumn: "at", columnstore })])).toEqual(["error timescale/segment-and-order"]);
  expect(rules([table({ timeColumn: "at", retention: "7 days", columnstore: { segmentBy: ["id"], after: "7 days" } })])).toEqual([
    "warning timescale/columnstore-after-retention",
  ]);
  expect(() => rules([table({ retention: "7 days" })])).toThrow("has retention on timescale, but no timeColumn");
});

test("a continuous aggregate has exactly one bucket and a hypertable below it", () => {
  const two = "SELECT time_bucket(INTERVAL '1 hour', at), time_bucket(INTERVAL '2 hours', at) FROM ";
  expect(rules([table({ timeColumn: "at" }), hourly({}, two)])).toEqual(["error timescale/one-time-bucket"]);
  expect(rules([table({}), hourly({})])).toEqual(["error timescale/aggregate-source"]);
});

test("an option is an error on a release that has not got it yet", () => {
  const sparse = table({ timeColumn: "at", columnstore: { bloom: ["id"] } });
  expect(rules([sparse], "2.21")).toEqual(["error timescale/newer-option"]);
  expect(rules([sparse], "2.22")).toEqual([]);
  const refresh = { startOffset: "3 days", endOffset: "1 hour", every: "1 hour", bucketsPerBatch: 5, newestFirst: true };
  const models = [table({ timeColumn: "at" }), hourly({ refresh })];
  expect(rules(models, "2.18")).toEqual(["error timescale/newer-option", "error timescale/newer-option"]);
  expect(rules(models, "2.20")).toEqual([]);
});

test("chunks are skipped by integers and times of a columnstore, and reordered by an index that exists", () => {
  const columnstore = { segmentBy: [] };
  expect(rules([table({ timeColumn: "at", columnstore, chunkSkipping: ["id"] })])).toEqual([]);
  expect(rules([table({ timeColumn: "at", columnstore, chunkSkipping: ["value"] })])).toEqual(["error timescale/chunk-skipping-type"]);
  expect(rules([table({ timeColumn: "at", chunkSkipping: ["id"] })])).toEqual(["error timescale/chunk-skipping-columnstore"]);
  expect(rules([table({ timeColumn: "at", reorderBy: "raw_pkey" })])).toEqual([]);
  expect(rules([table({ timeColumn: "at", reorderBy: "nowhere" })])).toEqual(["error timescale/reorder-index"]);
});
