import { expect, test } from "vitest";
import { crossFindings } from "../../../src/app/cross-rules.js";
import { resolveWarehouse } from "../../../src/app/resolve.js";
import type { Model } from "../../../src/core/model.js";
import { engines } from "../../../src/engines/index.js";
import {
  defineBackfill,
  defineFunction,
  defineMaterializedView,
  defineTable,
  defineTopic,
  defineView,
  hash,
  month,
  noRows,
  perEnv,
  sql,
  t,
} from "../../../src/index.js";

const now = new Date("2031-06-01T00:00:00Z");
const columns = { id: t.bigint(), at: t.instant() };

function findings(...models: readonly Model[]): string[] {
  const { catalog } = resolveWarehouse("shop", models, engines);
  return crossFindings(models, catalog, now).map(({ severity, rule, place }) => `${severity} ${rule} ${place}`);
}

function events(options: object, more: object = {}) {
  const on = { starrocks: { table: "duplicate", partitionBy: month("at"), distributeBy: hash(["id"], 4), ...options } };
  return defineTable("events", { grain: "one row per event", columns, key: ["id"], ...more, on } as never); // options vary by test
}

function monthly(base: ReturnType<typeof events>, options: object = {}): Model {
  return defineMaterializedView("monthly", {
    grain: "one row per event",
    columns,
    query: { starrocks: sql.starrocks`SELECT id, at FROM ${base}` },
    on: { starrocks: { refresh: "async", partitionBy: month("at"), ...options } },
  });
}

test("a materialized view cannot keep what its base table drops", () => {
  const base = events({ partitionTtl: "6 MONTH" });
  expect(findings(base, monthly(base, { partitionTtl: "12 MONTH" }))).toEqual(["error cross/view-outlives-base monthly"]);
  expect(findings(base, monthly(base))).toEqual(["warning cross/view-outlives-base monthly"]);
  expect(findings(base, monthly(base, { partitionTtl: "6 MONTH" }))).toEqual([]);
  const numbered = events({ partitionLiveNumber: 3 });
  expect(findings(numbered, monthly(numbered, { partitionTtl: "4 MONTH" }))).toEqual(["error cross/view-outlives-base monthly"]);
});

test("a value that only one environment has is named with it", () => {
  const base = events({ partitionTtl: perEnv({ default: "12 MONTH", test: "1 MONTH" }) });
  const models = [base, monthly(base, { partitionTtl: "12 MONTH" })];
  const [found, ...others] = crossFindings(models, resolveWarehouse("shop", models, engines).catalog, now);
  expect(others).toEqual([]);
  expect(found?.message).toMatch(/\(In the environment test\.\)$/);
});

test.each([
  ["partition_ttl", events({ partitionTtl: "2 YEAR" })],
  ["partition_live_number", events({ partitionLiveNumber: 24 })],
  [
    "dynamic partitions",
    events({
      partitionBy: { by: "range", columns: ["at"], partitions: [] },
      dynamicPartitions: { unit: "month", start: -24, end: 2 },
    }),
  ],
  [
    "TimescaleDB's retention",
    defineTable("events", { grain: "one row per event", columns, on: { timescale: { timeColumn: "at", retention: "2 years" } } }),
  ],
])("a backfill of rows that %s drops at once is refused", (_, target) => {
  const from = "iceberg:/lake/events";
  expect(findings(target, defineBackfill("old", { from, to: target, since: "2020-01-01" }))).toEqual([
    "error cross/backfill-older-than-retention old",
  ]);
  expect(findings(target, defineBackfill("new", { from, to: target, since: "2030-01-01" }))).toEqual([]);
});

const topic = (config: Readonly<Record<string, number | string>>, more: object = {}) =>
  defineTopic("clicks", { columns, key: ["id"], ...more, on: { kafka: { partitions: 3, replicationFactor: 3, config } } });

test("a topic keeps its messages for as long as its readers may be late", () => {
  const late = { fresh: { column: "at", within: "3 days" } };
  expect(findings(topic({ "retention.ms": 86_400_000 }, late))).toEqual(["error cross/topic-shorter-than-freshness clicks"]);
  expect(findings(topic({ "retention.ms": 345_600_000 }, late))).toEqual([]);
  expect(findings(topic({ "retention.ms": -1 }, late))).toEqual([]);
  expect(findings(topic({}, { fresh: { column: "at", within: "8 days" } }))).toEqual(["error cross/topic-shorter-than-freshness clicks"]);
});

