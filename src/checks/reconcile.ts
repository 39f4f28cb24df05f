import type { CheckKind, CheckTable, Metric, MetricValues } from "../core/check.js";
import type { Comparison, ReconcileSpec } from "../core/check-spec.js";
import { DwError } from "../core/errors.js";
import { instantOf } from "../core/instant.js";
import { columnOf, countRows } from "./expression.js";
import { violation } from "./threshold.js";

/** Two engines add floats in different orders. */
const FLOAT_NOISE = 1e-9;

export const reconcile: CheckKind<ReconcileSpec> = {
  kind: "reconcile",
  title: (spec) => `${spec.compare.map(comparisonText).join(", ")} as in ${spec.with}`,
  metrics: (spec, table) => Object.fromEntries(spec.compare.flatMap((comparison, index) => sides(spec, comparison, index, table))),
  judge: (spec, values, { columns }) => {
    const compared = spec.compare.map((comparison, index) => {
      const [ours, theirs] = [values[`ours${index}`] ?? null, values[`theirs${index}`] ?? null];
      return { name: comparisonText(comparison), ours, theirs, same: isSame(ours, theirs, tolerance(spec, comparison, columns)) };
    });
    const value = compared.map(({ name, ours, theirs }) => ({ name, ours, theirs }));
    const different = compared.filter(({ same }) => !same);
    if (different.length === 0) {
      return {
        outcome: "pass",
        value,
        message: `${compared.map(({ name, ours }) => `${name} ${ours ?? "NULL"}`).join(", ")} on both sides`,
      };
    }
    const shown = different.map(({ name, ours, theirs }) => `${name} ${ours ?? "NULL"} here, ${theirs ?? "NULL"} there`);
    return { outcome: violation(spec), value, message: shown.join("; ") };
  },
};

function comparisonText(comparison: Comparison): string {
  return comparison === "rows" ? "rows" : `${comparison.of} of ${comparison.column}`;
}

type Side = readonly [string, Metric];

function sides(spec: ReconcileSpec, comparison: Comparison, index: number, table: CheckTable): Side[] {
  const theirs = { ...(spec.theirWhere !== undefined && { where: spec.theirWhere }) };
  return [
    [`ours${index}`, { scan: "table", sql: expression(comparison, table, spec, "column") }],
    [`theirs${index}`, { scan: "elsewhere", place: spec.with, sql: (there) => expression(comparison, there, theirs, "as") }],
  ];
}

function expression(comparison: Comparison, table: CheckTable, options: { readonly where?: string }, side: "column" | "as"): string {
  if (comparison === "rows") return countRows(options);
  const { sql, column } = columnOf(table, (side === "as" ? comparison.as : undefined) ?? comparison.column, "reconcile");
  const value = options.where === undefined ? sql : `case when ${options.where} then ${sql} end`;
  if (comparison.of === "nulls") return `${countRows(options)} - count(${value})`;
  if (comparison.of === "distinct") return `count(distinct ${value})`;
  if (comparison.of === "sum" && column.type.kind === "boolean") {
    throw new DwError("DW-MODEL-INVALID", {
      what: `The reconcile check of ${table.model} adds up ${comparison.column}, which is a boolean.`,
      why: "Engines do not agree on what its sum is.",
      fix: "Compare `distinct` or `nulls` of it, or count with a `where`.",
    });
  }
  return `${comparison.of}(${value})`;
}

function tolerance(spec: ReconcileSpec, comparison: Comparison, columns: Parameters<CheckKind["judge"]>[2]["columns"]): number {
  const allowed = spec.within === undefined ? 0 : Number.parseFloat(spec.within) / 100;
  const float = comparison !== "rows" && columns[comparison.column]?.type.kind === "float";
  return float ? Math.max(allowed, FLOAT_NOISE) : allowed;
}

/** As text, as exact decimals, as moments, and as numbers with a tolerance, in that order. */
function isSame(ours: MetricValues[string], theirs: MetricValues[string], allowed: number): boolean {
  if (ours === undefined || theirs === undefined || ours === null || theirs === null) return ours === theirs;
  if (ours === theirs || decimal(ours) === decimal(theirs)) return true;
  const moments = [instantOf(ours, "UTC"), instantOf(theirs, "UTC")];
  if (moments[0] !== undefined && moments[0] === moments[1]) return fraction(ours) === fraction(theirs);
  const [a, b] = [Number(ours), Number(theirs)];
  return Math.abs(a - b) <= allowed * Math.abs(b);
}

/** `10.5000` and `10.5` are one number; other texts stay as they are. */
function decimal(text: string): string {
  if (!/^-?\d+\.\d*$/.test(text)) return text;
  return text.replace(/0+$/, "").replace(/\.$/, "").replace(/^-0$/, "0");
}

/** Digits after the second, which milliseconds may not hold. */
function fraction(text: string): string {
  return (/:\d\d\.(\d+)/.exec(text)?.[1] ?? "").replace(/0+$/, "");
}
