import { Flags } from "@oclif/core";
import type { BackfillCall, RunFlags } from "../app/backfills/run.js";

/** Flags of every command that says which backfills it means. */
export const selectionFlags = {
  source: Flags.string({ summary: "Source, for a backfill that no model defines.", helpValue: "SOURCE", dependsOn: ["target"] }),
  target: Flags.string({
    summary: "Target: model:NAME, CONNECTION:TABLE, or files: parquet:DIR, csv:DIR, jsonl:DIR.",
    helpValue: "TARGET",
    dependsOn: ["source"],
  }),
};

/** Flags of those that read the source. */
export const readingFlags = {
  where: Flags.string({ summary: "DuckDB predicate over the source's columns.", helpValue: "SQL" }),
  since: Flags.string({ summary: "Only rows at or after this time.", helpValue: "TIME" }),
  until: Flags.string({ summary: "Only rows before this time.", helpValue: "TIME" }),
  certificates: Flags.string({ summary: "Folder for certificates; .dw/certificates when absent.", helpValue: "DIR" }),
};

interface Selected {
  readonly warehouse: string | undefined;
  readonly source: string | undefined;
  readonly target: string | undefined;
}

export function selection(flags: Selected): Pick<BackfillCall, "warehouse" | "source" | "target"> {
  return {
    ...(flags.warehouse !== undefined && { warehouse: flags.warehouse }),
    ...(flags.source !== undefined && { source: flags.source }),
    ...(flags.target !== undefined && { target: flags.target }),
  };
}

type Read = { readonly [Flag in keyof RunFlags]: RunFlags[Flag] | undefined };

export function reading(flags: Read): RunFlags {
  const stated = Object.entries(flags).filter(([name, value]) => value !== undefined && READ.has(name));
  return Object.fromEntries(stated) as RunFlags; // the flags of RunFlags, without those that were not given
}

const READ: ReadonlySet<string> = new Set(["where", "since", "until", "concurrency", "recopy", "certificates"]);
