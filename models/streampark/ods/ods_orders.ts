import { defineTable, notNull, perEnv, t } from "dwright";
import { lake, owners } from "../shared.js";

/** Every change of every order, for ever: what DWD is rebuilt from. Append-only, by day and hour of the change. */
export default defineTable("ods_orders", {
  layer: "ods",
  owner: owners.streams,
  comment: "Changes of orders",
  grain: "one row per change of an order",
  columns: {
    order_id: t.bigint("order, as the shop numbers them").nullable(),
    user_id: t.bigint("who ordered").nullable(),
    amount: t.decimal(18, 2, "what the user pays").unit("CNY").nullable(),
    status: t.text("state of the order").nullable(),
    receiver: t.text("name on the parcel").pii().nullable(),
    phone: t.text("whom the courier calls").pii().nullable(),
    created_at: t.datetime("when the order was placed, UTC", 3).zone("UTC").nullable(),
    updated_at: t.datetime("when the row changed, UTC", 3).zone("UTC").nullable(),
    dt: t.text("day of updated_at in UTC, YYYY-MM-DD"),
    hr: t.text("hour of updated_at in UTC, 00 to 23"),
  },
  fresh: { column: "updated_at", within: "5 min" },
  checks: [notNull("order_id")],
  on: {
    paimon: {
      ...lake,
      database: "ods",
      table: "append",
      partitionedBy: ["dt", "hr"],
      bucket: perEnv({ default: 4, dev: 1, test: 1 }),
      bucketKey: ["order_id"],
      format: "parquet",
      options: { "snapshot.time-retained": "24 h", "partition.expiration-time": "365 d", "partition.timestamp-formatter": "yyyy-MM-dd" },
    },
  },
});
