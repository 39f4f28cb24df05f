import { defineTable, notNull, perEnv, t } from "dwright";
import { hiveDatabase, owner } from "../shared.js";

/**
 * The exported files, `dt=YYYY-MM-DD/weather_*.json`, as a table: one JSON object a line. The files belong to the export,
 * so the table is external; dropping it drops no file.
 */
export default defineTable("weather_export", {
  layer: "ods",
  owner,
  comment: "Exported messages as JSON Lines",
  grain: "one row per exported message",
  tags: ["weather", "daily"],
  columns: {
    date_time: t.text("when the service measured, Europe/Paris, as ISO-8601 without zone").nullable(),
    partition: t.int("partition of weather-api").nullable(),
    msg_offset: t.bigint("offset of the message in its partition").nullable(),
    value: t.json("the service's answer").nullable(),
    dt: t.date("day of date_time in Europe/Paris: one directory a day"),
  },
  checks: [notNull("msg_offset"), notNull("date_time")],
  on: {
    hive: {
      database: hiveDatabase,
      table: "external",
      partitionedBy: ["dt"],
      serde: { class: "org.apache.hadoop.hive.serde2.JsonSerDe", properties: { "ignore.malformed.json": "false" } },
      storedAs: "textfile",
      location: perEnv({ default: "hdfs:///user/hdfs/weather", local: "file:///tmp/weather" }),
    },
  },
});
