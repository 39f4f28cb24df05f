import { defineMaterializedView, hash, range, rowCount, sql, t } from "dwright";
import aqi from "../dws/aqi_hourly_zeta.js";
import { database, owners, replication } from "../shared.js";

const a = aqi.col;

/** What the public report shows. */
export default defineMaterializedView("station_aqi_month_mv", {
  layer: "ads",
  owner: owners.quality,
  comment: "Air quality index by station and month, for the public report",
  grain: "one row per station and month",
  columns: {
    station_id: t.varchar(24, "station"),
    month: t.instant("first day of the month, UTC"),
    hours: t.bigint("hours with an index"),
    avg_aqi: t.double("mean index").nullable(),
    worst_aqi: t.int("highest hourly index").nullable(),
  },
  key: ["station_id", "month"],
  checks: [rowCount({ min: 1 }), range("worst_aqi", { min: 0, max: 500 })],
  query: {
    starrocks: sql.starrocks`
      SELECT ${a.station_id}, date_trunc('month', ${a.processing_time}) AS month,
             count(${a.aqi}) AS hours, avg(${a.aqi}) AS avg_aqi, max(${a.aqi}) AS worst_aqi
      FROM ${aqi}
      GROUP BY ${a.station_id}, date_trunc('month', ${a.processing_time})`,
    duckdb: sql.duckdb`
      SELECT ${a.station_id}, date_trunc('month', ${a.processing_time}) AS month,
             count(${a.aqi}) AS hours, avg(${a.aqi}) AS avg_aqi, max(${a.aqi}) AS worst_aqi
      FROM ${aqi}
      GROUP BY ${a.station_id}, date_trunc('month', ${a.processing_time})`,
  },
  on: {
    starrocks: {
      database,
      refresh: { every: "1 DAY" },
      distributeBy: hash(["station_id"], 4),
      replication,
    },
  },
});
