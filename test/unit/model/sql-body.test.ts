import { expect, test } from "vitest";
import { defineTable, sql, t } from "../../../src/index.js";
import type { ColumnReferences } from "../../../src/model/define.js";

const orders = defineTable("orders", {
  layer: "dws",
  grain: "one row per order",
  columns: { paid: t.bigint("paid") },
  on: { postgres: {} },
});

test("a column that was renamed does not vanish from the SQL", () => {
  const col = orders.col as ColumnReferences<{ paid: never; refunded: never }>; // as an author sees it who runs no type checker
  expect(() => sql.postgres`SELECT sum(${col.refunded}) FROM ${orders}`).toThrow(
    "After `SELECT sum(` the SQL body refers to a column that its model does not have.",
  );
});

test("a raw text is no reference", () => {
  expect(() => sql.postgres`SELECT ${"paid" as never} FROM ${orders}`).toThrow("a string instead of a model or a column");
});
