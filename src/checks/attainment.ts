import type { CheckKind, Past } from "../core/check.js";
import type { AttainmentSpec } from "../core/check-spec.js";
import { durationText, parseDuration } from "../core/duration.js";
import { stillLearning, violation } from "./threshold.js";

/** An outcome that nobody renewed says nothing for ever: it holds for at most this part of the period. */
const LONGEST_HOLD = 1 / 4;

export const attainment: CheckKind<AttainmentSpec> = {
  kind: "attainment",
  title: (spec) => `“${spec.of}” held for ${spec.min} of ${spec.over}`,
  metrics: () => ({}),
  // Twice the period: the outcome that held when the period began is older than it.
  remembers: (spec) => ({ of: spec.of, forMs: parseDuration(spec.over) * 2 }),
  judge: (spec, _, { past, now }) => {
    const over = parseDuration(spec.over);
    const { held, known } = attained(past, now - over, now, over * LONGEST_HOLD);
    if (known === 0)
      return { outcome: stillLearning(spec), value: null, message: `“${spec.of}” has no remembered outcome in ${spec.over}` };
    const share = (held / known) * 100;
    const wanted = Number.parseFloat(spec.min);
    const shown = Math.floor(share * 1000) / 1000; // never rounded up to a promise that was not kept
    const message = `held for ${shown} % of ${durationText(known)} known; ${wanted} % wanted`;
    return {
      outcome: share >= wanted ? "pass" : violation(spec),
      value: { share: shown, known_ms: known, missed_ms: known - held },
      message,
    };
  },
};

/** Milliseconds in which the check held, and in which anything is known of it. */
function attained(past: readonly Past[], from: number, to: number, longest: number): { readonly held: number; readonly known: number } {
  let held = 0;
  let known = 0;
  past.forEach((entry, index) => {
    const next = past[index + 1]?.at ?? to;
    const start = Math.max(entry.at, from);
    const end = Math.min(next, to);
    if (end <= start) return;
    known += end - start;
    const sure = Math.min(end, Math.max(start, entry.at + longest));
    if (entry.outcome === "pass" || entry.outcome === "warn") held += sure - start;
  });
  return { held, known };
}
