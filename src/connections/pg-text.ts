import type { PgServer } from "../core/session.js";

/**
 * Dates and times are compared as text, so every session writes them alike. Without JIT: compiling a fingerprint of nested
 * columns takes seconds that no table of millions of rows gains back.
 */
export const SESSION_SETTINGS =
  "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET extra_float_digits = 1; SET jit = off";

export const SERVER_FACTS = `SELECT current_setting('server_version') AS version,
  (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'timescaledb') AS timescale`;

export type ServerFacts = { readonly version: string; readonly timescale: string | null };

export function serverOf(facts: ServerFacts | undefined, embedded: boolean): PgServer {
  const version = /^[0-9.]+/.exec(facts?.version ?? "")?.[0] ?? "";
  return { embedded, version, ...(facts?.timescale && { timescale: facts.timescale }) };
}

const BOOL = 16;
const BYTEA = 17;
/** int2, int4, oid, float4, float8: a JavaScript number holds each exactly. */
const NUMBERS: ReadonlySet<number> = new Set([21, 23, 26, 700, 701]);

/** A value in text form as core/session.ts promises it: small numbers, booleans and bytes decoded, all else as the server wrote it. */
export function asText(oid: number, text: string): string | number | boolean | Uint8Array {
  if (oid === BOOL) return text === "t";
  if (oid === BYTEA) return Uint8Array.from(Buffer.from(text.slice(2), "hex"));
  return NUMBERS.has(oid) ? Number(text) : text;
}
