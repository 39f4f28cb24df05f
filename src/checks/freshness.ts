import type { CheckKind, JudgeContext, Verdict } from "../core/check.js";
import type { FreshnessSpec } from "../core/check-spec.js";
import { durationText, parseDuration } from "../core/duration.js";
import { instantOf } from "../core/instant.js";
import { columnOf } from "./expression.js";
import { violation } from "./threshold.js";

/** Clocks of producers differ a little; a value further ahead than this is a wrong zone or a wrong clock. */
const CLOCK_TOLERANCE_MS = 60_000;

export const freshness: CheckKind<FreshnessSpec> = {
  kind: "freshness",
  title: (spec) => `the newest ${spec.column} is at most ${spec.within} old`,
  metrics: (spec, table) => {
    const { sql } = columnOf(table, spec.column, "freshness");
    const value = spec.where === undefined ? sql : `case when ${spec.where} then ${sql} end`;
    return { newest: { scan: "table", sql: `max(${value})` } };
  },
  judge: (spec, values, context) => judge(spec, values.newest ?? null, context),
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
