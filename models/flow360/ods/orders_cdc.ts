import { defineTopic, t } from "dwright";
import { inSync, owners, replicas } from "../shared.js";

const DAY_MS = 86_400_000;

/** Keyed by order, so that the states of one order stay in order; the number of partitions is therefore final. */
export default defineTopic("orders_cdc", {
  layer: "ods",
  owner: owners.ingestion,
  comment: "Changes of orders in the shop's PostgreSQL",
  tags: ["cdc", "postgres"],
  columns: {
    order_id: t.bigint("order, as the shop numbers them"),
    customer_id: t.bigint("who ordered"),
    product_id: t.bigint("what was ordered"),
    quantity: t.int("pieces"),
    amount: t.decimal(18, 2, "what the customer pays, taxes included").unit("EUR"),
    status: t.text("state of the order"),
    ordered_at: t.instant("when the order was placed", 3),
    updated_at: t.instant("when the row changed", 3),
  },
  key: ["order_id"],
  fresh: { column: "updated_at", within: "15 min" },
  on: {
    kafka: {
      topic: "flow360.postgres.orders",
      partitions: 12,
      replicationFactor: replicas,
      // Longer than the lake's load may be down, so that the lake never has to be filled from the shop again.
      config: { "cleanup.policy": "delete", "retention.ms": 7 * DAY_MS, "min.insync.replicas": inSync },
      format: "avro",
    },
  },
});
