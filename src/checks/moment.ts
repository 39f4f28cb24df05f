import type { CheckTable } from "../core/check.js";
import { instantOf, wallClock } from "../core/instant.js";
import type { Column } from "../core/model.js";
import { familyOf } from "./dialect.js";
import { columnOf } from "./expression.js";

/*
 * Moments in SQL: an instant as the column's type and zone write it, so that predicates compare like with like and
 * partitions can be pruned by them.
 */

export function zoneOf(table: CheckTable, column: string): string {
  return table.columns[column]?.zone ?? table.zone ?? "UTC";
}

/** `column >= …` for an instant in milliseconds since the epoch. A date counts from its midnight. */
export function atOrAfter(table: CheckTable, name: string, instant: number, check: string): string {
  const { sql, column } = columnOf(table, name, check);
  return `${sql} >= ${moment(table, name, column, instant)}`;
}

export function before(table: CheckTable, name: string, instant: number, check: string): string {
  const { sql, column } = columnOf(table, name, check);
  return `${sql} < ${moment(table, name, column, instant)}`;
}

function moment(table: CheckTable, name: string, column: Column, instant: number): string {
  const zoned = column.type.kind === "timestamp" && column.type.zoned;
  const wall = wallClock(instant, zoned ? "UTC" : zoneOf(table, name));
  if (column.type.kind === "date" || column.type.kind === "text") return dayLiteral(table, column, wall.slice(0, 10));
  if (column.type.kind === "int") return wall.slice(0, 10).replaceAll("-", "");
  const family = familyOf(table);
  if (family === "hive") return `timestamp ${table.literal(wall)}`;
  return table.literal(zoned && (family === "postgres" || family === "duckdb") ? `${wall}+00` : wall);
}

function dayLiteral(table: CheckTable, column: Column, day: string): string {
  return familyOf(table) === "hive" && column.type.kind === "date" ? `date ${table.literal(day)}` : table.literal(day);
}

/** True for the rows of one day, `2024-06-01`, of a zone. */
export function onDay(table: CheckTable, name: string, day: string, zone: string, check: string): string {
  const { sql, column } = columnOf(table, name, check);
  switch (column.type.kind) {
    case "date":
      return `${sql} = ${dayLiteral(table, column, day)}`;
    case "text":
      return `substr(${sql}, 1, 10) = ${table.literal(day)}`;
    case "int":
      return `${sql} = ${day.replaceAll("-", "")}`;
    default:
      return `${atOrAfter(table, name, midnight(day, zone), check)} and ${before(table, name, midnight(dayAfter(day, 1), zone), check)}`;
  }
}

/** The instant at which a day begins in a zone. */
function midnight(day: string, zone: string): number {
  return clockTime(day, "00:00", zone);
}

/**
 * The instant of `06:30` of a day in a zone. A time that clocks skip that day (02:30 on a morning in March, midnight in Cairo) is
 * as long after the jump as it would have been: nothing is due before its time. Of a time that comes twice the first is meant.
 */
export function clockTime(day: string, time: string, zone: string): number {
  const instant = instantOf(`${day} ${time}:00`, zone) ?? Number.NaN;
  const shown = instantOf(wallClock(instant, zone), "UTC") ?? Number.NaN;
  return instant + Math.max(0, (instantOf(`${day} ${time}:00`, "UTC") ?? Number.NaN) - shown);
}

/** The calendar day of an instant in a zone. */
export function dayOf(instant: number, zone: string): string {
  return wallClock(instant, zone).slice(0, 10);
}

export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
