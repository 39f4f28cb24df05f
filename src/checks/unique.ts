import type { CheckKind, CheckTable } from "../core/check.js";
import type { UniqueSpec } from "../core/check-spec.js";
import { parseDuration } from "../core/duration.js";
import { epochSeconds, exactText, familyOf } from "./dialect.js";
import { columnOf, counted, countRows, countWhere, whereClause } from "./expression.js";
import { judgeViolations } from "./threshold.js";

/**
 * Duplicates as rows minus distinct combinations, which fits into the table's one scan. A GROUP BY … HAVING of its own
 * took four times as long on PostgreSQL (1 million rows) and would be a second scan.
 */
export const unique: CheckKind<UniqueSpec> = {
  kind: "unique",
  title: (spec) =>
    `${spec.columns.join(", ")} ${spec.columns.length > 1 ? "are unique together" : "is unique"}${spec.within === undefined ? "" : ` within ${spec.within}`}`,
  metrics: (spec, table) => {
    const rows = { scan: "table", sql: countRows(spec) } as const;
    if (spec.within !== undefined)
      return { rows, repeated: { scan: "own", sql: `select count(*) from (${repeated(spec, table)}) as repeated` } };
    return {
      rows,
      complete: { scan: "table", sql: countWhere(complete(spec, table), spec) },
      distinct: { scan: "table", sql: distinct(spec, table) },
    };
  },
  judge: (spec, values) =>
    judgeViolations(spec, {
      violating: spec.within === undefined ? counted(values, "complete") - counted(values, "distinct") : counted(values, "repeated"),
      rows: counted(values, "rows"),
      what: `repeat another row's ${spec.columns.join(", ")}${spec.within === undefined ? "" : ` within ${spec.within}`}`,
    }),
  sample: (spec, table, limit) => {
    if (spec.within !== undefined) return `${repeated(spec, table)} limit ${limit}`;
    const columns = spec.columns.map(table.ident).join(", ");
    return `select ${columns}, count(*) as copies from ${table.from} ${whereClause(complete(spec, table), spec)} group by ${columns} having count(*) > 1 order by copies desc limit ${limit}`;
  },
};

/** SQL's own rule: a NULL makes a row distinct from every other. */
function complete(spec: UniqueSpec, table: CheckTable): string {
  return spec.columns.map((name) => `${columnOf(table, name, "unique").sql} is not null`).join(" and ");
}

/** Rows that come less than `within` after one of the same values. */
function repeated(spec: UniqueSpec, table: CheckTable): string {
  const seconds = parseDuration(spec.within ?? "") / 1000;
  const by = columnOf(table, spec.by ?? "", "unique").sql;
  const columns = spec.columns.map((name) => columnOf(table, name, "unique").sql);
  const time = epochSeconds(by, table);
  const groups = spec.columns.map((name, index) => exactText(columns[index] ?? "", name, table)).join(", ");
  const where = whereClause(`${complete(spec, table)} and ${by} is not null`, spec);
  const rows = `select ${[...columns, by].join(", ")}, ${time} - lag(${time}) over (partition by ${groups} order by ${by}) as seconds_after from ${table.from} ${where}`;
  return `select * from (${rows}) as ordered where seconds_after < ${seconds}`;
}

function distinct(spec: UniqueSpec, table: CheckTable): string {
  const columns = spec.columns.map((name) => exactText(columnOf(table, name, "unique").sql, name, table));
  const counts = [complete(spec, table), ...(spec.where === undefined ? [] : [`(${spec.where})`])].join(" and ");
  const [first = "", ...others] = columns;
  if (others.length === 0) return `count(distinct case when ${counts} then ${first} end)`;
  const family = familyOf(table);
  // StarRocks refuses a list beside another COUNT(DISTINCT …): the values are put together, each after its length.
  if (family === "starrocks") return `count(distinct case when ${counts} then concat(${columns.map(measuredText).join(", ")}) end)`;
  // MySQL and Hive count tuples and skip those with a NULL; PostgreSQL and DuckDB need a row value.
  if (family === "mysql" || family === "hive") return `count(distinct case when ${counts} then ${first} end, ${others.join(", ")})`;
  return `count(distinct case when ${counts} then ${row(columns, table)} end)`;
}

/** `4:Lyon`: no two tuples make the same text. */
function measuredText(column: string): string {
  return `cast(char_length(cast(${column} as varchar)) as varchar), ':', cast(${column} as varchar)`;
}

function row(columns: readonly string[], table: CheckTable): string {
  return familyOf(table) === "duckdb" ? `row(${columns.join(", ")})` : `(${columns.join(", ")})`;
}
