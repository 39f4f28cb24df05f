import { codes, type ErrorClass, type ErrorCode } from "./codes.js";

/** One thing that `dw doctor` looked at. `code` and `fix` say what is wrong and its cure. */
export interface Diagnosis {
  readonly about: string;
  readonly state: "ok" | "warn" | "fail";
  readonly finding: string;
  readonly code?: ErrorCode;
  readonly fix?: string;
}

/** What the exit code is made of: warnings do not count. */
export function diagnosisClass({ state, code }: Diagnosis): ErrorClass | undefined {
  if (state !== "fail") return undefined;
  return code === undefined ? "found" : codes[code].class;
}
