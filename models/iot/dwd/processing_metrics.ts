import { acceptedValues, defineTable, notNull, range, rowCount, t } from "dwright";
import { owners, stages } from "../shared.js";

export default defineTable("processing_metrics", {
  layer: "dwd",
  owner: owners.platform,
  comment: "Throughput and errors of the pipeline's workers",
  grain: "one row per worker, stage and report, every ten seconds",
  columns: {
    time: t.instant("when the worker reported"),
    worker: t.text("worker"),
    stage: t.enum(stages, "stage that the worker serves"),
    records_in: t.bigint("readings received since the last report"),
    records_out: t.bigint("readings passed on since the last report"),
    records_failed: t.bigint("readings put aside since the last report").default("0"),
    cpu_share: t.float("processor time used, 0 to 1").nullable(),
    memory_bytes: t.bigint("resident memory").unit("bytes").nullable(),
  },
  key: ["worker", "stage", "time"],
  fresh: { column: "time", within: "2 min", severity: "warn" },
  checks: [
    rowCount({ min: 1 }),
    notNull("worker"),
    acceptedValues("stage", stages),
    range("cpu_share", { min: 0, max: 1 }, { severity: "warn" }),
    range("records_failed", { max: 0 }, { name: "no reading is put aside", warn: 0, fail: "1%" }),
  ],
  on: {
    timescale: {
      timeColumn: "time",
      chunkInterval: "1 day",
      columnstore: { segmentBy: ["stage", "worker"], after: "3 days" },
      retention: "30 days",
    },
  },
});
