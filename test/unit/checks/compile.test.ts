import { expect, test } from "vitest";
import { compileChecks } from "../../../src/checks/compile.js";
import { acceptedValues, notNull, range, unique } from "../../../src/checks/define.js";
import type { CheckTable } from "../../../src/core/check.js";
import { t } from "../../../src/index.js";

const table: CheckTable = {
  dialect: "duckdb",
  model: "orders",
  from: '"orders"',
  columns: { id: t.bigint().column, city: t.text().nullable().column, score: t.double().column },
  key: ["id"],
  now: Date.UTC(2024, 5, 1, 12),
  table: (model) => `"${model}"`,
  ident: (name) => `"${name}"`,
  literal: (value) => (typeof value === "string" ? `'${value}'` : String(value)),
};

test("the checks of a table are one scan, and a shared expression is computed once", () => {
  const { queries } = compileChecks([notNull("id"), notNull("city"), unique("id"), range("score", { max: 100 })], table);
  expect(queries.map((query) => query.sql)).toEqual([
    [
      "select",
      "  cast(count(*) as varchar) as m0,",
      '  cast(count(case when "id" is null then 1 end) as varchar) as m1,',
      '  cast(count(case when "city" is null then 1 end) as varchar) as m2,',
      '  cast(count(case when "id" is not null then 1 end) as varchar) as m3,',
      '  cast(count(distinct case when "id" is not null then "id" end) as varchar) as m4,',
      '  cast(count(case when "score" > 100 or "score" = \'NaN\' then 1 end) as varchar) as m5',
      'from "orders"',
    ].join("\n"),
  ]);
  expect(queries[0]?.columns[0]).toHaveLength(4);
});

test("a check on a column that is not there is refused by name, and the others go on", () => {
  const { queries, refused } = compileChecks([notNull("colour"), acceptedValues("city", ["Lyon"])], table);
  expect(refused.get(0)?.what).toBe("The not-null check of orders names the column colour, which the model does not have.");
  expect(queries).toHaveLength(1);
});

test("a sample is of pages where the engine can choose them, of rows elsewhere, and never unasked", () => {
  const from = (at: Partial<CheckTable>): string => {
    const { queries } = compileChecks([notNull("city", { sample: "5%" })], { ...table, ...at });
    return queries[0]?.sql.split("\nfrom ")[1] ?? "";
  };
  expect(from({})).toBe('"orders" tablesample system(5 percent)');
  expect(from({ dialect: "postgres", stored: true })).toBe('"orders" tablesample system (5)');
  expect(from({ dialect: "postgres" })).toBe('"orders"\nwhere random() < 0.05'); // a view
  expect(from({ dialect: "timescale", stored: true })).toBe('"orders"\nwhere random() < 0.05');
  expect(from({ dialect: "starrocks", stored: true })).toBe('"orders"\nwhere rand() < 0.05');
  const recent = { column: "seen", last: "1 day" };
  const columns = { ...table.columns, seen: t.instant().column };
  const both = compileChecks([notNull("city", { sample: "5%", recent })], { ...table, columns, dialect: "mysql" });
  expect(both.queries[0]?.sql.split("\nfrom ")[1]).toBe(`"orders"\nwhere rand() < 0.05 and (("seen" >= '2024-05-31 12:00:00.000'))`);
  expect(compileChecks([notNull("city")], table).queries[0]?.sql).not.toContain("sample");
});
