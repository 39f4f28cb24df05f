import type { Column, Partitioning } from "./catalog.js";
import { checkPartitionName } from "./names.js";
import { checkNumber, type Properties } from "./property-values.js";
import { about, refuse } from "./refusal.js";
import { isInteger } from "./values.js";

const PREFIX = "dynamic_partition.";
const UNITS = ["HOUR", "DAY", "WEEK", "MONTH", "YEAR"];
/** The properties that switch dynamic partitions on; the others only tune them. */
const MAIN = ["enable", "time_unit", "time_zone", "prefix", "start", "end", "buckets"];
const MAX_AHEAD = 500;

/** The `dynamic_partition.*` members, without their prefix. */
export function dynamicOf(properties: Properties): Properties {
  const entries = Object.entries(properties).filter(([key]) => key.toLowerCase().startsWith(PREFIX));
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(PREFIX.length).toLowerCase(), value]));
}

export const hasDynamic = (properties: Properties): boolean => MAIN.some((name) => dynamicOf(properties)[name]);

export const isDynamicEnabled = (properties: Properties): boolean =>
  hasDynamic(properties) && (dynamicOf(properties).enable || "true").toLowerCase() === "true";

/** What has to be there when a table gets dynamic partitions. */
export function checkDynamicTable(properties: Properties, partitioning: Partitioning, columns: readonly Column[]): void {
  const dynamic = dynamicOf(properties);
  if (!hasDynamic(properties)) return;
  if (!["range", "expression-range"].includes(partitioning.kind) || partitioning.columns.length !== 1)
    refuse(
      "dynamic-partitioning",
      "Dynamic partitions need RANGE partitions on one column.",
      "Partition by RANGE (date column), or leave dynamic_partition.* out.",
    );
  if (!dynamic.time_unit) refuse("dynamic-missing", "dynamic_partition.time_unit is missing.", `Add it: one of ${UNITS.join(", ")}.`);
  if (!dynamic.end) refuse("dynamic-missing", "dynamic_partition.end is missing.", "Add how many partitions are made ahead.");
  const [column] = columns;
  if (dynamic.time_unit.toUpperCase() === "HOUR" && column?.type.name === "date")
    refuse("dynamic-unit", "A DATE has no hours to partition by.", "Use DATETIME, or DAY.");
}

const values: Readonly<Record<string, (value: string) => void>> = {
  time_unit: (value) => {
    if (!UNITS.includes(value.toUpperCase()))
      refuse("dynamic-unit", `Dynamic partitions have no unit ${value}.`, `Use one of ${UNITS.join(", ")}.`);
  },
  prefix: checkPartitionName,
  buckets: checkNumber("dynamic_partition.buckets", { bits: 32 }),
  enable: (value) => {
    if (!/^(?:true|false)$/i.test(value))
      refuse("dynamic-enable", `dynamic_partition.enable is ${JSON.stringify(value)}.`, 'Write "true" or "false".');
  },
  start: (value) => {
    if (!isInteger(value, 32) || Number(value) >= 0)
      refuse("dynamic-start", `dynamic_partition.start is ${value}; it has to be below 0.`, 'Write for example "-7".');
  },
  end: (value) => {
    if (!isInteger(value, 32) || Number(value) <= 0)
      refuse("dynamic-end", `dynamic_partition.end is ${value}; it has to be above 0.`, 'Write for example "3".');
  },
  history_partition_num: checkNumber("dynamic_partition.history_partition_num", { bits: 32, min: 0n }),
  start_day_of_month: (value) => checkBetween("start_day_of_month", value, 28),
  start_day_of_week: (value) => checkBetween("start_day_of_week", value, 7),
  replication_num: checkNumber("dynamic_partition.replication_num", { bits: 32, min: 1n }),
  time_zone: (value) => {
    if (!isTimeZone(value))
      refuse("dynamic-time-zone", `${JSON.stringify(value)} is no time zone.`, 'Write for example "Europe/Paris", "UTC" or "+08:00".');
  },
};

function checkBetween(name: string, value: string, max: number): void {
  if (!isInteger(value, 32) || Number(value) < 1 || Number(value) > max)
    refuse("dynamic-start-day", `dynamic_partition.${name} is ${value}; it is between 1 and ${max}.`, "Correct it.");
}

function isTimeZone(name: string): boolean {
  if (/^[+-]?\d{1,2}:\d{2}$/.test(name) || /^(?:CST|PRC|GMT|UTC|Z|[A-Z]{3,4})$/i.test(name)) return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Names that are none of these: CREATE refuses them, SET ignores them. */
export function unknownDynamic(properties: Properties): string | undefined {
  return Object.keys(dynamicOf(properties)).find((name) => !Object.hasOwn(values, name));
}

/** Empty, these are as if they were not there where a table gets dynamic partitions, and wrong where it has them. */
const DEFAULTED = ["enable", "prefix", "start", "time_zone"];

export function checkDynamicValues(properties: Properties, { isNew }: { isNew: boolean }): void {
  const dynamic = dynamicOf(properties);
  const given = Object.entries(dynamic).filter(([name, value]) => value !== "" || !isNew || !DEFAULTED.includes(name));
  for (const [name, value] of given)
    if (Object.hasOwn(values, name)) about({ property: `dynamic_partition.${name}` }, () => values[name]?.(value));
  if (Number(dynamic.end ?? 0) + Number(dynamic.history_partition_num ?? 0) > MAX_AHEAD)
    refuse("dynamic-end", `More than ${MAX_AHEAD} dynamic partitions are asked for.`, "Lower dynamic_partition.end.");
}
