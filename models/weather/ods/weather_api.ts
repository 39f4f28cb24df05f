import { defineTopic, perEnv, t } from "dwright";
import { owner, replicas } from "../shared.js";

const DAY_MS = 86_400_000;

/**
 * Answers of the weather service as they come. Messages have no key: nothing reads them by place, and their order inside
 * a partition is all that the export needs.
 */
export default defineTopic("weather_api", {
  layer: "ods",
  owner,
  comment: "Answers of the weather service, one message each",
  tags: ["weather"],
  columns: {
    date_time: t.datetime("when the service measured, Europe/Paris", 0).zone("Europe/Paris"),
    value: t.json("the service's answer, unchanged"),
  },
  on: {
    kafka: {
      topic: "weather-api",
      partitions: perEnv({ default: 3, local: 1, dev: 1, test: 1 }),
      replicationFactor: replicas,
      config: {
        "cleanup.policy": "delete",
        // The export runs daily: a week covers a long weekend without anybody at work.
        "retention.ms": perEnv({ default: 7 * DAY_MS, local: DAY_MS }),
        "min.insync.replicas": perEnv({ default: 2, local: 1, dev: 1, test: 1 }),
      },
      format: "json",
    },
  },
});
