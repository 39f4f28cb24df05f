import { type ErrorClass, exitCodes, exitPrecedence } from "../core/codes.js";
import { isDwError } from "../core/errors.js";

/** The class that decides when several things went wrong; undefined when nothing did (exit 0). */
export function worst(classes: Iterable<ErrorClass>): ErrorClass | undefined {
  const seen = new Set(classes);
  return exitPrecedence.find((candidate) => seen.has(candidate));
}

export function exitCode(classes: Iterable<ErrorClass>): number {
  const decisive = worst(classes);
  return decisive === undefined ? 0 : exitCodes[decisive];
}

/** What a thrown value means for the exit code. Anything that is not a letter to the user is a bug in dw. */
export function classOf(error: unknown): ErrorClass {
  return isDwError(error) ? error.errorClass : "bug";
}
