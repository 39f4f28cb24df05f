import type { CheckKind, CheckTable } from "../core/check.js";
import type { PatternSpec } from "../core/check-spec.js";
import { columnOf, counted, countRows, countWhere, SAMPLE_ROWS, whereClause } from "./expression.js";
import { judgeViolations } from "./threshold.js";

export const pattern: CheckKind<PatternSpec> = {
  kind: "pattern",
  title: (spec) => `${spec.column} matches ${spec.matches}`,
  metrics: (spec, table) => ({
    rows: { scan: "table", sql: countRows(spec) },
    other: { scan: "table", sql: countWhere(other(spec, table), spec) },
  }),
  judge: (spec, values) =>
    judgeViolations(spec, { violating: counted(values, "other"), rows: counted(values, "rows"), what: `do not match ${spec.matches}` }),
  sample: (spec, table) => {
    const column = table.ident(spec.column);
    return `select ${column}, count(*) as occurrences from ${table.from} ${whereClause(other(spec, table), spec)} group by ${column} order by occurrences desc limit ${SAMPLE_ROWS}`;
  },
};

/** The whole text has to match: engines search inside unless they are told not to. */
function other(spec: PatternSpec, table: CheckTable): string {
  const { sql } = columnOf(table, spec.column, "pattern");
  const whole = table.literal(`^(?:${spec.matches})$`);
  if (table.dialect === "duckdb") return `not regexp_matches(${sql}, ${whole})`;
  return table.dialect === "starrocks" || table.dialect === "hive" ? `not (${sql} regexp ${whole})` : `${sql} !~ ${whole}`;
}
