import type { CheckKind, CheckTable, JudgeContext, Metric, MetricValues, Verdict } from "../core/check.js";
import type { FreshnessSpec } from "../core/check-spec.js";
import { durationText, parseDuration } from "../core/duration.js";
import { instantOf } from "../core/instant.js";
import { columnOf, counted, whereClause } from "./expression.js";
import { atOrAfter, before } from "./moment.js";
import { judgeViolations, violation } from "./threshold.js";

/** Clocks of producers differ a little; a value further ahead than this is a wrong zone or a wrong clock. */
const CLOCK_TOLERANCE_MS = 60_000;

export const freshness: CheckKind<FreshnessSpec> = {
  kind: "freshness",
  title: (spec) => `the newest ${spec.column} is at most ${spec.within} old${spec.per ? ` for each ${spec.per.join(", ")}` : ""}`,
  metrics: (spec, table) => {
    const { sql } = columnOf(table, spec.column, "freshness");
    if (table.topic) return { newest: { scan: "topic", ask: { ask: "newest" } } }; // by the messages' own times
    if (spec.per !== undefined) return groupMetrics(spec, table);
    const value = spec.where === undefined ? sql : `case when ${spec.where} then ${sql} end`;
    return { newest: { scan: "table", sql: `max(${value})` } };
  },
  judge: (spec, values, context) => (spec.per === undefined ? judge(spec, values.newest ?? null, context) : judgeGroups(spec, values)),
  sample: (spec, table, limit) =>
    spec.per === undefined
      ? `select max(${table.ident(spec.column)}) as newest from ${table.from} limit ${limit}`
      : `select * from (${groups(spec, table)}) as newest_of where ${notFresh(spec, table)} order by newest limit ${limit}`,
  measure: (spec, values, context) => {
    const instant = spec.per === undefined ? instantOf(values.newest ?? "", context.zone(spec.column)) : undefined;
    return instant === undefined ? undefined : (context.now - instant) / 1000;
  },
};

function judge(spec: FreshnessSpec, newest: string | null, context: JudgeContext): Verdict {
  if (newest === null) return { outcome: violation(spec), value: null, message: "the table has no rows: nothing has arrived" };
  const instant = instantOf(newest, context.zone(spec.column));
  if (instant === undefined) return { outcome: "not-evaluated", value: newest, message: `${newest} is not a date or a time` };
  const age = context.now - instant;
  if (age < -CLOCK_TOLERANCE_MS) {
    // It would hide a table that stopped arriving: the age of what came last cannot be known.
    return { outcome: violation(spec), value: newest, message: `the newest value ${newest} lies ${durationText(-age)} in the future` };
  }
  const fresh = age <= parseDuration(spec.within);
  const message = `newest ${newest}, ${durationText(Math.max(age, 0))} old; ${spec.within} allowed`;
  return { outcome: fresh ? "pass" : violation(spec), value: newest, message };
}

function judgeGroups(spec: FreshnessSpec, values: MetricValues): Verdict {
  const rows = counted(values, "groups");
  const per = (spec.per ?? []).join(", ");
  if (rows === 0n) return { outcome: violation(spec), value: null, message: "the table has no rows: nothing has arrived" };
  const what = `have nothing of the last ${spec.within}, or something of the future`;
  return judgeViolations(spec, { violating: counted(values, "stale"), rows, unit: `values of ${per}`, what });
}

/** A query of its own: each group's newest is found before groups are counted. */
function groupMetrics(spec: FreshnessSpec, table: CheckTable): Readonly<Record<string, Metric>> {
  const newest = groups(spec, table);
  return {
    groups: { scan: "own", sql: `select count(*) from (${newest}) as newest_of` },
    stale: { scan: "own", sql: `select count(*) from (${newest}) as newest_of where ${notFresh(spec, table)}` },
  };
}

function groups(spec: FreshnessSpec, table: CheckTable): string {
  const per = (spec.per ?? []).map((name) => columnOf(table, name, "freshness").sql).join(", ");
  const { sql } = columnOf(table, spec.column, "freshness");
  const where = spec.where === undefined ? "" : ` ${whereClause("1 = 1", spec)}`;
  return `select ${per}, max(${sql}) as newest from ${table.from}${where} group by ${per}`;
}

/** In SQL, so that a million groups are one answer: older than allowed, without a value, or ahead of the clock. */
function notFresh(spec: FreshnessSpec, table: CheckTable): string {
  const oldest = table.now - parseDuration(spec.within);
  const renamed: CheckTable = { ...table, ident: (name) => table.ident(name === spec.column ? "newest" : name) };
  const stale = before(renamed, spec.column, oldest, "freshness");
  return `newest is null or ${stale} or ${atOrAfter(renamed, spec.column, table.now + CLOCK_TOLERANCE_MS, "freshness")}`;
}
