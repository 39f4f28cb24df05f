import { defineTable, hash, month, range, t } from "dwright";
import { database, owners, replication } from "../shared.js";

/** Written by the metric reporter of the cluster, one row a job and minute. */
export default defineTable("ads_job_metrics", {
  layer: "ads",
  owner: owners.streams,
  comment: "What the Flink jobs use",
  grain: "one row per job and minute",
  zone: "UTC",
  columns: {
    job: t.varchar(64, "name of the job"),
    minute: t.datetime("minute of the measurement, UTC", 0).zone("UTC"),
    cpu: t.double("processor share of the task managers").unit("%").nullable(),
    memory: t.double("heap share of the task managers").unit("%").nullable(),
    lag: t.bigint("messages that wait in Kafka").nullable(),
    checkpoint_ms: t.bigint("duration of the newest checkpoint").unit("ms").nullable(),
    savepoints: t.int("savepoints that are kept").nullable(),
  },
  key: ["job", "minute"],
  fresh: { column: "minute", within: "5 min" },
  checks: [
    range("cpu", { max: 80 }, { name: "processors have room", severity: "warn" }),
    range("memory", { max: 80 }, { name: "memory has room", severity: "warn" }),
    range("savepoints", { max: 3 }, { name: "the last three savepoints are kept", severity: "warn" }),
  ],
  on: {
    starrocks: {
      database,
      table: "primary",
      partitionBy: month("minute"),
      distributeBy: hash(["job"], 1),
      replication,
    },
  },
});
