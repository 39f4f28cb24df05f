import { anomaly, attained, defineTable, hash, month, range, rowCount, statistic, t } from "dwright";
import { database, owners, replication, starrocksSink } from "../shared.js";

/** What the platform promises: every hour of every table scores 90 or more. */
export default defineTable("ads_quality_score", {
  layer: "ads",
  owner: owners.warehouse,
  comment: "Share of correct rows",
  grain: "one row per table and hour",
  zone: "UTC",
  columns: {
    table_name: t.varchar(64, "what was judged"),
    hour: t.datetime("hour of the change, UTC", 3).zone("UTC"),
    rows_seen: t.bigint("rows that were judged"),
    score: t.double("correct rows of a hundred").unit("%"),
    refreshed_at: t.datetime("newest change that is counted, UTC", 3).zone("UTC").nullable(),
  },
  key: ["table_name", "hour"],
  fresh: { column: "refreshed_at", within: "15 min" },
  checks: [
    rowCount({ min: 1 }),
    range("score", { min: 90, max: 100 }, { name: "nine rows of ten are correct", weight: 3 }),
    range("score", { min: 99 }, { name: "few hours have anomalies", warn: "1%", fail: "5%" }),
    anomaly(statistic("score", "mean", {}), { season: "hour of day", direction: "down", tolerance: 1, learning: "warn" }),
    attained("nine rows of ten are correct", { over: "30 days", min: "99.5%", learning: "warn" }, { tags: ["sla"] }),
  ],
  on: {
    starrocks: { database, table: "primary", partitionBy: month("hour"), distributeBy: hash(["table_name"], 1), replication },
    flink: starrocksSink("ads_quality_score"),
  },
});
