import { CUTOVER_DAYS, prolepticDays } from "./calendar.js";
import type { TimestampUnit } from "./columns.js";
import { corrupt, unsupported } from "./failure.js";

/** Seconds of a timestamp count from 2015-01-01 00:00:00 in the writer's zone. */
const BASE_2015 = Date.UTC(2015, 0, 1) / 1000;

const SECONDS_A_DAY = 86_400;
const CUTOVER = CUTOVER_DAYS * SECONDS_A_DAY;

const MAX_INT64 = 2n ** 63n - 1n;

/**
 * Combines the seconds and the packed nanoseconds of a stripe. A zone-less timestamp is the wall-clock time that the writer
 * saw, whatever zone it ran in. Writers truncate seconds towards zero and keep positive nanoseconds, so before 1970 a
 * second is taken back where nanoseconds exceed 999,999: what Java's reader does, and a value within the last second
 * before 1970 is already wrong in the file.
 */
export function timestampReader(
  zone: string,
  unit: TimestampUnit,
  rebased: boolean,
): (seconds: BigInt64Array, nanos: BigInt64Array) => BigInt64Array {
  const clock = zone === "UTC" || zone === "GMT" || zone === "Etc/UTC" ? undefined : zoneClock(zone);
  const base = BASE_2015 - (clock?.offset(BASE_2015) ?? 0);
  const perSecond = unit === "nanos" ? 1_000_000_000 : 1_000_000;
  const divisor = unit === "nanos" ? 1 : 1000;
  return (seconds, nanos) => {
    const out = new BigInt64Array(seconds.length);
    for (let i = 0; i < seconds.length; i++) {
      const fraction = unpackNanos(Number(nanos[i]));
      let second = Number(seconds[i]) + base;
      if (unit === "exact-micros" && fraction % divisor !== 0) throw unsupported("nanoseconds in a timestamp that is read as microseconds");
      if (second < 0 && fraction > 999_999) second -= 1;
      if (clock) second += clock.offset(second);
      if (rebased && second < CUTOVER) second = prolepticSecond(second);
      out[i] = combine(second, Math.floor(fraction / divisor), perSecond);
    }
    return out;
  };
}

function prolepticSecond(second: number): number {
  const day = Math.floor(second / SECONDS_A_DAY);
  return second + (prolepticDays(day) - day) * SECONDS_A_DAY;
}

/**
 * The low three bits say how many zeros were cut off: 0, or n + 1. Arrow's writer gives negative nanoseconds before 1970,
 * so the shift keeps the sign.
 */
function unpackNanos(packed: number): number {
  const digits = Math.floor(packed / 8);
  const zeros = packed - digits * 8;
  return zeros === 0 ? digits : digits * 10 ** (zeros + 1);
}

function combine(second: number, fraction: number, perSecond: number): bigint {
  const near = second * perSecond;
  if (Math.abs(near) < Number.MAX_SAFE_INTEGER - perSecond) return BigInt(near + fraction);
  const value = BigInt(second) * BigInt(perSecond) + BigInt(fraction);
  if (value > MAX_INT64 || value < -MAX_INT64) throw corrupt(`a timestamp of ${second} seconds does not fit the unit asked for`);
  return value;
}

/** Seconds that a zone's clock is ahead of UTC at a UTC instant; for 2015's base, at the wall-clock time (January: no change near). */
function zoneClock(zone: string): { readonly offset: (second: number) => number } {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch (error) {
    throw corrupt(`its writer's time zone “${zone}” is not known`, error);
  }
  // Zones change at most at quarter hours, so one look-up serves 900 seconds.
  const known = new Map<number, number>();
  return {
    offset: (second) => {
      const quarter = Math.floor(second / 900);
      const before = known.get(quarter);
      if (before !== undefined) return before;
      const found = lookUp(format, quarter * 900);
      known.set(quarter, found);
      return found;
    },
  };
}

/** What a Date holds, less a day for the offset. */
const FARTHEST_SECOND = 8_640_000_000_000 - SECONDS_A_DAY;

function lookUp(format: Intl.DateTimeFormat, second: number): number {
  if (Math.abs(second) > FARTHEST_SECOND)
    throw corrupt(`a timestamp of ${second} seconds lies beyond the years that time zones are known for`);
  const parts = format.formatToParts(second * 1000);
  const of = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.find((part) => part.type === type)?.value);
  const era = parts.find((part) => part.type === "era")?.value;
  const wall = new Date(0);
  wall.setUTCFullYear(era === "BC" ? 1 - of("year") : of("year"), of("month") - 1, of("day"));
  wall.setUTCHours(of("hour"), of("minute"), of("second"));
  return wall.getTime() / 1000 - second;
}
