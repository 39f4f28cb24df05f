import { DwError } from "../../core/errors.js";

/** A metadata or data file that cannot be what it says it is. */
export function damaged(file: string, why: string, cause?: unknown): DwError {
  return new DwError("DW-FILE-CORRUPT", {
    what: `${file} is damaged.`,
    why,
    fix: "Copy the file again from where the table was exported; if the original is damaged too, read an older snapshot.",
    cause,
  });
}

/** A feature that is refused whole, never half-read. */
export function unsupported(what: string, why: string, fix: string): DwError {
  return new DwError("DW-SOURCE-UNSUPPORTED", { what, why, fix });
}

export function outside(path: string, fix: string): DwError {
  return new DwError("DW-FILE-OUTSIDE", {
    what: `The table's metadata names ${JSON.stringify(path)}, which leads out of the export.`,
    why: "A table may only make dw read files below the folder that it was given.",
    fix,
  });
}

export function noSnapshot(what: string, fix: string): DwError {
  return new DwError("DW-SNAPSHOT-MISSING", { what, why: "Rows of another snapshot would not be what was asked for.", fix });
}
