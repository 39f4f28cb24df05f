import { quoteText } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";
import { atZone } from "../../core/wall-clock.js";
import type { TimeStorage } from "./parquet-tree.js";

/*
 * Spark before 3.0, and later versions on request, wrote Parquet's days and instants in Java's hybrid calendar: Julian before
 * 1582-10-15. Footers say so, and values before that day are read as what their writer called them.
 */

/** Which columns of a file are of the hybrid calendar. */
export interface Legacy {
  readonly days: boolean;
  readonly instants: boolean;
  /** Times in INT96, of which footers say it by themselves. */
  readonly int96: boolean;
  /** Spark keeps microseconds; of other writers INT96 may be finer. */
  readonly fine?: true;
  /** The zone in which the writer saw the calendar, where it is not UTC. */
  readonly zone?: string;
}

/** By the footer's key-value metadata: Spark's `DataSourceUtils` names the keys, Hive's Parquet writer the last one. */
export function legacyOf(metadata: ReadonlyMap<string, string>, hasInt96: boolean): Legacy {
  const version = metadata.get("org.apache.spark.version");
  const before = (limit: readonly [number, number]): boolean => version !== undefined && older(version, limit);
  const days = before([3, 0]) || metadata.has("org.apache.spark.legacyDateTime") || metadata.get("writer.date.proleptic") === "false";
  const isFine = hasInt96 && version === undefined;
  const int96 = before([3, 1]) || metadata.has("org.apache.spark.legacyINT96");
  const zone = metadata.get("org.apache.spark.timeZone");
  return { days, instants: days, int96, ...(isFine && { fine: true }), ...(zone !== undefined && !utc.test(zone) && { zone }) };
}

const utc = /^(?:(?:Etc\/)?(?:UTC|GMT|Zulu|Universal|UCT)|Z|(?:UTC|GMT)?[+-]0?0:?00)$/i;

function older(version: string, [major, minor]: readonly [number, number]): boolean {
  const [own = 0, ownMinor = 0] = version.split(".").map(Number);
  return own < major || (own === major && ownMinor < minor);
}

/**
 * Days and instants in the proleptic calendar, as SQL; undefined for what is in it already. Times without a zone that are not
 * INT96 always were: Spark writes them since 3.4, and counts them as they look.
 */
export function proleptic(legacy: Legacy): (sql: string, type: LogicalType, times: TimeStorage | undefined) => string | undefined {
  return (sql, type, times) => {
    if (type.kind === "date" && legacy.days) return `if(${sql} < ${CUTOVER}, ${julianDay(sql)}, ${sql})`;
    if (type.kind !== "timestamp") return undefined;
    const isLegacy = { INT96: legacy.int96, "zone-less": false, instant: legacy.instants }[type.zoned ? "instant" : (times ?? "instant")];
    return isLegacy ? instant(sql, type.zoned, legacy) : undefined;
  };
}

const CUTOVER = "DATE '1582-10-15'";
/** Until here Java's old and new rules of zones may differ too. */
const ZONES_AGREE = "TIMESTAMP '1900-01-01'";

function instant(sql: string, zoned: boolean, { zone }: Legacy): string {
  const wall = zoned ? `timezone('UTC', ${sql})` : sql;
  if (zone !== undefined) {
    const raw = rawOffset(zone);
    if (raw !== undefined) return inZone(sql, wall, zoned, zone, raw);
    const refusal = `error('DW-VALUE-REFUSED: An instant before 1900 was written in the hybrid calendar of the zone ' || ${quoteText(zone)} || '.')`;
    return `if(${wall} < ${ZONES_AGREE}, ${refusal}, ${sql})`;
  }
  return hybrid(wall, sql);
}

/** `value`, moved by as many days as the date of `wall` is in the Julian calendar. */
function hybrid(wall: string, value: string): string {
  const day = `CAST(${wall} AS DATE)`;
  return `if(${wall} < ${CUTOVER}, ${value} + to_days(CAST(${julianDay(day)} - ${day} AS INTEGER)), ${value})`;
}

/**
 * The writer's clock showed year, month, day and time by Java's older rules, which know one offset of a zone for all times
 * before 1900; the instant is the one at which clocks showed the same by today's rules, as Spark reads it.
 */
function inZone(sql: string, wall: string, zoned: boolean, zone: string, raw: number): string {
  const shown = `(${wall} + to_seconds(${raw}))`;
  const instant = atZone(zone, hybrid(shown, shown));
  return `if(${wall} < ${ZONES_AGREE}, ${zoned ? instant : `timezone('UTC', ${instant})`}, ${sql})`;
}

/** A sample of a year: the least offset is the one without summer time. Any recent year serves; this one is fixed, so that runs agree. */
const SAMPLE_DAYS = Array.from({ length: 12 }, (_, month) => Date.UTC(2023, month, 1));

/** Seconds east of UTC that a zone's clocks show without summer time; undefined for a zone that is not known here. */
function rawOffset(zone: string): number | undefined {
  try {
    const parts = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" });
    return Math.min(...SAMPLE_DAYS.map((day) => offsetIn(parts.format(day))));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Of `1/1/2023, GMT+08:00`. */
function offsetIn(text: string): number {
  const [, sign = "+", hours = "0", minutes = "0"] = /GMT(?:([+-])(\d\d):(\d\d))?$/.exec(text) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
}

/**
 * The proleptic date with the year, month and day that the Julian calendar gives to a day: days are counted from
 * 0000-03-01, so that the leap day ends a cycle of 1461. 29 February of a year that has none becomes 1 March, as in Spark.
 */
function julianDay(date: string): string {
  const inCycle = "(n % 1461)";
  const yearOfCycle = `least(3, ${inCycle} // 365)`;
  const ofYear = `(${inCycle} - ${yearOfCycle} * 365)`;
  const shifted = `((5 * ${ofYear} + 2) // 153)`;
  const month = `(${shifted} + if(${shifted} < 10, 3, -9))`;
  const year = `((n // 1461) * 4 + ${yearOfCycle} + if(${month} <= 2, 1, 0))`;
  const day = `(${ofYear} - (153 * ${shifted} + 2) // 5)`;
  const made = `make_date(${year}, ${month}, 1) + CAST(${day} AS INTEGER)`;
  return `list_transform([CAST(${date} - DATE '1970-01-01' AS BIGINT) + 719470], lambda n : ${made})[1]`;
}
