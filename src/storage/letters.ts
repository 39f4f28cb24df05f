import { DwError } from "../core/errors.js";

/** Bytes of a whole file that is read into memory: metadata, never rows. */
export const WHOLE_FILE_LIMIT = 256 * 1024 * 1024;

export function noRoot(root: string, cause?: unknown): DwError {
  return new DwError("DW-TABLE-MISSING", {
    what: `${root} does not exist.`,
    why: "There is nothing to read at that path.",
    fix: "Check the path; relative paths start at the folder dw runs in, or at --cwd.",
    cause,
  });
}

export function missing(path: string, cause?: unknown): DwError {
  return new DwError("DW-FILE-MISSING", {
    what: `${path} does not exist${cause === undefined ? " as a file" : ""}.`,
    why: "The table's metadata names it, or you did.",
    fix: "Copy the whole export; a file that its warehouse has already removed cannot be read, an older or newer snapshot perhaps can.",
    cause,
  });
}

export function truncated(path: string, wanted: number, size: number): DwError {
  return new DwError("DW-FILE-CORRUPT", {
    what: `${path} ends too early.`,
    why: `Bytes up to ${wanted} were expected, and the file has ${size}.`,
    fix: "Copy the file again from where the table was exported.",
  });
}

export function tooLarge(path: string, size: number): DwError {
  return new DwError("DW-FILE-TOO-LARGE", {
    what: `${path} would need ${size} bytes of memory at once.`,
    why: `Metadata is read whole up to ${WHOLE_FILE_LIMIT} bytes, so that a damaged file cannot fill the memory.`,
    fix: "Check the file; if it is really that large, compact the table's metadata before exporting it.",
  });
}
