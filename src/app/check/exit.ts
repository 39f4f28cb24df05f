import type { ErrorClass } from "../../core/codes.js";
import type { CheckReport } from "./check.js";

export interface ExitTerms {
  readonly failOn: "warn" | "error";
  /** 0 to 100: a layer below it fails the run. */
  readonly minScore?: number;
}

/**
 * What a run's outcomes mean to a scheduler. A check that could not be evaluated is never a pass: worth a retry when its
 * engine could not be reached, found otherwise.
 */
export function exitClasses({ outcomes, scores }: Pick<CheckReport, "outcomes" | "scores">, terms: ExitTerms): ErrorClass[] {
  const low = terms.minScore !== undefined && scores.some(({ score }) => score < (terms.minScore ?? 0));
  const classes = outcomes.flatMap((outcome): ErrorClass[] => {
    if (outcome.suppressed) return [];
    if (outcome.outcome === "fail" || (outcome.outcome === "warn" && terms.failOn === "warn")) return ["found"];
    if (outcome.outcome !== "not-evaluated") return [];
    return outcome.code === "DW-CONNECT" || outcome.code === "DW-TIMEOUT" ? ["unreachable"] : ["found"];
  });
  return [...new Set<ErrorClass>(low ? [...classes, "found"] : classes)];
}
