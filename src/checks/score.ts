import type { Outcome } from "../core/check.js";

/** What an outcome is worth. What was not evaluated is worth nothing: a score must not rise because a server is down. */
const points: Readonly<Record<Outcome, number>> = { pass: 1, warn: 0.5, fail: 0, "not-evaluated": 0 };

export interface Scored {
  readonly outcome: Outcome;
  readonly layer: string | null;
  readonly weight: number;
  /** A suppressed violation counts as if the check were not there. */
  readonly suppressed?: unknown;
}

export interface LayerScore {
  readonly layer: string | null;
  /** 0 to 100: 100 × Σ(weight × points) / Σ weight. */
  readonly score: number;
  readonly checks: number;
}

/** The score of each layer, in the order in which the layers come. A layer whose weights are all 0 has none. */
export function layerScores(all: readonly Scored[]): LayerScore[] {
  const outcomes = all.filter(({ outcome, suppressed }) => outcome === "pass" || !suppressed);
  return [...new Set(outcomes.map((outcome) => outcome.layer))].flatMap((layer) => {
    const own = outcomes.filter((outcome) => outcome.layer === layer);
    const total = own.reduce((sum, outcome) => sum + outcome.weight, 0);
    if (total === 0) return [];
    const earned = own.reduce((sum, outcome) => sum + outcome.weight * points[outcome.outcome], 0);
    return [{ layer, score: Math.round((earned / total) * 1000) / 10, checks: own.length }];
  });
}
