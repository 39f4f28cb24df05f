import { refuse } from "./refusal.js";
import type { Situation } from "./situation.js";
import { isDateText, isInteger, isNumberText } from "./values.js";

/* Values of properties. Each check throws a Refusal. */

export type Properties = Readonly<Record<string, string>>;

export function checkReplication(value: string, { target }: Situation): void {
  if (!isInteger(value, 16)) refuse("replication", `${JSON.stringify(value)} is no number of replicas.`, "Write a whole number.");
  const copies = Number(value);
  if (copies <= 0) refuse("replication", "A table needs at least one replica.", "Set replication_num to 1 or more.");
  if (target.mode === "shared-nothing" && copies > target.backends)
    refuse(
      "replication-backends",
      `${copies} replicas need as many backends; there are ${target.backends}.`,
      `Set replication_num to ${target.backends} or less, or say how many there are with --backends.`,
    );
}

export function checkNumber(
  name: string,
  { bits = 64, min = -(2n ** 63n) }: { bits?: number; min?: bigint } = {},
): (value: string) => void {
  return (value) => {
    if (!isInteger(value, bits))
      refuse("property-value", `${name} is ${JSON.stringify(value)}, which is no whole number.`, "Write a whole number.");
    if (BigInt(value.replace(/^\+/, "")) < min) refuse("property-value", `${name} is ${value}; it has to be ${min} or more.`, "Raise it.");
  };
}

export function checkOneOf(name: string, ...values: readonly string[]): (value: string) => void {
  return (value) => {
    if (!values.some((one) => one.toLowerCase() === value.toLowerCase()))
      refuse("property-value", `${name} does not take ${JSON.stringify(value)}.`, `Use one of ${values.join(", ")}.`);
  };
}

export function checkFraction(name: string, min: number, max: number): (value: string) => void {
  return (value) => {
    if (!isNumberText(value) || Number(value) < min || Number(value) > max)
      refuse(
        "property-value",
        `${name} is ${JSON.stringify(value)}; it has to be between ${min} and ${max}.`,
        "Choose a value in between.",
      );
  };
}

/** `1 day`, `2 weeks 3 days`, `12 hours`. */
export function checkPeriod(name: string): (value: string) => void {
  return (value) => {
    if (!/^\s*(?:[+-]?\d+\s*(?:year|month|week|day|hour|minute|second|milli\w*)s?[\s,]*(?:and\s+)?)+$/i.test(value))
      refuse(
        "property-period",
        `${name} is ${JSON.stringify(value)}, which is no period.`,
        'Write for example "7 days", "1 month" or "12 hours".',
      );
  };
}

/** A cron line for minutes, in which day of month and day of week are not both given. */
export function checkTimeRanges(name: string): (value: string) => void {
  return (value) => {
    // A space before the line is a field of its own, and one behind it is none.
    const [minute, , dayOfMonth, , dayOfWeek, ...others] = value.trimEnd().split(/\s+/);
    const isCron = dayOfWeek !== undefined && others.length === 0 && minute === "*" && (dayOfMonth === "*" || dayOfWeek === "*");
    if (value !== "" && !isCron)
      refuse(
        "property-cron",
        `${name} is ${JSON.stringify(value)}; it is a cron line of five fields, the first of which is * and one of the days too.`,
        'Write for example "* 8-20 * * 1-5".',
      );
  };
}

export function checkCompression(value: string): void {
  const level = /^zstd\((\d+)\)$/i.exec(value.replaceAll(" ", ""))?.[1];
  if (level !== undefined) {
    if (Number(level) < 1 || Number(level) > 22)
      refuse("compression", `ZSTD has the levels 1 to 22; ${level} is asked for.`, "Write for example zstd(3).");
    return;
  }
  if (!["lz4", "lz4_frame", "zlib", "zstd", "snappy"].includes(value.toLowerCase()))
    refuse("compression", `A table cannot be compressed with ${JSON.stringify(value)}.`, "Use LZ4, ZSTD, ZSTD(level), ZLIB or SNAPPY.");
}

/** Medium and cooling of a table or partition. Shared-data clusters ignore them. */
export function checkStorage(properties: Properties, { target }: Situation): void {
  if (target.mode === "shared-data") return;
  const { storage_medium: medium, storage_cooldown_time: time, storage_cooldown_ttl: ttl } = properties;
  if (medium !== undefined) checkOneOf("storage_medium", "SSD", "HDD")(medium);
  if (time !== undefined && !isDateText(time))
    refuse(
      "storage-cooldown",
      `storage_cooldown_time is ${JSON.stringify(time)}, which is no date and time.`,
      'Write "2030-01-01 00:00:00".',
    );
  if (ttl !== undefined && ttl.trim() !== "") checkPeriod("storage_cooldown_ttl")(ttl);
  if (time !== undefined && ttl !== undefined)
    refuse("storage-cooldown", "storage_cooldown_time and storage_cooldown_ttl exclude each other.", "Keep one of them.");
  if (time === undefined && ttl === undefined) return;
  if (medium === undefined) refuse("storage-cooldown", "A cooldown needs storage_medium.", 'Add "storage_medium" = "SSD".');
  if (medium.toUpperCase() === "HDD")
    refuse("storage-cooldown", "Rows on HDD do not cool down any further.", 'Use "storage_medium" = "SSD".');
}

export function checkLocation(value: string): void {
  if (value === "" || value === "*") return;
  const pair = /^\s*[a-z_0-9]+\s*:\s*(?:\*|[a-z_0-9]+)\s*$/;
  if (value.length > 255 || !value.split(",").every((part) => pair.test(part)))
    refuse(
      "location",
      `labels.location is ${JSON.stringify(value)}; it is *, or pairs key:value.`,
      'Write for example "rack:rack1,rack:rack2" or "*".',
    );
}
