import type { Outcome, Verdict } from "../core/check.js";
import type { CheckOptions, Learning, Threshold } from "../core/check-spec.js";

/** Violations among rows, both counted exactly. */
export interface Violations {
  readonly violating: bigint;
  readonly rows: bigint;
  /** "are NULL", "appear more than once": completes "3 of 1200 rows …". */
  readonly what: string;
  /** What is counted, when it is not rows. */
  readonly unit?: string;
}

/**
 * Judges a count of violations. Without thresholds each one counts, by severity; with them, `fail` is looked at first.
 * A share of an empty table is a division by zero: not evaluated, never a silent pass.
 */
export function judgeViolations(options: CheckOptions, { violating, rows, what, unit = "rows" }: Violations): Verdict {
  const value = { violating: violating.toString(), rows: rows.toString() };
  const message = violating === 0n ? `none of ${rows} ${unit} ${what}` : `${violating} of ${rows} ${unit} ${what}`;
  if (options.fail === undefined && options.warn === undefined) {
    return { outcome: violating === 0n ? "pass" : violation(options), value, message };
  }
  if (rows === 0n && [options.fail, options.warn].some(hasShare)) {
    return { outcome: "not-evaluated", value, message: `there are no ${unit}, so a share of them cannot be computed` };
  }
  if (options.fail !== undefined && exceeds(violating, rows, options.fail)) return { outcome: "fail", value, message };
  if (options.warn !== undefined && exceeds(violating, rows, options.warn)) return { outcome: "warn", value, message };
  return { outcome: "pass", value, message };
}

/** What a violated check without thresholds gives. */
export function violation(options: CheckOptions): Outcome {
  return options.severity === "warn" ? "warn" : "fail";
}

/** What a check says that does not remember enough yet. */
export function stillLearning({ learning = "not-evaluated" }: Learning): Outcome {
  return learning;
}

function hasShare(threshold: Threshold | undefined): boolean {
  return threshold !== undefined && typeof threshold !== "number";
}

function exceeds(violating: bigint, rows: bigint, threshold: Threshold): boolean {
  if (typeof threshold === "number") return violating > BigInt(Math.floor(threshold));
  if (typeof threshold === "string") return Number(violating) * 100 > Number.parseFloat(threshold) * Number(rows);
  return exceeds(violating, rows, threshold.rows) || exceeds(violating, rows, threshold.share);
}
