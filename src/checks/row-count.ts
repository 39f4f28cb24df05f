import type { CheckKind } from "../core/check.js";
import type { RowCountSpec } from "../core/check-spec.js";
import { counted, countRows } from "./expression.js";
import { violation } from "./threshold.js";

export const rowCount: CheckKind<RowCountSpec> = {
  kind: "row-count",
  title: (spec) => `has ${wanted(spec)} rows`,
  metrics: (spec, table) => ({ rows: table.topic ? { scan: "topic", ask: { ask: "messages" } } : { scan: "table", sql: countRows(spec) } }),
  judge: (spec, values) => {
    const rows = counted(values, "rows");
    const inside = rows >= BigInt(spec.min ?? 0) && (spec.max === undefined || rows <= BigInt(spec.max));
    return { outcome: inside ? "pass" : violation(spec), value: rows.toString(), message: `${rows} rows; ${wanted(spec)} wanted` };
  },
};

function wanted({ min, max }: RowCountSpec): string {
  if (max === undefined) return `at least ${min ?? 0}`;
  return min === undefined ? `at most ${max}` : `${min} to ${max}`;
}
