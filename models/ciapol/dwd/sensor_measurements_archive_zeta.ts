import { defineTable, hash, month, notNull, t } from "dwright";
import { database, owners, replication } from "../shared.js";

/** Measurements that left the hot table. Append-only and read by month, hence DUPLICATE KEY and few buckets. */
export default defineTable("sensor_measurements_archive_zeta", {
  layer: "dwd",
  owner: owners.quality,
  comment: "Measurements older than the hot table keeps",
  grain: "one row per archived measurement",
  tags: ["air-quality", "archive"],
  columns: {
    station_id: t.varchar(24, "station; UNKNOWN when the message did not say"),
    processing_time: t.instant("when the pipeline received the measurement, UTC; for history, when it was measured"),
    measurement_id: t.bigint("number that the station gave the measurement"),
    event_time: t.instant("when the station measured, UTC"),
    pollutant: t.varchar(16, "what was measured").nullable(),
    value: t.double("measured concentration").unit("µg/m³").nullable(),
    unit: t.varchar(16, "unit as the station sent it").nullable(),
    quality_flag: t.varchar(32, "verdict of the station's self-check").nullable(),
    archived_at: t.instant("when the row was moved here, UTC").defaultNow(),
  },
  key: ["station_id", "processing_time"],
  checks: [notNull("event_time")],
  on: {
    starrocks: {
      database,
      table: "duplicate",
      partitionBy: month("processing_time"),
      distributeBy: hash(["station_id"], 8),
      compression: "lz4",
      replication,
    },
  },
});
