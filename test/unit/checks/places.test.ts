import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { check } from "../../../src/app/check/check.js";
import { openProject } from "../../../src/app/project.js";
import { Redactor } from "../../../src/core/redactor.js";
import { projectFolder } from "../model/project-folder.js";

/* Checks of places that are no engine slot of their own, as a project has them. */

const config = `import { defineConfig } from "dwright";
export default defineConfig({
  connections: { shop: { kind: "duckdb", path: "shop.duckdb" } },
  environments: { local: { embedded: ".dw/local", slots: { duckdb: "shop" } } },
});
`;

const orders = `import { defineTable, freshness, rowCount, sameAs, schema, t } from "dwright";
export default defineTable("orders", {
  grain: "one row per order",
  columns: { id: t.bigint(), paid: t.decimal(18, 2).nullable(), email: t.text().nullable().pii() },
  checks: [
    schema(),
    sameAs("csv:orders.csv", ["rows"], { name: "as many as were exported" }),
    sameAs("legacy", ["rows", { of: "sum", column: "paid" }], { name: "as the legacy table has them" }),
    sameAs("csv:missing.csv", ["rows"], { name: "as an export that is gone" }),
  ],
  on: { duckdb: {} },
});
`;

const legacy = `import { completeSeries, defineSource, noDuplicates, notNull, rowCount, schema, t } from "dwright";
export default defineSource("legacy", {
  at: "csv:legacy.csv",
  columns: { id: t.bigint(), paid: t.decimal(18, 2).nullable(), email: t.text().nullable().pii() },
  checks: [rowCount({ min: 1 }), notNull("paid"), noDuplicates({ except: ["id"] })],
});
`;

const inDatabase = `import { defineSource, notNull, schema, t } from "dwright";
export default defineSource("clicks", {
  at: "shop:clicks",
  columns: { id: t.bigint().nullable(), page: t.int().nullable() },
  checks: [notNull("page"), schema()],
});
`;

const lake = `import { defineTable, notNull, range, rowCount, schema, t, unique } from "dwright";
const columns = { order_id: t.bigint(), city: t.text().nullable().pii(), quantity: t.int().nullable() };
const checks = [rowCount({ min: 378, max: 378 }), unique("order_id"), range("quantity", { min: 1000 }), schema({ others: "allowed" })];
export const there = defineTable("lake_orders", {
  grain: "one row per order", columns, key: ["order_id"], checks,
  on: { paimon: { table: "primary", warehouse: "file:///LAKE", database: "shop", name: "orders" } },
});
export const gone = defineTable("gone_orders", {
  grain: "one row per order", columns, key: ["order_id"], checks,
  on: { paimon: { table: "primary", warehouse: "file:///LAKE", database: "shop", name: "nowhere" } },
});
export const written = defineTable("written_orders", {
  grain: "one row per order", columns, checks: [notNull("order_id")], on: { iceberg: {} },
});
`;

/** One run over all of them: opening a project's state takes longer than everything else. */
test("places that are no slot of their own", async () => {
  const cwd = await projectFolder({
    "dw.config.ts": config,
    "models/shop/orders.ts": orders,
    "models/shop/legacy.ts": legacy,
    "models/shop/clicks.ts": inDatabase,
  });
  const folder = join(cwd, "lake");
  await cp(join(import.meta.dirname, "../../fixtures/paimon/p04_pk_levels/table"), join(folder, "shop.db/orders"), { recursive: true });
  await writeFile(join(cwd, "models/shop/lake.ts"), lake.replaceAll("/LAKE", folder));
  await writeFile(join(cwd, "orders.csv"), "id,paid,email\n1,10.00,a@x.fr\n2,5.50,b@x.fr\n");
  await writeFile(join(cwd, "legacy.csv"), "id,paid,email\n1,10.00,a@x.fr\n2,\\N,b@x.fr\n3,10.00,a@x.fr\n");
  const project = await openProject({ cwd, redactor: new Redactor(), variables: {} });
  onTestFinished(() => project.close());
  const connections = project.connect(project.environment("local"));
  const open = await connections.named("shop");
  if (open.kind !== "duckdb") throw new Error("no DuckDB");
  const session = await open.duckdb.session();
  await session.run("CREATE TABLE orders (id BIGINT NOT NULL, paid INTEGER, email VARCHAR)");
  await session.run("INSERT INTO orders VALUES (1, 10, 'a@x.fr'), (2, 5, 'b@x.fr')");
  await session.run("CREATE TABLE clicks (id BIGINT, page VARCHAR)");
  await session.run("INSERT INTO clicks VALUES (1, NULL)");
  await session.close();
  const report = await check(project, connections, { environment: "local", signal: new AbortController().signal, now: Date.now() });
  const of = (model: string) => report.outcomes.filter((outcome) => outcome.model === model);

  // a table is compared with its model, with files and with a source; what is gone leaves only its own check open
  expect(of("orders").map(({ check: name, outcome, message }) => [name, outcome, message])).toEqual([
    ["the columns are those of the model", "fail", expect.stringContaining("paid is type INTEGER")],
    ["as many as were exported", "pass", "rows 2 on both sides"],
    ["as the legacy table has them", "fail", "rows 2 here, 3 there; sum of paid 15 here, 20.00 there"],
    ["as an export that is gone", "not-evaluated", expect.stringContaining("missing.csv")],
  ]);

  // a lake or a file is checked before it is moved, with its rows shown and personal data masked
  const legacyOutcomes = of("legacy");
  expect(legacyOutcomes.map(({ slot, check: name, outcome }) => [slot, name, outcome])).toEqual([
    ["source", "has at least 1 rows", "pass"],
    ["source", "paid is never NULL", "fail"],
    ["source", "no row is there twice but for id", "fail"],
  ]);
  expect(legacyOutcomes[2]?.sample).toEqual({ columns: ["paid", "email", "copies"], rows: [["10.00", "***", "2"]] });

  // a table of a connection is asked where it is, and its types are compared
  expect(of("clicks").map(({ slot, outcome, message }) => [slot, outcome, message])).toEqual([
    ["duckdb", "fail", "1 of 1 rows are NULL"],
    ["duckdb", "fail", "page is text, not int32"],
  ]);

  // a table that only other engines write is read from its files, and where nobody says where they are, that is said
  const lakeOutcomes = of("lake_orders");
  expect(lakeOutcomes.map(({ slot, outcome, message }) => [slot, outcome, message])).toEqual([
    ["source", "pass", expect.stringContaining("378 rows")],
    ["source", "pass", expect.stringContaining("of 378 rows")],
    ["source", "fail", expect.stringContaining("of 378 rows are not at least 1000")],
    ["source", "pass", "columns and types are the model's"],
  ]);
  expect(lakeOutcomes[2]?.sample?.columns).toEqual(["order_id", "quantity"]);
  expect(new Set(of("gone_orders").map(({ outcome }) => outcome))).toEqual(new Set(["not-evaluated"]));
  expect(of("written_orders").map(({ outcome, message }) => [outcome, message])).toEqual([
    ["not-evaluated", expect.stringContaining("no model says where its files lie")],
  ]);
}, 240_000);
