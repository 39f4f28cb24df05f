import { defineTopic, t } from "dwright";
import { inSync, owners, replicas } from "../shared.js";

/**
 * Rows of the shop's MySQL table `customers`, as Kafka Connect sends them. Compacted: the newest row of each customer stays
 * for ever, so that a consumer that starts late still sees every customer.
 */
export default defineTopic("customers_cdc", {
  layer: "ods",
  owner: owners.ingestion,
  comment: "Changes of customers in the shop's MySQL",
  tags: ["cdc", "mysql"],
  columns: {
    customer_id: t.bigint("customer, as the shop numbers them"),
    email: t.text("address that the customer signed in with").pii().nullable(),
    full_name: t.text("name as the customer wrote it").pii().nullable(),
    country: t.char(2, "ISO 3166-1 alpha-2").nullable(),
    channel: t.text("where the customer came from").nullable(),
    updated_at: t.instant("when the row changed", 3),
  },
  key: ["customer_id"],
  fresh: { column: "updated_at", within: "1h", severity: "warn" },
  on: {
    kafka: {
      topic: "flow360.mysql.customers",
      partitions: 6,
      replicationFactor: replicas,
      config: { "cleanup.policy": "compact", "min.insync.replicas": inSync },
      format: "avro",
    },
  },
});
