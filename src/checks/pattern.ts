import type { CheckKind, CheckTable } from "../core/check.js";
import type { PatternSpec } from "../core/check-spec.js";
import { notMatching } from "./dialect.js";
import { columnOf, counted, countRows, countWhere, whereClause } from "./expression.js";
import { judgeViolations } from "./threshold.js";

export const pattern: CheckKind<PatternSpec> = {
  kind: "pattern",
  sampled: true,
  title: (spec) => `${spec.column} matches ${spec.matches}`,
  metrics: (spec, table) => ({
    rows: { scan: "table", sql: countRows(spec) },
    other: { scan: "table", sql: countWhere(other(spec, table), spec) },
  }),
  judge: (spec, values) =>
    judgeViolations(spec, { violating: counted(values, "other"), rows: counted(values, "rows"), what: `do not match ${spec.matches}` }),
  sample: (spec, table, limit) => {
    const column = table.ident(spec.column);
    return `select ${column}, count(*) as occurrences from ${table.from} ${whereClause(other(spec, table), spec)} group by ${column} order by occurrences desc limit ${limit}`;
  },
};

function other(spec: PatternSpec, table: CheckTable): string {
  return notMatching(columnOf(table, spec.column, "pattern").sql, spec.matches, table);
}
