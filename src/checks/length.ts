import type { CheckKind, CheckTable } from "../core/check.js";
import type { LengthSpec } from "../core/check-spec.js";
import { columnOf, counted, countRows, countWhere, SAMPLE_ROWS, sampleColumns, whereClause } from "./expression.js";
import { judgeViolations } from "./threshold.js";

export const length: CheckKind<LengthSpec> = {
  kind: "length",
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
  sample: (spec, table) =>
    `select ${sampleColumns(table, [spec.column])} from ${table.from} ${whereClause(outside(spec, table), spec)} limit ${SAMPLE_ROWS}`,
};

function wanted({ min, max }: LengthSpec): string {
  if (max === undefined) return `at least ${min ?? 0} characters`;
  return min === undefined ? `at most ${max} characters` : `${min} to ${max} characters`;
}

/** Characters, not bytes: StarRocks's and Hive's LENGTH differ from each other, char_length and character_length do not. */
function outside(spec: LengthSpec, table: CheckTable): string {
  const { sql } = columnOf(table, spec.column, "length");
  const characters = table.dialect === "duckdb" ? `length(${sql})` : `char_length(${sql})`;
  const bounds = [
    ...(spec.min === undefined ? [] : [`${characters} < ${table.literal(spec.min)}`]),
    ...(spec.max === undefined ? [] : [`${characters} > ${table.literal(spec.max)}`]),
  ];
  return bounds.length === 0 ? "1 = 0" : bounds.join(" or ");
}
