import type { CheckKind, CheckTable } from "../core/check.js";
import type { AcceptedValuesSpec } from "../core/check-spec.js";
import { exactText } from "./dialect.js";
import { columnOf, counted, countRows, countWhere, whereClause } from "./expression.js";
import { judgeViolations } from "./threshold.js";

export const acceptedValues: CheckKind<AcceptedValuesSpec> = {
  kind: "accepted-values",
  sampled: true,
  title: (spec) => `${spec.column} is one of ${spec.values.join(", ")}`,
  metrics: (spec, table) => ({
    rows: { scan: "table", sql: countRows(spec) },
    other: { scan: "table", sql: countWhere(other(spec, table), spec) },
  }),
  judge: (spec, values) =>
    judgeViolations(spec, { violating: counted(values, "other"), rows: counted(values, "rows"), what: "have another value" }),
  sample: (spec, table, limit) => {
    const column = table.ident(spec.column);
    return `select ${column}, count(*) as occurrences from ${table.from} ${whereClause(other(spec, table), spec)} group by ${column} order by occurrences desc limit ${limit}`;
  },
};

function other(spec: AcceptedValuesSpec, table: CheckTable): string {
  const { sql } = columnOf(table, spec.column, "accepted-values");
  return `${exactText(sql, spec.column, table)} not in (${spec.values.map(table.literal).join(", ")})`;
}
