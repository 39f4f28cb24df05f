import type { CheckKind, CheckTable } from "../core/check.js";
import type { UniqueSpec } from "../core/check-spec.js";
import { columnOf, counted, countRows, countWhere, SAMPLE_ROWS, whereClause } from "./expression.js";
import { judgeViolations } from "./threshold.js";

/**
 * Duplicates as rows minus distinct combinations, which fits into the table's one scan. A GROUP BY … HAVING of its own
 * took four times as long on PostgreSQL (1 million rows) and would be a second scan.
 */
export const unique: CheckKind<UniqueSpec> = {
  kind: "unique",
  title: (spec) => `${spec.columns.join(", ")} ${spec.columns.length > 1 ? "are unique together" : "is unique"}`,
  metrics: (spec, table) => ({
    rows: { scan: "table", sql: countRows(spec) },
    complete: { scan: "table", sql: countWhere(complete(spec, table), spec) },
    distinct: { scan: "table", sql: distinct(spec, table) },
  }),
  judge: (spec, values) =>
    judgeViolations(spec, {
      violating: counted(values, "complete") - counted(values, "distinct"),
      rows: counted(values, "rows"),
      what: `repeat another row's ${spec.columns.join(", ")}`,
    }),
  sample: (spec, table) => {
    const columns = spec.columns.map(table.ident).join(", ");
    return `select ${columns}, count(*) as copies from ${table.from} ${whereClause(complete(spec, table), spec)} group by ${columns} having count(*) > 1 order by copies desc limit ${SAMPLE_ROWS}`;
  },
};

/** SQL's own rule: a NULL makes a row distinct from every other. */
function complete(spec: UniqueSpec, table: CheckTable): string {
  return spec.columns.map((name) => `${columnOf(table, name, "unique").sql} is not null`).join(" and ");
}

function distinct(spec: UniqueSpec, table: CheckTable): string {
  const columns = spec.columns.map((name) => columnOf(table, name, "unique").sql);
  const counts = [complete(spec, table), ...(spec.where === undefined ? [] : [`(${spec.where})`])].join(" and ");
  const [first = "", ...others] = columns;
  if (others.length === 0) return `count(distinct case when ${counts} then ${first} end)`;
  // StarRocks, MySQL and Hive count tuples and skip those with a NULL; PostgreSQL and DuckDB need a row value.
  const lists = table.dialect === "starrocks" || table.dialect === "hive";
  if (lists) return `count(distinct case when ${counts} then ${first} end, ${others.join(", ")})`;
  return `count(distinct case when ${counts} then ${row(columns, table)} end)`;
}

function row(columns: readonly string[], table: CheckTable): string {
  return table.dialect === "duckdb" ? `row(${columns.join(", ")})` : `(${columns.join(", ")})`;
}
