import type { ErrorClass } from "../../core/codes.js";
import type { CheckOutcome } from "./run.js";

/**
 * What a run's outcomes mean to a scheduler. A check that could not be evaluated is never a pass: worth a retry when its
 * engine could not be reached, found otherwise.
 */
export function exitClasses(outcomes: readonly CheckOutcome[], failOn: "warn" | "error"): ErrorClass[] {
  const classes = outcomes.flatMap((outcome): ErrorClass[] => {
    if (outcome.outcome === "fail" || (outcome.outcome === "warn" && failOn === "warn")) return ["found"];
    if (outcome.outcome !== "not-evaluated") return [];
    return outcome.code === "DW-CONNECT" || outcome.code === "DW-TIMEOUT" ? ["unreachable"] : ["found"];
  });
  return [...new Set(classes)];
}
