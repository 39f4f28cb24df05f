import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkSlot } from "../../../src/app/check/slot.js";
import { compileChecks } from "../../../src/checks/compile.js";
import { kindOf } from "../../../src/checks/index.js";
import { clockTime, dayAfter } from "../../../src/checks/moment.js";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import type { CheckTable, Past } from "../../../src/core/check.js";
import { wallClock } from "../../../src/core/instant.js";
import type { DuckDb, DuckDbConnection } from "../../../src/core/session.js";
import { quoting } from "../../../src/engines/duckdb/dialect.js";
import { anomaly, completeSeries, expected, rowCount, t } from "../../../src/index.js";

/*
 * Clocks of the world against checks that read them: what holds for every hour of a year is tried at every hour of a year.
 * Cairo changes at midnight, Lord Howe by half an hour, Kathmandu never and by no whole hour.
 */

const zones = [
  "Europe/Paris",
  "America/New_York",
  "America/Sao_Paulo",
  "Africa/Cairo",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "America/St_Johns",
  "UTC",
];
const HOUR = 3_600_000;
const YEAR = Date.UTC(2024, 0, 1);
const hours = Array.from({ length: 366 * 24 }, (_, hour) => YEAR + hour * HOUR);
const days = Array.from({ length: 366 }, (_, day) => dayAfter("2024-01-01", day));

let duckdb: DuckDb;
let db: DuckDbConnection;
beforeAll(async () => {
  duckdb = await openDuckDb({});
  db = await duckdb.session();
  await db.run(
    `CREATE TABLE series AS SELECT TIMESTAMPTZ '2024-01-01 00:00:00+00' + h * INTERVAL 1 HOUR AS stored, TIMESTAMP '2000-01-01' AS wall
     FROM range(${hours.length}) AS r(h)`,
  );
});
afterAll(async () => {
  await db.close();
  await duckdb.close();
});

function tableIn(zone: string, now: number, from = "series"): CheckTable {
  const { ident, literal } = quoting;
  const columns = { stored: t.instant().column, wall: t.datetime().zone(zone).column };
  return { dialect: "duckdb", model: "series", from, columns, key: [], zone, now, table: ident, ident, literal };
}

async function values(table: CheckTable, spec: Parameters<typeof kindOf>[0]): Promise<Record<string, string | null>> {
  const compiled = compileChecks([spec], table);
  const slot = checkSlot("duckdb", { kind: "duckdb", duckdb, embedded: true });
  const found: Record<string, string | null> = {};
  for (const query of compiled.queries) {
    const { rows } = await slot.query(query.sql, { signal: new AbortController().signal });
    query.columns.forEach((keys, at) => {
      for (const { metric } of keys) found[metric] = rows[0]?.[at] === null ? null : String(rows[0]?.[at]);
    });
  }
  return found;
}

describe.each(zones)("in %s", (zone) => {
  test("a clock time is shown by the zone's clocks at its instant, or was skipped and is never due early", () => {
    for (const day of days) {
      for (const time of ["00:00", "00:30", "02:30", "06:15", "23:59"]) {
        const instant = clockTime(day, time, zone);
        const shown = wallClock(instant, zone).slice(0, 16);
        if (shown === `${day} ${time}`) {
          // the first of two
          expect(wallClock(instant - HOUR, zone).slice(0, 16)).not.toBe(shown);
          continue;
        }
        expect(shown > `${day} ${time}`).toBe(true);
        expect(shown.slice(0, 10)).toBe(day); // skipped: still that morning
        const jumps = [...Array(120).keys()].some((minute) => {
          const [a, b] = [wallClock(instant - minute * 60_000, zone), wallClock(instant - (minute + 1) * 60_000, zone)];
          return Date.parse(`${a.slice(0, 16)}Z`) - Date.parse(`${b.slice(0, 16)}Z`) > 60_000;
        });
        expect([day, time, jumps]).toEqual([day, time, true]);
      }
    }
  });

  test("every hour of a year belongs to exactly one day, as an instant and as the clock showed it", async () => {
    const wanted = new Map<string, number>();
    for (const hour of hours) {
      const day = wallClock(hour, zone).slice(0, 10);
      wanted.set(day, (wanted.get(day) ?? 0) + 1);
    }
    const table = tableIn(zone, YEAR + 368 * 24 * HOUR);
    const terms = { by: "00:00", after: 1, last: 366, zone };
    expect(
      Object.entries(await values(table, expected("stored", terms))).filter(([day, rows]) => Number(rows) !== (wanted.get(day) ?? 0)),
    ).toEqual([]);
    await db.run(
      `CREATE OR REPLACE TABLE walls AS SELECT CAST(w AS TIMESTAMP) AS wall FROM (VALUES ${hours.map((hour) => `('${wallClock(hour, zone)}')`).join(",")}) AS v(w)`,
    );
    const walls = await values({ ...table, from: "walls" }, expected("wall", terms));
    expect(Object.entries(walls).filter(([day, rows]) => Number(rows) !== (wanted.get(day) ?? 0))).toEqual([]);
  });

  test("a wall clock's year has no missing hour, and one that is taken out is found", async () => {
    // twice an hour: Lord Howe skips half of one
    const instants = hours.flatMap((hour) => [hour, hour + HOUR / 2]);
    const shown = [...new Set(instants.map((hour) => `${wallClock(hour, zone).slice(0, 13)}:00:00`))];
    const spec = completeSeries("wall", { every: "1h" });
    const plant = (kept: readonly string[]) =>
      db.run(
        `CREATE OR REPLACE TABLE walls AS SELECT CAST(w AS TIMESTAMP) AS wall FROM (VALUES ${kept.map((wall) => `('${wall}')`).join(",")}) AS v(w)`,
      );
    const table = tableIn(zone, YEAR + 368 * 24 * HOUR, "walls");
    await plant(shown);
    expect((await values(table, spec)).missing).toBe("0");
    await plant(shown.filter((_, place) => place !== 2222 && place !== 7000));
    expect((await values(table, spec)).missing).toBe("2");
  });

  test("a deadline holds rows to be there from its minute on, and a calendar's free days to nothing", () => {
    const calendar = { days: ["mon", "tue", "wed", "thu", "fri"], except: ["2024-05-01"] } as const;
    const spec = expected("stored", { by: "06:30", zone, after: 1, calendar });
    const due = (now: number): string | undefined => Object.keys(kindOf(spec).metrics(spec, tableIn(zone, now)))[0];
    for (const day of days.slice(10, -2)) {
      const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
      const isFree = weekday === 0 || weekday === 6 || day === "2024-05-01";
      const deadline = clockTime(dayAfter(day, 1), "06:30", zone);
      expect([day, due(deadline) === day]).toEqual([day, !isFree]);
      expect([day, due(deadline - 1) === day]).toEqual([day, false]);
    }
  });
});

