/*
 * The times that the partitions of a chain table stand for: partition.timestamp-pattern makes a text of their values, and
 * partition.timestamp-formatter (a pattern of java.time.format.DateTimeFormatter) a time of the text.
 */

/** Milliseconds, of a wall clock. */
export interface PartitionTimes {
  /** Undefined for texts that are no times. */
  readonly timeOf: (texts: readonly string[]) => number | undefined;
  /** What the columns' texts are at a time; undefined where the pattern does not tell. */
  readonly textsOf: (time: number) => readonly string[] | undefined;
}

/** Undefined for patterns that dw does not follow. */
export function partitionTimes(
  names: readonly string[],
  pattern: string | undefined,
  format: string | undefined,
): PartitionTimes | undefined {
  const fields = format === undefined ? undefined : timeFormat(format);
  const named = [...(pattern ?? "").matchAll(/\$(\w+)/g)].map(([, name = ""]) => name);
  if (pattern === undefined || fields === undefined || named.length !== names.length || !names.every((name) => named.includes(name))) {
    return undefined;
  }
  const parts = pattern.split(/\$\w+/).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const columns = new RegExp(`^${parts.join("(.+)")}$`, "s");
  return {
    timeOf: (texts) => fields.parse(pattern.replace(/\$(\w+)/g, (_, name: string) => texts[names.indexOf(name)] ?? "")),
    textsOf: (time) => {
      const found = columns.exec(fields.format(time));
      return found === null ? undefined : names.map((name) => found[named.indexOf(name) + 1] ?? "");
    },
  };
}

interface TimeFormat {
  readonly parse: (text: string) => number | undefined;
  readonly format: (time: number) => string;
}

type Part = "year" | "month" | "day" | "hour" | "minute" | "second";

const LETTERS: Readonly<Record<string, Part>> = {
  yyyy: "year",
  uuuu: "year",
  MM: "month",
  dd: "day",
  HH: "hour",
  mm: "minute",
  ss: "second",
};

function timeFormat(format: string): TimeFormat | undefined {
  const tokens = [...format.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']/g)];
  if (tokens.map(([text]) => text).join("") !== format) return undefined;
  const parts = tokens.map(([text, quoted]): { readonly literal: string } | Part | undefined => {
    if (quoted !== undefined) return { literal: quoted === "" ? "'" : quoted.replaceAll("''", "'") };
    return /^[A-Za-z]/.test(text) ? LETTERS[text] : /[[\]{}#]/.test(text) ? undefined : { literal: text };
  });
  const fields = parts.filter((part) => typeof part === "string");
  const whole = ["year", "month", "day"].every((part) => fields.filter((field) => field === part).length === 1);
  if (parts.includes(undefined) || !whole || new Set(fields).size < fields.length) return undefined;
  return {
    parse: (text) => parsed(text, parts),
    format: (time) => parts.map((part) => (typeof part === "object" ? part.literal : digits(time, part ?? "year"))).join(""),
  };
}

function parsed(text: string, parts: readonly ({ readonly literal: string } | Part | undefined)[]): number | undefined {
  const found: Partial<Record<Part, number>> = {};
  let at = 0;
  for (const part of parts) {
    const width = typeof part === "object" ? part.literal.length : part === "year" ? 4 : 2;
    const piece = text.slice(at, at + width);
    at += width;
    if (typeof part === "object" ? piece !== part.literal : !/^\d+$/.test(piece) || piece.length < width) return undefined;
    if (typeof part === "string") found[part] = Number(piece);
  }
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = found;
  if (at !== text.length || year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
    return undefined;
  // Java takes the 31st of a month that has none for its last day.
  const last = new Date(Date.UTC(2000, month, 0)).setUTCFullYear(year, month, 0);
  return new Date(Date.UTC(2000, 0, 1, hour, minute, second)).setUTCFullYear(year, month - 1, Math.min(day, new Date(last).getUTCDate()));
}

function digits(time: number, part: Part): string {
  const date = new Date(time);
  switch (part) {
    case "year":
      return String(date.getUTCFullYear()).padStart(4, "0");
    case "month":
      return String(date.getUTCMonth() + 1).padStart(2, "0");
    case "day":
      return String(date.getUTCDate()).padStart(2, "0");
    case "hour":
      return String(date.getUTCHours()).padStart(2, "0");
    case "minute":
      return String(date.getUTCMinutes()).padStart(2, "0");
    case "second":
      return String(date.getUTCSeconds()).padStart(2, "0");
  }
}
