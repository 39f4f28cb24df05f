import { defineSource, perEnv } from "dwright";

/** The lake that the pipeline wrote to before StarRocks. Locally, copies of its tables lie in `legacy/` of the project. */
export const legacySensorMeasurements = defineSource("legacy_sensor_measurements", {
  comment: "Iceberg table of the old pipeline, partitioned by day of event_time",
  at: perEnv({
    default: "iceberg:s3://ciapol-legacy/warehouse/ciapol/sensor_measurements",
    local: "iceberg:legacy/iceberg/sensor_measurements",
  }),
  zone: "UTC",
});

export const legacyAqi = defineSource("legacy_aqi", {
  comment: "Paimon primary-key table of the old pipeline",
  at: perEnv({
    default: "paimon:s3://ciapol-legacy/paimon/ciapol.db/aqi_hourly",
    local: "paimon:legacy/paimon/aqi_hourly",
  }),
  zone: "UTC",
});
