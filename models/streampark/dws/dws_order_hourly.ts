import { anomaly, attained, defineTable, hash, month, range, rowCount, statistic, t, unique } from "dwright";
import { database, owners, replication, starrocksSink } from "../shared.js";

/** PRIMARY KEY: the job rewrites an hour whenever an order of it changes. */
export default defineTable("dws_order_hourly", {
  layer: "dws",
  owner: owners.warehouse,
  comment: "Orders by hour and state",
  grain: "one row per hour of creation and state",
  zone: "UTC",
  columns: {
    order_hour: t.datetime("hour in which the orders were placed, UTC", 3).zone("UTC"),
    status: t.varchar(16, "state of the orders now"),
    orders: t.bigint("orders"),
    users: t.bigint("users who ordered"),
    amount: t.decimal(38, 2, "what they pay").unit("CNY").nullable(),
    refreshed_at: t.datetime("newest change that is counted, UTC", 3).zone("UTC").nullable(),
  },
  key: ["order_hour", "status"],
  fresh: { column: "refreshed_at", within: "5 min" },
  checks: [
    rowCount({ min: 1 }),
    unique(["order_hour", "status"]),
    range("orders", { min: 0 }),
    range("amount", { min: 0 }),
    anomaly(statistic("orders", "sum", {}, { recent: { column: "order_hour", last: "24h" } }), {
      season: "day of week",
      learning: "warn",
    }),
    attained("the newest refreshed_at is at most 5 min old", { over: "30 days", min: "99%", learning: "warn" }, { tags: ["sla"] }),
  ],
  on: {
    starrocks: {
      database,
      table: "primary",
      partitionBy: month("order_hour"),
      distributeBy: hash(["order_hour"], 8),
      replication,
      persistentIndex: true,
    },
    flink: starrocksSink("dws_order_hourly"),
  },
});
