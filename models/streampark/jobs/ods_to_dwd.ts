import { defineView, sql, t } from "dwright";
import dwdOrders from "../dwd/dwd_orders.js";
import odsOrders from "../ods/ods_orders.js";
import { jobSettings, owners } from "../shared.js";

const o = odsOrders.col;

export default defineView("ods_to_dwd", {
  layer: "dwd",
  owner: owners.streams,
  comment: "Job 3 of 5: changes into orders as they are now",
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
    dt: t.text("day of created_at in UTC, YYYY-MM-DD"),
  },
  query: {
    flink: sql.flink`
      SELECT ${o.order_id}, ${o.user_id}, ${o.amount}, ${o.status}, ${o.receiver}, ${o.phone},
             ${o.created_at}, ${o.updated_at},
             DATE_FORMAT(${o.created_at}, 'yyyy-MM-dd') AS dt
      FROM ${odsOrders}
      WHERE ${o.created_at} IS NOT NULL`,
  },
  on: { flink: { job: { into: dwdOrders, parallelism: 4, checkpoint: "60 s", settings: jobSettings } } },
});
