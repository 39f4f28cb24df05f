import { acceptedValues, defineTable, range, references, rowCount, rowsLike, t, unique } from "dwright";
import { orderStates, owners, star } from "../shared.js";
import customers from "./dim_customer.js";
import dates from "./dim_date.js";
import products from "./dim_product.js";

/** Foreign keys, not only checks: the load resolves every key itself, so that a row without one is a fault of the load. */
export default defineTable("fact_sales", {
  layer: "dwd",
  owner: owners.warehouse,
  comment: "Sales",
  grain: "one row per order",
  tags: ["fact"],
  columns: {
    order_id: t.bigint("order, as the shop numbers them"),
    date_key: t.int("day of the order in UTC"),
    customer_key: t.bigint("who ordered, as he was then"),
    product_key: t.bigint("what was ordered"),
    quantity: t.int("pieces"),
    amount: t.decimal(18, 2, "what the customer pays, taxes included").unit("EUR"),
    status: t.enum(orderStates, "state of the order"),
    ordered_at: t.instant("when the order was placed"),
    loaded_at: t.instant("when the row was written").defaultNow(),
  },
  key: ["order_id"],
  references: [
    { columns: ["date_key"], model: dates, to: ["date_key"] },
    { columns: ["customer_key"], model: customers, to: ["customer_key"] },
    { columns: ["product_key"], model: products, to: ["product_key"] },
  ],
  fresh: { column: "loaded_at", within: "26h" },
  checks: [
    rowCount({ min: 1 }),
    unique("order_id"),
    range("quantity", { min: 1 }),
    range("amount", { min: 0 }, { name: "nobody is paid to buy" }),
    acceptedValues("status", orderStates),
    references("date_key", dates, "date_key"),
    references("customer_key", customers, "customer_key"),
    references("product_key", products, "product_key"),
    rowsLike("same weekday", { within: "50%", column: "ordered_at" }, { name: "yesterday sold as a day of its kind", severity: "warn" }),
  ],
  on: {
    postgres: {
      schema: star,
      indexes: [{ columns: ["date_key"] }, { columns: ["customer_key"] }, { columns: ["product_key"] }],
    },
  },
});
