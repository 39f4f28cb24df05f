import type { CheckKind, CheckTable } from "../core/check.js";
import type { LengthSpec } from "../core/check-spec.js";
import { DwError } from "../core/errors.js";
import { characters } from "./dialect.js";
import { columnOf, counted, countRows, countWhere, sampleColumns, whereClause } from "./expression.js";
import { judgeViolations } from "./threshold.js";

export const length: CheckKind<LengthSpec> = {
  kind: "length",
  sampled: true,
  title: (spec) => `${spec.column} has ${wanted(spec)}`,
  metrics: (spec, table) => ({
    rows: { scan: "table", sql: countRows(spec) },
    outside: { scan: "table", sql: countWhere(outside(spec, table), spec) },
  }),
  judge: (spec, values) =>
    judgeViolations(spec, {
      violating: counted(values, "outside"),
      rows: counted(values, "rows"),
      what: `do not have ${wanted(spec)} in ${spec.column}`,
    }),
  sample: (spec, table, limit) =>
    `select ${sampleColumns(table, [spec.column])} from ${table.from} ${whereClause(outside(spec, table), spec)} limit ${limit}`,
};

function wanted({ min, max }: LengthSpec): string {
  if (max === undefined) return `at least ${min ?? 0} characters`;
  return min === undefined ? `at most ${max} characters` : `${min} to ${max} characters`;
}

function outside(spec: LengthSpec, table: CheckTable): string {
  const { sql } = columnOf(table, spec.column, "length");
  const length = characters(sql, table);
  const bounds = [
    ...(spec.min === undefined ? [] : [`${length} < ${table.literal(spec.min)}`]),
    ...(spec.max === undefined ? [] : [`${length} > ${table.literal(spec.max)}`]),
  ];
  if (bounds.length > 0) return bounds.join(" or ");
  throw new DwError("DW-MODEL-INVALID", {
    what: `The length check of ${table.model}.${spec.column} has neither min nor max.`,
    why: "It could never fail.",
    fix: "Give it a bound, or remove it.",
  });
}
