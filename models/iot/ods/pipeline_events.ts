import { defineTopic, perEnv, t } from "dwright";
import { owners, replicas } from "../shared.js";

const DAY_MS = 86_400_000;

export default defineTopic("pipeline_events", {
  layer: "ods",
  owner: owners.platform,
  comment: "What each batch took at each stage, sent by the writer after its commit",
  columns: {
    batch_id: t.uuid("batch"),
    time: t.instant("when the batch was committed", 3),
    ingest_ms: t.double("gateway to broker").unit("ms"),
    queue_ms: t.double("waiting in the broker").unit("ms"),
    process_ms: t.double("validation and enrichment").unit("ms"),
    store_ms: t.double("write and commit").unit("ms"),
  },
  key: ["batch_id"],
  on: {
    kafka: {
      topic: "iot.pipeline-events",
      partitions: perEnv({ default: 3, local: 1, dev: 1, test: 1 }),
      replicationFactor: replicas,
      config: {
        "cleanup.policy": "delete",
        "retention.ms": 3 * DAY_MS,
        "min.insync.replicas": perEnv({ default: 2, local: 1, dev: 1, test: 1 }),
      },
      format: "json",
    },
  },
});
