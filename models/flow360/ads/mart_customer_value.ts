import { defineView, sql, t } from "dwright";
import customers from "../dwd/dim_customer.js";
import sales from "../dwd/fact_sales.js";
import { marts, owners } from "../shared.js";

const c = customers.col;
const s = sales.col;

/** Without names and addresses: the mart is for analysts. History rows of one customer count together. */
export default defineView("mart_customer_value", {
  layer: "ads",
  owner: owners.warehouse,
  comment: "What each customer bought",
  tags: ["mart"],
  columns: {
    customer_id: t.bigint("customer, as the shop numbers them"),
    orders: t.bigint("orders that were not cancelled"),
    revenue: t.decimal(38, 2, "what the customer paid for them").unit("EUR"),
    first_order: t.instant("first order"),
    last_order: t.instant("newest order"),
  },
  query: {
    postgres: sql.postgres`
      SELECT c.${c.customer_id}, count(*) AS orders, sum(s.${s.amount})::numeric(38, 2) AS revenue,
             min(s.${s.ordered_at}) AS first_order, max(s.${s.ordered_at}) AS last_order
      FROM ${sales} AS s
      JOIN ${customers} AS c ON c.${c.customer_key} = s.${s.customer_key}
      WHERE s.${s.status} <> 'cancelled'
      GROUP BY c.${c.customer_id}`,
  },
  on: { postgres: { schema: marts } },
});
