import type { CheckKind, CheckTable, Metric } from "../core/check.js";
import type { StatisticSpec } from "../core/check-spec.js";
import { DwError } from "../core/errors.js";
import { quantile, quantileQuery } from "./dialect.js";
import { columnOf, countRows } from "./expression.js";
import { violation } from "./threshold.js";

export const statistic: CheckKind<StatisticSpec> = {
  kind: "statistic",
  sampled: true,
  // without bounds it is what an anomaly measures
  title: (spec) => (spec.min === undefined && spec.max === undefined ? name(spec) : `${name(spec)} is ${bounds(spec)}`),
  metrics: (spec, table) => ({ number: metric(spec, table) }),
  judge: (spec, values) => {
    const text = values.number ?? null;
    const value = text === null ? Number.NaN : Number(text);
    if (!Number.isFinite(value)) {
      return {
        outcome: "not-evaluated",
        value: text,
        message: `${name(spec)} does not exist: there are no rows, or NaN or infinity among them`,
      };
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

type Expression = (value: string, spec: StatisticSpec) => string;

const expressions: Readonly<Record<Exclude<StatisticSpec["of"], "quantile">, Expression>> = {
  mean: (value) => `avg(${value})`,
  stddev: (value) => `stddev_samp(${value})`,
  sum: (value) => `sum(${value})`,
  min: (value) => `min(${value})`,
  max: (value) => `max(${value})`,
  distinct: (value) => `count(distinct ${value})`,
  // nullif: a share of no rows does not exist, and a division by zero would stop the whole scan.
  "null-share": (value, spec) => `(${countRows(spec)} - count(${value})) * 1.0 / nullif(${countRows(spec)}, 0)`,
  "zero-share": (value, spec) => `count(case when ${value} = 0 then 1 end) * 1.0 / nullif(${countRows(spec)}, 0)`,
};

/** Undefined where the engine has no such aggregate. */
function atQuantile(value: string, spec: StatisticSpec, table: CheckTable): string | undefined {
  if (spec.at === undefined || spec.at < 0 || spec.at > 1) {
    throw new DwError("DW-MODEL-INVALID", {
      what: `The quantile check of ${table.model}.${spec.column} has no \`at\` between 0 and 1.`,
      why: "It says which quantile is meant.",
      fix: "Write at: 0.5 for the median, at: 0.95 for the slowest twentieth.",
    });
  }
  return quantile(value, spec.at, table);
}

function metric(spec: StatisticSpec, table: CheckTable): Metric {
  const { sql } = columnOf(table, spec.column, "statistic");
  const value = spec.where === undefined ? sql : `case when ${spec.where} then ${sql} end`;
  const expression = spec.of === "quantile" ? atQuantile(value, spec, table) : expressions[spec.of](value, spec);
  if (expression !== undefined) return { scan: "table", sql: expression };
  return { scan: "own", sql: quantileQuery(value, spec.at ?? 0, table) };
}
