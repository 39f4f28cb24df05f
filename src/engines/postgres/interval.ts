/** A PostgreSQL interval: its three parts do not convert into each other, because months and days vary in length. */
export interface Interval {
  readonly months: number;
  readonly days: number;
  /** Integer; below 2^53, that is 285 years. */
  readonly microseconds: number;
}

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;

const UNITS: Readonly<Record<string, Interval>> = {
  microsecond: { months: 0, days: 0, microseconds: 1 },
  millisecond: { months: 0, days: 0, microseconds: 1000 },
  second: { months: 0, days: 0, microseconds: SECOND },
  minute: { months: 0, days: 0, microseconds: 60 * SECOND },
  hour: { months: 0, days: 0, microseconds: 3600 * SECOND },
  day: { months: 0, days: 1, microseconds: 0 },
  week: { months: 0, days: 7, microseconds: 0 },
  month: { months: 1, days: 0, microseconds: 0 },
  year: { months: 12, days: 0, microseconds: 0 },
};

const SHORT: Readonly<Record<string, string>> = {
  us: "microsecond",
  ms: "millisecond",
  s: "second",
  sec: "second",
  m: "minute",
  min: "minute",
  h: "hour",
  hr: "hour",
  d: "day",
  w: "week",
  mon: "month",
  y: "year",
  yr: "year",
};

/** Reads `7 days`, `26h`, `1 year 2 mons`, `1 day 02:30:00`; undefined when it is no interval. */
export function parseInterval(text: string): Interval | undefined {
  const sum = { months: 0, days: 0, microseconds: 0 };
  const rest = text
    .trim()
    .replace(/([+-]?)(\d+):(\d\d)(?::(\d\d(?:\.\d{1,6})?))?/, (_, sign: string, hours: string, minutes: string, seconds = "0") => {
      const total = (Number(hours) * 3600 + Number(minutes) * 60) * SECOND + Math.round(Number(seconds) * SECOND);
      sum.microseconds += sign === "-" ? -total : total;
      return "";
    })
    .replace(/([+-]?\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*,?/g, (whole, count: string, word: string) => {
      const unit = unitNamed(word);
      if (unit === undefined || (count.includes(".") && unit.microseconds === 0)) return whole;
      sum.months += Number(count) * unit.months;
      sum.days += Number(count) * unit.days;
      sum.microseconds += Math.round(Number(count) * unit.microseconds);
      return "";
    });
  return rest.trim() === "" && text.trim() !== "" ? sum : undefined;
}

function unitNamed(word: string): Interval | undefined {
  const lower = word.toLowerCase();
  const singular = lower.length > 2 ? lower.replace(/s$/, "") : lower;
  const name = SHORT[lower] ?? SHORT[singular] ?? singular;
  return Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
}

/** One spelling an interval: `1 year 2 months`, `7 days`, `26 hours`, `1 hour 30 minutes`. */
function intervalText({ months, days, microseconds }: Interval): string {
  const parts = [
    ...counted(months, [
      ["year", 12],
      ["month", 1],
    ]),
    ...counted(days, [["day", 1]]),
    ...counted(microseconds, [
      ["hour", 3600 * SECOND],
      ["minute", 60 * SECOND],
      ["second", SECOND],
      ["millisecond", 1000],
      ["microsecond", 1],
    ]),
  ];
  return parts.length === 0 ? "0 seconds" : parts.join(" ");
}

function counted(amount: number, units: readonly (readonly [string, number])[]): string[] {
  let rest = Math.abs(amount);
  return units.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size) * Math.sign(amount);
    rest %= size;
    return count === 0 ? [] : [`${count} ${unit}${Math.abs(count) === 1 ? "" : "s"}`];
  });
}

/** Length with TimescaleDB's conventions for chunks: a month is 30 days, a day 24 hours. */
export function approximateMicroseconds({ months, days, microseconds }: Interval): number {
  return (months * 30 + days) * DAY + microseconds;
}

export function sameIntervalText(text: string): string {
  const interval = parseInterval(text);
  return interval === undefined ? text : intervalText(interval);
}

/** A chunk interval as TimescaleDB keeps it: a fixed length, written in days where it is whole days. */
export function chunkIntervalText(text: string): string {
  const interval = parseInterval(text);
  if (interval === undefined) return text;
  const total = approximateMicroseconds(interval);
  const days = Math.floor(total / DAY);
  return intervalText({ months: 0, days, microseconds: total - days * DAY });
}
