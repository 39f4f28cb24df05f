import { Kysely, PostgresDialect } from "kysely";
import { expectTypeOf, test } from "vitest";
import { type Database, defineTable, hash, month, type RowOf, t } from "../../src/index.js";

const orders = defineTable("orders", {
  layer: "dws",
  grain: "one row per shop and day",
  columns: {
    shop_id: t.bigint("natural key"),
    day: t.instant("midnight, UTC"),
    paid: t.decimal(18, 4, "settled orders only").nullable(),
    n: t.int("how many"),
  },
  key: ["shop_id", "day"],
  fresh: { column: "day", within: "26h" },
  on: {
    starrocks: { table: "primary", partitionBy: month("day"), distributeBy: hash(["shop_id"], 16) },
    timescale: { timeColumn: "day", chunkInterval: "7 days", columnstore: { segmentBy: ["shop_id"], after: "30 days" } },
  },
});

test("a row of a model has the values that dw cat prints", () => {
  expectTypeOf<RowOf<typeof orders>>().toEqualTypeOf<{ shop_id: string; day: string; paid: string | null; n: number }>();
  expectTypeOf<Database<{ orders: typeof orders }>["orders"]["n"]>().toEqualTypeOf<number>();
});

test("a misspelt column does not compile", () => {
  const columns = { a: t.int(), b: t.text() };
  // @ts-expect-error a key names a column that does not exist
  defineTable("x", { grain: "g", columns, key: ["c"], on: {} });
  // @ts-expect-error a partition names a column that does not exist
  defineTable("x", { grain: "g", columns, on: { starrocks: { table: "duplicate", partitionBy: month("c") } } });
  // @ts-expect-error a distribution names a column that does not exist
  defineTable("x", { grain: "g", columns, on: { starrocks: { table: "duplicate", distributeBy: hash(["c"]) } } });
  // @ts-expect-error an option of another engine
  defineTable("x", { grain: "g", columns, on: { starrocks: { table: "duplicate", chunkInterval: "1 day" } } });
  // @ts-expect-error freshness of a column that does not exist
  defineTable("x", { grain: "g", columns, fresh: { column: "c", within: "1h" }, on: {} });
  // @ts-expect-error a misspelt option
  defineTable("x", { grain: "g", colums: columns, columns, on: {} });
});

test("kysely understands a Database of models", () => {
  const db = new Kysely<Database<{ orders: typeof orders }>>({ dialect: new PostgresDialect({ pool: async () => Promise.reject() }) });
  expectTypeOf(db.selectFrom("orders").select(["paid", "n"]).execute()).resolves.toEqualTypeOf<{ paid: string | null; n: number }[]>();
  // @ts-expect-error a column that the model does not have
  db.selectFrom("orders").select("amount");
});
