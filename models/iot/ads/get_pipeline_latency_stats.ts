import { defineFunction, sql, t } from "dwright";
import kpi from "../dwd/pipeline_kpi.js";
import { owners } from "../shared.js";

const k = kpi.col;

/** What the Grafana dashboard asks: one row a stage, in the order of the pipeline, with the total last. */
export default defineFunction("get_pipeline_latency_stats", {
  layer: "ads",
  owner: owners.platform,
  comment: "Latency of each pipeline stage over the interval that ends now",
  arguments: { period: t.interval("how far back") },
  returns: {
    table: {
      stage: t.text("stage, or total"),
      batches: t.bigint("batches measured"),
      avg_ms: t.double("mean").unit("ms"),
      p50_ms: t.double("median").unit("ms"),
      p95_ms: t.double("95th percentile").unit("ms"),
      max_ms: t.double("slowest batch").unit("ms"),
    },
  },
  language: "sql",
  volatility: "stable",
  body: {
    timescale: sql.timescale`
      SELECT stage.name,
             count(stage.ms),
             avg(stage.ms),
             percentile_cont(0.5) WITHIN GROUP (ORDER BY stage.ms),
             percentile_cont(0.95) WITHIN GROUP (ORDER BY stage.ms),
             max(stage.ms)
      FROM ${kpi} AS kpi
      CROSS JOIN LATERAL (
        VALUES (1, 'ingest', kpi.${k.ingest_latency_ms}),
               (2, 'queue', kpi.${k.queue_latency_ms}),
               (3, 'process', kpi.${k.process_latency_ms}),
               (4, 'store', kpi.${k.store_latency_ms}),
               (5, 'total', kpi.${k.total_latency_ms})
      ) AS stage (place, name, ms)
      WHERE kpi.${k.time} >= now() - period
      GROUP BY stage.place, stage.name
      ORDER BY stage.place`,
  },
  on: { timescale: {} },
});
