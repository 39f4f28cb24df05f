import * as Flags from "@oclif/core/flags";
import type { Acting } from "../app/migrate/run.js";

/** Flags that several of the migrate commands have. */
export const lockTimeout = Flags.string({
  summary: "How long to wait for another run to finish, for example 5min; not at all when absent.",
  helpValue: "DURATION",
});

export const approve = Flags.string({
  summary: "Approve one hazard of one statement, as printed; may be given several times.",
  helpValue: "HAZARD@STATEMENT-ID",
  multiple: true,
  default: [],
});

export const toMigration = Flags.string({ summary: "Migration to stop at: its id, its stamp or its name.", helpValue: "ID" });

interface ActingFlags {
  readonly to: string | undefined;
  readonly approve: readonly string[];
  readonly "dry-run": boolean;
  readonly "lock-timeout": string | undefined;
}

/** The flags of `up` and `down` as their use case takes them. */
export function acting({ to, approve: approved, "dry-run": dryRun, "lock-timeout": timeout }: ActingFlags): Acting {
  return { to, approve: approved, dryRun, lockTimeout: timeout };
}
