import { defineMaterializedView, expected, range, rowCount, sql, t, unique } from "dwright";
import dates from "../dwd/dim_date.js";
import products from "../dwd/dim_product.js";
import sales from "../dwd/fact_sales.js";
import { marts, owners } from "../shared.js";

const d = dates.col;
const p = products.col;
const s = sales.col;

/** Refreshed by the nightly DAG; the unique index lets it do so without locking readers out. */
export default defineMaterializedView("mart_daily_sales", {
  layer: "dws",
  owner: owners.warehouse,
  comment: "Sales by day and category",
  grain: "one row per day and category",
  tags: ["mart"],
  columns: {
    day: t.date("day of the order in UTC"),
    category: t.text("category; unknown when the product has none"),
    orders: t.bigint("orders that were not cancelled"),
    pieces: t.bigint("pieces in them"),
    revenue: t.decimal(38, 2, "what customers pay for them").unit("EUR"),
  },
  key: ["day", "category"],
  checks: [
    rowCount({ min: 1 }),
    unique(["day", "category"]),
    range("revenue", { min: 0 }),
    expected("day", { by: "06:00", zone: "Europe/Paris" }, { name: "yesterday's sales are there at six" }),
  ],
  query: {
    postgres: sql.postgres`
      SELECT d.${d.day}, coalesce(p.${p.category}, 'unknown') AS category, count(*) AS orders,
             sum(s.${s.quantity}) AS pieces, sum(s.${s.amount})::numeric(38, 2) AS revenue
      FROM ${sales} AS s
      JOIN ${dates} AS d ON d.${d.date_key} = s.${s.date_key}
      JOIN ${products} AS p ON p.${p.product_key} = s.${s.product_key}
      WHERE s.${s.status} <> 'cancelled'
      GROUP BY d.${d.day}, coalesce(p.${p.category}, 'unknown')`,
  },
  on: { postgres: { schema: marts, indexes: [{ columns: ["day", "category"], unique: true }] } },
});
