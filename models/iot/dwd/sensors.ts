import { defineTable, notNull, rowCount, t, unique } from "dwright";
import { owners } from "../shared.js";

/** A plain table: a few thousand rows that change, not a series. */
export default defineTable("sensors", {
  layer: "dwd",
  owner: owners.devices,
  comment: "Sensors and where they hang",
  grain: "one row per sensor",
  columns: {
    sensor_id: t.text("sensor, as its certificate names it"),
    site: t.text("building or hall"),
    installed_on: t.date("day of installation"),
    status: t.enum(["active", "maintenance", "retired"], "what it does now").default("active"),
    contact_email: t.text("who is called when it falls silent").pii().nullable(),
  },
  key: ["sensor_id"],
  checks: [rowCount({ min: 1 }), unique("sensor_id"), notNull("site")],
  on: { timescale: { indexes: [{ columns: ["site"] }] } },
});
