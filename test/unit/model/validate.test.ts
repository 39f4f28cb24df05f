import { describe, expect, test } from "vitest";
import { DwError } from "../../../src/core/errors.js";
import type { Model } from "../../../src/core/model.js";
import { defineBackfill, defineTable, defineView, sql, t } from "../../../src/index.js";
import { validateModels } from "../../../src/model/validate.js";

const layers = ["ods", "dwd", "dws", "ads"];
const orders = defineTable("orders", {
  layer: "dws",
  grain: "one row per shop and day",
  columns: { shop_id: t.bigint("the shop"), day: t.instant("midnight, UTC"), paid: t.decimal(18, 4) },
  key: ["shop_id", "day"],
  fresh: { column: "day", within: "26h" },
  on: { postgres: {} },
});

/** The model as a JavaScript author could have written it, from its file. */
function written(change: Record<string, unknown>, from: Model = orders): Model {
  return { ...from, origin: { warehouse: "shop", file: "models/shop/orders.ts" }, ...change } as unknown as Model;
}

function mistakes(...models: readonly Model[]): readonly { readonly what: string; readonly why: string; readonly fix: string }[] {
  try {
    validateModels(models, { layers });
    return [];
  } catch (error) {
    if (error instanceof AggregateError) return error.errors;
    if (error instanceof DwError) return [error];
    throw error;
  }
}

