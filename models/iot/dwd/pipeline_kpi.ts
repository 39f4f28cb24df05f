import { defineTable, notNull, range, rowCount, t } from "dwright";
import { owners } from "../shared.js";

const latency = { min: 0 };

/** Four stages, one column each: a batch passes all of them, and the function reads them together. */
export default defineTable("pipeline_kpi", {
  layer: "dwd",
  owner: owners.platform,
  comment: "Latency of each batch at the four stages of the pipeline",
  grain: "one row per committed batch",
  columns: {
    time: t.instant("when the batch was committed"),
    batch_id: t.uuid("batch"),
    ingest_latency_ms: t.double("sensor to broker").unit("ms"),
    queue_latency_ms: t.double("waiting in the broker").unit("ms"),
    process_latency_ms: t.double("validation and enrichment").unit("ms"),
    store_latency_ms: t.double("write and commit").unit("ms"),
    total_latency_ms: t
      .double("sum of the four stages")
      .unit("ms")
      .generated({ postgres: "ingest_latency_ms + queue_latency_ms + process_latency_ms + store_latency_ms" })
      .nullable(),
  },
  key: ["batch_id", "time"],
  fresh: { column: "time", within: "10 min" },
  checks: [
    rowCount({ min: 1 }),
    notNull("batch_id"),
    range("ingest_latency_ms", latency),
    range("queue_latency_ms", latency),
    range("process_latency_ms", latency),
    range("store_latency_ms", latency),
    range("total_latency_ms", { max: 60_000 }, { name: "a batch is visible within a minute", severity: "warn", fail: "1%" }),
  ],
  on: {
    timescale: {
      timeColumn: "time",
      chunkInterval: "7 days",
      columnstore: { orderBy: [{ column: "time", order: "desc" }], after: "14 days" },
      retention: "1 year",
    },
  },
});
