import type { RangePartition } from "./body.js";
import type { RangeItem } from "./parse/ast.js";

/*
 * `START ("…") END ("…") EVERY (…)` as the single partitions that the engine makes of it, with the names that it gives them
 * (recorded in tbl-range-every).
 */

type Batch = Extract<RangeItem, { kind: "batch" }>;

export function batchPartitions(batch: Batch, columnType: string): RangePartition[] {
  const { unit } = batch.every;
  return unit === undefined ? numberPartitions(batch) : timePartitions(batch, unit, columnType);
}

function numberPartitions({ start, end, every: { value } }: Batch): RangePartition[] {
  const partitions: RangePartition[] = [];
  const step = BigInt(value);
  if (step <= 0n) return [];
  for (let from = BigInt(start); from < BigInt(end); from += step) {
    const to = from + step < BigInt(end) ? from + step : BigInt(end);
    partitions.push({ name: `p${from}`.replace("-", "_"), from: [String(from)], to: [String(to)] });
  }
  return partitions;
}

type Advance = (time: Date, count: number) => Date;

const utc = (time: Date, months: number, days: number, hours: number): Date =>
  new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + months, time.getUTCDate() + days, time.getUTCHours() + hours));

const ADVANCE: Readonly<Record<string, Advance>> = {
  HOUR: (time, count) => utc(time, 0, 0, count),
  DAY: (time, count) => utc(time, 0, count, 0),
  WEEK: (time, count) => utc(time, 0, 7 * count, 0),
  MONTH: (time, count) => utc(time, count, 0, 0),
  YEAR: (time, count) => utc(time, 12 * count, 0, 0),
};

function timePartitions({ start, end, every }: Batch, unit: string, columnType: string): RangePartition[] {
  const advance = ADVANCE[unit];
  const last = parseTime(end);
  let from = parseTime(start);
  if (!advance || !from || !last || every.value <= 0) return [];
  const partitions: RangePartition[] = [];
  while (from < last) {
    const aligned = alignedEnd(from, unit, advance, every.value);
    const to: Date = new Date(Math.min(aligned.getTime(), last.getTime()));
    partitions.push({ name: partitionName(from, unit), from: [timeText(from, columnType)], to: [timeText(to, columnType)] });
    from = to;
  }
  return partitions;
}

/** Weeks end on Monday, months on the first, years on January the first, wherever the start lies. */
function alignedEnd(from: Date, unit: string, advance: Advance, count: number): Date {
  const begin = ALIGNED[unit]?.(from) ?? from;
  return advance(begin, count);
}

const ALIGNED: Readonly<Record<string, (time: Date) => Date>> = {
  WEEK: (time) => utc(time, 0, -((time.getUTCDay() + 6) % 7), 0),
  MONTH: (time) => utc(time, 0, 1 - time.getUTCDate(), 0),
  YEAR: (time) => new Date(Date.UTC(time.getUTCFullYear(), 0, 1)),
};

function parseTime(text: string): Date | undefined {
  const [, year, month, day, hour = "0"] = /^(\d{4})-?(\d{2})-?(\d{2})(?:[ T](\d{2}):.*)?$/.exec(text) ?? [];
  return year === undefined ? undefined : new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour)));
}

const pad = (value: number): string => String(value).padStart(2, "0");

function timeText(time: Date, columnType: string): string {
  const date = `${time.getUTCFullYear()}-${pad(time.getUTCMonth() + 1)}-${pad(time.getUTCDate())}`;
  return columnType === "datetime" ? `${date} ${pad(time.getUTCHours())}:00:00` : date;
}

function partitionName(time: Date, unit: string): string {
  const [year, month, day] = [time.getUTCFullYear(), pad(time.getUTCMonth() + 1), pad(time.getUTCDate())];
  if (unit === "YEAR") return `p${year}`;
  if (unit === "MONTH") return `p${year}${month}`;
  if (unit === "WEEK") return `p${year}_${pad(weekOf(time))}`;
  return unit === "DAY" ? `p${year}${month}${day}` : `p${year}${month}${day}${pad(time.getUTCHours())}`;
}

/** Week of the year as the engine counts for names: the first week holds January the first. */
function weekOf(time: Date): number {
  const first = new Date(Date.UTC(time.getUTCFullYear(), 0, 1));
  const days = Math.round((time.getTime() - first.getTime()) / 86_400_000);
  return Math.floor((days + ((first.getUTCDay() + 6) % 7)) / 7) + 1;
}
