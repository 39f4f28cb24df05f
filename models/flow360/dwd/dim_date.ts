import { completeSeries, defineTable, range, rowCount, t, unique } from "dwright";
import { owners, star } from "../shared.js";

export default defineTable("dim_date", {
  layer: "dwd",
  owner: owners.warehouse,
  comment: "Calendar",
  grain: "one row per day",
  tags: ["dimension"],
  columns: {
    date_key: t.int("YYYYMMDD"),
    day: t.date("the day"),
    iso_week: t.int("ISO 8601 week, 1 to 53"),
    month: t.int("1 to 12"),
    quarter: t.int("1 to 4"),
    year: t.int("calendar year"),
    is_weekend: t.boolean("Saturday or Sunday"),
  },
  key: ["date_key"],
  checks: [
    unique("day"),
    rowCount({ min: 365 }),
    range("month", { min: 1, max: 12 }),
    range("quarter", { min: 1, max: 4 }),
    completeSeries("day", { every: "1 day" }, { name: "no day of the calendar is missing" }),
  ],
  on: { postgres: { schema: star, indexes: [{ columns: ["day"], unique: true }] } },
});
