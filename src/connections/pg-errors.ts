import type { ErrorCode } from "../core/codes.js";
import { DwError } from "../core/errors.js";

/** What a PostgreSQL driver's error has, node-pg's and PGlite's alike; everything is optional because sockets fail too. */
interface DriverError {
  readonly message: string;
  readonly code?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
}

export interface ErrorPlace {
  /** Where it happened, for a person: `localhost:5432/iot`. */
  readonly server: string;
  readonly statement?: string;
  /** Never printed: it is cut out of every text. */
  readonly password?: string;
}

const MAX_STATEMENT = 4000;

/** SQLSTATEs (PostgreSQL manual, appendix A) whose class alone does not decide; a two-character key is a class. */
const codeOfState: Readonly<Record<string, ErrorCode>> = {
  "08": "DW-CONNECT",
  "28": "DW-AUTH",
  "42501": "DW-PERMISSION",
  "53100": "DW-DISK-FULL",
  "53300": "DW-CONNECT", // too many connections: a retry may find a free one
  "55P03": "DW-TIMEOUT", // lock not available within lock_timeout
  "57014": "DW-TIMEOUT", // cancelled: statement_timeout, or our own cancel
  "57P01": "DW-CONNECT",
  "57P02": "DW-CONNECT",
  "57P03": "DW-CONNECT",
};

const codeOfSocket: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: "DW-CONNECT",
  ECONNRESET: "DW-CONNECT",
  EHOSTUNREACH: "DW-CONNECT",
  ENETUNREACH: "DW-CONNECT",
  ENOTFOUND: "DW-CONNECT",
  EAI_AGAIN: "DW-CONNECT",
  EPIPE: "DW-CONNECT",
  ETIMEDOUT: "DW-TIMEOUT",
};

/** node-pg says some things only in words. */
const codeOfWords: readonly (readonly [RegExp, ErrorCode])[] = [
  [/timeout exceeded|timeout expired|connect timeout/i, "DW-TIMEOUT"],
  [/password must be a string|SASL/, "DW-AUTH"],
  [/Connection terminated|not queryable|Client was closed|does not support SSL|certificate|self.signed|tls|ssl/i, "DW-CONNECT"],
];

/** The SQLSTATE inside an error of this module, for callers that retry (`55P03`) or expect a refusal. */
export function sqlStateOf(error: unknown): string | undefined {
  const cause = error instanceof DwError ? error.cause : error;
  if (!(cause instanceof Error) || !("code" in cause) || typeof cause.code !== "string") return undefined;
  return /^[0-9A-Z]{5}$/.test(cause.code) ? cause.code : undefined;
}

/** Every driver error as a letter: code by SQLSTATE or socket error, the server's own words, the statement's text. */
export function pgError(error: unknown, place: ErrorPlace): DwError {
  if (error instanceof DwError) return error;
  const driver = asDriverError(error);
  const code = codeOf(driver);
  const clean = (text: string): string => (place.password ? text.replaceAll(place.password, "***") : text);
  const state = driver.code === undefined ? "" : ` (${driver.code})`;
  return new DwError(code, {
    what: clean(`${WHAT[code] ?? "PostgreSQL refused"} at ${place.server}: ${driver.message}${state}.`),
    why: clean(reason(driver, place.statement)),
    fix: clean(driver.hint ?? FIX[code] ?? "Correct what the server names; if dw wrote the statement, please report it."),
    cause: Object.assign(new Error(clean(driver.message)), { code: driver.code }),
  });
}

const WHAT: Readonly<Partial<Record<ErrorCode, string>>> = {
  "DW-CONNECT": "PostgreSQL cannot be reached",
  "DW-AUTH": "PostgreSQL refused the login",
  "DW-PERMISSION": "PostgreSQL refused for lack of a right",
  "DW-TIMEOUT": "PostgreSQL did not answer in time",
  "DW-DISK-FULL": "PostgreSQL's disk is full",
  "DW-ENGINE-REFUSED": "PostgreSQL refused a statement",
};

const FIX: Readonly<Partial<Record<ErrorCode, string>>> = {
  "DW-CONNECT": "Check host, port, TLS and that the server runs, then run again; what was committed stays.",
  "DW-AUTH": "Check user and password of the connection in dw.config.ts, and the server's pg_hba.conf.",
  "DW-PERMISSION": "Grant the right to the connection's user, or connect as the owner.",
  "DW-TIMEOUT": "Run again when the server is less busy, or raise the timeout.",
  "DW-DISK-FULL": "Free space on the server, then run again; what was committed stays.",
};

function asDriverError(error: unknown): DriverError {
  if (error instanceof AggregateError && error.errors.length > 0) return asDriverError(error.errors[0]); // every address was tried
  if (error instanceof Error) return error;
  return { message: String(error) };
}

function codeOf(error: DriverError): ErrorCode {
  const { code = "" } = error;
  const known = codeOfSocket[code] ?? codeOfState[code] ?? (code.length === 5 ? codeOfState[code.slice(0, 2)] : undefined);
  if (known !== undefined) return known;
  if (code.length === 5 && /^[0-9A-Z]+$/.test(code)) return "DW-ENGINE-REFUSED";
  return codeOfWords.find(([words]) => words.test(error.message))?.[1] ?? "DW-ENGINE-REFUSED";
}

function reason(error: DriverError, statement: string | undefined): string {
  const parts = [error.detail, error.where, statement && `Statement: ${shortened(statement)}`];
  return parts.filter((part) => part !== undefined && part !== "").join("\n") || "No statement had been sent yet.";
}

function shortened(statement: string): string {
  return statement.length <= MAX_STATEMENT ? statement : `${statement.slice(0, MAX_STATEMENT)}… (${statement.length} characters)`;
}
