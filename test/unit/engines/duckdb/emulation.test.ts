import { describe, expect, test } from "vitest";
import { catalogOf } from "../../../../src/core/catalog.js";
import { diff } from "../../../../src/core/diff.js";
import type { Model } from "../../../../src/core/model.js";
import { starrocks } from "../../../../src/engines/starrocks/index.js";
import { defineTable, hash, month, t } from "../../../../src/index.js";
import { ciapolModels, starrocksCatalog } from "../ciapol.js";
import { emulated, withDatabase } from "./emulated.js";

const nothing = catalogOf("ciapol", []);
const { emulation, migrate, live } = emulated(starrocks);

const base = {
  grain: "one row per order",
  columns: { id: t.bigint("number"), day: t.date(), paid: t.decimal(9, 2).default("0"), note: t.varchar(10).nullable() },
  key: ["id", "day"],
} as const;

function orders(change: Partial<Parameters<typeof defineTable>[1]> = {}, options: object = {}): Model {
  const on = { starrocks: { table: "primary", partitionBy: month("day"), distributeBy: hash(["id"], 4), ...options } } as const;
  return defineTable("orders", { ...base, ...change, on } as Parameters<typeof defineTable>[1]);
}

describe("StarRocks emulated on DuckDB", () => {
  test("changes that share one ALTER, fields of a struct and a partition that goes are executed as well", () =>
    withDatabase(async (db) => {
      const parts = (...names: string[]) => ({
        table: "duplicate",
        partitionBy: {
          by: "range",
          columns: ["day"],
          partitions: names.map((name) => ({ name, from: [`2024-0${name.slice(1)}-01`], to: [`2024-0${Number(name.slice(1)) + 1}-01`] })),
        },
      });
      const place = t.struct({ city: t.varchar(5), zip: t.int() }).nullable();
      const more = (columns: object) => orders({ columns: { ...base.columns, ...columns } } as never, parts("p1", "p2"));
      const first = starrocksCatalog([more({ n: t.int().nullable(), gone: t.int().nullable(), place })]);
      const wanted = starrocksCatalog([
        orders(
          {
            columns: {
              ...base.columns,
              n: t.bigint().nullable(),
              fresh: t.varchar(3).nullable(),
              place: t.struct({ city: t.varchar(5), lane: t.int() }).nullable(),
            },
          } as never,
          parts("p2"),
        ),
      ]);
      await migrate(db, nothing, first);
      await db.run(
        "INSERT INTO ciapol.orders SELECT i, make_date(2024, i, 3), 1, 'x', i, 0, {'city': 'a', 'zip': 1} FROM range(1, 3) AS numbers(i)",
      );
      await migrate(db, first, wanted);
      expect(diff(await live(db), wanted)).toEqual([]);
      expect(await db.rows("SELECT id, n, fresh, place.city AS city FROM ciapol.orders")).toEqual([
        { id: "2", n: "2", fresh: null, city: "a" },
      ]);
    }));

  test("ciapol is made, looks as it was wanted, and a second look plans nothing", () =>
    withDatabase(async (db) => {
      const wanted = starrocksCatalog(ciapolModels);
      await migrate(db, nothing, wanted);
      expect(diff(await live(db), wanted)).toEqual([]);
      const rows = await db.rows(
        "SELECT table_name, 'table' AS kind FROM duckdb_tables() WHERE schema_name = 'ciapol_analytics' UNION ALL SELECT view_name, 'view' FROM duckdb_views() WHERE schema_name = 'ciapol_analytics' ORDER BY ALL",
      );
      expect(rows.map((row) => `${row.kind} ${row.table_name}`)).toEqual([
        "table aqi_hourly_zeta",
        "table raw_measurements_zeta",
        "table sensor_measurements_archive_zeta",
        "table sensor_measurements_zeta",
        "view station_aqi_month_mv",
        "view station_day_mv",
        "view station_latest",
      ]);
    }));

  const steps: readonly (readonly [string, Model, Model])[] = [
    ["a column is added with a default", orders(), orders({ columns: { ...base.columns, city: t.varchar(30, "where").default("?") } })],
    ["a column is dropped", orders(), orders({ columns: { id: base.columns.id, day: base.columns.day, paid: base.columns.paid } })],
    ["a column is widened", orders(), orders({ columns: { ...base.columns, note: t.varchar(40).nullable() } })],
    [
      "a column changes what ALTER cannot, so the table is rebuilt",
      orders(),
      orders({ columns: { ...base.columns, paid: t.double().default(0) } }),
    ],
    [
      "comment, buckets and properties change",
      orders(),
      orders({ comment: "all" }, { distributeBy: hash(["id"], 8), properties: { write_quorum: "ALL" } }),
    ],
    ["the kind of table changes", orders(), orders({}, { table: "duplicate" })],
  ];
  for (const [title, before, after] of steps) {
    test(`${title}: the rows stay and the difference is gone`, () =>
      withDatabase(async (db) => {
        const from = starrocksCatalog([before]);
        const to = starrocksCatalog([after]);
        await migrate(db, nothing, from);
        await db.run(`INSERT INTO "ciapol"."orders" (id, day, paid) VALUES (1, DATE '2024-05-01', 9.5)`);
        await migrate(db, from, to);
        expect(diff(await live(db), to)).toEqual([]);
        expect(await db.rows(`SELECT id, CAST(day AS VARCHAR) AS day, CAST(paid AS DOUBLE) AS paid FROM ciapol.orders`)).toEqual([
          { id: "1", day: "2024-05-01", paid: 9.5 },
        ]);
      }));
  }

  test("what somebody did to the file shows as a difference", () =>
    withDatabase(async (db) => {
      const wanted = starrocksCatalog([orders()]);
      await migrate(db, nothing, wanted);
      await db.run("ALTER TABLE ciapol.orders DROP COLUMN note");
      await db.run("ALTER TABLE ciapol.orders ADD COLUMN extra INTEGER");
      await db.run("CREATE TABLE ciapol.scratch (a INTEGER)");
      const found = await emulation.introspect(db, "ciapol", nothing);
      const [change] = diff(found.catalog, wanted);
      expect(change?.change === "altered" && change.facts.map((fact) => fact.path.join("."))).toEqual(["columns.note", "columns.extra"]);
      expect(found.unmodelled).toEqual([{ name: "ciapol.scratch", what: "a table or view in DuckDB that dw did not make" }]);
    }));

  test("what DuckDB cannot do as StarRocks does is refused with the column's name", () => {
    const [table] = starrocksCatalog([
      orders({ columns: { ...base.columns, seen: t.native("starrocks", "HLL").nullable() } }),
    ]).objects.slice(-1);
    expect(() => emulation.generate({ op: "create-object", object: table as never })).toThrow("column seen is starrocks hll");
  });

  test("a hostile name stays one name", () =>
    withDatabase(async (db) => {
      const name = `a"; DROP TABLE b; --`;
      const wanted = starrocksCatalog([orders({ columns: { ...base.columns, [name]: t.text("it's").nullable() } }, { name })]);
      await migrate(db, nothing, wanted);
      expect(diff(await live(db), wanted)).toEqual([]);
    }));
});
