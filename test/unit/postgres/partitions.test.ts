import { expect, test } from "vitest";
import { buildPlan } from "../../../src/core/build-plan.js";
import { type Catalog, catalogOf } from "../../../src/core/catalog.js";
import type { Model } from "../../../src/core/model.js";
import { postgres } from "../../../src/engines/postgres/index.js";
import { boundsOf } from "../../../src/engines/postgres/partitions.js";
import { defineTable, t } from "../../../src/index.js";
import { modelFile } from "../../../src/model/print/file.js";

const columns = {
  id: t.bigint("key"),
  day: t.date("when it was sold"),
  shop: t.text("code"),
  paid: t.decimal(18, 4, "money").nullable(),
};

function sales(partitionBy: object, more: object = {}): Model {
  return defineTable("sales", {
    grain: "one row per sale",
    key: ["id", "day", "shop"],
    columns,
    on: { postgres: { partitionBy } },
    ...more,
  } as never); // tests combine what types would narrow
}

function catalog(...models: Model[]): Catalog {
  const context = { warehouse: "w", models: new Map(models.map((model) => [model.name, model])) };
  return catalogOf("w", postgres.resolve(models, context).objects);
}

function statements(from: Model[], to: Model[]): { sql: string; hazards?: string[] }[] {
  return buildPlan(catalog(...from), catalog(...to), () => postgres)
    .statements.filter(({ text, held }) => !text.startsWith("COMMENT") && !held)
    .map(({ text, hazards }) => ({ sql: text, ...(hazards.length > 0 && { hazards: hazards.map(({ kind }) => kind) }) }));
}

function rules(...models: Model[]): string[] {
  return postgres.lint(catalog(...models).objects, { engine: "postgres", version: "17" } as never).map(({ rule }) => rule);
}

const byMonth = (until: string, more: object = {}): object => ({
  by: "range",
  columns: ["day"],
  every: { step: "1 month", from: "2024-01-01", until },
  ...more,
});

test("a table is made with its partitions, by month and by hash within each", () => {
  expect(
    statements([], [sales(byMonth("2024-03-01", { default: "sales_rest", each: { by: "hash", columns: ["shop"], modulus: 2 } }))]).map(
      ({ sql }) => sql,
    ),
  ).toEqual([
    expect.stringMatching(/^CREATE TABLE public\.sales \([^;]*\)\nPARTITION BY RANGE \(day\)$/),
    "CREATE TABLE public.sales_2024_01 PARTITION OF public.sales FOR VALUES FROM ('2024-01-01') TO ('2024-02-01') PARTITION BY HASH (shop)",
    "CREATE TABLE public.sales_2024_01_0 PARTITION OF public.sales_2024_01 FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "CREATE TABLE public.sales_2024_01_1 PARTITION OF public.sales_2024_01 FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    "CREATE TABLE public.sales_2024_02 PARTITION OF public.sales FOR VALUES FROM ('2024-02-01') TO ('2024-03-01') PARTITION BY HASH (shop)",
    "CREATE TABLE public.sales_2024_02_0 PARTITION OF public.sales_2024_02 FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "CREATE TABLE public.sales_2024_02_1 PARTITION OF public.sales_2024_02 FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    "CREATE TABLE public.sales_rest PARTITION OF public.sales DEFAULT PARTITION BY HASH (shop)",
    "CREATE TABLE public.sales_rest_0 PARTITION OF public.sales_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "CREATE TABLE public.sales_rest_1 PARTITION OF public.sales_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
  ]);
});

test("a later end is more partitions, and nothing else", () => {
  expect(statements([sales(byMonth("2024-03-01"))], [sales(byMonth("2024-04-01"))])).toEqual([
    { sql: "CREATE TABLE public.sales_2024_03 PARTITION OF public.sales FOR VALUES FROM ('2024-03-01') TO ('2024-04-01')" },
  ]);
});

test("a partition that goes is detached and held, and that has to be approved", () => {
  const plan = statements([sales(byMonth("2024-03-01"))], [sales(byMonth("2024-02-01"))]);
  expect(plan.map(({ sql }) => sql.replace(/\w+_dw_held/g, "held"))).toEqual([
    "CREATE SCHEMA held",
    "ALTER TABLE public.sales DETACH PARTITION public.sales_2024_02",
    "ALTER TABLE public.sales_2024_02 SET SCHEMA held",
  ]);
  expect(plan[0]?.hazards).toEqual(["data-loss"]);
});

