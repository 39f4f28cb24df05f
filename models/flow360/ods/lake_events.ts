import { defineTable, notNull, t } from "dwright";
import { lake, lakeRoot, owners } from "../shared.js";

export default defineTable("lake_events", {
  layer: "ods",
  owner: owners.ingestion,
  comment: "What customers did in the app",
  grain: "one row per event",
  tags: ["lake"],
  columns: {
    event_id: t.text("ObjectId of the document, as hexadecimal text").nullable(),
    customer_id: t.bigint("who did it; NULL before signing in").nullable(),
    event: t.text("what was done").nullable(),
    properties: t.map(t.text(), t.text().nullable(), "what the app adds, as texts").nullable(),
    happened_at: t.instant("the phone's clock, as UTC").nullable(),
    dt: t.date("day of happened_at in UTC: one directory a day"),
    country: t.char(2, "ISO 3166-1 alpha-2; ZZ when unknown"),
  },
  checks: [notNull("event_id"), notNull("event")],
  on: {
    hive: {
      database: lake,
      table: "external",
      partitionedBy: ["dt", "country"],
      storedAs: "orc",
      location: lakeRoot("events"),
      properties: { "orc.compress": "ZLIB" },
    },
  },
});
