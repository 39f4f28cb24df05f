import { acceptedValues, defineTable, hash, month, notNull, range, rowCount, t, unique } from "dwright";
import { database, owners, pollutants, replication } from "../shared.js";

/** Air quality index by station and hour. Recomputing an hour replaces its row: PRIMARY KEY. */
export default defineTable("aqi_hourly_zeta", {
  layer: "dws",
  owner: owners.quality,
  comment: "Air quality index of each station",
  grain: "one row per station and hour of processing",
  tags: ["air-quality", "aqi"],
  columns: {
    station_id: t.varchar(24, "station"),
    processing_time: t.instant("start of the hour that the index is about, UTC"),
    aqi: t.int("air quality index; higher is worse; NULL when too few pollutants were measured").nullable(),
    dominant_pollutant: t.varchar(16, "pollutant that sets the index").nullable(),
    avg_value: t.double("mean concentration of the dominant pollutant; NULL when it is no finite number").unit("µg/m³").nullable(),
    samples: t.bigint("measurements that the index rests on; negative numbers are faults of the legacy writer").nullable(),
  },
  key: ["station_id", "processing_time"],
  fresh: { column: "processing_time", within: "2h", severity: "warn" },
  checks: [
    rowCount({ min: 1 }),
    unique(["station_id", "processing_time"], { name: "one index per station and hour" }),
    notNull("aqi", { severity: "warn", fail: "25%" }),
    range("aqi", { min: 0, max: 500 }, { name: "the index is on its scale" }),
    acceptedValues("dominant_pollutant", pollutants),
  ],
  on: {
    starrocks: {
      database,
      table: "primary",
      partitionBy: month("processing_time"),
      distributeBy: hash(["station_id"], 8),
      compression: "lz4",
      persistentIndex: true,
      replication,
    },
  },
});
