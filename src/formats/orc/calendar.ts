/* Java's hybrid calendar: Julian up to 1582-10-04, Gregorian from 1582-10-15 on. SQL's is Gregorian throughout (proleptic). */

/** 1582-10-15 in days since the epoch. */
export const CUTOVER_DAYS = -141_427;

/** A day of the hybrid calendar as the proleptic day with the same year, month and day of the month. */
export function prolepticDays(days: number): number {
  if (days >= CUTOVER_DAYS) return days;
  const { year, month, day } = julian(days);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // 29 February of a year that has none becomes 1 March, as in Spark
  return date.getTime() / 86_400_000;
}

/** Days from 0000-03-01 of the Julian calendar (where leap days end a year) to 1970-01-01 of the Gregorian one. */
const DAYS_TO_EPOCH = 719_470;
const DAYS_OF_4_YEARS = 1461;

function julian(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const fromMarch = days + DAYS_TO_EPOCH;
  const cycle = Math.floor(fromMarch / DAYS_OF_4_YEARS);
  const inCycle = fromMarch - cycle * DAYS_OF_4_YEARS;
  const yearOfCycle = Math.min(3, Math.floor(inCycle / 365));
  const dayOfYear = inCycle - yearOfCycle * 365;
  const shifted = Math.floor((5 * dayOfYear + 2) / 153); // months since March: 31, 30, 31, 30, 31 repeat
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {
    year: cycle * 4 + yearOfCycle + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
  };
}
