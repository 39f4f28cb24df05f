import type { CheckKind, CheckTable } from "../core/check.js";
import type { StatisticSpec } from "../core/check-spec.js";
import { DwError } from "../core/errors.js";
import { columnOf, countRows } from "./expression.js";
import { violation } from "./threshold.js";

export const statistic: CheckKind<StatisticSpec> = {
  kind: "statistic",
  title: (spec) => `${name(spec)} is ${bounds(spec)}`,
  metrics: (spec, table) => ({ number: { scan: "table", sql: expression(spec, table) } }),
  judge: (spec, values) => {
    const text = values.number ?? null;
    const value = text === null ? Number.NaN : Number(text);
    if (Number.isNaN(value)) {
      return { outcome: "not-evaluated", value: text, message: `${name(spec)} does not exist: there are no rows, or NaN among them` };
    }
    const inside = value >= (spec.min ?? Number.NEGATIVE_INFINITY) && value <= (spec.max ?? Number.POSITIVE_INFINITY);
    return { outcome: inside ? "pass" : violation(spec), value: text, message: `${name(spec)} is ${value}; ${bounds(spec)} wanted` };
  },
};

function name({ column, of, at }: StatisticSpec): string {
  return of === "quantile" ? `the ${at} quantile of ${column}` : `the ${of} of ${column}`;
}

function bounds({ min, max }: StatisticSpec): string {
  if (min === undefined) return `at most ${max}`;
  return max === undefined ? `at least ${min}` : `${min} to ${max}`;
}

type Expression = (value: string, spec: StatisticSpec, table: CheckTable) => string;

const expressions: Readonly<Record<StatisticSpec["of"], Expression>> = {
  mean: (value) => `avg(${value})`,
  stddev: (value) => `stddev_samp(${value})`,
  sum: (value) => `sum(${value})`,
  min: (value) => `min(${value})`,
  max: (value) => `max(${value})`,
  distinct: (value) => `count(distinct ${value})`,
  // nullif: a share of no rows does not exist, and a division by zero would stop the whole scan.
  "null-share": (value, spec) => `(${countRows(spec)} - count(${value})) * 1.0 / nullif(${countRows(spec)}, 0)`,
  "zero-share": (value, spec) => `count(case when ${value} = 0 then 1 end) * 1.0 / nullif(${countRows(spec)}, 0)`,
  quantile: (value, spec, table) => quantile(value, spec, table),
};

function quantile(value: string, spec: StatisticSpec, table: CheckTable): string {
  if (spec.at === undefined || spec.at < 0 || spec.at > 1) {
    throw new DwError("DW-MODEL-INVALID", {
      what: `The quantile check of ${table.model}.${spec.column} has no \`at\` between 0 and 1.`,
      why: "It says which quantile is meant.",
      fix: "Write at: 0.5 for the median, at: 0.95 for the slowest twentieth.",
    });
  }
  const at = table.literal(spec.at);
  if (table.dialect === "starrocks") return `percentile_cont(${value}, ${at})`;
  if (table.dialect === "hive") return `percentile_approx(${value}, ${at})`;
  return table.dialect === "duckdb" ? `quantile_cont(${value}, ${at})` : `percentile_cont(${at}) within group (order by ${value})`;
}

function expression(spec: StatisticSpec, table: CheckTable): string {
  const { sql } = columnOf(table, spec.column, "statistic");
  const value = spec.where === undefined ? sql : `case when ${spec.where} then ${sql} end`;
  return expressions[spec.of](value, spec, table);
}
