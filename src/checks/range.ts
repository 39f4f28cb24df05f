import type { CheckKind, CheckTable } from "../core/check.js";
import type { RangeSpec } from "../core/check-spec.js";
import { DwError } from "../core/errors.js";
import { isNaNText } from "./dialect.js";
import { columnOf, counted, countRows, countWhere, sampleColumns, whereClause } from "./expression.js";
import { judgeViolations } from "./threshold.js";

export const range: CheckKind<RangeSpec> = {
  kind: "range",
  sampled: true,
  title: (spec) => `${spec.column} is ${bounds(spec)}`,
  metrics: (spec, table) => ({
    rows: { scan: "table", sql: countRows(spec) },
    outside: { scan: "table", sql: countWhere(outside(spec, table), spec) },
  }),
  judge: (spec, values) =>
    judgeViolations(spec, { violating: counted(values, "outside"), rows: counted(values, "rows"), what: `are not ${bounds(spec)}` }),
  sample: (spec, table, limit) =>
    `select ${sampleColumns(table, [spec.column])} from ${table.from} ${whereClause(outside(spec, table), spec)} limit ${limit}`,
};

function bounds({ min, max }: RangeSpec): string {
  if (min === undefined) return `at most ${max}`;
  return max === undefined ? `at least ${min}` : `between ${min} and ${max}`;
}

function outside(spec: RangeSpec, table: CheckTable): string {
  if (spec.min === undefined && spec.max === undefined) {
    throw new DwError("DW-MODEL-INVALID", {
      what: `The range check of ${table.model}.${spec.column} has neither min nor max.`,
      why: "It could never fail.",
      fix: "Give it a bound, or remove it.",
    });
  }
  const { sql, column } = columnOf(table, spec.column, "range");
  const conditions = [
    ...(spec.min === undefined ? [] : [`${sql} < ${table.literal(spec.min)}`]),
    ...(spec.max === undefined ? [] : [`${sql} > ${table.literal(spec.max)}`]),
  ];
  // Engines order NaN above every number, so a lower bound alone would let it pass.
  const nan = column.type.kind === "float" ? isNaNText(sql, table) : undefined;
  return (nan === undefined ? conditions : [...conditions, nan]).join(" or ");
}
