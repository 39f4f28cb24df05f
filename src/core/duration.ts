import { DwError } from "./errors.js";

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const aliases: Readonly<Record<string, keyof typeof units>> = {
  millisecond: "ms",
  sec: "s",
  second: "s",
  m: "min",
  minute: "min",
  hour: "h",
  day: "d",
  week: "w",
};

/**
 * Milliseconds of `26h`, `5 min`, `7 days`, `1 day 12 hours`. Months and years are refused: their length varies.
 * Throws DwError DW-MODEL-INVALID.
 */
export function parseDuration(text: string): number {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)\s*/gi)];
  const read = parts.map((part) => part[0]).join("");
  const lengths = parts.map((part) => Number(part[1]) * (unitMs(part[2] ?? "") ?? Number.NaN));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (parts.length > 0 && read === text.trim() && Number.isFinite(total)) return total;
  throw new DwError("DW-MODEL-INVALID", {
    what: `“${text}” is not a duration.`,
    why: "A duration is a number and a unit of fixed length.",
    fix: "Write for example 5 min, 26h, 7 days or 2 weeks.",
  });
}

function unitMs(name: string): number | undefined {
  const lower = name.toLowerCase();
  const singular = lower.length > 2 && lower.endsWith("s") && lower !== "ms" ? lower.slice(0, -1) : lower;
  const key = Object.hasOwn(aliases, singular) ? aliases[singular] : singular;
  return key !== undefined && Object.hasOwn(units, key) ? units[key] : undefined;
}

/** `3 d 4 h`, `12 min`, `8 s`: the two largest units, for messages. */
export function durationText(ms: number): string {
  const sizes: readonly (readonly [string, number])[] = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1_000],
  ];
  const first = sizes.findIndex(([, size]) => ms >= size);
  if (first < 0) return `${Math.round(ms)} ms`;
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, size] of sizes.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${unit}`);
    rest -= count * size;
  }
  return parts.join(" ");
}
