import { codes, type ErrorClass, type ErrorCode, exitCodes } from "./codes.js";

export interface Letter {
  /** What happened, one sentence. */
  readonly what: string;
  /** Why we stopped. */
  readonly why: string;
  /** What to do. */
  readonly fix: string;
  readonly cause?: unknown;
}

/**
 * An error that the user can act on: a small letter with a code. Anything else that is thrown is a bug (exit 70).
 * `code` looks like `DW-AREA-REASON`; each code belongs to one class in `codes.ts`, which gives the exit code.
 */
export class DwError extends Error {
  readonly code: ErrorCode;
  readonly what: string;
  readonly why: string;
  readonly fix: string;

  constructor(code: ErrorCode, letter: Letter) {
    super(`${letter.what} ${letter.why}`, letter.cause === undefined ? undefined : { cause: letter.cause });
    this.name = "DwError";
    this.code = code;
    this.what = letter.what;
    this.why = letter.why;
    this.fix = letter.fix;
  }

  get errorClass(): ErrorClass {
    return codes[this.code].class;
  }

  get exitCode(): number {
    return exitCodes[this.errorClass];
  }

  toJSON(): { code: string; what: string; why: string; fix: string } {
    return { code: this.code, what: this.what, why: this.why, fix: this.fix };
  }
}

export function isDwError(error: unknown): error is DwError {
  return error instanceof DwError;
}
