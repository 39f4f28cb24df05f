import { expect, test } from "vitest";
import { catalogOf } from "../../../src/core/catalog.js";
import type { Rename } from "../../../src/core/change.js";
import { diff } from "../../../src/core/diff.js";
import type { Model } from "../../../src/core/model.js";
import { order } from "../../../src/core/order.js";
import { postgres } from "../../../src/engines/postgres/index.js";
import { readsColumn } from "../../../src/engines/postgres/reads.js";
import { timescale } from "../../../src/engines/timescale/index.js";
import { defineTable, t } from "../../../src/index.js";

const columns = { id: t.bigint("key"), at: t.instant("when"), paid: t.decimal(18, 4, "money").nullable() };

function orders(more: object = {}, on: object = { postgres: {} }): Model {
  return defineTable("orders", { grain: "one row per order", key: ["id", "at"], columns, on, ...more } as never); // tests combine what types would narrow
}

function plan(from: Model[], to: Model[], renames: Rename[] = [], engine = postgres): { sql: string; hazards?: string[] }[] {
  const catalog = (models: Model[]) =>
    catalogOf("w", engine.resolve(models, { warehouse: "w", models: new Map(models.map((model) => [model.name, model])) }).objects);
  const operations = order(diff(catalog(from), catalog(to), renames).flatMap((change) => engine.decide(change)));
  return operations
    .flatMap((operation) => engine.generate(operation))
    .map(({ text, hazards }) => ({ sql: text, ...(hazards.length > 0 && { hazards: hazards.map(({ kind }) => kind) }) }));
}

test("a table is made with its key, indexes and comments", () => {
  const model = orders(
    { comment: "Orders" },
    { postgres: { indexes: [{ columns: [{ column: "at", order: "desc" }], where: "paid > 0" }] } },
  );
  expect(plan([], [model])).toEqual([
    {
      sql: `CREATE TABLE public.orders (
  id bigint NOT NULL,
  at timestamp with time zone NOT NULL,
  paid numeric(18,4),
  CONSTRAINT orders_pkey PRIMARY KEY (id, at)
)`,
    },
    { sql: "CREATE INDEX orders_at_idx ON public.orders (at DESC)\nWHERE paid > 0" },
    { sql: "COMMENT ON TABLE public.orders IS 'Orders. Grain: one row per order.'" },
    { sql: "COMMENT ON COLUMN public.orders.id IS 'key'" },
    { sql: "COMMENT ON COLUMN public.orders.at IS 'when'" },
    { sql: "COMMENT ON COLUMN public.orders.paid IS 'money'" },
  ]);
});

test("dropping a table or a column is announced as data loss", () => {
  expect(plan([orders()], [])).toEqual([{ sql: "DROP TABLE public.orders", hazards: ["data-loss"] }]);
  const { paid: _, ...rest } = columns;
  expect(plan([orders()], [orders({ columns: rest })])).toEqual([
    { sql: "ALTER TABLE public.orders DROP COLUMN paid", hazards: ["data-loss"] },
  ]);
});

test("hostile names and comments stay names and comments", () => {
  const hostile = orders({
    columns: { ...columns, 'a"; DROP TABLE b; --': t.int("it's \\ $$ {{x}}").nullable(), select: t.text("").nullable() },
  });
  expect(plan([orders()], [hostile])).toEqual([
    { sql: 'ALTER TABLE public.orders ADD COLUMN "a""; DROP TABLE b; --" integer' },
    { sql: `COMMENT ON COLUMN public.orders."a""; DROP TABLE b; --" IS E'it''s \\\\ $$ {{x}}'` },
    { sql: 'ALTER TABLE public.orders ADD COLUMN "select" text' },
  ]);
  expect(() => plan([], [{ ...orders(), name: "x".repeat(64) } as Model])).toThrow(/cuts names off after 63 bytes/);
  expect(() => plan([], [{ ...orders(), name: "a\0b" } as Model])).toThrow(/no NUL byte/);
});

test("a rename needs an intent, and takes key and indexes along", () => {
  const renamed = { ...orders(), name: "sales" } as Model;
  const rename: Rename = { rename: "object", id: "postgres:table:public.orders", to: "postgres:table:public.sales" };
  expect(plan([orders()], [renamed], [rename])).toEqual([
    { sql: "ALTER TABLE public.orders RENAME TO sales" },
    { sql: "ALTER TABLE public.sales RENAME CONSTRAINT orders_pkey TO sales_pkey" },
  ]);
  expect(plan([orders()], [renamed])[0]).toEqual({ sql: "DROP TABLE public.orders", hazards: ["data-loss"] });
});

test("a wider type is a rewrite or free, a narrower one a loss", () => {
  const paid = (type: ReturnType<typeof t.decimal>): Model => orders({ columns: { ...columns, paid: type.nullable() } });
  expect(plan([orders()], [paid(t.decimal(20, 4, "money"))])).toEqual([
    { sql: "ALTER TABLE public.orders ALTER COLUMN paid TYPE numeric(20,4) USING paid::numeric(20,4)" },
  ]);
  expect(plan([orders()], [paid(t.decimal(10, 2, "money"))])).toEqual([
    {
      sql: "ALTER TABLE public.orders ALTER COLUMN paid TYPE numeric(10,2) USING paid::numeric(10,2)",
      hazards: ["rewrites-table", "data-loss"],
    },
  ]);
});