test("a list that gets a value keeps its rows where they are", () => {
  const eu = (...values: string[]): object => ({ by: "list", columns: ["shop"], partitions: [{ name: "eu", values }] });
  expect(statements([sales(eu("FR"))], [sales(eu("FR", "DE"))])).toEqual([
    { sql: "ALTER TABLE public.sales DETACH PARTITION public.eu", hazards: ["blocks-writes"] },
    { sql: "ALTER TABLE public.sales ATTACH PARTITION public.eu FOR VALUES IN ('DE', 'FR')" },
  ]);
});

test("bounds read as the server shows them, and values are spelt as the server spells them", () => {
  expect(boundsOf("FOR VALUES FROM ('2024-01-01 00:00:00+00', 5, MINVALUE) TO ('it''s', '-7', MAXVALUE)")).toEqual({
    from: ["'2024-01-01 00:00:00+00'", "'5'", "MINVALUE"],
    to: ["'it''s'", "'-7'", "MAXVALUE"],
  });
  expect(boundsOf("FOR VALUES IN (NULL, true, E'a\\\\b', ') TO (')")).toEqual({ values: ["') TO ('", "'true'", "E'a\\\\b'", "NULL"] });
  expect(boundsOf("FOR VALUES WITH (modulus 4, remainder 3)")).toEqual({ modulus: 4, remainder: 3 });
});

test("what PostgreSQL refuses of partitions is found before it is asked", () => {
  const range = (...partitions: object[]): object => ({ by: "range", columns: ["day"], partitions });
  const list = (...partitions: object[]): object => ({ by: "list", columns: ["shop"], partitions });
  expect(rules(sales(byMonth("2024-03-01")))).toEqual([]);
  expect(rules(sales(byMonth("2024-03-01"), { key: ["id"] }))).toEqual(["postgres/unique-contains-partitioning"]);
  expect(
    rules(sales(range({ name: "a", from: "2024-01-01", to: "2024-02-01" }, { name: "b", from: "2024-01-31", to: "2024-03-01" }))),
  ).toEqual(["postgres/partition-overlap"]);
  expect(rules(sales(range({ name: "a", from: "2024-01-01", to: "2024-01-01" })))).toEqual(["postgres/partition-empty-range"]);
  expect(rules(sales(list({ name: "a", values: ["x", "y"] }, { name: "b", values: ["y"] })))).toEqual(["postgres/partition-overlap"]);
  expect(rules(sales(list({ name: "sales", values: ["x"] })))).toEqual(["postgres/partition-name"]);
  expect(rules(sales({ by: "list", columns: ["shop", "day"], partitions: [] }))).toEqual(["postgres/partition-list-columns"]);
  expect(() => catalog(sales(byMonth("2024-02-15")))).toThrow(/no step from .* meets/);
  expect(() => catalog(sales(byMonth("2024-02-01", { every: { step: "90 minutes", from: "2024-01-01", until: "2024-02-01" } })))).toThrow(
    /no number of months, days or hours/,
  );
});

test("a star schema: facts by month refer to dimensions, and the file of an import says so again", () => {
  const shops = defineTable("dim_shop", {
    grain: "one row per shop",
    key: ["code"],
    columns: { code: t.text("key"), name: t.text("shown") },
    on: { postgres: {} },
  });
  const facts = sales(byMonth("2024-03-01", { default: "sales_rest" }), {
    references: [{ columns: ["shop"], model: shops, to: ["code"] }],
  });
  expect(rules(shops, facts)).toEqual([]);
  const found = catalog(shops, facts).objects;
  const context = {
    warehouse: "w",
    modelName: (id: string) => found.find((object) => object.id === id)?.name[1],
    viewColumnType: () => undefined,
  };
  const imported = found.map((object) => postgres.toModel?.(object, context)).filter((model) => model !== undefined);
  expect(catalog(...imported).objects.map(({ id, body }) => [id, body])).toEqual(found.map(({ id, body }) => [id, body]));
  const [, table] = imported;
  expect(modelFile(table as never, { from: "dwright", fileOf: (name) => `./${name}.js` })).toContain(
    '{ name: "sales_2024_01", from: "2024-01-01", to: "2024-02-01" }',
  );
});
