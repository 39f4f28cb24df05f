import { Flags } from "@oclif/core";

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
