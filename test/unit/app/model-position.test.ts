import { expect, test } from "vitest";
import { positionInModel } from "../../../src/app/model-position.js";

const text = `import { defineTable, t } from "dwright";

/** day: midnight */
export const other = defineTable("orders_old", { columns: { day: t.date() } });

export default defineTable("orders", {
  grain: "one row per day",
  columns: {
    day: t.date(),
    "odd (name)": t.int(),
  },
});
`;

test.each([
  ["a model is where it is defined", "orders", undefined, "6:16"],
  ["a column is where its key stands, not in the model before", "orders", "day", "9:5"],
  ["a column that needs quotes", "orders", "odd (name)", "10:5"],
  ["a column that is written elsewhere is answered by its model", "orders", "shared", "6:16"],
  ["a model that a function makes is answered by its file", "orders_new", "unknown", "1:1"],
])("%s", (_, model, column, expected) => {
  const { line, column: at } = positionInModel(text, model, column);
  expect(`${line}:${at}`).toBe(expected);
});
