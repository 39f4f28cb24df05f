import { quoteText } from "./transit.js";

/*
 * Wall-clock times of a zone as instants, in DuckDB's SQL. A clock that is set back shows the same hour twice, and one that is
 * set forward skips an hour: such a time names no instant until somebody says which.
 */

/** Wall-clock time → instant, and back. */
export const atZone = (zone: string, value: string): string => `timezone(${quoteText(zone)}, ${value})`;

export const isUtc = (zone: string): boolean => /^(etc\/)?(utc|gmt|zulu|uct)$/i.test(zone);

/** Shifts by which clocks have been set back in a night: one hour, and half an hour on Lord Howe Island. */
const SHIFTS = ["1 hour", "30 minutes"] as const;

/** The other instants at which a clock may show `local`. */
function others(zone: string, local: string): string[] {
  const instant = atZone(zone, local);
  return SHIFTS.flatMap((shift) => ["+", "-"].map((sign) => `${instant} ${sign} INTERVAL '${shift}'`));
}

/** Predicate: clocks in the zone show this time twice. */
export const isRepeated = (zone: string, local: string): string =>
  `(${others(zone, local)
    .map((instant) => `${atZone(zone, instant)} = ${local}`)
    .join(" OR ")})`;

/** Predicate: clocks in the zone never show this time. */
export const isSkipped = (zone: string, local: string): string => `${atZone(zone, atZone(zone, local))} <> ${local}`;

/** The earlier or the later instant at which clocks in the zone show this time. */
export function occurrence(which: "first" | "second", zone: string, local: string): string {
  const choose = which === "first" ? "least" : "greatest";
  const shown = others(zone, local).map((instant) => `CASE WHEN ${atZone(zone, instant)} = ${local} THEN ${instant} END`);
  return `${choose}(${[atZone(zone, local), ...shown].join(", ")})`; // both leave NULLs out
}
