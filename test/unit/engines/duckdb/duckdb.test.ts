import { describe, expect, test } from "vitest";
import { type Catalog, catalogOf } from "../../../../src/core/catalog.js";
import { diff } from "../../../../src/core/diff.js";
import type { Model } from "../../../../src/core/model.js";
import { order } from "../../../../src/core/order.js";
import { duckdb } from "../../../../src/engines/duckdb/index.js";
import { fromNative, mapType } from "../../../../src/engines/duckdb/types.js";
import { defineTable, defineView, sql, t } from "../../../../src/index.js";
import { openDatabase, type Reader } from "../../../backfill/duckdb.js";

const nothing = catalogOf("shop", []);

const columns = {
  id: t.bigint("number"),
  paid: t.decimal(9, 2).default("0"),
  at: t.instant("when").defaultNow(),
  note: t.text("it's").nullable(),
};

function models(change: object = {}): Model[] {
  const orders = defineTable("orders", {
    grain: "one row per order",
    columns,
    key: ["id"],
    on: { duckdb: { schema: "shop" } },
    ...change,
  } as Parameters<typeof defineTable>[1]);
  const view = defineView("big_orders", {
    columns: { id: t.bigint() },
    query: { duckdb: sql.duckdb`SELECT ${{ ref: "column", model: "orders", column: "id" }} FROM ${orders} WHERE paid > 100` },
    on: { duckdb: { schema: "shop" } },
  });
  return [orders, view];
}

function catalog(wanted: readonly Model[]): Catalog {
  const context = { warehouse: "shop", models: new Map(wanted.map((model) => [model.name, model])) };
  return catalogOf("shop", duckdb.resolve(wanted, context).objects);
}

async function migrate(db: Reader, from: Catalog, to: Catalog): Promise<string[]> {
  const statements = order(diff(from, to).flatMap(duckdb.decide)).flatMap(duckdb.generate);
  for (const statement of statements) await duckdb.execute(db, statement, new AbortController().signal);
  return statements.map(({ text }) => text.replace(/\s+/g, " "));
}

async function withDatabase(work: (db: Reader) => Promise<void>): Promise<void> {
  const database = await openDatabase();
  const db = await database.connect();
  try {
    await work(db);
  } finally {
    await db.close();
    database.close();
  }
}

describe("DuckDB", () => {
  test("tables and views are made, and a second look plans nothing", () =>
    withDatabase(async (db) => {
      const wanted = catalog(models());
      expect(await migrate(db, nothing, wanted)).toEqual([
        'CREATE SCHEMA IF NOT EXISTS "shop"',
        `CREATE TABLE "shop"."orders" ( "id" BIGINT NOT NULL, "paid" DECIMAL(9,2) DEFAULT '0' NOT NULL, "at" TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, "note" VARCHAR, PRIMARY KEY ("id") )`,
        `COMMENT ON COLUMN "shop"."orders"."id" IS 'number'`,
        `COMMENT ON COLUMN "shop"."orders"."at" IS 'when'`,
        `COMMENT ON COLUMN "shop"."orders"."note" IS 'it''s'`,
        'CREATE OR REPLACE VIEW "shop"."big_orders" ( "id" ) AS SELECT "id" FROM "shop"."orders" WHERE paid > 100'.replace(
          " OR REPLACE",
          "",
        ),
      ]);
      const { catalog: live, unmodelled } = await duckdb.introspect(db, "shop", wanted);
      expect(diff(live, wanted)).toEqual([]);
      expect(unmodelled).toEqual([]);
    }));

  const changes: readonly (readonly [string, object])[] = [
    ["a column is added NOT NULL with a default", { columns: { ...columns, city: t.text("where").default("?") } }],
    ["a column is dropped", { columns: { id: columns.id, paid: columns.paid, at: columns.at } }],
    [
      "a type, a default and a comment change",
      { columns: { ...columns, paid: t.decimal(18, 4, "settled").default("1.5") }, comment: "all" },
    ],
    ["a column may no longer be NULL", { columns: { ...columns, note: t.text("it's") } }],
    ["the key changes, so the rows move to a new table", { key: ["id", "at"] }],
    ["a generated column is added", { columns: { ...columns, twice: t.decimal(18, 2).nullable().generated({ duckdb: "paid * 2" }) } }],
  ];
  for (const [title, change] of changes) {
    test(`${title}: the rows stay and the difference is gone`, () =>
      withDatabase(async (db) => {
        const [from, to] = [catalog(models()), catalog(models(change))];
        await migrate(db, nothing, from);
        await db.run("INSERT INTO shop.orders (id, paid, note) VALUES (1, 9.5, 'x')");
        await migrate(db, from, to);
        expect(diff((await duckdb.introspect(db, "shop", to)).catalog, to)).toEqual([]);
        expect(await db.rows("SELECT id, CAST(paid AS DOUBLE) AS paid FROM shop.orders")).toEqual([{ id: "1", paid: 9.5 }]);
      }));
  }

  test("what somebody changed shows, and what dw did not make is named", () =>
    withDatabase(async (db) => {
      const wanted = catalog(models());
      await migrate(db, nothing, wanted);
      await db.run("ALTER TABLE shop.orders ALTER COLUMN paid SET DEFAULT 7");
      await db.run("CREATE OR REPLACE VIEW shop.big_orders AS SELECT id FROM shop.orders WHERE paid > 200");
      await db.run("CREATE TABLE shop.scratch (a INTEGER)");
      const { catalog: live, unmodelled } = await duckdb.introspect(db, "shop", wanted);
      const facts = diff(live, wanted).flatMap((change) =>
        change.change === "altered" ? change.facts.map(({ path }) => path.join(".")) : [change.change],
      );
      expect(facts).toEqual(["columns.paid.default", "removed", "query"]);
      expect(unmodelled).toEqual([{ name: "shop.scratch", what: "a table that dw did not make" }]);
    }));

  test("a statement that DuckDB refuses comes back with its text and DuckDB's answer", () =>
    withDatabase(async (db) => {
      const statement = { text: "DROP TABLE nowhere", hazards: [], transactional: true };
      await expect(duckdb.execute(db, statement, new AbortController().signal)).rejects.toMatchObject({
        code: "DW-ENGINE-REFUSED",
        what: "DuckDB refused: DROP TABLE nowhere",
      });
    }));

  test.each([
    ["DECIMAL(9,2)", { kind: "decimal", precision: 9, scale: 2 }],
    [
      'STRUCT(a INTEGER, "b c" VARCHAR)[]',
      {
        kind: "list",
        element: {
          nullable: true,
          type: {
            kind: "struct",
            fields: [
              { name: "a", type: { kind: "int", bits: 32 }, nullable: true },
              { name: "b c", type: { kind: "text" }, nullable: true },
            ],
          },
        },
      },
    ],
    [
      "MAP(VARCHAR, TIMESTAMP WITH TIME ZONE)",
      { kind: "map", key: { kind: "text" }, value: { type: { kind: "timestamp", precision: 6, zoned: true }, nullable: true } },
    ],
    ["ENUM('a', 'it''s')", { kind: "enum", values: ["a", "it's"] }],
    ["INTEGER[3]", { kind: "native", engine: "duckdb", type: "INTEGER[3]" }],
  ] as const)("%s is read", (text, type) => {
    expect(fromNative(text)).toEqual(type);
  });

  test("a zoned nanosecond cannot be kept", () => {
    expect(mapType({ kind: "timestamp", precision: 9, zoned: true })).toMatchObject({ level: "lossy" });
  });
});