const hyper = (options: object = {}): Model => orders({}, { timescale: { timeColumn: "at", chunkInterval: "1 day", ...options } });

test("a changed policy is removed and added, because adding again keeps the old one silently", () => {
  expect(plan([hyper({ retention: "90 days" })], [hyper({ retention: "30 days" })], [], timescale)).toEqual([
    { sql: "SELECT remove_retention_policy('public.orders')" },
    { sql: "SELECT add_retention_policy('public.orders', drop_after => INTERVAL '30 days')", hazards: ["data-loss"] },
  ]);
  expect(plan([hyper({ retention: "90 days" })], [hyper({ retention: "1 year" })], [], timescale)[1]).toEqual({
    sql: "SELECT add_retention_policy('public.orders', drop_after => INTERVAL '1 year')",
  });
});

test("a new chunk interval says that it is for future chunks", () => {
  expect(plan([hyper()], [hyper({ chunkInterval: "7 days" })], [], timescale)).toEqual([
    {
      sql: `-- Existing chunks stay as they are; this holds for chunks that are made from now on.
SELECT set_chunk_time_interval('public.orders', INTERVAL '7 days')`,
    },
  ]);
});

test("a hypertable that becomes a plain table is copied beside its writers, compared, swapped, and held", () => {
  const [guard, ...rest] = plan([hyper()], [orders({}, { timescale: {} })], [], timescale);
  expect(guard?.hazards).toEqual(["rewrites-table", "blocks-writes"]);
  const held = /(public_orders_\w+_dw_held)/.exec(rest.at(-1)?.sql ?? "")?.[1];
  expect(rest.map(({ sql }) => sql.split("\n")[0]).filter((line) => !line?.startsWith("COMMENT"))).toEqual([
    "DROP SCHEMA IF EXISTS public_orders_dw_shadow CASCADE",
    "CREATE SCHEMA public_orders_dw_shadow",
    "CREATE TABLE public_orders_dw_shadow.orders (",
    "CREATE TABLE public_orders_dw_shadow.dw_changes AS SELECT id, at FROM public.orders WITH NO DATA",
    "CREATE FUNCTION public_orders_dw_shadow.dw_note() RETURNS trigger",
    "CREATE TRIGGER dw_note AFTER INSERT OR UPDATE OR DELETE ON public.orders FOR EACH ROW EXECUTE FUNCTION public_orders_dw_shadow.dw_note()",
    "CREATE TRIGGER dw_no_truncate AFTER TRUNCATE ON public.orders FOR EACH STATEMENT EXECUTE FUNCTION public_orders_dw_shadow.dw_note()",
    "SELECT alter_job(job_id, scheduled => FALSE) FROM timescaledb_information.jobs",
    "CREATE TABLE public_orders_dw_shadow.dw_slices AS",
    "DO $$", // the copy
    "LOCK TABLE public.orders IN SHARE ROW EXCLUSIVE MODE",
    "DELETE FROM public_orders_dw_shadow.orders AS copy USING public_orders_dw_shadow.dw_changes AS noted WHERE copy.id = noted.id::bigint AND copy.at = noted.at::timestamp with time zone",
    "INSERT INTO public_orders_dw_shadow.orders (id, at, paid)",
    "DO $$", // the comparison
    "DROP TRIGGER dw_note ON public.orders",
    "DROP TRIGGER dw_no_truncate ON public.orders",
    "CALL remove_columnstore_policy('public.orders', if_exists => TRUE)",
    "SELECT remove_retention_policy('public.orders', if_exists => TRUE)",
    "SELECT remove_reorder_policy('public.orders', if_exists => TRUE)",
    `CREATE SCHEMA ${held}`,
    `ALTER TABLE public.orders SET SCHEMA ${held}`,
    "ALTER TABLE public_orders_dw_shadow.orders SET SCHEMA public",
    expect.stringContaining("SELECT set_config('dw.grants_"),
    "DO $dw$", // the grants again
    "DROP SCHEMA IF EXISTS public_orders_dw_shadow CASCADE",
    `DROP TABLE IF EXISTS ${held}.orders`,
    `DROP SCHEMA IF EXISTS ${held}`,
  ]);
});

test("what a query reads is found in its text, whole words only, outside of literals and comments", () => {
  const reads = (query: string): boolean => readsColumn(query, "value");
  expect(["SELECT id, value FROM p", "SELECT p.VALUE", "SELECT * FROM p", "SELECT p.*, 1", 'SELECT "value"'].map(reads)).toEqual([
    true,
    true,
    true,
    true,
    true,
  ]);
  expect(["SELECT values FROM p", "SELECT 'value'", "SELECT 1 -- value", "SELECT count(*), a * b FROM p"].map(reads)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test("a lossy type has to be accepted, an impossible one to be mapped", () => {
  const nano = (column: ReturnType<typeof t.instant>): Model => orders({ columns: { ...columns, at: column } });
  expect(() => plan([], [nano(t.instant("when", 9))])).toThrow(/rounded from 9 to 6 digits/);
  expect(plan([], [nano(t.instant("when", 9).accept("postgres", "the clock ticks in microseconds"))]).length).toBeGreaterThan(0);
  expect(() => plan([], [orders({ columns: { ...columns, x: t.native("starrocks", "HLL") } })])).toThrow(/cannot store/);
  expect(() => plan([], [orders({ columns: { ...columns, x: t.text("").as("postgres", "text; DROP TABLE x") } })])).toThrow(
    /does not look like a type/,
  );
});
