import type { CheckKind, JudgeContext, MetricValues, Past, Verdict } from "../core/check.js";
import type { AnomalySpec, AnyCheck } from "../core/check-spec.js";
import { parseDuration } from "../core/duration.js";
import { instantOf, wallClock } from "../core/instant.js";
import { isJsonObject } from "../core/json.js";
import { stillLearning, violation } from "./threshold.js";

const SENSITIVITY = 3.5;
const TRAINING = "60 days";
const AT_LEAST = 7;

/** Median absolute deviation and mean absolute deviation of a normal distribution, as shares of its standard deviation. */
const MAD_OF_NORMAL = 0.6745;
const MEAN_AD_OF_NORMAL = 0.7979;

/** The kinds are handed in: this one wraps any of them, and they are listed where it is listed, too. */
export function anomalyOf(kindOf: (spec: AnyCheck) => CheckKind): CheckKind<AnomalySpec> {
  const measured = (spec: AnomalySpec, values: MetricValues, context: JudgeContext): number | undefined => {
    const kind = kindOf(inner(spec));
    const own = { ...context, past: [] };
    const value = kind.measure ? kind.measure(inner(spec), values, own) : valueMeasure(kind.judge(inner(spec), values, own).value);
    return value === undefined || Number.isNaN(value) ? undefined : value;
  };
  return {
    kind: "anomaly",
    title: (spec) => `as usual${spec.season ? ` for the ${spec.season}` : ""}: ${kindOf(inner(spec)).title(inner(spec))}`,
    metrics: (spec, table) => kindOf(inner(spec)).metrics(inner(spec), table),
    remembers: (spec) => ({ forMs: parseDuration(spec.training ?? TRAINING) }),
    judge: (spec, values, context) => {
      const value = measured(spec, values, context);
      if (value === undefined)
        return { outcome: "not-evaluated", value: null, message: "there is nothing to measure: no rows, NULL or NaN" };
      return judge(spec, value, context);
    },
    measure: measured,
  };
}

/** The wrapped check counts the same rows; its own thresholds do not matter. */
function inner({ of, where }: AnomalySpec): AnyCheck {
  return where === undefined ? of : { ...of, where: of.where === undefined ? where : `(${of.where}) and (${where})` };
}

/** A count of violations as their share of the rows, anything else as the number that it is. */
function valueMeasure(value: Verdict["value"]): number | undefined {
  if (typeof value === "string" || typeof value === "number") return Number(value);
  if (!isJsonObject(value) || value.violating === undefined) return undefined;
  return Number(value.violating) / Number(value.rows);
}

function judge(spec: AnomalySpec, value: number, context: JudgeContext): Verdict {
  const known = learnt(spec, context);
  const wanted = spec.atLeast ?? AT_LEAST;
  if (known.length < wanted) {
    const message = `${short(value)}; still learning: ${known.length} of ${wanted} values known${spec.season ? ` for this ${spec.season}` : ""}`;
    return { outcome: stillLearning(spec), value: { value }, message };
  }
  const usual = median(known);
  const spread = deviation(known, usual);
  const distance = value - usual;
  const score = distance === 0 ? 0 : distance / spread; // a spread of 0: everything else is infinitely unusual
  const limit = spec.sensitivity ?? SENSITIVITY;
  const unusual = Math.abs(score) > limit && Math.abs(distance) > (spec.tolerance ?? 0) && isWatched(spec, distance);
  const scored = Number.isFinite(score) ? Math.round(score * 100) / 100 : String(score);
  const message = `${short(value)}, usually ${short(usual)} (${known.length} values): robust z-score ${scored}, ${limit} allowed`;
  return { outcome: unusual ? violation(spec) : "pass", value: { value, usual, spread, score: scored, known: known.length }, message };
}

function isWatched({ direction = "both" }: AnomalySpec, distance: number): boolean {
  return direction === "both" || (direction === "up" ? distance > 0 : distance < 0);
}

/** Values to learn from: not excluded, of the same season, and one an hour, so that retries do not outvote the nights before. */
function learnt(spec: AnomalySpec, { past, now }: JudgeContext): number[] {
  const season = seasonOf(spec);
  const current = season(now);
  const hours = new Map<number, number>();
  for (const entry of past) {
    const value = rememberedValue(entry);
    if (value === undefined || entry.at >= now || isExcluded(spec, entry.at) || season(entry.at) !== current) continue;
    hours.set(Math.floor(entry.at / 3_600_000), value);
  }
  return [...hours.values()];
}

function rememberedValue({ value }: Past): number | undefined {
  return isJsonObject(value) && typeof value.value === "number" ? value.value : undefined;
}

function isExcluded({ exclude = [] }: AnomalySpec, at: number): boolean {
  return exclude.some(({ from, to }) => {
    const end = instantOf(to, "UTC") ?? Number.NaN;
    const wholeDay = /^\d{4}-\d\d-\d\d$/.test(to) ? 86_400_000 - 1 : 0;
    return at >= (instantOf(from, "UTC") ?? Number.NaN) && at <= end + wholeDay;
  });
}

function seasonOf({ season, zone = "UTC" }: AnomalySpec): (at: number) => string {
  if (season === undefined) return () => "";
  if (season === "hour of day") return (at) => wallClock(at, zone).slice(11, 13);
  if (season === "day of month") return (at) => wallClock(at, zone).slice(8, 10);
  return (at) => String(new Date(`${wallClock(at, zone).slice(0, 10)}T00:00:00Z`).getUTCDay());
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/**
 * A standard deviation that a few wild values do not move. Where more than half of the values are equal, the median of the
 * deviations is 0 and their mean is taken (Iglewicz and Hoaglin, 1993).
 */
function deviation(values: readonly number[], usual: number): number {
  const away = values.map((value) => Math.abs(value - usual));
  const mad = median(away) / MAD_OF_NORMAL;
  return mad > 0 ? mad : away.reduce((sum, each) => sum + each, 0) / away.length / MEAN_AD_OF_NORMAL;
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}
