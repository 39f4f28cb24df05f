import type { CheckKind, CheckTable, Metric } from "../core/check.js";
import type { LatencyBounds, LatencySpec } from "../core/check-spec.js";
import { durationText, parseDuration } from "../core/duration.js";
import { quantile, quantileQuery, secondsBetween } from "./dialect.js";
import { columnOf, counted } from "./expression.js";
import { violation } from "./threshold.js";

type Percentile = keyof LatencyBounds;

const places: Readonly<Record<Percentile, number>> = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, max: 1 };

export const latency: CheckKind<LatencySpec> = {
  kind: "latency",
  sampled: true,
  title: (spec) =>
    `${path(spec)} takes ${bounds(spec)
      .map(([name, limit]) => `at most ${limit} (${name})`)
      .join(", ")}`,
  metrics: (spec, table) => {
    const seconds = elapsed(spec, table);
    const percentiles = bounds(spec).map(([name]): [string, Metric] => [name, percentile(name, seconds, table)]);
    return {
      measured: { scan: "table", sql: `count(${seconds})` },
      backwards: { scan: "table", sql: `count(case when ${seconds} < 0 then 1 end)` },
      ...Object.fromEntries(percentiles),
    };
  },
  judge: (spec, values) => {
    const measured = counted(values, "measured");
    const backwards = counted(values, "backwards");
    const found = bounds(spec).map(([name, limit]) => ({ name, limit, ms: Number(values[name]) * 1000 }));
    const value = { measured: measured.toString(), ...Object.fromEntries(found.map(({ name, ms }) => [`${name}_ms`, ms])) };
    if (measured === 0n)
      return { outcome: "not-evaluated", value: { measured: "0" }, message: "no row has both times: there is nothing to measure" };
    if (backwards > 0n) {
      return { outcome: violation(spec), value, message: `${backwards} of ${measured} rows arrive before they left: two clocks disagree` };
    }
    if (found.some(({ ms }) => Number.isNaN(ms))) return { outcome: "not-evaluated", value, message: "there is NaN among the latencies" };
    const slow = found.some(({ ms, limit }) => ms > parseDuration(limit));
    const message = found.map(({ name, ms, limit }) => `${name} ${durationText(ms)}, ${limit} allowed`).join("; ");
    return { outcome: slow ? violation(spec) : "pass", value, message };
  },
  measure: (spec, values) => {
    const [first] = bounds(spec);
    return first && values[first[0]] !== null ? Number(values[first[0]]) * 1000 : undefined;
  },
};

function path({ between }: LatencySpec): string {
  return typeof between === "string" ? between : `${between[0]} to ${between[1]}`;
}

function bounds({ within }: LatencySpec): [Percentile, string][] {
  return Object.entries(within) as [Percentile, string][]; // the keys of LatencyBounds
}

function elapsed(spec: LatencySpec, table: CheckTable): string {
  const seconds =
    typeof spec.between === "string"
      ? `${columnOf(table, spec.between, "latency").sql} / 1000.0`
      : secondsBetween(columnOf(table, spec.between[0], "latency").sql, columnOf(table, spec.between[1], "latency").sql, table);
  return spec.where === undefined ? seconds : `case when ${spec.where} then ${seconds} end`;
}

function percentile(name: Percentile, seconds: string, table: CheckTable): Metric {
  if (name === "max") return { scan: "table", sql: `max(${seconds})` };
  const aggregate = quantile(seconds, places[name], table);
  return aggregate === undefined ? { scan: "own", sql: quantileQuery(seconds, places[name], table) } : { scan: "table", sql: aggregate };
}
