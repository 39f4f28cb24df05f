import { defineTable, rowCount, t, unique } from "dwright";
import { owner, zone } from "../shared.js";

/** How far the export to HDFS has come. It is read and moved in the transaction that reads the rows to export. */
export default defineTable("ref_date", {
  layer: "dwd",
  owner,
  comment: "Watermark of the export to HDFS",
  grain: "one row per partition of weather-api",
  zone,
  columns: {
    partition: t.int("partition of weather-api"),
    ref_date: t.datetime("newest date_time that was exported", 0).zone("Europe/Paris"),
    ref_offset: t.bigint("offset of that row: in October's repeated hour the time alone would skip or repeat rows"),
    exported_at: t.instant("when the export was done").defaultNow(),
  },
  key: ["partition"],
  fresh: { column: "exported_at", within: "26h" },
  checks: [unique("partition"), rowCount({ min: 1 })],
  on: { postgres: {} },
});
