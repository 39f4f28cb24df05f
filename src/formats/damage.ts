import { DwError } from "../core/errors.js";

/** A file that cannot be what it says it is: truncated, bit-flipped, or made to mislead. */
export function corrupt(file: string, why: string, cause?: unknown): DwError {
  return new DwError("DW-FILE-CORRUPT", {
    what: `${file} is damaged.`,
    why,
    fix: "Copy the file again from where the table was exported; if the original is damaged too, read an older snapshot.",
    cause,
  });
}

/** A size that no honest file has; reading on would take the memory of the machine. */
export function tooLarge(file: string, what: string, limit: number): DwError {
  return new DwError("DW-FILE-TOO-LARGE", {
    what: `${what} in ${file} is larger than ${limit} bytes.`,
    why: "Sizes are bounded, so that a damaged or malicious file cannot fill the memory.",
    fix: "Check the file; a writer with ordinary block sizes stays far below this bound.",
  });
}

/** A feature that is refused whole, never half-read. */
export function unsupported(what: string, why: string, fix: string, cause?: unknown): DwError {
  return new DwError("DW-SOURCE-UNSUPPORTED", { what, why, fix, cause });
}
