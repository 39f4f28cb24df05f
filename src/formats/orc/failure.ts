import { DwError } from "../../core/errors.js";

/** The file does not follow the ORC specification: truncated, damaged, or lengths that cannot be. */
export function corrupt(what: string, cause?: unknown): DwError {
  return new DwError("DW-FILE-CORRUPT", {
    what: `The ORC file is damaged: ${what}.`,
    why: "Rows read from it could be wrong, so none are given.",
    fix: "Copy the file again from where it was written, or restore it from a backup.",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The file is sound but uses something that this reader does not know. */
export function unsupported(what: string): DwError {
  return new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `The ORC file uses ${what}, which is not read.`,
    why: "Reading the rest would give incomplete rows.",
    fix: "Rewrite the table without it, and read that.",
  });
}
