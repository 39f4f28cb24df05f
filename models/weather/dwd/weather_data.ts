import { defineTable, expected, notNull, range, t, unique } from "dwright";
import { hiveDatabase, owner } from "../shared.js";

/**
 * The table that analysts know, with the types that it has had from its first day. kafka_offset is an INT although Kafka
 * counts in 64 bits: one message a minute fills an INT in four thousand years, but a topic that is made anew with history
 * replayed into it would not, which is why the range check fails long before the end.
 */
export default defineTable("weather_data", {
  layer: "dwd",
  owner,
  comment: "Weather messages for analysts",
  grain: "one row per exported message",
  tags: ["weather"],
  columns: {
    event_time: t.text("when the service measured, Europe/Paris, as text; order repeated hours by partition and offset").nullable(),
    kafka_partition: t.int("partition of weather-api").nullable(),
    kafka_offset: t
      .bigint("offset of the message in its partition")
      .as("hive", "int")
      .accept("hive", "the table's readers expect INT; a check fails at half of its range")
      .nullable(),
    value: t.json("the service's answer").nullable(),
    ingestion_time: t.instant("when the row was loaded, UTC").nullable(),
  },
  fresh: { column: "ingestion_time", within: "26h" },
  checks: [
    notNull("event_time"),
    unique(["kafka_partition", "kafka_offset"], { name: "a message is loaded once" }),
    expected(
      "event_time",
      { by: "04:00", zone: "Europe/Paris", last: 7 },
      { name: "the last seven days were exported", tags: ["partitions"] },
    ),
    range("kafka_offset", { min: 0, max: 1_073_741_823 }, { name: "offsets are far from the end of INT" }),
  ],
  on: { hive: { database: hiveDatabase, table: "managed", storedAs: "parquet", notNull: "none" } },
});
