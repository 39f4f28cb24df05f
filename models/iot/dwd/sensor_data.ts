import { defineTable, notNull, range, references, rowCount, t, unique } from "dwright";
import { owners, rawRetention } from "../shared.js";
import sensors from "./sensors.js";

/**
 * The key makes a replayed batch harmless: the same reading is one row. It contains the time, because TimescaleDB checks
 * uniqueness only inside a chunk. That sensors exist is a check and no foreign key: a reading must not be refused because
 * somebody has not registered its sensor yet. Chunks of a day keep the newest one in memory at about 20 million readings a day.
 */
export default defineTable("sensor_data", {
  layer: "dwd",
  owner: owners.devices,
  comment: "Validated sensor readings",
  grain: "one row per sensor and time of measurement",
  tags: ["telemetry"],
  columns: {
    time: t.instant("when the sensor measured"),
    sensor_id: t.text("sensor, as its certificate names it"),
    temperature: t.double("air temperature; NULL when the probe failed its self-test").unit("°C").nullable(),
    humidity: t.double("relative humidity; NULL when the probe failed its self-test").unit("%").nullable(),
    received_at: t.instant("when the gateway received the message"),
    ingested_at: t.instant("when the row was written").defaultNow(),
  },
  key: ["sensor_id", "time"],
  fresh: { column: "time", within: "5 min" },
  checks: [
    rowCount({ min: 1 }),
    notNull("sensor_id"),
    unique(["sensor_id", "time"], { name: "a reading is stored once" }),
    range("temperature", { min: -40, max: 85 }, { name: "temperatures are inside the probe's range" }),
    range("humidity", { min: 0, max: 100 }),
    notNull("temperature", { severity: "warn", fail: "5%" }),
    references("sensor_id", sensors, "sensor_id", { severity: "warn" }),
  ],
  on: {
    timescale: {
      timeColumn: "time",
      chunkInterval: "1 day",
      columnstore: { segmentBy: ["sensor_id"], orderBy: [{ column: "time", order: "desc" }], after: "7 days" },
      retention: rawRetention,
    },
  },
});
