import { DwError } from "../../core/errors.js";

export function damaged(file: string, what: string): DwError {
  return new DwError("DW-FILE-CORRUPT", {
    what: `A value in ${file} is no ${what}, or is damaged.`,
    why: "Merged with it, every other count of the same key would be wrong.",
    fix: "Copy the file again from where the table was exported.",
  });
}

export function unreadable(what: string, file: string): DwError {
  return new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `${file} holds ${what}.`,
    why: "dw merges sketches in the forms that Paimon itself writes.",
    fix: "Compact the table fully with Paimon, so that each key has one version, or leave the column out.",
  });
}
