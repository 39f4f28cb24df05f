import type { CheckKind, CheckTable } from "../core/check.js";
import type { NoDuplicatesSpec } from "../core/check-spec.js";
import { exactText } from "./dialect.js";
import { columnOf, counted, countRows } from "./expression.js";
import { judgeViolations } from "./threshold.js";

/** A query of its own: COUNT(DISTINCT …) of StarRocks, MySQL and Hive skips rows with a NULL, GROUP BY does not. */
export const noDuplicates: CheckKind<NoDuplicatesSpec> = {
  kind: "no-duplicates",
  title: (spec) => `no row is there twice${spec.except ? ` but for ${spec.except.join(", ")}` : ""}`,
  metrics: (spec, table) => ({
    rows: { scan: "table", sql: countRows(spec) },
    extra: { scan: "own", sql: `select coalesce(sum(copies - 1), 0) from (${copies(spec, table)}) as repeated` },
  }),
  judge: (spec, values) =>
    judgeViolations(spec, { violating: counted(values, "extra"), rows: counted(values, "rows"), what: "are copies of another row" }),
  sample: (spec, table, limit) => `${copies(spec, table)} order by copies desc limit ${limit}`,
};

function copies(spec: NoDuplicatesSpec, table: CheckTable): string {
  for (const name of spec.except ?? []) columnOf(table, name, "no-duplicates");
  const compared = Object.keys(table.columns).filter((name) => !(spec.except ?? []).includes(name) && isComparable(name, table));
  const columns = compared.map((name) => table.ident(name));
  const groups = compared.map((name) => exactText(table.ident(name), name, table)).join(", ");
  const where = spec.where === undefined ? "" : ` where ${spec.where}`;
  // MySQL groups by the exact bytes of a text and may show any of the (equal) texts of a group.
  const shown = groups === columns.join(", ") ? columns : columns.map((column) => `min(${column}) as ${column}`);
  return `select ${shown.join(", ")}, count(*) as copies from ${table.from}${where} group by ${groups} having count(*) > 1`;
}

function isComparable(name: string, table: CheckTable): boolean {
  return table.columns[name]?.type.kind !== "json";
}
