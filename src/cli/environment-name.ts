import { DwError } from "../core/errors.js";

/** `--env`, else DW_ENV, else `local` when a person is there: a scheduler must never update a toy. */
export function environmentName(flag: string | undefined, variable: string | undefined, terminal: boolean): string {
  const named = flag ?? (variable === "" ? undefined : variable);
  if (named !== undefined) return named;
  if (terminal) return "local";
  throw new DwError("DW-ENV-MISSING", {
    what: "No environment was named.",
    why: "Without a terminal dw does not assume `local`: a scheduler would update a toy and report success.",
    fix: "Pass --env NAME, or set DW_ENV.",
  });
}
