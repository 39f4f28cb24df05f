import { defineView, sql, t } from "dwright";
import dwdOrders from "../dwd/dwd_orders.js";
import orderHourly from "../dws/dws_order_hourly.js";
import { jobSettings, owners } from "../shared.js";

const d = dwdOrders.col;

export default defineView("dwd_to_dws", {
  layer: "dws",
  owner: owners.streams,
  comment: "Job 4 of 5: orders by hour into StarRocks",
  tags: ["job"],
  columns: {
    order_hour: t.datetime("hour in which the orders were placed, UTC", 3).zone("UTC"),
    status: t.text("state of the orders now"),
    orders: t.bigint("orders"),
    users: t.bigint("users who ordered"),
    amount: t.decimal(38, 2, "what they pay").unit("CNY").nullable(),
    refreshed_at: t.datetime("newest change that is counted, UTC", 3).zone("UTC").nullable(),
  },
  query: {
    flink: sql.flink`
      SELECT FLOOR(${d.created_at} TO HOUR) AS order_hour, COALESCE(${d.status}, 'unknown') AS status, COUNT(*) AS orders,
             COUNT(DISTINCT ${d.user_id}) AS users, CAST(SUM(${d.amount}) AS DECIMAL(38, 2)) AS amount, MAX(${d.updated_at}) AS refreshed_at
      FROM ${dwdOrders}
      WHERE ${d.created_at} IS NOT NULL
      GROUP BY FLOOR(${d.created_at} TO HOUR), COALESCE(${d.status}, 'unknown')`,
  },
  on: { flink: { job: { into: orderHourly, parallelism: 2, checkpoint: "120 s", settings: jobSettings } } },
});