describe("a wrong model is named by file, model and column", () => {
  test("a model that says nothing wrong passes", () => {
    expect(mistakes(written({}))).toEqual([]);
  });

  test("the whole letter", () => {
    expect(mistakes(written({ key: ["shop_id", "dya"] }))).toEqual([
      expect.objectContaining({
        code: "DW-MODEL-INVALID",
        what: "models/shop/orders.ts: orders names the column dya in `key`, which it does not have.",
        why: "Its columns are shop_id, day, paid.",
        fix: "Did you mean day?",
      }),
    ]);
  });

  const column = (type: object) => ({ columns: { x: { type, comment: "", nullable: false } }, key: [], fresh: undefined });

  test.each([
    ["an unknown layer", { layer: "dwz" }, "is in the layer dwz, which the project does not have."],
    ["a misspelt key", { colums: {} }, "says `colums`, which a table does not know."],
    [
      "an option of another engine",
      { on: { postgres: { chunkInterval: "7 days" } } },
      "has the option on.postgres.chunkInterval, which does not exist.",
    ],
    [
      "two names that one engine folds",
      { ...column({ kind: "uuid" }), columns: { x: { type: { kind: "uuid" } }, X: { type: { kind: "uuid" } } }, on: { duckdb: {} } },
      "has two columns X for duckdb.",
    ],
    ["no grain", { grain: undefined }, "has no `grain`."],
    ["no columns", { columns: {}, key: [], fresh: undefined }, "has no columns."],
    ["a name that is a path", { name: "../x" }, 'has the name "../x".'],
    ["a name with an invisible character", { name: "or\u200bders" }, 'has the name "or\u200bders".'],
    ["an empty name", { name: "" }, 'has the name "".'],
    ["a type that was not called", { columns: { shop_id: undefined } }, "has something at column shop_id that is not a column."],
    ["a key column twice", { key: ["day", "day"] }, "names day twice in `key`."],
    [
      "freshness of a missing column",
      { fresh: { column: "at", within: "1h" } },
      "names the column at in `fresh.column`, which it does not have.",
    ],
    ["freshness of an amount", { fresh: { column: "paid", within: "1h" } }, "measures freshness by paid, which is decimal(18,4)."],
    ["a duration without a unit", { fresh: { column: "day", within: "26" } }, 'says `fresh.within: "26"`, which is no duration.'],
    ["a zone that does not exist", { zone: "Europe/Lutetia" }, 'has the zone "Europe/Lutetia".'],
    ["a scale above the precision", column({ kind: "decimal", precision: 4, scale: 9 }), "has the column x as decimal(4,9)."],
    ["an enum that repeats itself", column({ kind: "enum", values: ["a", "a"] }), "has the column x as enum(a|a)."],
    ["an engine that is none", { on: { starrock: {} } }, "is `on` starrock."],
    [
      "a partition on a missing column",
      { on: { starrocks: { table: "duplicate", partitionBy: { by: "time", column: "dy", unit: "day" } } } },
      "names the column dy in `on.starrocks.partitionBy`, which it does not have.",
    ],
    [
      "an index on a missing column",
      { on: { postgres: { indexes: [{ columns: [{ column: "shop", order: "desc" }] }] } } },
      "names the column shop in `on.postgres.indexes`, which it does not have.",
    ],
    [
      "a columnstore segment on a missing column",
      { on: { timescale: { columnstore: { segmentBy: ["shop"] } } } },
      "names the column shop in `on.timescale.columnstore`, which it does not have.",
    ],
    [
      "a reference to a model that is not there",
      { references: [{ columns: ["shop_id"], model: "shops", to: ["id"] }] },
      "names the model shops in `references.model`, which the warehouse does not have.",
    ],
  ])("%s", (_, change, what) => {
    const name = typeof (change as { name?: string }).name === "string" ? (change as { name: string }).name : "orders";
    expect(mistakes(written(change)).map((mistake) => mistake.what)).toEqual([`models/shop/orders.ts: ${name} ${what}`]);
  });

  test("a reference by two columns to one, of which one is missing, is two mistakes", () => {
    const shops = defineTable("shops", { grain: "one row per shop", columns: { id: t.bigint() }, on: { postgres: {} } });
    const references = [{ columns: ["shop_id", "day"], model: "shops", to: ["ids"] }];
    expect(mistakes(written({ references }), shops).map((mistake) => mistake.what)).toEqual([
      "models/shop/orders.ts: orders names the column ids in `references.to`, which shops does not have.",
      "models/shop/orders.ts: orders refers to shops by 2 columns on its side and 1 on the other.",
    ]);
  });

  test.each([
    [
      "a check that is suppressed without an end",
      { check: "not-null", column: "day", suppress: { until: "soon", reason: "known" } },
      'suppresses its not-null check until "soon", because of "known".',
    ],
    [
      "a check of a missing column",
      { check: "not-null", column: "dya" },
      "names the column dya in `checks.not-null.column`, which it does not have.",
    ],
    [
      "a check of several columns, one of which is missing",
      { check: "unique", columns: ["day", "shop"] },
      "names the column shop in `checks.unique.columns`, which it does not have.",
    ],
    [
      "a check against a model that is not there",
      { check: "reference", columns: ["shop_id"], model: "shops", to: ["id"] },
      "names the model shops in `checks.reference.model`, which the warehouse does not have.",
    ],
  ])("%s", (_, check, what) => {
    expect(mistakes(written({ checks: [check] })).map((mistake) => mistake.what)).toEqual([`models/shop/orders.ts: orders ${what}`]);
  });

  test("a view that reads a model of another warehouse", () => {
    const view = defineView("v", {
      columns: { paid: t.decimal(18, 4) },
      query: { postgres: sql.postgres`SELECT ${orders.col.paid} FROM ${orders}` },
      on: { postgres: {} },
    });
    expect(mistakes(view, orders)).toEqual([]);
    expect(mistakes(view)[0]?.what).toBe("v names the model orders in `query.postgres`, which the warehouse does not have.");
  });

  test("a backfill into a column that is not there, and into one of several slots", () => {
    const backfill = defineBackfill("history", { from: "iceberg:/old", to: orders, map: { paid: { column: "amount" } } });
    expect(mistakes(backfill, orders)).toEqual([]);
    expect(mistakes({ ...backfill, map: { piad: { column: "amount" } } }, orders)[0]).toMatchObject({
      what: "history names the column piad in `map`, which orders does not have.",
      fix: "Did you mean paid?",
    });
    expect(mistakes(backfill, written({ on: { postgres: {}, timescale: {} } }))[0]).toMatchObject({
      what: "history does not say which slot it fills.",
      why: "orders is on postgres, timescale.",
    });
  });
});
