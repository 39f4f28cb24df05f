import { defineTable, range, t, unique } from "dwright";
import { owners, star } from "../shared.js";

export default defineTable("dim_product", {
  layer: "dwd",
  owner: owners.warehouse,
  comment: "Products",
  grain: "one row per product",
  tags: ["dimension"],
  columns: {
    product_key: t.bigint("number of the row, made here"),
    product_id: t.bigint("product, as the shop numbers them"),
    name: t.text("name of the product"),
    category: t.text("category of the shop").nullable(),
    list_price: t.decimal(18, 2, "price without discount").unit("EUR").nullable(),
  },
  key: ["product_key"],
  checks: [unique("product_id"), range("list_price", { min: 0 })],
  on: { postgres: { schema: star, indexes: [{ columns: ["product_id"], unique: true }, { columns: ["category"] }] } },
});
