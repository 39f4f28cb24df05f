import { defineView, sql, t } from "dwright";
import mysqlOrders from "../ods/mysql_orders.js";
import ordersCdc from "../ods/orders_cdc.js";
import { jobSettings, owners } from "../shared.js";

const m = mysqlOrders.col;

export default defineView("mysql_to_kafka", {
  layer: "ods",
  owner: owners.streams,
  comment: "Job 1 of 5: the shop's changes into Kafka",
  tags: ["job"],
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
  query: {
    flink: sql.flink`
      SELECT ${m.order_id}, ${m.user_id}, ${m.amount}, ${m.status}, ${m.receiver}, ${m.phone},
             ${m.created_at}, ${m.updated_at}
      FROM ${mysqlOrders}`,
  },
  on: { flink: { job: { into: ordersCdc, parallelism: 2, checkpoint: "30 s", settings: jobSettings } } },
});
