import { defineTable, t } from "dwright";
import { brokers, owners } from "../shared.js";

/**
 * The same topic, read as a row of messages instead of a changing table: the append-only ODS keeps every change, and takes
 * no updates.
 */
export default defineTable("orders_feed", {
  layer: "ods",
  owner: owners.streams,
  comment: "Messages of streampark.orders",
  grain: "one row per change of an order",
  tags: ["cdc"],
  columns: {
    order_id: t.bigint("order, as the shop numbers them").nullable(),
    user_id: t.bigint("who ordered").nullable(),
    amount: t.decimal(18, 2, "what the user pays").unit("CNY").nullable(),
    status: t.text("state of the order").nullable(),
    receiver: t.text("name on the parcel").pii().nullable(),
    phone: t.text("whom the courier calls").pii().nullable(),
    created_at: t.datetime("when the order was placed, UTC", 3).zone("UTC").nullable(),
    updated_at: t.datetime("when the row changed, UTC", 3).zone("UTC").nullable(),
  },
  on: {
    flink: {
      connector: "kafka",
      properties: {
        topic: "streampark.orders",
        "properties.bootstrap.servers": brokers,
        "properties.group.id": "streampark-ods",
        "scan.startup.mode": "group-offsets",
        "properties.auto.offset.reset": "earliest",
        format: "json",
      },
      watermark: { column: "updated_at", delay: "5 SECOND" },
    },
  },
});
