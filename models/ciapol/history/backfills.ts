import { defineBackfill } from "dwright";
import sensorMeasurements from "../dwd/sensor_measurements_zeta.js";
import aqiHourly from "../dws/aqi_hourly_zeta.js";
import rawMeasurements from "../ods/raw_measurements_zeta.js";
import { legacyAqi, legacySensorMeasurements } from "./sources.js";

/*
 * The old pipeline's processing_time is not to be trusted (years 1600 and 9999, NULLs), so that history is placed by when
 * it was measured. Its NaN and infinite readings are sensor faults: StarRocks would compare them in its own way, so they
 * become NULL, and quality_flag says so.
 */

const station = { sql: "coalesce(station_id, 'UNKNOWN')" };

export const sensorHistory = defineBackfill("sensor_history", {
  comment: "Measurements of the old pipeline",
  from: legacySensorMeasurements,
  to: sensorMeasurements,
  map: {
    station_id: station,
    processing_time: { column: "event_time" },
    value: { sql: "CASE WHEN isfinite(value) THEN value END" },
    quality_flag: { sql: "CASE WHEN NOT isfinite(value) THEN 'INVALID' ELSE nullif(quality_flag, '') END" },
  },
});

export const rawHistory = defineBackfill("raw_history", {
  comment: "Messages of the old pipeline, as evidence for its measurements",
  from: legacySensorMeasurements,
  to: rawMeasurements,
  map: { station_id: station, processing_time: { column: "event_time" } },
});

export const aqiHistory = defineBackfill("aqi_history", {
  comment: "Index of the old pipeline; rows without station or hour cannot be placed",
  from: legacyAqi,
  to: aqiHourly,
  map: {
    processing_time: { column: "hour_start" },
    dominant_pollutant: { column: "dominant" },
    avg_value: { sql: "CASE WHEN isfinite(avg_value) THEN avg_value END" },
  },
  where: "station_id IS NOT NULL AND hour_start IS NOT NULL",
});
