import { defineTable, range, t, unique } from "dwright";
import { owners } from "../shared.js";

/**
 * History that was restored from the Parquet archive. A table of its own, because sensor_data drops old chunks and would
 * drop restored ones at the next run of its policy. Chunks of a month, written once and then only read.
 */
export default defineTable("sensor_data_archive", {
  layer: "dwd",
  owner: owners.devices,
  comment: "Restored sensor readings",
  grain: "one row per sensor and time of measurement",
  tags: ["telemetry", "archive"],
  columns: {
    time: t.instant("when the sensor measured"),
    sensor_id: t.text("sensor, as its certificate names it"),
    temperature: t.double("air temperature").unit("°C").nullable(),
    humidity: t.double("relative humidity").unit("%").nullable(),
  },
  key: ["sensor_id", "time"],
  checks: [
    unique(["sensor_id", "time"], { name: "a reading is restored once" }),
    range("temperature", { min: -40, max: 85 }, { severity: "warn" }),
    range("humidity", { min: 0, max: 100 }, { severity: "warn" }),
  ],
  on: {
    timescale: {
      timeColumn: "time",
      chunkInterval: "30 days",
      columnstore: { segmentBy: ["sensor_id"], after: "1 day" },
    },
  },
});
