import { acceptedValues, defineTable, noRows, notNull, t, unique } from "dwright";
import { channels, owners, star } from "../shared.js";

/** Customers with their history (type 2): a fact points to the customer as he was when it happened. */
export default defineTable("dim_customer", {
  layer: "dwd",
  owner: owners.warehouse,
  comment: "Customers with their history",
  grain: "one row per customer and period in which nothing changed",
  tags: ["dimension", "pii"],
  columns: {
    customer_key: t.bigint("number of the row, made here"),
    customer_id: t.bigint("customer, as the shop numbers them"),
    email: t.text("address that the customer signed in with").pii().nullable(),
    full_name: t.text("name as the customer wrote it").pii().nullable(),
    country: t.char(2, "ISO 3166-1 alpha-2").nullable(),
    channel: t.enum(channels, "where the customer came from").nullable(),
    valid_from: t.instant("from when the row is true"),
    valid_to: t.instant("until when, exclusively; NULL: now").nullable(),
    is_current: t.boolean("true for the row of today"),
  },
  key: ["customer_key"],
  checks: [
    unique(["customer_id", "valid_from"], { name: "a customer changes once at a time" }),
    notNull("country", { severity: "warn", fail: "10%" }),
    acceptedValues("channel", channels),
    noRows(
      {
        postgres: "SELECT customer_id FROM star.dim_customer WHERE is_current GROUP BY customer_id HAVING count(*) > 1",
      },
      { name: "a customer is current once" },
    ),
  ],
  on: {
    postgres: {
      schema: star,
      indexes: [
        { columns: ["customer_id", "valid_from"], unique: true },
        { name: "dim_customer_current", columns: ["customer_id"], unique: true, where: "is_current" },
      ],
    },
  },
});
