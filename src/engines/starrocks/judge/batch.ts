import type { RangeItem } from "../parse/ast.js";
import type { Partition } from "./catalog.js";
import { refuse } from "./refusal.js";
import { isDateLike, isInteger as isIntegerType, type SqlType, typeText } from "./sql-type.js";
import { comparable, isInteger } from "./values.js";

/** `START (…) END (…) EVERY (…)`: the partitions that the engine makes of it, with their names. */

type Batch = Extract<RangeItem, { kind: "batch" }>;

const MAX_PARTITIONS = 4096;
const UNITS = ["HOUR", "DAY", "WEEK", "MONTH", "YEAR"];

export interface BatchContext {
  readonly type: SqlType;
  readonly automatic: boolean;
  readonly temporary?: boolean;
  readonly properties: Readonly<Record<string, string>>;
}

export function batchPartitions(batch: Batch, context: BatchContext): Partition[] {
  const { every } = batch;
  if (every.value <= 0) refuse("batch-step", "EVERY has to be above 0.", "Write EVERY (1) or EVERY (INTERVAL 1 DAY).");
  if (every.unit !== undefined && !UNITS.includes(every.unit.toUpperCase()))
    refuse("batch-unit", `EVERY does not take ${every.unit}.`, `Use one of ${UNITS.join(", ")}.`);
  if (isDateLike(context.type)) return dates(batch, context);
  if (isIntegerType(context.type) && context.type.name !== "largeint") return numbers(batch, context);
  return refuse("batch-type", `START … END … EVERY does not work for ${typeText(context.type)}.`, "Write the partitions one by one.");
}

function prefixOf({ temporary, properties }: BatchContext): string {
  return properties["dynamic_partition.prefix"] ?? (temporary ? "tp" : "p");
}

function numbers({ start, end, every }: Batch, context: BatchContext): Partition[] {
  if (every.unit !== undefined || !isInteger(start, 64) || !isInteger(end, 64))
    refuse(
      "batch-values",
      "The partition column is a whole number; START, END and EVERY have to be, too.",
      'Write START ("1") END ("10") EVERY (1).',
    );
  const [first, last, step] = [BigInt(start), BigInt(end), BigInt(every.value)];
  if (first >= last) refuse("batch-order", "START is not below END.", "Exchange them.");
  if ((last - first + step - 1n) / step > BigInt(MAX_PARTITIONS)) tooMany();
  const partitions: Partition[] = [];
  for (let value = first; value < last; value += step) {
    partitions.push({ name: `${prefixOf(context)}${value}`, range: { lower: [value], upper: [value + step] } });
  }
  return partitions;
}

function tooMany(): never {
  return refuse("batch-size", `One START … END … makes at most ${MAX_PARTITIONS} partitions.`, "Use a wider EVERY, or several statements.");
}

function dates({ start, end, every }: Batch, context: BatchContext): Partition[] {
  const unit = every.unit?.toUpperCase();
  const first = instant(start);
  const last = instant(end);
  if (unit === undefined || first === undefined || last === undefined)
    return refuse(
      "batch-values",
      "The partition column is a date; START, END and EVERY do not fit it.",
      'Write START ("2024-01-01") END ("2025-01-01") EVERY (INTERVAL 1 MONTH).',
    );
  if (first >= last) refuse("batch-order", "START is not before END.", "Exchange them.");
  if (unit === "HOUR" && context.type.name === "date")
    refuse("batch-unit", "A DATE has no hours to partition by.", "Use DATETIME, or INTERVAL 1 DAY.");
  if (context.automatic && every.value !== 1)
    refuse("batch-step", "Partitions made in advance for a table that makes its own have a step of 1.", "Write EVERY (INTERVAL 1 …).");
  const partitions: Partition[] = [];
  for (let at = first; at < last; ) {
    const lower = at;
    const named = names[unit]?.(at) ?? "";
    at = next(unit, at, every.value);
    if (unit !== "DAY" && at > last) at = last;
    partitions.push({ name: `${prefixOf(context)}${named}`, range: { lower: [stamp(lower)], upper: [stamp(at)] } });
    if (partitions.length > MAX_PARTITIONS) tooMany();
  }
  return partitions;
}

/** Milliseconds; the engine's dates have no zone. */
function instant(text: string): number | undefined {
  const found = comparable(text, { name: "datetime" });
  if (typeof found !== "string") return undefined;
  const value = Date.parse(`${found.replace(" ", "T")}Z`);
  return Number.isNaN(value) ? undefined : value;
}

const stamp = (at: number): string => new Date(at).toISOString().slice(0, 19).replace("T", " ");
const digits = (at: number, length: number): string => new Date(at).toISOString().replace(/\D/g, "").slice(0, length);
const DAY = 86_400_000;
const names: Readonly<Record<string, (at: number) => string>> = {
  HOUR: (at) => digits(at, 10),
  DAY: (at) => digits(at, 8),
  WEEK: (at) => weekName(at),
  MONTH: (at) => digits(at, 6),
  YEAR: (at) => digits(at, 4),
};

const monday = (at: number): number => Math.floor(at / DAY) * DAY - ((new Date(at).getUTCDay() + 6) % 7) * DAY;

/** Weeks as Java counts them in the US calendar: the week of January 1st is the first, weeks begin on Sunday. */
function weekName(at: number): string {
  const day = monday(at);
  const year = new Date(day).getUTCFullYear();
  const newYear = Date.UTC(year, 0, 1);
  const week = Math.floor(((day - newYear) / DAY + new Date(newYear).getUTCDay()) / 7) + 1;
  return `${year}_${String(week).padStart(2, "0")}`;
}

function next(unit: string, at: number, step: number): number {
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  if (unit === "HOUR") return Math.floor(at / 3_600_000) * 3_600_000 + step * 3_600_000;
  if (unit === "DAY") return Math.floor(at / DAY) * DAY + step * DAY;
  if (unit === "WEEK") return monday(at) + step * 7 * DAY;
  return unit === "MONTH" ? Date.UTC(year, month + step, 1, date.getUTCHours(), date.getUTCMinutes()) : Date.UTC(year + step, 0, 1);
}
