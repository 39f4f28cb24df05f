import { defineTable, latency, notNull, range, rowCount, t } from "dwright";
import { owners } from "../shared.js";

const elapsed = { min: 0 };

/** What get_pipeline_latency_stats('1 day') shows. */
const lastDay = { recent: { column: "time", last: "1 day" }, tags: ["latency"] } as const;

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
    range("ingest_latency_ms", elapsed),
    range("queue_latency_ms", elapsed),
    range("process_latency_ms", elapsed),
    range("store_latency_ms", elapsed),
    latency("ingest_latency_ms", { p95: "5s" }, { ...lastDay, name: "sensor to broker" }),
    latency("queue_latency_ms", { p95: "10s" }, { ...lastDay, name: "waiting in the broker" }),
    latency("process_latency_ms", { p95: "10s" }, { ...lastDay, name: "validation and enrichment" }),
    latency("store_latency_ms", { p95: "5s" }, { ...lastDay, name: "write and commit" }),
    latency("total_latency_ms", { p50: "10s", p95: "30s", max: "2 min" }, { ...lastDay, name: "the whole pipeline" }),
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
