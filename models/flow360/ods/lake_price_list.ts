import { defineTable, notNull, t } from "dwright";
import { lake, lakeRoot, owners } from "../shared.js";

/** The suppliers' CSV files. OpenCSVSerde knows only text: the star schema casts, and counts what it cannot cast. */
export default defineTable("lake_price_list", {
  layer: "ods",
  owner: owners.ingestion,
  comment: "Price lists as the suppliers send them",
  grain: "one row per product and file",
  tags: ["lake", "csv"],
  columns: {
    product_id: t.text("product; digits").nullable(),
    name: t.text("name of the product").nullable(),
    category: t.text("category of the supplier").nullable(),
    price: t.text("decimal with a dot").unit("EUR").nullable(),
    valid_from: t.text("YYYY-MM-DD").nullable(),
  },
  checks: [notNull("product_id")],
  on: {
    hive: {
      database: lake,
      table: "external",
      serde: {
        class: "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        properties: { separatorChar: ",", quoteChar: '"', escapeChar: "\\" },
      },
      storedAs: "textfile",
      location: lakeRoot("price_list"),
      properties: { "skip.header.line.count": "1" },
    },
  },
});
