import { defineView, sql, t } from "dwright";
import odsOrders from "../ods/ods_orders.js";
import ordersFeed from "../ods/orders_feed.js";
import { jobSettings, owners } from "../shared.js";

const f = ordersFeed.col;

/** A tombstone has no columns: it is a delete in the shop, which the ODS does not follow. */
export default defineView("kafka_to_ods", {
  layer: "ods",
  owner: owners.streams,
  comment: "Job 2 of 5: Kafka into the append-only ODS",
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
    dt: t.text("day of updated_at in UTC, YYYY-MM-DD"),
    hr: t.text("hour of updated_at in UTC, 00 to 23"),
  },
  query: {
    flink: sql.flink`
      SELECT ${f.order_id}, ${f.user_id}, ${f.amount}, ${f.status}, ${f.receiver}, ${f.phone},
             ${f.created_at}, ${f.updated_at},
             DATE_FORMAT(${f.updated_at}, 'yyyy-MM-dd') AS dt, DATE_FORMAT(${f.updated_at}, 'HH') AS hr
      FROM ${ordersFeed}
      WHERE ${f.order_id} IS NOT NULL AND ${f.updated_at} IS NOT NULL`,
  },
  on: { flink: { job: { into: odsOrders, parallelism: 2, checkpoint: "60 s", settings: jobSettings } } },
});
