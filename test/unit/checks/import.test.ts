import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { importChecks } from "../../../src/app/check/import/index.js";
import { openProject } from "../../../src/app/project.js";
import { Redactor } from "../../../src/core/redactor.js";
import { projectFolder } from "../model/project-folder.js";

const orders = `import { defineTable, t } from "dwright";
export default defineTable("orders", {
  grain: "one row per order",
  columns: { id: t.bigint(), city: t.text(), paid: t.decimal(18, 2), loaded_at: t.instant() },
  on: { postgres: {} },
});
`;

const cities = `import { defineTable, t } from "dwright";
export default defineTable("cities", { grain: "one row per city", columns: { name: t.text() }, on: { postgres: {} } });
`;

const dbt = `version: 2
models:
  - name: orders
    data_tests:
      - dbt_utils.unique_combination_of_columns: { combination_of_columns: [id, city] }
      - dbt_utils.expression_is_true: { expression: "paid > 0" }
    columns:
      - name: id
        data_tests: [not_null, unique]
      - name: city
        tests:
          - accepted_values: { arguments: { values: [Lyon, Paris] }, config: { severity: warn, where: "id > 0", error_if: ">10" } }
          - relationships: { to: ref('cities'), field: name }
          - relationships: { to: ref('streets'), field: city }
      - name: paid
        tests:
          - dbt_utils.accepted_range: { min_value: 0, max_value: 100 }
          - not_null: { config: { error_if: "between 1 and 5" } }
      - name: colour
        tests: [not_null]
  - name: nowhere
    columns: [{ name: id, tests: [unique] }]
sources:
  - name: raw
    freshness: { warn_after: { count: 1, period: hour }, error_after: { count: 1, period: day } }
    loaded_at_field: loaded_at
    tables: [{ name: orders }]
`;

const soda = `checks for orders:
  - row_count between 1 and 1000
  - missing_count(id) = 0
  - missing_percent(city) < 5
  - duplicate_count(id, city) = 0
  - invalid_count(city) = 0:
      valid values: [Lyon, Paris]
  - invalid_percent(paid) <= 1%:
      valid min: 0
      valid max: 100
  - avg(paid) between 10 and 20:
      name: mean price
  - freshness(loaded_at) < 26h
  - duplicate_count(city):
      warn: when > 3
  - schema:
      fail:
        when required column missing: [id]
  - anomaly score for row_count < default
`;

async function imported(tool: "dbt" | "soda", text: string) {
  const cwd = await projectFolder({ "models/shop/orders.ts": orders, "models/shop/cities.ts": cities, "checks.yml": text });
  const open = () => openProject({ cwd, redactor: new Redactor(), variables: {} });
  const project = await open();
  const report = await importChecks(project, { tool, file: "checks.yml", cwd, warehouse: "shop", dryRun: false });
  await project.close();
  const again = await open();
  const models = await again.models("shop");
  await again.close();
  return { report, cwd, specs: models.flatMap((model) => (model.model === "check" ? [model.spec] : [])) };
}

test("dbt's tests become checks of the models, and what cannot be said is listed", async () => {
  const { report, specs } = await imported("dbt", dbt);
  expect(specs).toEqual(
    expect.arrayContaining([
      { check: "unique", columns: ["id", "city"] },
      { check: "not-null", column: "id" },
      { check: "unique", columns: ["id"] },
      { check: "accepted-values", column: "city", values: ["Lyon", "Paris"], severity: "warn", where: "id > 0", fail: 10 },
      { check: "reference", columns: ["city"], model: "cities", to: ["name"] },
      { check: "range", column: "paid", min: 0, max: 100 },
      { check: "freshness", column: "loaded_at", within: "1 hour", severity: "warn" },
      { check: "freshness", column: "loaded_at", within: "1 day" },
    ]),
  );
  expect(specs).toHaveLength(8);
  expect(report.unsaid.map(({ table, what, why }) => `${table}: ${what}: ${why}`)).toEqual([
    "orders: dbt_utils.expression_is_true: dw has no check that says the same",
    "orders: not_null of paid: its error_if or warn_if is no “more than N”",
    "orders: reference: the warehouse has no model streets",
    "orders: not-null: the model has no column colour",
    "nowhere: unique: the warehouse has no model nowhere",
  ]);
});

test("Soda's sentences become checks, with whole counts below a bound and shares as shares", async () => {
  const { report, specs } = await imported("soda", soda);
  expect(specs).toEqual(
    expect.arrayContaining([
      { check: "row-count", min: 1, max: 1000 },
      { check: "not-null", column: "id" },
      { check: "not-null", column: "city", fail: "5%" },
      { check: "unique", columns: ["id", "city"] },
      { check: "accepted-values", column: "city", values: ["Lyon", "Paris"] },
      { check: "range", column: "paid", min: 0, max: 100, fail: "1%" },
      { check: "statistic", column: "paid", of: "mean", min: 10, max: 20, name: "mean price" },
      { check: "freshness", column: "loaded_at", within: "26h" },
      { check: "unique", columns: ["city"], warn: 3 },
    ]),
  );
  expect(specs).toHaveLength(9);
  expect(report.unsaid.map(({ what }) => what)).toEqual(["schema", "anomaly score for row_count < default"]);
});

test("a file that was imported before is never overwritten", async () => {
  const { cwd, report } = await imported("soda", soda);
  await writeFile(join(cwd, report.path ?? ""), "// mine\n");
  const project = await openProject({ cwd, redactor: new Redactor(), variables: {} });
  await expect(importChecks(project, { tool: "soda", file: "checks.yml", cwd, warehouse: "shop", dryRun: false })).rejects.toMatchObject({
    code: "DW-FILE-EXISTS",
  });
});