describe("an anomaly's season", () => {
  const HOURLY = 60 * 24;
  const now = Date.UTC(2024, 5, 14, 9);
  const seasons = {
    "hour of day": (wall: string) => wall.slice(11, 13),
    "day of week": (wall: string) => String(new Date(`${wall.slice(0, 10)}T00:00:00Z`).getUTCDay()),
    "day of month": (wall: string) => wall.slice(8, 10),
  } as const;

  /** Quiet at 1, 2, 3 … by season; the value of the current season is `now`'s. */
  function past(season: keyof typeof seasons, zone: string, days: number): Past[] {
    return Array.from({ length: days * 24 }, (_, hour) => {
      const at = now - (hour + 1) * HOUR;
      const noise = (hour % 5) / 10;
      return { at, outcome: "pass", value: { value: 100 * Number(seasons[season](wallClock(at, zone))) + noise } };
    }).reverse();
  }

  const verdict = (season: keyof typeof seasons, zone: string, rows: number, remembered: readonly Past[], terms = {}) => {
    const spec = anomaly(rowCount({}), { season, zone, training: "400 days", ...terms });
    return kindOf(spec).judge(spec, { rows: String(rows) }, { now, zone: () => zone, past: remembered, columns: {} });
  };

  test.each(["UTC", "Europe/Paris", "America/New_York"])("compares with the same hour, weekday or day of month in %s only", (zone) => {
    for (const season of Object.keys(seasons) as (keyof typeof seasons)[]) {
      const usual = 100 * Number(seasons[season](wallClock(now, zone)));
      const remembered = past(season, zone, HOURLY / 24 > 60 ? 60 : 250);
      expect([season, verdict(season, zone, usual, remembered).outcome]).toEqual([season, "pass"]);
      expect([season, verdict(season, zone, usual + 100, remembered).outcome]).toEqual([season, "fail"]);
    }
  });

  test("what is excluded or older than the training is not learnt, and retries within an hour count once", () => {
    const flat = (value: number, from: number, to: number): Past[] =>
      Array.from({ length: to - from }, (_, day) => ({
        at: now - (from + day + 1) * 24 * HOUR,
        outcome: "pass",
        value: { value },
      })).reverse();
    const spec = anomaly(rowCount({}), { exclude: [{ from: "2024-06-04", to: "2024-06-13", reason: "a migration" }] });
    const judged = (rows: number, remembered: readonly Past[]) =>
      kindOf(spec).judge(spec, { rows: String(rows) }, { now, zone: () => "UTC", past: remembered, columns: {} });
    const remembered = [...flat(5, 10, 30), ...flat(900, 0, 10)]; // ten days of the migration
    expect(judged(5, remembered).outcome).toBe("pass");
    expect(judged(900, remembered).outcome).toBe("fail");
    const retried = Array.from({ length: 50 }, (_, second) => ({
      at: now - 300 * HOUR + second * 1000,
      outcome: "pass",
      value: { value: 900 },
    }));
    expect(judged(900, [...flat(5, 14, 30), ...retried]).outcome).toBe("fail");
    expect(kindOf(spec).remembers?.(spec)).toEqual({ forMs: 60 * 24 * HOUR });
  });
});
