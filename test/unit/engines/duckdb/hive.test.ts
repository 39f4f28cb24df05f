import { describe, expect, test } from "vitest";
import ordersByDay from "../../../../models/flow360/ads/lake_orders_by_day.js";
import orderState from "../../../../models/flow360/dwd/lake_order_state.js";
import events from "../../../../models/flow360/ods/lake_events.js";
import orders from "../../../../models/flow360/ods/lake_orders.js";
import priceList from "../../../../models/flow360/ods/lake_price_list.js";
import weatherDay from "../../../../models/weather/ads/weather_day.js";
import weatherData from "../../../../models/weather/dwd/weather_data.js";
import weatherExport from "../../../../models/weather/ods/weather_export.js";
import { type Catalog, catalogFor, catalogOf, objectId } from "../../../../src/core/catalog.js";
import { diff } from "../../../../src/core/diff.js";
import type { Model, SqlBodies } from "../../../../src/core/model.js";
import { hive } from "../../../../src/engines/hive/index.js";
import { defineMaterializedView, defineTable, defineView, sql, t } from "../../../../src/index.js";
import type { Reader } from "../../../backfill/duckdb.js";
import { emulated, withDatabase } from "./emulated.js";

const { emulation, migrate, live } = emulated(hive);
const nothing = catalogOf("lake", []);

function hiveCatalog(...models: readonly Model[]): Catalog {
  const context = { warehouse: "lake", models: new Map(models.map((model) => [model.name, model])) };
  return catalogFor(catalogOf("lake", hive.resolve(models, context).objects), "local");
}

async function columnsOf(db: Reader, table: string): Promise<string[]> {
  const rows = await db.rows(
    `SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE table_name = '${table}' ORDER BY column_index`,
  );
  return rows.map((row) => `${row.column_name} ${row.data_type}${row.is_nullable ? "" : " NOT NULL"}`);
}

const base = { id: t.bigint("number"), note: t.varchar(8).nullable(), day: t.date("day") } as const;

function visits(columns: object = {}, options: object = {}, more: object = {}): Model {
  const on = { hive: { table: "managed", partitionedBy: ["day"], storedAs: "orc", ...options } };
  return defineTable("visits", { grain: "one row per visit", columns: { ...base, ...columns }, on, ...more } as unknown as Parameters<
    typeof defineTable
  >[1]);
}

