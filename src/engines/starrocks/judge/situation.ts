import type { EngineTarget, Finding } from "../../../core/finding.js";
import type { Catalog } from "./catalog.js";

/** What a rule may look at beside the statement. */
export interface Situation {
  readonly catalog: Catalog;
  readonly target: EngineTarget;
  /** True when somebody said how many backends there are; otherwise the cluster may be anything. */
  readonly isDescribed: boolean;
  /** Findings that do not stop the statement. */
  readonly notes: Finding[];
}

/** A rule whose outcome we cannot know for this version or from this file. */
export function unproven({ notes }: Situation, rule: string, message: string, fix: string): void {
  notes.push({ rule: `starrocks/${rule}`, severity: "unproven", message, fix });
}
