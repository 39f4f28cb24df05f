import { defineView, sql, t } from "dwright";
import qualityScore from "../ads/ads_quality_score.js";
import dwdOrders from "../dwd/dwd_orders.js";
import { jobSettings, owners } from "../shared.js";

const d = dwdOrders.col;

export default defineView("dwd_quality", {
  layer: "ads",
  owner: owners.streams,
  comment: "Job 5 of 5: share of correct orders into StarRocks",
  tags: ["job"],
  columns: {
    table_name: t.text("what was judged"),
    hour: t.datetime("hour of the change, UTC", 3).zone("UTC"),
    rows_seen: t.bigint("rows that were judged"),
    score: t.double("correct rows of a hundred").unit("%"),
    refreshed_at: t.datetime("newest change that is counted, UTC", 3).zone("UTC").nullable(),
  },
  query: {
    flink: sql.flink`
      SELECT 'dwd_orders' AS table_name, FLOOR(${d.updated_at} TO HOUR) AS \`hour\`, COUNT(*) AS rows_seen,
             AVG(CASE WHEN ${d.user_id} IS NOT NULL AND ${d.amount} >= 0 THEN CAST(100 AS DOUBLE) ELSE CAST(0 AS DOUBLE) END) AS score,
             MAX(${d.updated_at}) AS refreshed_at
      FROM ${dwdOrders}
      WHERE ${d.updated_at} IS NOT NULL
      GROUP BY FLOOR(${d.updated_at} TO HOUR)`,
  },
  on: { flink: { job: { into: qualityScore, parallelism: 1, checkpoint: "300 s", settings: jobSettings } } },
});
