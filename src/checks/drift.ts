import type { CheckKind, CheckTable, Metric, Past } from "../core/check.js";
import type { DriftSpec } from "../core/check-spec.js";
import { DwError } from "../core/errors.js";
import { isJsonObject } from "../core/json.js";
import { exactText } from "./dialect.js";
import { columnOf, countWhere } from "./expression.js";
import { stillLearning, violation } from "./threshold.js";

/** As long as the state store remembers. */
const REMEMBERED = 400 * 86_400_000;

/** An empty bin counts as this share: the index divides by it. */
const SMALLEST_SHARE = 0.0001;

const limits = { psi: 0.2, ks: 0.1 } as const;

export const drift: CheckKind<DriftSpec> = {
  kind: "drift",
  sampled: true,
  title: (spec) => `${spec.column} is spread as before`,
  metrics: (spec, table) =>
    Object.fromEntries(
      bins(spec, table).map((condition, index): [string, Metric] => [`b${index}`, { scan: "table", sql: countWhere(condition, spec) }]),
    ),
  remembers: (spec) => ({ forMs: spec.baseline === undefined ? REMEMBERED : 0 }),
  judge: (spec, values, { past }) => {
    const counts = Object.keys(values).map((_, index) => Number(values[`b${index}`]));
    const value = { bins: [...spec.bins].map(String), counts };
    const baseline = spec.baseline ?? remembered(spec, past);
    if (baseline === undefined) {
      return {
        outcome: stillLearning(spec),
        value,
        message: "these are the first counts: they are remembered as the baseline of later runs",
      };
    }
    if (baseline.length !== counts.length) {
      return { outcome: "not-evaluated", value, message: `the baseline has ${baseline.length} bins and the check ${counts.length}` };
    }
    const by = spec.by ?? "psi";
    const distance = distances[by](shares(counts), shares(baseline));
    if (Number.isNaN(distance)) {
      return { outcome: "not-evaluated", value, message: "there are no rows on one side, so their shares cannot be compared" };
    }
    const limit = spec.max ?? limits[by];
    const message = `${by === "psi" ? "stability index" : "Kolmogorov–Smirnov distance"} ${distance.toFixed(4)}; at most ${limit} allowed`;
    return { outcome: distance <= limit ? "pass" : violation(spec), value: { ...value, distance }, message };
  },
  measure: (spec, values, context) => {
    const { value } = drift.judge(spec, values, context);
    return isJsonObject(value) && typeof value.distance === "number" ? value.distance : undefined;
  },
};

/** Conditions of the bins: below the first edge, between two, from the last on; or equal to each value, others; then NULL. */
function bins(spec: DriftSpec, table: CheckTable): string[] {
  const { sql } = columnOf(table, spec.column, "drift");
  if (spec.bins.length === 0 || !isAscending(spec.bins)) {
    throw new DwError("DW-MODEL-INVALID", {
      what: `The drift check of ${table.model}.${spec.column} has no ascending \`bins\`.`,
      why: "They are the inner edges between bins of numbers, or different texts.",
      fix: "Write for example bins: [0, 10, 50, 100].",
    });
  }
  const [first = 0] = spec.bins;
  if (typeof first === "number") {
    const edges = spec.bins.map((edge) => table.literal(edge));
    const between = edges.slice(1).map((edge, index) => `${sql} >= ${edges[index]} and ${sql} < ${edge}`);
    return [`${sql} < ${edges[0]}`, ...between, `${sql} >= ${edges.at(-1)}`, `${sql} is null`];
  }
  const text = exactText(sql, spec.column, table);
  const values = spec.bins.map((value) => table.literal(value));
  return [...values.map((value) => `${text} = ${value}`), `${text} not in (${values.join(", ")})`, `${sql} is null`];
}

function isAscending(values: readonly (number | string)[]): boolean {
  if (typeof values[0] === "string") return new Set(values).size === values.length;
  return values.every((value, index) => index === 0 || Number(values[index - 1]) < Number(value));
}

/** The earliest counts that were remembered for the same bins. */
function remembered({ bins: wanted, since }: DriftSpec, past: readonly Past[]): readonly number[] | undefined {
  const from = since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(`${since}T00:00:00Z`);
  for (const { at, value } of past) {
    if (at < from || !isJsonObject(value) || !Array.isArray(value.bins) || !Array.isArray(value.counts)) continue;
    const counts = value.counts.map(Number);
    if (value.bins.join("\n") === [...wanted].map(String).join("\n") && counts.some((count) => count > 0)) return counts;
  }
  return undefined;
}

function shares(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => count / total); // no rows: NaN, which the judge looks for
}

const distances = {
  psi: (now: readonly number[], then: readonly number[]): number =>
    now.reduce((sum, share, index) => {
      const before = then[index] ?? 0;
      if (Number.isNaN(share) || Number.isNaN(before)) return Number.NaN;
      const [a, b] = [Math.max(share, SMALLEST_SHARE), Math.max(before, SMALLEST_SHARE)];
      return sum + (a - b) * Math.log(a / b);
    }, 0),
  ks: (now: readonly number[], then: readonly number[]): number => {
    const cumulated = (list: readonly number[]): number[] => list.map((_, index) => list.slice(0, index + 1).reduce((a, b) => a + b, 0));
    const before = cumulated(then);
    return Math.max(...cumulated(now).map((share, index) => Math.abs(share - (before[index] ?? 0))));
  },
} as const;
