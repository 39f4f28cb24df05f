import type { EngineName } from "./types.js";

/** What lint says of one statement or model (the `--json` contract of DESIGN §3). */
export interface Finding {
  /** Stable rule code: `starrocks/key-columns-first`, `cross/retention-inside-refresh-window`. */
  readonly rule: string;
  readonly severity: "error" | "warning" | "unproven";
  readonly message: string;
  readonly fix: string;
  /** `model.column` or `model`, where the finding has such a place. */
  readonly place?: string;
  /** One-based line and column (UTF-16 units) in the SQL that was judged. */
  readonly position?: { readonly line: number; readonly column: number };
}

/** An engine as lint sees it: `starrocks@3.5/shared-data`, with the number of live backends. */
export interface EngineTarget {
  readonly engine: EngineName;
  /** `major.minor`; the newest that we have evidence for when not given. */
  readonly version: string;
  readonly mode: "shared-nothing" | "shared-data";
  readonly backends: number;
}
