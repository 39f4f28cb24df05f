import { completeSeries, defineTable, expected, monotonic, notNull, range, rowCount, t, unique } from "dwright";
import { owner, zone } from "../shared.js";

/**
 * Messages of weather-api as they were consumed. Partition and offset are the key: a message that is read again after a
 * crash is the same row, and the repeated hour of October stays in order.
 */
export default defineTable("weather", {
  layer: "dwd",
  owner,
  comment: "Weather measurements",
  grain: "one row per message of weather-api",
  tags: ["weather"],
  zone,
  columns: {
    date_time: t.datetime("when the service measured; wall clock, one hour of October comes twice", 0).zone("Europe/Paris"),
    msg_offset: t.bigint("offset of the message in its partition"),
    partition: t.int("partition of weather-api"),
    value: t.json("the service's answer"),
  },
  key: ["partition", "msg_offset"],
  fresh: { column: "date_time", within: "2h", severity: "warn" },
  checks: [
    rowCount({ min: 1 }),
    unique(["partition", "msg_offset"], { name: "a message is stored once" }),
    range("msg_offset", { min: 0 }),
    notNull("value"),
    expected("date_time", { by: "00:15", last: 7, min: 24 }, { name: "each of the last seven days has its hours", tags: ["partitions"] }),
    completeSeries("date_time", { every: "1h" }, { severity: "warn", recent: { column: "date_time", last: "7 days" } }),
    monotonic("date_time", { by: "msg_offset", per: ["partition"] }, { severity: "warn", fail: "1%" }),
  ],
  on: { postgres: { indexes: [{ columns: ["date_time"] }] } },
});