test("a topic keeps its messages for as far back as a backfill reads it", () => {
  const target = events({});
  const backfill = defineBackfill("replay", { from: "broker:clicks", to: target, since: "2031-05-01" });
  expect(findings(target, backfill, topic({ "retention.ms": 86_400_000 }))).toEqual(["error cross/topic-shorter-than-backfill replay"]);
  expect(findings(target, backfill, topic({ "cleanup.policy": "compact" }))).toEqual([]);
});

test("a query that names a table which no model is, is a warning; what it makes itself is known", () => {
  const base = defineTable("events", { grain: "one row per event", columns, on: { postgres: {} } });
  const view = (name: string, query: string, over: object = {}): Model =>
    defineView(name, {
      columns,
      query: { postgres: { ...sql.postgres``, parts: [query, { ref: "model", model: "events" }] } },
      on: { postgres: {} },
      ...over,
    });
  expect(findings(base, view("lost", "SELECT id, at FROM orders o JOIN "))).toEqual(["warning cross/unknown-relation lost"]);
  expect(findings(base, view("quoted", 'SELECT id, at FROM "Orders" JOIN '))).toEqual(["warning cross/unknown-relation quoted"]);
  const known = [
    "WITH old AS (SELECT 1 AS x), newer AS MATERIALIZED (SELECT * FROM old) SELECT id, at FROM newer, ",
    "SELECT id, at, extract(year FROM at), trim(both FROM 'x') FROM generate_series(1, 2) AS g, ",
    "SELECT id, at FROM pg_class JOIN information_schema.tables ON true, /* from nowhere */ ",
    "SELECT id, at, 'from nowhere' FROM events WHERE id IS DISTINCT FROM 3 UNION SELECT * FROM ",
  ];
  for (const [index, query] of known.entries()) expect(findings(base, view(`known${index}`, query))).toEqual([]);
});

test("a function's body is read as well", () => {
  const base = defineTable("events", { grain: "one row per event", columns, on: { postgres: {} } });
  const body = { postgres: sql.postgres`SELECT count(*) FROM ${base} JOIN stations USING (id)` };
  const count = defineFunction("event_count", { arguments: {}, returns: t.bigint(), language: "sql", body, on: { postgres: {} } });
  expect(findings(base, count)).toEqual(["warning cross/unknown-relation event_count"]);
});

test("a column that the model behind an alias does not have is found, and one that may be anybody's is let be", () => {
  const base = defineTable("events", { grain: "one row per event", columns, on: { postgres: { name: "Raw Events" } } });
  const view = (name: string, parts: readonly (string | object)[]): Model =>
    defineView(name, { columns, query: { postgres: { ...sql.postgres``, parts: parts as never } }, on: { postgres: {} } }); // references as objects
  const ref = { ref: "model", model: "events" };
  expect(findings(base, view("lost", ["SELECT e.id, e.when FROM ", ref, " AS e"]))).toEqual(["warning cross/unknown-column lost"]);
  expect(findings(base, view("plain", ['SELECT "Raw Events".att, id FROM "Raw Events" WHERE id = 1']))).toEqual([
    "warning cross/unknown-column plain",
  ]);
  expect(findings(base, view("joined", ["SELECT a.id, b.at, b.nothing FROM ", ref, " a LEFT JOIN ", ref, " b ON a.id = b.id"]))).toEqual([
    "warning cross/unknown-column joined",
  ]);
  const sound: (string | object)[][] = [
    ["SELECT e.id, E.AT, e.ctid FROM ", ref, " e WHERE e.at > now() -- e.nothing\n"],
    ["SELECT q.made FROM (SELECT id AS made FROM ", ref, ") AS q"],
    ["WITH e AS (SELECT 1 AS x) SELECT e.x, f.id FROM e, LATERAL (SELECT id FROM ", ref, " WHERE id = e.x) f"],
    ["SELECT e.id, pg_catalog.now(), g.v FROM ", ref, " e CROSS JOIN generate_series(1, 2) AS g(v)"],
    ["SELECT e.id FROM ", ref, " e WHERE EXISTS (SELECT 1 FROM pg_class e WHERE e.relname = 'e.nothing')"],
  ];
  for (const [index, parts] of sound.entries()) expect(findings(base, view(`sound${index}`, parts))).toEqual([]);
});

test("the SQL of checks is read, too", () => {
  const orders = (text: string): Model =>
    defineTable("orders", { grain: "one row per order", columns, checks: [noRows(text)], on: { postgres: {} } });
  expect(findings(orders("SELECT o.id FROM orders o WHERE o.at IS NULL"))).toEqual([]);
  expect(findings(orders("SELECT 1 FROM ordres"))).toEqual(["warning cross/unknown-relation orders"]);
  expect(findings(orders("SELECT o.id FROM orders o WHERE o.att IS NULL"))).toEqual(["warning cross/unknown-column orders"]);
});
