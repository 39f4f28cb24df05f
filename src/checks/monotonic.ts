import type { CheckKind, CheckTable } from "../core/check.js";
import type { MonotonicSpec } from "../core/check-spec.js";
import { columnOf, counted, countRows, whereClause } from "./expression.js";
import { judgeViolations } from "./threshold.js";

/** A query of its own: a row is compared with the one before it. */
export const monotonic: CheckKind<MonotonicSpec> = {
  kind: "monotonic",
  title: (spec) => `${spec.column} ${verb(spec)} by ${spec.by}${spec.per ? ` for each ${spec.per.join(", ")}` : ""}`,
  metrics: (spec, table) => ({
    rows: { scan: "table", sql: countRows(spec) },
    falling: { scan: "own", sql: `select count(*) from (${falling(spec, table)}) as falling` },
  }),
  judge: (spec, values) =>
    judgeViolations(spec, {
      violating: counted(values, "falling"),
      rows: counted(values, "rows"),
      what: `have a ${spec.column} ${spec.strictly ? "not above" : "below"} the one before`,
    }),
  sample: (spec, table, limit) => `${falling(spec, table)} limit ${limit}`,
};

function verb({ strictly }: MonotonicSpec): string {
  return strictly ? "always rises" : "never falls";
}

/** Rows of the same `by` are put in the order of the column itself: nobody knows which of them came first. */
function falling(spec: MonotonicSpec, table: CheckTable): string {
  const column = columnOf(table, spec.column, "monotonic").sql;
  const by = columnOf(table, spec.by, "monotonic").sql;
  const per = (spec.per ?? []).map((name) => columnOf(table, name, "monotonic").sql);
  const groups = per.length === 0 ? "" : `partition by ${per.join(", ")} `;
  const shown = [...new Set([...per, by, column])].join(", ");
  const where = whereClause(`${column} is not null and ${by} is not null`, spec);
  const rows = `select ${shown}, lag(${column}) over (${groups}order by ${by}, ${column}) as the_one_before from ${table.from} ${where}`;
  return `select * from (${rows}) as ordered where ${column} ${spec.strictly ? "<=" : "<"} the_one_before`;
}
