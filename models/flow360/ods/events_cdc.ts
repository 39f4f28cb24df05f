import { defineTopic, t } from "dwright";
import { inSync, owners, replicas } from "../shared.js";

const DAY_MS = 86_400_000;

export default defineTopic("events_cdc", {
  layer: "ods",
  owner: owners.ingestion,
  comment: "What customers did in the app, from its MongoDB",
  tags: ["cdc", "mongodb"],
  columns: {
    event_id: t.text("ObjectId of the document, as hexadecimal text"),
    customer_id: t.bigint("who did it; NULL before signing in").nullable(),
    event: t.text("what was done"),
    properties: t.json("what the app adds; fields differ per event").nullable(),
    happened_at: t.instant("the phone's clock", 3),
  },
  key: ["event_id"],
  on: {
    kafka: {
      topic: "flow360.mongodb.events",
      partitions: 12,
      replicationFactor: replicas,
      config: { "cleanup.policy": "delete", "retention.ms": 3 * DAY_MS, "min.insync.replicas": inSync },
      format: "json",
    },
  },
});
