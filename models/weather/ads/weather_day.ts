import { defineView, sql, t } from "dwright";
import weatherData from "../dwd/weather_data.js";
import { hiveDatabase, owner } from "../shared.js";

const w = weatherData.col;

/** What the monitoring reads: a day with few messages, or with holes in its offsets, was not exported completely. */
export default defineView("weather_day", {
  layer: "ads",
  owner,
  comment: "Messages a day and how complete they are",
  columns: {
    day: t.text("day in Europe/Paris, YYYY-MM-DD"),
    kafka_partition: t.int("partition of weather-api"),
    messages: t.bigint("messages loaded"),
    missing: t.bigint("offsets between the first and the last that have no row"),
    last_ingestion: t.instant("when the newest row was loaded, UTC"),
  },
  query: {
    hive: sql.hive`
      SELECT substr(${w.event_time}, 1, 10) AS day, ${w.kafka_partition}, count(*) AS messages,
             max(${w.kafka_offset}) - min(${w.kafka_offset}) + 1 - count(DISTINCT ${w.kafka_offset}) AS missing,
             max(${w.ingestion_time}) AS last_ingestion
      FROM ${weatherData}
      GROUP BY substr(${w.event_time}, 1, 10), ${w.kafka_partition}`,
    duckdb: sql.duckdb`
      SELECT substr(${w.event_time}, 1, 10) AS day, ${w.kafka_partition}, count(*) AS messages,
             max(${w.kafka_offset}) - min(${w.kafka_offset}) + 1 - count(DISTINCT ${w.kafka_offset}) AS missing,
             max(${w.ingestion_time}) AS last_ingestion
      FROM ${weatherData}
      GROUP BY substr(${w.event_time}, 1, 10), ${w.kafka_partition}`,
  },
  on: { hive: { database: hiveDatabase } },
});
