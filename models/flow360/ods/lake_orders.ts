import { defineTable, notNull, rowCount, t } from "dwright";
import { lake, lakeRoot, owners } from "../shared.js";

/** Every change of every order, as it came: what the star schema is rebuilt from. External, because Spark writes the files. */
export default defineTable("lake_orders", {
  layer: "ods",
  owner: owners.ingestion,
  comment: "Changes of orders in the lake",
  grain: "one row per change of an order",
  tags: ["lake"],
  columns: {
    order_id: t.bigint("order").nullable(),
    customer_id: t.bigint("who ordered").nullable(),
    product_id: t.bigint("what was ordered").nullable(),
    quantity: t.int("pieces").nullable(),
    amount: t.decimal(18, 2, "what the customer pays, taxes included").unit("EUR").nullable(),
    status: t.text("state of the order").nullable(),
    ordered_at: t.instant("when the order was placed, UTC").nullable(),
    updated_at: t.instant("when the row changed, UTC").nullable(),
    dt: t.date("day of updated_at in UTC: one directory a day"),
  },
  fresh: { column: "updated_at", within: "26h" },
  checks: [rowCount({ min: 1 }), notNull("order_id"), notNull("updated_at")],
  on: {
    hive: {
      database: lake,
      table: "external",
      partitionedBy: ["dt"],
      storedAs: "parquet",
      location: lakeRoot("orders"),
      properties: { "parquet.compression": "SNAPPY" },
    },
  },
});