describe("Hive emulated on DuckDB", () => {
  test("flow360 and weather are made, look as they were wanted, and a second look plans nothing", () =>
    withDatabase(async (db) => {
      const wanted = hiveCatalog(ordersByDay, orderState, events, orders, priceList, weatherDay, weatherData, weatherExport);
      await migrate(db, nothing, wanted);
      expect(diff(await live(db), wanted)).toEqual([]);
      expect(await columnsOf(db, "lake_events")).toEqual([
        "event_id VARCHAR",
        "customer_id BIGINT",
        "event VARCHAR",
        "properties MAP(VARCHAR, VARCHAR)",
        "happened_at TIMESTAMP",
        "dt DATE",
        "country VARCHAR",
      ]);
      expect((await columnsOf(db, "lake_order_state"))[0]).toBe("order_id BIGINT NOT NULL");
      await db.run(
        `INSERT INTO flow360_lake.lake_orders (order_id, dt) VALUES (1, DATE '2026-01-02'), (1, DATE '2026-01-02'), (2, DATE '2026-01-02')`,
      );
      expect(await db.rows("SELECT changes, orders FROM flow360_lake.lake_orders_by_day")).toEqual([{ changes: "3", orders: "2" }]);
      await db.run(
        `INSERT INTO weather.weather_data (event_time, kafka_partition, kafka_offset) VALUES ('2026-01-02T03:00', 0, 5), ('2026-01-02T04:00', 0, 8)`,
      );
      expect(await db.rows("SELECT day, messages, missing FROM weather.weather_day")).toEqual([
        { day: "2026-01-02", messages: "2", missing: "2" },
      ]);
    }));

  test("NOT NULL and defaults are what Hive enforces: none in external tables, one constraint a column, keys never", () =>
    withDatabase(async (db) => {
      const own = { state: t.varchar(8).default("it's\n"), seen: t.instant().defaultNow(), n: t.int() };
      const outside = defineTable("outside", {
        grain: "one row per visit",
        columns: { id: t.bigint("number") },
        key: ["id"],
        on: { hive: { table: "external", storedAs: "parquet" } },
      });
      const wanted = hiveCatalog(visits(own, {}, { key: ["id"] }), outside);
      await migrate(db, nothing, wanted);
      await db.run("INSERT INTO lake.visits (id, n) VALUES (1, 1), (1, 1)");
      expect(await db.rows("SELECT DISTINCT id, state, seen IS NOT NULL AS said, day FROM lake.visits")).toEqual([
        { id: "1", state: "it's\n", said: true, day: null },
      ]);
      await expect(db.run("INSERT INTO lake.visits (id) VALUES (2)")).rejects.toThrow(/NOT NULL/);
      await db.run("INSERT INTO lake.outside VALUES (NULL)");
      expect(diff(await live(db), wanted)).toEqual([]);
    }));

  const steps: readonly (readonly [string, Model, Model, (readonly string[])?])[] = [
    [
      "columns are added before the partitions",
      visits(),
      visits({ city: t.text("where").nullable(), n: t.int().nullable() }),
      ["id BIGINT NOT NULL", "note VARCHAR", "city VARCHAR", "n INTEGER", "day DATE"],
    ],
    ["a column at the end goes", visits({ city: t.text().nullable() }, { storedAs: "parquet" }), visits({}, { storedAs: "parquet" })],
    ["a column is widened", visits({ n: t.int().nullable() }), visits({ n: t.bigint().nullable() })],
    ["a column's type changes, so the table is rebuilt", visits(), visits({ note: t.int().nullable() })],
    [
      "comments, properties, location, buckets and format change",
      visits({}, { location: "hdfs:///a" }),
      visits(
        { note: t.varchar(8, "by the visitor").nullable(), day: t.date("day of the visit, UTC") },
        { location: "hdfs:///b", properties: { "orc.compress": "ZSTD" }, clusteredBy: ["id"], buckets: 4, storedAs: "parquet" },
        { comment: "Visits" },
      ),
    ],
    ["a partition column becomes a column", visits(), visits({}, { partitionedBy: [] })],
    ["a managed table becomes external", visits(), visits({}, { table: "external" })],
  ];
  for (const [title, before, after, columns] of steps) {
    test(`${title}: the rows stay and the difference is gone`, () =>
      withDatabase(async (db) => {
        const [from, to] = [hiveCatalog(before), hiveCatalog(after)];
        await migrate(db, nothing, from);
        await db.run("INSERT INTO lake.visits (id, note, day) VALUES (1, 'x', DATE '2024-05-01')");
        await migrate(db, from, to);
        expect(diff(await live(db), to)).toEqual([]);
        const rows = await db.rows("SELECT id, CAST(day AS VARCHAR) AS day FROM lake.visits");
        expect(rows).toEqual([{ id: "1", day: "2024-05-01" }]);
        if (columns) expect(await columnsOf(db, "visits")).toEqual(columns);
      }));
  }

  test("a table and a column of a text file are renamed, and the view over them with their rows", () =>
    withDatabase(async (db) => {
      const named = (table: string, column: string): readonly Model[] => {
        const base = defineTable(table, {
          grain: "one row per visit",
          columns: { [column]: t.bigint("number") },
          on: { hive: { table: "managed", storedAs: "textfile" } },
        });
        const count = defineView("counted", {
          columns: { n: t.bigint("visits") },
          query: { hive: sql.hive`SELECT count(${base.col[column] as never}) AS n FROM ${base}` },
          on: { hive: {} },
        });
        return [base, count];
      };
      const [from, to] = [hiveCatalog(...named("visits", "id")), hiveCatalog(...named("calls", "number"))];
      await migrate(db, nothing, from);
      await db.run("INSERT INTO lake.visits VALUES (1)");
      const [old, now] = ["visits", "calls"].map((name) => objectId("hive", "table", ["lake", name]));
      await migrate(db, from, to, [
        { rename: "object", id: old ?? "", to: now ?? "" },
        { rename: "column", id: now ?? "", from: "id", to: "number" },
      ]);
      expect(diff(await live(db), to)).toEqual([]);
      expect(await db.rows("SELECT n, number FROM lake.counted, lake.calls")).toEqual([{ n: "1", number: "1" }]);
    }));

  const totals = (words: { readonly hive?: string; readonly duckdb?: string }): readonly Model[] => {
    const base = visits() as ReturnType<typeof defineTable>;
    const query: SqlBodies = {
      hive: sql.hive`SELECT ${base.col.day as never}, count(*) AS n FROM ${base} GROUP BY ${base.col.day as never}`,
      ...(words.duckdb !== undefined && { duckdb: { dialect: "duckdb", parts: [words.duckdb] } }),
      ...(words.hive !== undefined && { hive: { dialect: "hive", parts: [words.hive] } }),
    };
    const view = defineMaterializedView("by_day", {
      grain: "one row per day",
      columns: { day: t.date("day"), n: t.bigint("visits") },
      query,
      on: { hive: { partitionedBy: ["day"], storedAs: "orc" } },
    });
    return [base, view];
  };

  test("a materialized view is filled when it is made, partitions last, and refreshed on request", () =>
    withDatabase(async (db) => {
      const wanted = hiveCatalog(...totals({}));
      await migrate(db, nothing, hiveCatalog(visits()));
      const add = "INSERT INTO lake.visits VALUES (1, 'x', DATE '2024-05-01')";
      await db.run(add);
      await migrate(db, hiveCatalog(visits()), wanted);
      await db.run(add);
      expect(await db.rows("SELECT * FROM lake.by_day")).toEqual([{ n: "1", day: "2024-05-01" }]);
      for (const { text } of emulation.refresh(wanted.objects)) await db.run(text);
      expect(await db.rows("SELECT n FROM lake.by_day")).toEqual([{ n: "2" }]);
      expect(diff(await live(db), wanted)).toEqual([]);
    }));

  test("new DuckDB words for a query are executed here and nothing to Hive itself", () =>
    withDatabase(async (db) => {
      const [from, to] = [hiveCatalog(...totals({})), hiveCatalog(...totals({ duckdb: "SELECT DATE '2024-05-01' AS day, 7 AS n" }))];
      await migrate(db, nothing, from);
      const operations = await migrate(db, from, to);
      expect(operations.flatMap((operation) => hive.generate(operation))).toEqual([]);
      expect(await db.rows("SELECT n FROM lake.by_day")).toEqual([{ n: 7 }]);
      expect(diff(await live(db), to)).toEqual([]);
    }));

  const unlike: readonly (readonly [string, string])[] = [
    ["SELECT date_format(day, 'yyyy') AS day, 1 AS n FROM lake.visits", "date_format"],
    ["SELECT day, avg(id) AS n FROM lake.visits GROUP BY day", "avg"],
    ["SELECT day, id AS n FROM lake.visits ORDER BY id", "ORDER"],
    ["SELECT * FROM lake.visits", "*"],
    ["SELECT day, count(*) AS n FROM lake.visits GROUP BY 1", "1"],
    ["SELECT day, id / 2 AS n FROM lake.visits", "/"],
    ["SELECT day, id AS n FROM lake.visits WHERE note = 'it\\'s'", "'"],
    ["SELECT day, id AS n FROM lake.visits WHERE note = 'a''b'", "'b'"],
    ['SELECT day, id AS n FROM lake.visits WHERE note = "x"', '"'],
    ["SELECT day, count(DISTINCT id, note) AS n FROM lake.visits GROUP BY day", "count(DISTINCT …) of several columns"],
    ["SELECT day, id AS n FROM lake.visits -- all", "--"],
    ["SELECT day, id AS n FROM lake.visits WHERE id <=> 1", "<=>"],
    ["SELECT day, pos AS n FROM lake.visits LATERAL VIEW explode(x) e AS pos", "LATERAL"],
    ["SELECT day, 10L AS n FROM lake.visits", "10L"],
  ];
  for (const [query, word] of unlike) {
    test(`a query that says ${word} is refused with the model's name and what to write: ${query}`, () => {
      const view = hiveCatalog(...totals({ hive: query })).objects.find(({ kind }) => kind === "materialized-view");
      expect(() => emulation.generate({ op: "create-object", object: view as never })).toThrow(
        expect.objectContaining({
          code: "DW-EMULATION-UNSUPPORTED",
          what: expect.stringContaining(`materialized-view lake.by_day (model by_day): its query says ${word}`),
          fix: expect.stringContaining("query: { hive: …, duckdb: sql.duckdb`…` }"),
        }),
      );
    });
  }

  test("joins, conditions and CASE mean the same and are executed as they are", () =>
    withDatabase(async (db) => {
      const query = `SELECT v.day, sum(CASE WHEN v.note IS NULL OR v.note IN ('a', 'b') THEN 1 ELSE 0 END) AS n
        FROM \`lake\`.visits v LEFT OUTER JOIN lake.visits other ON v.id = other.id AND v.id <> 3
        WHERE v.id BETWEEN 1 AND 9 AND NOT (v.id >= 8) GROUP BY v.day HAVING count(*) > 0`;
      await migrate(db, nothing, hiveCatalog(visits()));
      await db.run("INSERT INTO lake.visits VALUES (1, 'a', DATE '2024-05-01'), (2, 'c', DATE '2024-05-01'), (8, NULL, DATE '2024-05-01')");
      await migrate(db, hiveCatalog(visits()), hiveCatalog(...totals({ hive: query })));
      expect(await db.rows("SELECT CAST(n AS INTEGER) AS n FROM lake.by_day")).toEqual([{ n: 1 }]);
    }));

  test("what somebody did to the file shows as a difference", () =>
    withDatabase(async (db) => {
      const wanted = hiveCatalog(visits());
      await migrate(db, nothing, wanted);
      await db.run("ALTER TABLE lake.visits DROP COLUMN note");
      await db.run("ALTER TABLE lake.visits ALTER COLUMN day TYPE VARCHAR");
      await db.run("ALTER TABLE lake.visits ALTER COLUMN id DROP NOT NULL");
      await db.run("ALTER TABLE lake.visits ADD COLUMN extra INTEGER");
      await db.run("CREATE TABLE lake.scratch (a INTEGER)");
      const found = await emulation.introspect(db, "lake", nothing);
      const [change] = diff(wanted, found.catalog);
      const facts = change?.change === "altered" ? change.facts.map(({ path, to }) => [path.join("."), to]) : [];
      expect(facts).toEqual([
        ["columns.id.nullable", true],
        ["columns.extra", { name: "extra", type: "int", nullable: true, comment: "" }],
        ["columns.note", undefined],
        ["partitions.day.type", "string"],
      ]);
      expect(found.unmodelled).toEqual([{ name: "lake.scratch", what: "a table or view in DuckDB that dw did not make" }]);
    }));

  test("the database default is there without being made, and a type that DuckDB lacks is refused with the column's name", () =>
    withDatabase(async (db) => {
      const wanted = hiveCatalog(visits({}, { database: "default" }));
      await migrate(db, nothing, wanted);
      expect(diff(await live(db), wanted)).toEqual([]);
      const odd = hiveCatalog(visits({ u: t.native("hive", "uniontype<int,string>").nullable() })).objects.at(-1);
      expect(() => emulation.generate({ op: "create-object", object: odd as never })).toThrow("column u is hive uniontype<int,string>");
    }));

  test("a hostile name stays one name", () =>
    withDatabase(async (db) => {
      const name = `a"; DROP TABLE b; --`;
      const wanted = hiveCatalog(visits({ [name]: t.text("it's").nullable() }, { name }));
      await migrate(db, nothing, wanted);
      expect(diff(await live(db), wanted)).toEqual([]);
    }));
});
