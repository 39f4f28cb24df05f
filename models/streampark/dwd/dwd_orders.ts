import { acceptedValues, defineTable, notNull, perEnv, range, t, unique } from "dwright";
import { lake, orderStates, owners } from "../shared.js";

/**
 * Orders as they are now. The newest updated_at wins, not the row that came last: a replay of the topic must not take an
 * order back to an older state. The changelog is looked up, because the job behind it adds and subtracts.
 */
export default defineTable("dwd_orders", {
  layer: "dwd",
  owner: owners.warehouse,
  comment: "Orders as they are now",
  grain: "one row per order",
  columns: {
    order_id: t.bigint("order, as the shop numbers them"),
    dt: t.text("day of created_at in UTC, YYYY-MM-DD; never changes, so that an order stays in its partition"),
    user_id: t.bigint("who ordered").nullable(),
    amount: t.decimal(18, 2, "what the user pays").unit("CNY").nullable(),
    status: t.text("state of the order").nullable(),
    receiver: t.text("name on the parcel").pii().nullable(),
    phone: t.text("whom the courier calls").pii().nullable(),
    created_at: t.datetime("when the order was placed, UTC", 3).zone("UTC").nullable(),
    updated_at: t.datetime("when the row changed, UTC", 3).zone("UTC").nullable(),
  },
  key: ["dt", "order_id"],
  fresh: { column: "updated_at", within: "5 min" },
  checks: [
    unique("order_id", { name: "an order is stored once" }),
    notNull("user_id"),
    acceptedValues("status", orderStates),
    range("amount", { min: 0 }),
  ],
  on: {
    paimon: {
      ...lake,
      database: "dwd",
      table: "primary",
      partitionedBy: ["dt"],
      bucket: perEnv({ default: 4, dev: 1, test: 1 }),
      merge: "deduplicate",
      sequence: ["updated_at"],
      changelog: "lookup",
      format: "parquet",
      options: { "snapshot.time-retained": "24 h" },
    },
  },
});
