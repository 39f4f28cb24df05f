import { defineTopic, perEnv, t } from "dwright";
import { owners, replicas } from "../shared.js";

const DAY_MS = 86_400_000;

/**
 * Readings as the gateway forwards them. Keyed by sensor, so that one sensor's readings stay in order; the number of
 * partitions is therefore final: growing it would move keys to other partitions.
 */
export default defineTopic("sensor_readings", {
  layer: "ods",
  owner: owners.devices,
  comment: "Readings of all sensors, one message each",
  tags: ["telemetry"],
  columns: {
    sensor_id: t.text("sensor, as its certificate names it"),
    time: t.instant("when the sensor measured", 3),
    received_at: t.instant("when the gateway received the message", 3),
    temperature: t.double("air temperature").unit("°C").nullable(),
    humidity: t.double("relative humidity").unit("%").nullable(),
  },
  key: ["sensor_id"],
  fresh: { column: "received_at", within: "5 min" },
  on: {
    kafka: {
      topic: "iot.sensor-readings",
      partitions: perEnv({ default: 12, local: 1, dev: 3, test: 3 }),
      replicationFactor: replicas,
      config: {
        "cleanup.policy": "delete",
        // A weekend plus a day: the consumer may be down from Friday evening to Monday noon without losing a reading.
        "retention.ms": perEnv({ default: 7 * DAY_MS, local: DAY_MS, dev: DAY_MS, test: DAY_MS }),
        "compression.type": "zstd",
        "min.insync.replicas": perEnv({ default: 2, local: 1, dev: 1, test: 1 }),
      },
      format: "json",
    },
  },
});
