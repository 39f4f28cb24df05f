import { defineMaterializedView, range, rowCount, sql, t, unique } from "dwright";
import readings from "../dwd/sensor_data.js";
import { owners } from "../shared.js";

const r = readings.col;

/**
 * Keeps the history when the raw readings go. The refresh reaches back three days, far less than the readings are kept:
 * a window that reached beyond their retention would delete the hours whose readings were dropped.
 */
export default defineMaterializedView("sensor_data_hourly", {
  layer: "dws",
  owner: owners.devices,
  comment: "Hourly climate of each sensor",
  grain: "one row per sensor and hour",
  columns: {
    bucket: t.instant("start of the hour, UTC"),
    sensor_id: t.text("sensor, as its certificate names it"),
    readings: t.bigint("readings in the hour"),
    temperature_avg: t.double("mean temperature").unit("°C").nullable(),
    temperature_min: t.double("lowest temperature").unit("°C").nullable(),
    temperature_max: t.double("highest temperature").unit("°C").nullable(),
    humidity_avg: t.double("mean relative humidity").unit("%").nullable(),
  },
  key: ["sensor_id", "bucket"],
  fresh: { column: "bucket", within: "3h" },
  checks: [rowCount({ min: 1 }), unique(["sensor_id", "bucket"]), range("humidity_avg", { min: 0, max: 100 })],
  query: {
    timescale: sql.timescale`
      SELECT time_bucket(INTERVAL '1 hour', ${r.time}) AS bucket,
             ${r.sensor_id},
             count(*) AS readings,
             avg(${r.temperature}) AS temperature_avg,
             min(${r.temperature}) AS temperature_min,
             max(${r.temperature}) AS temperature_max,
             avg(${r.humidity}) AS humidity_avg
      FROM ${readings}
      GROUP BY 1, 2`,
  },
  on: {
    timescale: {
      // Dashboards want the running hour, too.
      materializedOnly: false,
      refresh: { startOffset: "3 days", endOffset: "1 hour", every: "30 min" },
      columnstore: { segmentBy: ["sensor_id"], after: "30 days" },
      retention: "5 years",
    },
  },
});
