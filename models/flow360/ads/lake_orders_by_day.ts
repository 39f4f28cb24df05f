import { defineView, sql, t } from "dwright";
import orders from "../ods/lake_orders.js";
import { lake, owners } from "../shared.js";

const o = orders.col;

/** What the monitoring compares with the shop's own counts. */
export default defineView("lake_orders_by_day", {
  layer: "ads",
  owner: owners.ingestion,
  comment: "Changes of orders in the lake, by day",
  columns: {
    dt: t.date("day of the change in UTC"),
    changes: t.bigint("changes"),
    orders: t.bigint("orders that changed"),
  },
  query: {
    hive: sql.hive`
      SELECT ${o.dt}, count(*) AS changes, count(DISTINCT ${o.order_id}) AS orders
      FROM ${orders}
      GROUP BY ${o.dt}`,
  },
  on: { hive: { database: lake } },
});
