import { defineBackfill, defineSource, perEnv, t } from "dwright";
import sensorDataArchive from "../dwd/sensor_data_archive.js";

/**
 * Readings that left the database before dw took over, exported as Parquet, one folder a day. Its times
 * carry no zone; the exporter wrote UTC.
 */
export const sensorArchive = defineSource("sensor_archive", {
  comment: "Parquet export of sensor_data on object storage",
  at: perEnv({
    default: "parquet:s3://iot-archive/sensor_data/*/*.parquet",
    local: "parquet:archive/sensor_data/*/*.parquet",
  }),
  columns: {
    sensor: t.text("sensor, as its certificate names it"),
    measured_at: t.datetime("when the sensor measured, UTC"),
    temp_c: t.double("air temperature").unit("°C").nullable(),
    rel_humidity: t.double("relative humidity").unit("%").nullable(),
  },
  zone: "UTC",
});

export const sensorHistory = defineBackfill("sensor_history", {
  comment: "Readings of the archive, back in the database",
  from: sensorArchive,
  to: sensorDataArchive,
  slot: "timescale",
  sourceZone: "UTC",
  map: {
    time: { column: "measured_at" },
    sensor_id: { column: "sensor" },
    temperature: { column: "temp_c" },
    humidity: { column: "rel_humidity" },
  },
});
