import { expect, onTestFinished, test } from "vitest";
import { startFakeStarrocks } from "../../live/starrocks-fake/server.js";
import { breaches, NOON, notPassed, type Platform, platform } from "../../support/platform.js";

/* What the platforms on StarRocks promise, over the MySQL protocol on the fake front end; the history is kept there, too. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

async function onStarrocks(name: string): Promise<Platform> {
  const server = await startFakeStarrocks();
  onTestFinished(() => server.stop());
  const connection = `{ kind: "starrocks", host: "127.0.0.1", port: ${server.port}, user: "root" }`;
  return platform(name, `, slots: { starrocks: "sr" }, state: "sr", connections: { sr: ${connection} }`);
}

const at = (moment: number): string => `'${new Date(moment).toISOString().slice(0, 19).replace("T", " ")}'`;

test("ciapol: the validation step finds a changed table, repeated measurements and messages that were lost on the way", async () => {
  const ciapol = await onStarrocks("ciapol");
  const database = "ciapol_analytics";
  const ids = Array.from({ length: 200 }, (_, id) => id);
  const raw = (id: number): string => `('s${id % 4}', ${at(NOON - id * 60_000)}, ${id}, '{}', NULL)`;
  const measurement = (id: number, more: { station?: string; value?: number; seen?: number } = {}): string => {
    const { station = `s${id % 4}`, value = 12.5, seen = NOON - id * 60_000 } = more;
    return `('${station}', ${at(seen)}, ${id}, ${at(NOON - id * 60_000)}, 'PM10', ${value}, 'µg/m³', 'VALID', 1, 80)`;
  };
  await ciapol.plant(
    "starrocks",
    `INSERT INTO ${database}.raw_measurements_zeta VALUES ${ids.map(raw).join(", ")}`,
    `INSERT INTO ${database}.sensor_measurements_zeta VALUES ${ids.map((id) => measurement(id)).join(", ")}`,
    `INSERT INTO ${database}.aqi_hourly_zeta VALUES ('s0', ${at(NOON - HOUR)}, 42, 'PM10', 12.5, 60)`,
  );
  // the fake holds no rows of materialized views
  expect((await notPassed(ciapol)).filter(([model]) => !model?.endsWith("_mv"))).toEqual([]);
  expect((await ciapol.check({ tag: "validation" })).outcomes.map(({ check, outcome }) => [check, outcome])).toEqual([
    ["the columns are those of the model", "pass"],
    ["no row is there twice but for processing_time", "pass"],
    ["as many measurements and stations as messages", "pass"],
  ]);
  const model = "sensor_measurements_zeta";
  const slot = "starrocks";
  const wrong = (...rows: string[]) => ({
    slot: "starrocks" as const,
    model,
    plant: [`INSERT INTO ${database}.${model} VALUES ${rows.join(", ")}`],
    undo: [`DELETE FROM ${database}.${model} WHERE measurement_id >= 1000 OR processing_time > ${at(NOON + 1000)} OR station_id = 'sX'`],
  });
  await breaches(ciapol, [
    {
      slot,
      model,
      plant: [`ALTER TABLE ${database}.${model} ADD COLUMN firmware VARCHAR(20) NULL`],
      undo: [`ALTER TABLE ${database}.${model} DROP COLUMN firmware`],
      finds: { "the columns are those of the model": "fail" },
    },
    {
      // the same measurements once more, as a replay with another clock writes them
      ...wrong(measurement(3, { seen: NOON + 2000 }), measurement(4, { seen: NOON + 2000 })),
      finds: { "no row is there twice but for processing_time": "warn", "a measurement is stored once": "fail" },
    },
    {
      slot,
      model,
      plant: [`DELETE FROM ${database}.${model} WHERE measurement_id < 5`],
      undo: [
        `INSERT INTO ${database}.${model} VALUES ${ids
          .slice(0, 5)
          .map((id) => measurement(id))
          .join(", ")}`,
      ],
      finds: { "as many measurements and stations as messages": "warn" },
    },
    { ...wrong(measurement(1000, { station: "sX" })), finds: { "as many measurements and stations as messages": "warn" } }, // a fifth station of four
    { ...wrong(measurement(1000, { value: -1 })), finds: { "concentrations are not negative": "warn" } },
    {
      slot,
      model: "aqi_hourly_zeta",
      plant: [`INSERT INTO ${database}.aqi_hourly_zeta VALUES ('s1', ${at(NOON - HOUR)}, 501, 'PM10', 12.5, 60)`],
      undo: [`DELETE FROM ${database}.aqi_hourly_zeta WHERE aqi > 500`],
      finds: { "the index is on its scale": "fail" },
    },
  ]);
  expect((await ciapol.said(model, NOON + 3 * HOUR))["the newest processing_time is at most 2h old"]).toBe("warn");
}, 240_000);

test("streampark: quality score, five-minute freshness, share of anomalies and SLA attainment", async () => {
  const streampark = await onStarrocks("streampark");
  const metrics = (values: string): string => `INSERT INTO streampark.ads_job_metrics VALUES ('job', ${at(NOON - 60_000)}, ${values})`;
  const hourly = (when: number, orders = 100): string =>
    `INSERT INTO streampark.dws_order_hourly VALUES (${at(when - (when % HOUR))}, 'paid', ${orders}, 90, 999.50, ${at(when)})`;
  const score = (when: number, value: number): string => `('dwd_orders', ${at(when - (when % HOUR))}, 1000, ${value}, ${at(when)})`;
  const scores = (...rows: string[]): string => `INSERT INTO streampark.ads_quality_score VALUES ${rows.join(", ")}`;
  const quality = "ads_quality_score";
  const held = "“nine rows of ten are correct” held for 99.5% of 30 days";
  const anomalous = "as usual for the hour of day: the mean of score";
  const shares = "few hours have anomalies";

  // a fortnight of good hours, looked at once a day at noon
  for (let day = 13; day >= 0; day--) {
    const noon = NOON - day * DAY;
    const rows = Array.from({ length: 24 }, (_, back) => score(noon - back * HOUR, 99.5 + (back % 3) / 10));
    await streampark.plant("starrocks", scores(...rows), hourly(noon));
    if (day > 0) await streampark.check({ model: quality, now: noon });
  }
  await streampark.plant("starrocks", metrics("40, 60, 0, 900, 3"));
  const good = await streampark.said(quality);
  expect(good).toEqual({
    "the newest refreshed_at is at most 15 min old": "pass",
    "has at least 1 rows": "pass",
    "nine rows of ten are correct": "pass",
    [shares]: "pass",
    [anomalous]: "pass",
    [held]: "pass",
  });

  await breaches(streampark, [
    {
      slot: "starrocks",
      model: "ads_job_metrics",
      plant: [metrics("81, 60, 0, 900, 3")],
      undo: [metrics("40, 60, 0, 900, 3")],
      finds: { "processors have room": "warn" },
    },
    {
      slot: "starrocks",
      model: "ads_job_metrics",
      plant: [metrics("40, 80.5, 0, 900, 4")],
      undo: [metrics("40, 60, 0, 900, 3")],
      finds: { "memory has room": "warn", "the last three savepoints are kept": "warn" },
    },
  ]);

  // orders stop: after five minutes the hour is stale
  const orders = "the newest refreshed_at is at most 5 min old";
  expect((await streampark.said("dws_order_hourly", NOON + 5 * 60_000))[orders]).toBe("pass");
  expect((await streampark.said("dws_order_hourly", NOON + 5 * 60_000 + 1000))[orders]).toBe("fail");

  // five of 336 hours are below 99 (1.5 %), then nineteen (5.7 %)
  const lower = (hours: number, value: number): string =>
    scores(...Array.from({ length: hours }, (_, back) => score(NOON - 5 * DAY - back * HOUR, value)));
  await streampark.plant("starrocks", lower(5, 98));
  expect((await streampark.said(quality, NOON + 1))[shares]).toBe("warn");
  await streampark.plant("starrocks", lower(19, 98));
  expect((await streampark.said(quality, NOON + 2))[shares]).toBe("fail");
  await streampark.plant("starrocks", lower(19, 99.5));

  // the newest hour scores 85: the platform's promise is broken, and the mean is unusual for this hour of the day
  await streampark.plant("starrocks", lower(300, 85));
  const broken = await streampark.said(quality, NOON + 3);
  expect(broken).toMatchObject({ "nine rows of ten are correct": "fail", [anomalous]: "fail" });
  expect(broken[held]).toBe("pass"); // it has only just begun to fail
  // a day later it still fails: 14 days of which one was not as promised, 93 %
  const later = NOON + DAY;
  expect((await streampark.said(quality, later))[held]).toBe("fail");
}, 240_000);
