import { quoteText } from "../../core/transit.js";
import type { Change } from "./changed.js";

/*
 * Spark before 3.0, and later versions on request, wrote Parquet's days and instants in Java's hybrid calendar: Julian before
 * 1582-10-15. Footers say so, and values before that day are read as what their writer called them.
 */

/** Which columns of a file are of the hybrid calendar. */
export interface Legacy {
  readonly days: boolean;
  /** INT96 and the other instants are said to be so one by one; a file has only one of the two kinds. */
  readonly instants: boolean;
  /** The zone in which the writer saw the calendar, where it is not UTC. */
  readonly zone?: string;
}

/** By the footer's key-value metadata: Spark's `DataSourceUtils` names the keys, Hive's Parquet writer the last one. */
export function legacyOf(metadata: ReadonlyMap<string, string>, hasInt96: boolean): Legacy {
  const version = metadata.get("org.apache.spark.version");
  const before = (limit: readonly [number, number]): boolean => version !== undefined && older(version, limit);
  const days = before([3, 0]) || metadata.has("org.apache.spark.legacyDateTime") || metadata.get("writer.date.proleptic") === "false";
  const int96 = before([3, 1]) || metadata.has("org.apache.spark.legacyINT96");
  const zone = metadata.get("org.apache.spark.timeZone");
  return { days, instants: hasInt96 ? int96 : days, ...(zone !== undefined && !utc.test(zone) && { zone }) };
}

const utc = /^(?:(?:Etc\/)?(?:UTC|GMT|Zulu|Universal|UCT)|Z|(?:UTC|GMT)?[+-]0?0:?00)$/i;

function older(version: string, [major, minor]: readonly [number, number]): boolean {
  const [own = 0, ownMinor = 0] = version.split(".").map(Number);
  return own < major || (own === major && ownMinor < minor);
}

/** For `changed`: days and instants in the proleptic calendar. */
export function proleptic(legacy: Legacy): Change {
  return (sql, type) => {
    if (type.kind === "date" && legacy.days) return `if(${sql} < ${CUTOVER}, ${julianDay(sql)}, ${sql})`;
    return type.kind === "timestamp" && legacy.instants ? instant(sql, type.zoned, legacy) : undefined;
  };
}

const CUTOVER = "DATE '1582-10-15'";
/** Until here Java's old and new rules of zones may differ too. */
const ZONES_AGREE = "TIMESTAMP '1900-01-01'";

function instant(sql: string, zoned: boolean, { zone }: Legacy): string {
  const wall = zoned ? `timezone('UTC', ${sql})` : sql;
  if (zone !== undefined) {
    const refusal = `error('DW-VALUE-REFUSED: An instant before 1900 was written in the hybrid calendar of the zone ' || ${quoteText(zone)} || '.')`;
    return `if(${wall} < ${ZONES_AGREE}, ${refusal}, ${sql})`;
  }
  const day = `CAST(${wall} AS DATE)`;
  return `if(${wall} < ${CUTOVER}, ${sql} + to_days(CAST(${julianDay(day)} - ${day} AS INTEGER)), ${sql})`;
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
