import { defineMaterializedView, hash, rowCount, sql, t, unique, values } from "dwright";
import measurements from "../dwd/sensor_measurements_zeta.js";
import { database, owners, replication } from "../shared.js";

const m = measurements.col;

/** Refreshed hourly rather than at every commit: the pipeline commits every 30 seconds. */
export default defineMaterializedView("station_day_mv", {
  layer: "dws",
  owner: owners.quality,
  comment: "Daily concentrations by station and pollutant",
  grain: "one row per station, day and pollutant",
  columns: {
    station_id: t.varchar(24, "station"),
    day: t.instant("midnight, UTC"),
    month: t.instant("first day of the month, UTC; partitions as the measurements are, so that an hourly refresh touches one partition"),
    pollutant: t.varchar(16, "what was measured").nullable(),
    measurements: t.bigint("measurements with a value"),
    avg_value: t.double("mean concentration").unit("µg/m³").nullable(),
    max_value: t.double("highest concentration").unit("µg/m³").nullable(),
    valid_share: t.double("share of measurements that the station calls VALID, 0 to 1").nullable(),
  },
  key: ["station_id", "day", "pollutant"],
  checks: [rowCount({ min: 1 }), unique(["station_id", "day", "pollutant"])],
  query: {
    starrocks: sql.starrocks`
      SELECT ${m.station_id}, date_trunc('day', ${m.processing_time}) AS day, date_trunc('month', ${m.processing_time}) AS month, ${m.pollutant},
             count(${m.value}) AS measurements, avg(${m.value}) AS avg_value, max(${m.value}) AS max_value,
             avg(CASE WHEN ${m.quality_flag} = 'VALID' THEN 1.0 ELSE 0.0 END) AS valid_share
      FROM ${measurements}
      GROUP BY ${m.station_id}, date_trunc('day', ${m.processing_time}), date_trunc('month', ${m.processing_time}), ${m.pollutant}`,
    duckdb: sql.duckdb`
      SELECT ${m.station_id}, date_trunc('day', ${m.processing_time}) AS day, date_trunc('month', ${m.processing_time}) AS month, ${m.pollutant},
             count(${m.value}) AS measurements, avg(${m.value}) AS avg_value, max(${m.value}) AS max_value,
             avg(CASE WHEN ${m.quality_flag} = 'VALID' THEN 1.0 ELSE 0.0 END) AS valid_share
      FROM ${measurements}
      GROUP BY ${m.station_id}, date_trunc('day', ${m.processing_time}), date_trunc('month', ${m.processing_time}), ${m.pollutant}`,
  },
  on: {
    starrocks: {
      database,
      refresh: { every: "1 HOUR" },
      partitionBy: values("month"),
      distributeBy: hash(["station_id"], 4),
      replication,
    },
  },
});
