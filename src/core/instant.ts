/**
 * Milliseconds since the epoch of a date or timestamp as engines print it: `2024-01-31`, `2024-01-31 10:00:00.123456`,
 * with `T`, with `Z`, `+00`, `+0530` or `+05:30`. A text without an offset is a wall-clock time of `zone` (IANA); of an
 * hour that occurs twice the earlier one is meant, so that nothing looks younger than it is. Undefined for anything else.
 */
export function instantOf(text: string, zone: string): number | undefined {
  const match = /^(\d{4,6})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(text.trim());
  if (!match) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "0", offset] = match;
  const millis = Math.floor(Number(`0.${fraction}`) * 1000);
  const wall = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), millis);
  return offset === undefined ? earliest(wall, zone) : wall - offsetMs(offset);
}

function offsetMs(offset: string): number {
  if (offset === "Z") return 0;
  const digits = offset.slice(1).replace(":", "");
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || "0");
  return (offset.startsWith("-") ? -minutes : minutes) * 60_000;
}

/** The zone's offset is looked up a day before and after: whatever changes that day, one of the two applies. */
function earliest(wall: number, zone: string): number {
  const day = 86_400_000;
  const candidates = [zoneOffset(wall - day, zone), zoneOffset(wall + day, zone)].map((offset) => wall - offset);
  const exact = candidates.filter((instant) => instant + zoneOffset(instant, zone) === wall);
  return Math.min(...(exact.length > 0 ? exact : candidates));
}

/** `2024-06-01 13:00:00.000`: what clocks of a zone show at an instant. */
export function wallClock(instant: number, zone: string): string {
  return new Date(instant + zoneOffset(instant, zone)).toISOString().replace("T", " ").slice(0, 23);
}

/** What clocks of a zone skip in a year, as wall-clock milliseconds: the hour of a summer time's first night. */
export function skippedHours(year: number, zone: string): { readonly from: number; readonly to: number }[] {
  const skipped: { from: number; to: number }[] = [];
  for (let day = Date.UTC(year, 0, 1); day < Date.UTC(year + 1, 0, 1); day += DAY) {
    if (zoneOffset(day + DAY, zone) <= zoneOffset(day, zone)) continue;
    const jump = changeWithin(day, zone);
    skipped.push({ from: jump + zoneOffset(day, zone), to: jump + zoneOffset(day + DAY, zone) });
  }
  return skipped;
}

/** The minute of a day (UTC) at which a zone's offset changes: not all do at a whole hour. */
function changeWithin(day: number, zone: string): number {
  let [before, after] = [day, day + DAY];
  while (after - before > MINUTE) {
    const middle = before + Math.floor((after - before) / 2 / MINUTE) * MINUTE;
    if (zoneOffset(middle, zone) === zoneOffset(day, zone)) before = middle;
    else after = middle;
  }
  return after;
}

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** Milliseconds that `zone` is ahead of UTC at an instant. */
function zoneOffset(instant: number, zone: string): number {
  const parts = clockOf(zone).formatToParts(instant);
  const of = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.find((part) => part.type === type)?.value);
  const wall = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
  return wall - Math.floor(instant / 1000) * 1000;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  const numeric = "numeric" as const;
  const fields = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric };
  const clock = clocks.get(zone) ?? new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...fields });
  clocks.set(zone, clock);
  return clock;
}
