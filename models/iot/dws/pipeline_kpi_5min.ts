import { defineMaterializedView, rowCount, sql, t } from "dwright";
import kpi from "../dwd/pipeline_kpi.js";
import { owners } from "../shared.js";

const k = kpi.col;

export default defineMaterializedView("pipeline_kpi_5min", {
  layer: "dws",
  owner: owners.platform,
  comment: "Stage latencies in steps of five minutes, for dashboards and alerts",
  grain: "one row per five minutes",
  columns: {
    bucket: t.instant("start of the five minutes"),
    batches: t.bigint("committed batches"),
    ingest_latency_ms: t.double("mean, sensor to broker").unit("ms"),
    queue_latency_ms: t.double("mean, waiting in the broker").unit("ms"),
    process_latency_ms: t.double("mean, validation and enrichment").unit("ms"),
    store_latency_ms: t.double("mean, write and commit").unit("ms"),
    total_latency_ms_max: t.double("slowest batch, all stages").unit("ms").nullable(),
  },
  key: ["bucket"],
  fresh: { column: "bucket", within: "15 min", severity: "warn" },
  checks: [rowCount({ min: 1 })],
  query: {
    timescale: sql.timescale`
      SELECT time_bucket(INTERVAL '5 minutes', ${k.time}) AS bucket,
             count(*) AS batches,
             avg(${k.ingest_latency_ms}) AS ingest_latency_ms,
             avg(${k.queue_latency_ms}) AS queue_latency_ms,
             avg(${k.process_latency_ms}) AS process_latency_ms,
             avg(${k.store_latency_ms}) AS store_latency_ms,
             max(${k.total_latency_ms}) AS total_latency_ms_max
      FROM ${kpi}
      GROUP BY 1`,
  },
  on: {
    timescale: {
      materializedOnly: false,
      refresh: { startOffset: "1 day", endOffset: "5 minutes", every: "5 minutes" },
      retention: "2 years",
    },
  },
});
