import type { CheckKind, CheckTable, Metric } from "../core/check.js";
import type { Calendar, ExpectedSpec, Weekday } from "../core/check-spec.js";
import { DwError } from "../core/errors.js";
import { countWhere } from "./expression.js";
import { clockTime, dayAfter, dayOf, onDay, zoneOf } from "./moment.js";
import { violation } from "./threshold.js";

export const expected: CheckKind<ExpectedSpec> = {
  kind: "expected",
  title: (spec) => `rows of a day of ${spec.column} are there by ${spec.by}${spec.zone ? ` ${spec.zone}` : ""}`,
  metrics: (spec, table) => {
    const zone = zoneFor(spec, table);
    const counts = dueDays(spec, zone, table).map((day): [string, Metric] => [
      day,
      { scan: "table", sql: countWhere(onDay(table, spec.column, day, zone, "expected"), spec) },
    ]);
    return Object.fromEntries(counts);
  },
  judge: (spec, values) => {
    const min = spec.min ?? 1;
    const days = Object.entries(values).map(([day, rows]) => ({ day, rows: Number(rows) }));
    const value = { days: days.map(({ day, rows }) => `${day}: ${rows}`) };
    const missing = days.filter(({ rows }) => rows < min);
    const last = days.at(-1);
    if (last === undefined) return { outcome: "not-evaluated", value, message: "no day of the calendar is due within a year" };
    if (missing.length === 0) {
      return {
        outcome: "pass",
        value,
        message: days.length === 1 ? `${last.day} has ${last.rows} rows` : `the last ${days.length} days are there`,
      };
    }
    const shown = missing.map(({ day, rows }) => (rows === 0 ? `${day} is missing` : `${day} has ${rows} rows, ${min} wanted`));
    return { outcome: violation(spec), value, message: `${shown.join("; ")}; due by ${spec.by}` };
  },
  measure: (_, values) => Object.values(values).reduce((sum, rows) => sum + Number(rows), 0),
};

function zoneFor(spec: ExpectedSpec, table: CheckTable): string {
  return spec.zone ?? zoneOf(table, spec.column);
}

/** The last days of the calendar whose deadline has passed, oldest first. */
function dueDays(spec: ExpectedSpec, zone: string, table: CheckTable): string[] {
  const { last = 1, after = 1, by } = spec;
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(by) || last < 1) throw impossible(spec, table);
  const days: string[] = [];
  const today = dayOf(table.now, zone);
  for (let back = 0; back <= 366 + last && days.length < last; back++) {
    const day = dayAfter(today, -back);
    if (isExpected(day, spec.calendar) && clockTime(dayAfter(day, after), by, zone) <= table.now) days.unshift(day);
  }
  return days;
}

const weekdays: readonly Weekday[] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

function isExpected(day: string, { days, except = [] }: Calendar = {}): boolean {
  const weekday = weekdays[new Date(`${day}T00:00:00Z`).getUTCDay()];
  return !except.includes(day) && (days === undefined || (weekday !== undefined && days.includes(weekday)));
}

function impossible(spec: ExpectedSpec, table: CheckTable): DwError {
  return new DwError("DW-MODEL-INVALID", {
    what: `The expected check of ${table.model}.${spec.column} has the deadline ${spec.by}, for ${spec.last ?? 1} days.`,
    why: "A deadline is a clock time, and at least one day is looked at.",
    fix: 'Write for example by: "06:00".',
  });
}
