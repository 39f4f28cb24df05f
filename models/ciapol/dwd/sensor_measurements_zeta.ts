import { acceptedValues, defineTable, hash, month, noDuplicates, notNull, range, rowCount, sameAs, schema, t, unique } from "dwright";
import { database, owners, pollutants, replication } from "../shared.js";

/**
 * Cleaned measurements. PRIMARY KEY, so that a replayed checkpoint or a repeated backfill chunk writes the same row again
 * instead of a second one. The key starts with the distribution column and contains the partition column: StarRocks wants both.
 */
export default defineTable("sensor_measurements_zeta", {
  layer: "dwd",
  owner: owners.quality,
  comment: "Measurements of the stations, one value each",
  grain: "one row per measurement",
  tags: ["air-quality"],
  columns: {
    station_id: t.varchar(24, "station; UNKNOWN when the message did not say"),
    processing_time: t.instant("when the pipeline received the measurement, UTC; for history, when it was measured"),
    measurement_id: t.bigint("number that the station gave the measurement"),
    event_time: t.instant("when the station measured, UTC"),
    pollutant: t.varchar(16, "what was measured").nullable(),
    value: t.double("measured concentration; NULL when the sensor gave no finite number").unit("µg/m³").nullable(),
    unit: t.varchar(16, "unit as the station sent it").nullable(),
    quality_flag: t.varchar(32, "verdict of the station's self-check: VALID, SUSPECT, CALIBRATION, MISSING, INVALID").nullable(),
    is_valid: t.boolean("false when the station itself rejects the value").nullable(),
    battery: t.int("battery level at the time; -1 and extremes are firmware faults").nullable(),
  },
  key: ["station_id", "processing_time", "measurement_id"],
  fresh: { column: "processing_time", within: "2h", severity: "warn" },
  checks: [
    rowCount({ min: 1 }),
    notNull("event_time"),
    unique(["measurement_id"], { name: "a measurement is stored once" }),
    acceptedValues("pollutant", pollutants),
    range("value", { min: 0 }, { name: "concentrations are not negative", severity: "warn" }),
    notNull("pollutant", { severity: "warn", fail: "25%" }),
    // the pipeline's validation step: `dw check --tag validation`
    schema({ tags: ["validation"] }),
    noDuplicates({ except: ["processing_time"], severity: "warn", tags: ["validation"] }),
    sameAs("raw_measurements_zeta", ["rows", { of: "distinct", column: "station_id" }], {
      name: "as many measurements and stations as messages",
      within: "1%",
      severity: "warn",
      tags: ["validation"],
    }),
  ],
  on: {
    starrocks: {
      database,
      table: "primary",
      // Expression partitions: StarRocks makes the month when its first row arrives, so that a backfill of any year needs no
      // preparation. They are RANGE partitions to the engine.
      partitionBy: month("processing_time"),
      distributeBy: hash(["station_id"], 16),
      orderBy: ["station_id", "processing_time"],
      compression: "lz4",
      persistentIndex: true,
      replication,
      bloomFilter: ["pollutant"],
    },
  },
});
