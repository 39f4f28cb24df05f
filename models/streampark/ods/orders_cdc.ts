import { defineTopic, perEnv, t } from "dwright";
import { brokers, owners, replicas } from "../shared.js";

const DAY_MS = 86_400_000;

/** Keyed by order, so that the states of one order stay in order; the number of partitions is therefore final. */
export default defineTopic("orders_cdc", {
  layer: "ods",
  owner: owners.streams,
  comment: "Orders as they change, one message a change",
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
  fresh: { column: "updated_at", within: "5 min" },
  on: {
    kafka: {
      topic: "streampark.orders",
      partitions: perEnv({ default: 6, local: 1, dev: 2, test: 2 }),
      replicationFactor: replicas,
      config: {
        "cleanup.policy": "delete",
        "retention.ms": 3 * DAY_MS,
        "min.insync.replicas": perEnv({ default: 2, local: 1, dev: 1, test: 1 }),
      },
      format: "json",
    },
    flink: {
      connector: "upsert-kafka",
      properties: {
        topic: "streampark.orders",
        "properties.bootstrap.servers": brokers,
        "key.format": "json",
        "value.format": "json",
      },
    },
  },
});
