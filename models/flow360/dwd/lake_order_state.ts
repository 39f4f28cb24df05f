import { defineTable, t, unique } from "dwright";
import { lake, orderStates, owners } from "../shared.js";

/** The newest state of each order. Transactional, because late changes arrive by MERGE. */
export default defineTable("lake_order_state", {
  layer: "dwd",
  owner: owners.warehouse,
  comment: "Orders as they are now",
  grain: "one row per order",
  tags: ["lake"],
  columns: {
    order_id: t.bigint("order"),
    customer_id: t.bigint("who ordered"),
    product_id: t.bigint("what was ordered"),
    quantity: t.int("pieces"),
    amount: t.decimal(18, 2, "what the customer pays, taxes included").unit("EUR"),
    status: t.enum(orderStates, "state of the order"),
    ordered_at: t.instant("when the order was placed, UTC"),
    updated_at: t.instant("when the row changed, UTC"),
  },
  key: ["order_id"],
  fresh: { column: "updated_at", within: "26h" },
  checks: [unique("order_id")],
  on: { hive: { database: lake, table: "transactional", clusteredBy: ["order_id"], buckets: 16, storedAs: "orc" } },
});
