import { defineTable, hash, month, notNull, t } from "dwright";
import { database, owners, replication } from "../shared.js";

/**
 * Messages as the stations sent them. A DUPLICATE KEY table: a message that arrives twice is kept twice, because this is
 * the evidence that the layers above are rebuilt from.
 */
export default defineTable("raw_measurements_zeta", {
  layer: "ods",
  owner: owners.ingestion,
  comment: "Station messages as received, unparsed",
  grain: "one row per received message",
  tags: ["air-quality", "raw"],
  columns: {
    station_id: t.varchar(24, "station that sent the message; UNKNOWN when the message did not say"),
    processing_time: t.instant("when the message was received, UTC; for history, when it was measured"),
    measurement_id: t.bigint("number that the station gave the measurement"),
    raw_payload: t.text("message body, unchanged").nullable(),
    signature: t.binary("signature of the station over the body").nullable(),
  },
  key: ["station_id", "processing_time", "measurement_id"],
  fresh: { column: "processing_time", within: "2h", severity: "warn" },
  checks: [notNull("raw_payload", { name: "messages have a body", severity: "warn", fail: "50%" })],
  on: {
    starrocks: {
      database,
      table: "duplicate",
      partitionBy: month("processing_time"),
      distributeBy: hash(["station_id"], 16),
      compression: "lz4",
      replication,
    },
  },
});
