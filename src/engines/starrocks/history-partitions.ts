import type { Fingerprint } from "../../core/fingerprint.js";
import type { TableBody } from "./body.js";
import { quotedText, starrocks } from "./dialect.js";
import { isDynamic } from "./normalize.js";

/*
 * Partitions for history in a table whose partitions follow the clock: the engine makes those of today and of tomorrow, and
 * refuses rows of any other day. While that is paused, the days before the first partition can be added.
 */

const { id } = starrocks;

/** ALTER TABLE that makes room for these rows; undefined where there is room, or where partitions are not the clock's. */
export function historyPartitions(name: readonly string[], body: TableBody, rows: Fingerprint): string | undefined {
  const { partition, properties } = body;
  const unit = properties["dynamic_partition.time_unit"];
  if (partition?.by !== "range" || unit === undefined || isDynamic(body)) return undefined;
  const [column = ""] = partition.columns;
  const type = body.columns.find((one) => one.name === column)?.type ?? "";
  const bounds = rows.columns.find((one) => one.name === column);
  const [oldest, newest] = [timeOf(bounds?.min, type), timeOf(bounds?.max, type)];
  if (oldest === undefined || newest === undefined) return undefined;
  const starts = partition.partitions.map(({ from: [from] }) =>
    from == null ? Number.NEGATIVE_INFINITY : Date.parse(`${from.replace(" ", "T")}${from.length > 10 ? "Z" : ""}`),
  );
  const first = Math.min(...starts); // without partitions: beyond every time
  if (oldest >= first) return undefined;
  const [word, start] = [String(unit).toUpperCase(), begin(oldest, String(unit))];
  const end = Number.isFinite(first) ? new Date(first) : after(begin(newest, String(unit)), String(unit));
  const text = (at: Date): string =>
    quotedText(type === "datetime" ? `${at.toISOString().slice(0, 13).replace("T", " ")}:00:00` : at.toISOString().slice(0, 10));
  return `ALTER TABLE ${id(...name).text} ADD PARTITIONS START (${text(start)}) END (${text(end)}) EVERY (INTERVAL 1 ${word})`;
}

const DAY = 86_400_000;

/** Canonical dates count days, times microseconds. */
function timeOf(value: string | null | undefined, type: string): number | undefined {
  if (value == null || !/^-?\d+$/.test(value)) return undefined;
  return type === "date" ? Number(value) * DAY : Number(BigInt(value) / 1000n);
}

/** The beginning of the unit in which a time lies; weeks begin on Monday. */
function begin(time: number, unit: string): Date {
  const at = new Date(time);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  switch (unit.toUpperCase()) {
    case "YEAR":
      return new Date(Date.UTC(year, 0, 1));
    case "MONTH":
      return new Date(Date.UTC(year, month, 1));
    case "WEEK":
      return new Date(Date.UTC(year, month, day - ((at.getUTCDay() + 6) % 7)));
    case "HOUR":
      return new Date(Date.UTC(year, month, day, at.getUTCHours()));
    default:
      return new Date(Date.UTC(year, month, day));
  }
}

/** 32 days after the beginning of a month lies in the next one, and 366 after that of a year. */
const LONGEST: Readonly<Record<string, number>> = { HOUR: 1 / 24, DAY: 1, WEEK: 7, MONTH: 32, YEAR: 366 };

function after(start: Date, unit: string): Date {
  return begin(start.getTime() + (LONGEST[unit.toUpperCase()] ?? 1) * DAY, unit);
}
