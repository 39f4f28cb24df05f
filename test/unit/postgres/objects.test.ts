import { expect, test } from "vitest";
import { buildPlan } from "../../../src/core/build-plan.js";
import { type Catalog, catalogOf } from "../../../src/core/catalog.js";
import type { Model } from "../../../src/core/model.js";
import { postgres } from "../../../src/engines/postgres/index.js";
import { withVerifiers } from "../../../src/engines/postgres/roles.js";
import { defineEnum, definePostgresRole, defineTable, env, t } from "../../../src/index.js";
import { modelFile } from "../../../src/model/print/file.js";

function catalog(...models: Model[]): Catalog {
  const context = { warehouse: "w", models: new Map(models.map((model) => [model.name, model])) };
  return catalogOf("w", postgres.resolve(models, context).objects);
}

function plan(from: Model[], to: Model[]): { sql: string; hazards?: string[] }[] {
  return buildPlan(catalog(...from), catalog(...to), () => postgres).statements.map(({ text, hazards }) => ({
    sql: text,
    ...(hazards.length > 0 && { hazards: hazards.map(({ kind }) => kind) }),
  }));
}

const state = defineEnum("order_state", { values: ["new", "paid"], on: { postgres: {} } });
const orders = (type = state, schema?: string): Model =>
  defineTable("orders", {
    grain: "one row per order",
    key: ["id"],
    columns: { id: t.bigint(""), state: t.enum(type, "").default("new" as never) },
    on: { postgres: schema === undefined ? {} : { schema } },
  });
const reader = (grants: Parameters<typeof definePostgresRole>[1]["grants"], more: object = {}): Model =>
  definePostgresRole("reader", { ...(grants && { grants }), ...more });

test("a column takes a declared type, which is made before it", () => {
  expect(plan([], [state, orders()]).map(({ sql }) => sql)).toEqual([
    "CREATE TYPE public.order_state AS ENUM ('new', 'paid')",
    "CREATE TABLE public.orders (\n  id bigint NOT NULL,\n  state public.order_state DEFAULT 'new' NOT NULL,\n  CONSTRAINT orders_pkey PRIMARY KEY (id)\n)",
    "COMMENT ON TABLE public.orders IS 'Grain: one row per order.'",
  ]);
  expect(() => catalog(orders())).toThrow(/order_state, which no model declares/);
});

test("a value comes in place; one that goes exchanges the type under its columns", () => {
  const more = defineEnum("order_state", { values: ["draft", "new", "paid", "it's over"], on: { postgres: {} } });
  expect(plan([state, orders()], [more as never, orders(more as never)])).toEqual([
    { sql: "ALTER TYPE public.order_state ADD VALUE IF NOT EXISTS 'draft' BEFORE 'new'" },
    { sql: "ALTER TYPE public.order_state ADD VALUE IF NOT EXISTS 'it''s over'" },
  ]);
  const less = defineEnum("order_state", { values: ["new"], on: { postgres: {} } });
  expect(plan([state, orders()], [less as never, orders(less as never)])).toEqual([
    { sql: "ALTER TYPE public.order_state RENAME TO order_state_dw_old" },
    { sql: "CREATE TYPE public.order_state AS ENUM ('new')" },
    {
      sql: "ALTER TABLE public.orders ALTER COLUMN state DROP DEFAULT, ALTER COLUMN state TYPE public.order_state USING state::text::public.order_state, ALTER COLUMN state SET DEFAULT 'new'",
      hazards: ["rewrites-table", "data-loss"],
    },
    { sql: "DROP TYPE public.order_state_dw_old" },
  ]);
});

test("a role comes with its rights, and only what changed is granted or revoked", () => {
  const read = { privileges: ["select"], on: { name: "orders" } };
  const before = [state, orders(), reader([read])];
  expect(plan([state, orders()], before).map(({ sql }) => sql)).toEqual([
    "CREATE ROLE reader",
    "GRANT SELECT ON TABLE public.orders TO reader",
  ]);
  const after = [
    state,
    orders(),
    reader([{ ...read, privileges: ["UPDATE"], columns: ["state"] }], { login: true, password: env("READER"), connectionLimit: 5 }),
  ];
  expect(plan(before, after)).toEqual([
    { sql: "ALTER ROLE reader LOGIN CONNECTION LIMIT 5" },
    { sql: "REVOKE SELECT ON TABLE public.orders FROM reader" },
    { sql: "GRANT UPDATE (state) ON TABLE public.orders TO reader" },
    { sql: "ALTER ROLE reader PASSWORD '<secret env:READER>'", hazards: ["irreversible"] },
  ]);
  expect(plan(before, [state, orders()]).map(({ sql }) => sql)).toEqual([
    "REVOKE SELECT ON TABLE public.orders FROM reader",
    "DROP ROLE reader",
  ]);
  expect(() => catalog(state, orders(), reader([{ privileges: ["FLY"], on: { name: "orders" } }]))).toThrow(/grants FLY on a table/);
});

test("a password reaches the server as a SCRAM verifier only", () => {
  const text = withVerifiers("ALTER ROLE reader PASSWORD '<secret env:READER>'", [
    { reference: { $secret: "env", name: "READER" }, value: "it's secret" },
  ]);
  expect(text).toMatch(/^ALTER ROLE reader PASSWORD 'SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}='$/);
});

test("rights in a schema that the role may not use are found, wherever the right to use it comes from", () => {
  const rules = (...models: Model[]): string[] =>
    postgres.lint(catalog(...models).objects, { engine: "postgres", version: "17" } as never).map(({ rule }) => rule);
  const table = orders(state, "sales");
  const read = { privileges: ["SELECT"], on: { name: "orders" } };
  const use = { privileges: ["USAGE"], on: { schema: "sales" } };
  expect(rules(state, table, reader([read]))).toEqual(["postgres/grant-needs-usage"]);
  expect(rules(state, table, reader([read, use]))).toEqual([]);
  expect(rules(state, table, reader([read], { memberOf: [{ name: "user" }] }), definePostgresRole("user", { grants: [use] }))).toEqual([]);
  expect(rules(definePostgresRole("pg_reader", { password: env("X") }))).toEqual(["postgres/role-name", "postgres/password-without-login"]);
});

test("types and roles that exist become model files", () => {
  const found = catalog(
    state,
    orders(),
    reader([{ privileges: ["SELECT"], on: { name: "orders" }, columns: ["id"] }], { login: true }),
  ).objects;
  const context = {
    warehouse: "w",
    modelName: (id: string) => found.find((object) => object.id === id)?.name.at(-1),
    viewColumnType: () => undefined,
  };
  const imported = found.map((object) => postgres.toModel?.(object, context)).filter((model) => model !== undefined);
  expect(catalog(...imported).objects.map(({ id, body }) => [id, body])).toEqual(found.map(({ id, body }) => [id, body]));
  const file = (name: string): string =>
    modelFile(imported.find((model) => model.name === name) as never, { from: "dwright", fileOf: (other) => `./${other}.js` });
  expect(file("order_state")).toBe(
    'import { defineEnum } from "dwright";\n\nexport default defineEnum("order_state", {\n  values: ["new", "paid"],\n  on: { postgres: {} },\n});\n',
  );
  expect(file("orders")).toContain('import orderState from "./order_state.js";');
  expect(file("orders")).toContain('state: t.enum(orderState).default("new")');
  expect(file("reader")).toContain('grants: [{ privileges: ["SELECT"], on: { name: "orders" }, columns: ["id"] }]');
});
