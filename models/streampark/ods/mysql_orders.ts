import { defineTable, t } from "dwright";
import { mysqlSource, owners } from "../shared.js";

/** The shop's own table, as Flink follows its binary log. dw makes the Flink table, never the shop's. */
export default defineTable("mysql_orders", {
  layer: "ods",
  owner: owners.streams,
  comment: "Orders in the shop's MySQL",
  grain: "one row per order",
  tags: ["cdc"],
  columns: {
    order_id: t.bigint("order, as the shop numbers them"),
    user_id: t.bigint("who ordered"),
    amount: t.decimal(18, 2, "what the user pays").unit("CNY"),
    status: t.text("state of the order"),
    receiver: t.text("name on the parcel").pii().nullable(),
    phone: t.text("whom the courier calls").pii().nullable(),
    created_at: t.datetime("when the order was placed, UTC", 3).zone("UTC"),
    updated_at: t.datetime("when the row changed, UTC", 3).zone("UTC"),
  },
  key: ["order_id"],
  on: { flink: mysqlSource("orders") },
});
