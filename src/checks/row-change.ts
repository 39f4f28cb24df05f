import type { CheckKind, CheckTable, JudgeContext, MetricValues, Past, Verdict } from "../core/check.js";
import type { RowChangeSpec } from "../core/check-spec.js";
import { counted, countRows, countWhere } from "./expression.js";
import { dayAfter, dayOf, onDay, zoneOf } from "./moment.js";
import { stillLearning, violation } from "./threshold.js";

const DAY = 86_400_000;
const daysBack = { yesterday: 1, "same weekday": 7 } as const;

export const rowChange: CheckKind<RowChangeSpec> = {
  kind: "row-change",
  title: (spec) => `the rows${spec.column === undefined ? "" : ` of a day of ${spec.column}`} are within ${spec.within} of ${said(spec)}`,
  metrics: (spec, table) =>
    spec.column === undefined
      ? { rows: { scan: "table", sql: countRows(spec) } }
      : {
          rows: { scan: "table", sql: countWhere(dayRows(spec, spec.column, table, 1), spec) },
          before: { scan: "table", sql: countWhere(dayRows(spec, spec.column, table, 1 + daysBack[spec.against]), spec) },
        },
  remembers: (spec) => ({ forMs: spec.column === undefined ? (daysBack[spec.against] + 0.5) * DAY : 0 }),
  judge: (spec, values, context) => {
    const rows = counted(values, "rows");
    const before = earlier(spec, values, context);
    if (before === undefined) {
      const value = { rows: rows.toString(), before: null };
      return {
        outcome: stillLearning(spec),
        value,
        message: `${rows} rows; nobody counted them ${said(spec)}, so there is nothing to compare with`,
      };
    }
    return judge(spec, rows, before);
  },
  measure: (_, values) => Number(values.rows),
};

function said({ against, column }: RowChangeSpec): string {
  if (against === "yesterday") return column === undefined ? "a day ago" : "the day before";
  return column === undefined ? "a week ago" : "the same weekday of the week before";
}

/** Rows of the whole day that ended `back` - 1 midnights ago. */
function dayRows(spec: RowChangeSpec, column: string, table: CheckTable, back: number): string {
  const zone = zoneOf(table, column);
  return onDay(table, column, dayAfter(dayOf(table.now, zone), -back), zone, spec.check);
}

function earlier(spec: RowChangeSpec, values: MetricValues, { past, now }: JudgeContext): bigint | undefined {
  if (spec.column !== undefined) return counted(values, "before");
  return nearest(past, now - daysBack[spec.against] * DAY);
}

/** What was remembered nearest to that moment, at most half a day from it: a run that was an hour late is still yesterday's. */
function nearest(past: readonly Past[], wanted: number): bigint | undefined {
  const known = past.flatMap(({ at, value }) => {
    const rows = typeof value === "object" && value !== null && "rows" in value ? value.rows : undefined;
    return typeof rows === "string" && Math.abs(at - wanted) <= DAY / 2 ? [{ rows, distance: Math.abs(at - wanted) }] : [];
  });
  const [closest] = known.sort((a, b) => a.distance - b.distance);
  return closest === undefined ? undefined : BigInt(closest.rows);
}

function judge(spec: RowChangeSpec, rows: bigint, before: bigint): Verdict {
  const value = { rows: rows.toString(), before: before.toString() };
  const allowed = Number.parseFloat(spec.within);
  if (before === 0n) {
    if (rows === 0n) return { outcome: "pass", value, message: `no rows, and none ${said(spec)}` };
    return { outcome: "not-evaluated", value, message: `${rows} rows after none ${said(spec)}: a share of none cannot be computed` };
  }
  const change = (Number(rows - before) / Number(before)) * 100;
  const text = `${rows} rows after ${before} ${said(spec)}: ${change > 0 ? "+" : ""}${Math.round(change * 10) / 10} %, at most ${allowed} % allowed`;
  return { outcome: Math.abs(change) <= allowed ? "pass" : violation(spec), value, message: text };
}
