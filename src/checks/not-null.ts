import type { CheckKind } from "../core/check.js";
import type { NotNullSpec } from "../core/check-spec.js";
import { columnOf, counted, countRows, countWhere, sampleColumns, whereClause } from "./expression.js";
import { judgeViolations } from "./threshold.js";

export const notNull: CheckKind<NotNullSpec> = {
  kind: "not-null",
  sampled: true,
  title: (spec) => `${spec.column} is never NULL`,
  metrics: (spec, table) => {
    const { sql } = columnOf(table, spec.column, "not-null");
    return { rows: { scan: "table", sql: countRows(spec) }, nulls: { scan: "table", sql: countWhere(`${sql} is null`, spec) } };
  },
  judge: (spec, values) => judgeViolations(spec, { violating: counted(values, "nulls"), rows: counted(values, "rows"), what: "are NULL" }),
  sample: (spec, table, limit) =>
    `select ${sampleColumns(table, [spec.column])} from ${table.from} ${whereClause(`${table.ident(spec.column)} is null`, spec)} limit ${limit}`,
};
