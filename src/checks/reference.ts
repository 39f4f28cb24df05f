import type { CheckKind, CheckTable } from "../core/check.js";
import type { ReferenceSpec } from "../core/check-spec.js";
import { columnOf, counted, countRows } from "./expression.js";
import { judgeViolations } from "./threshold.js";

/** A query of its own: an anti-join cannot be an aggregate of the table's scan. */
export const reference: CheckKind<ReferenceSpec> = {
  kind: "reference",
  title: (spec) => `${spec.columns.join(", ")} exists in ${spec.model}`,
  metrics: (spec, table) => ({
    rows: { scan: "table", sql: countRows(spec) },
    orphans: { scan: "own", sql: `select count(*) from ${orphans(spec, table)}` },
  }),
  judge: (spec, values) =>
    judgeViolations(spec, { violating: counted(values, "orphans"), rows: counted(values, "rows"), what: `have no match in ${spec.model}` }),
  sample: (spec, table, limit) => {
    const columns = spec.columns.map((name) => `child.${table.ident(name)}`).join(", ");
    return `select ${columns}, count(*) as occurrences from ${orphans(spec, table)} group by ${columns} order by occurrences desc limit ${limit}`;
  },
};

function orphans(spec: ReferenceSpec, table: CheckTable): string {
  const pairs = spec.columns.map((name, index) => [columnOf(table, name, "reference").sql, table.ident(spec.to[index] ?? name)] as const);
  const matches = pairs.map(([child, parent]) => `parent.${parent} = child.${child}`).join(" and ");
  const complete = pairs.map(([child]) => `child.${child} is not null`).join(" and ");
  const rows = spec.where === undefined ? table.from : `(select * from ${table.from} where ${spec.where})`;
  return `${rows} as child where ${complete} and not exists (select 1 from ${table.table(spec.model)} as parent where ${matches})`;
}
