import { expect, test } from "vitest";
import { isJsonObject } from "../../../src/core/json.js";
import { breaches, NOON, notPassed, platform } from "../../support/platform.js";

/*
 * What the platforms on PostgreSQL, TimescaleDB and Hive promise, with rows that keep the promise and rows that break it: a breach
 * is found by the check that promises, and by no other of that table.
 */

const at = (ago: string, moment = NOON): string => `(timestamptz '${new Date(moment).toISOString()}' - interval '${ago}')`;

test("iot: each stage's latency, fresh readings in range, no reading put aside", async () => {
  const iot = await platform("iot");
  const batch = (ago: string, ms: string, id: number): string =>
    `INSERT INTO pipeline_kpi (time, batch_id, ingest_latency_ms, queue_latency_ms, process_latency_ms, store_latency_ms)
     VALUES (${at(ago)}, '00000000-0000-0000-0000-00000000000${id}', ${ms})`;
  const reading = (ago: string, values: string): string =>
    `INSERT INTO sensor_data (time, sensor_id, temperature, humidity, received_at) VALUES (${at(ago)}, ${values}, ${at(ago)})`;
  const report = (ago: string, failed: number): string =>
    `INSERT INTO processing_metrics (time, worker, stage, records_in, records_out, records_failed) VALUES (${at(ago)}, 'w1', 'store', 10, 10, ${failed})`;
  await iot.plant(
    "timescale",
    "INSERT INTO sensors (sensor_id, site, installed_on) VALUES ('s1', 'hall 1', '2026-01-01')",
    ...Array.from({ length: 9 }, (_, index) => batch(`${index + 1} minutes`, "200, 400, 600, 300", index + 1)),
    reading("1 minute", "'s1', 21.5, 40"),
    reading("2 minutes", "'s1', 21.4, 41"),
    report("1 minute", 0),
  );
  expect(await notPassed(iot)).toEqual([]);
  const wrongReading = (values: string) => ({
    slot: "timescale" as const,
    model: "sensor_data",
    plant: [reading("3 minutes", values)],
    undo: [`DELETE FROM sensor_data WHERE time = ${at("3 minutes")}`],
  });
  const slowBatch = (ms: string) => ({
    slot: "timescale" as const,
    model: "pipeline_kpi",
    plant: [batch("30 seconds", ms, 0)],
    undo: ["DELETE FROM pipeline_kpi WHERE batch_id = '00000000-0000-0000-0000-000000000000'"],
  });
  await breaches(iot, [
    { ...slowBatch("20000, 400, 600, 300"), finds: { "sensor to broker": "fail" } },
    { ...slowBatch("200, 25000, 600, 300"), finds: { "waiting in the broker": "fail" } },
    { ...slowBatch("200, 400, 25000, 300"), finds: { "validation and enrichment": "fail" } },
    { ...slowBatch("200, 400, 600, 20000"), finds: { "write and commit": "fail" } },
    {
      ...slowBatch("-5, 400, 600, 300"),
      finds: { "ingest_latency_ms is at least 0": "fail", "sensor to broker": "fail" },
    },
    {
      slot: "timescale",
      model: "pipeline_kpi",
      plant: [batch("30 seconds", "200, 400, 600, 130000", 0)],
      undo: ["DELETE FROM pipeline_kpi WHERE batch_id = '00000000-0000-0000-0000-000000000000'"],
      finds: { "write and commit": "fail", "the whole pipeline": "fail", "a batch is visible within a minute": "fail" },
    },
    { ...wrongReading("'s1', 900, 40"), finds: { "temperatures are inside the probe's range": "fail" } },
    { ...wrongReading("'s1', 21, 'NaN'"), finds: { "humidity is between 0 and 100": "fail" } },
    { ...wrongReading("'s1', NULL, 40"), finds: { "temperature is never NULL": "fail" } },
    { ...wrongReading("'nobody', 21, 40"), finds: { "sensor_id exists in sensors": "warn" } },
    {
      slot: "timescale",
      model: "processing_metrics",
      plant: [report("90 seconds", 3)],
      undo: [`DELETE FROM processing_metrics WHERE records_failed > 0`],
      finds: { "no reading is put aside": "fail" },
    },
  ]);
  // ten minutes later nothing has come
  expect((await iot.said("sensor_data", NOON + 600_000))["the newest time is at most 5 min old"]).toBe("fail");

  // a stage's percentile is the one that get_pipeline_latency_stats shows, which looks back from the server's clock
  const now = Date.now();
  const id = (index: number): string => `00000000-0000-0000-0000-0000000001${String(index).padStart(2, "0")}`;
  const batches = Array.from({ length: 20 }, (_, index) => {
    const ms = `${index * 37 + 0.5}, ${index * index}, ${1000 - index}, 5`;
    return `(${at(`${index + 1} minutes`, now)}, '${id(index)}', ${ms})`;
  });
  await iot.plant(
    "timescale",
    `INSERT INTO pipeline_kpi (time, batch_id, ingest_latency_ms, queue_latency_ms, process_latency_ms, store_latency_ms) VALUES ${batches.join(", ")}`,
  );
  const stats = await iot.rows(
    "timescale",
    "SELECT stage, p95_ms::float8 AS p95, p50_ms::float8 AS p50 FROM get_pipeline_latency_stats('1 day')",
  );
  const { outcomes } = await iot.check({ model: "pipeline_kpi", tag: "latency", now });
  const measured = (check: string, what: string): number => {
    const value = outcomes.find((outcome) => outcome.check === check)?.value;
    return value !== undefined && isJsonObject(value) ? Number(value[what]) : Number.NaN;
  };
  const stages = {
    ingest: "sensor to broker",
    queue: "waiting in the broker",
    process: "validation and enrichment",
    store: "write and commit",
  };
  for (const [stage, check] of Object.entries(stages))
    expect(measured(check, "p95_ms")).toBeCloseTo(Number(stats.find((row) => row.stage === stage)?.p95), 6);
  expect(measured("the whole pipeline", "p50_ms")).toBeCloseTo(Number(stats.find((row) => row.stage === "total")?.p50), 6);
}, 240_000);

test("flow360: the tests of the star schema, its calendar and its marts", async () => {
  const flow = await platform("flow360");
  const sale = (
    order: number,
    terms: { day?: string; customer?: number; product?: number; quantity?: number; amount?: number } = {},
  ): string => {
    const { day = "2026-06-05", customer = 1, product = 1, quantity = 1, amount = 10 } = terms;
    return `INSERT INTO star.fact_sales VALUES (${order}, ${day.replaceAll("-", "")}, ${customer}, ${product}, ${quantity}, ${amount}, 'paid', '${day} 10:00:00+00', ${at("1 hour")})`;
  };
  const refresh = "REFRESH MATERIALIZED VIEW marts.mart_daily_sales";
  await flow.plant(
    "postgres",
    `INSERT INTO star.dim_date SELECT to_char(d, 'YYYYMMDD')::int, d::date, extract(week from d), extract(month from d), extract(quarter from d),
       extract(year from d), extract(isodow from d) > 5 FROM generate_series(timestamp '2026-01-01', '2026-12-31', '1 day') AS d`,
    `INSERT INTO star.dim_customer VALUES
       (1, 7, 'a@x.fr', 'Anna', 'FR', 'web', '2026-01-01', '2026-02-01', false), (2, 7, 'a@x.fr', 'Anna', 'DE', 'web', '2026-02-01', NULL, true)`,
    "INSERT INTO star.dim_product VALUES (1, 11, 'cup', 'kitchen', 9.99)",
    sale(1),
    sale(2),
    sale(3, { day: "2026-05-29" }),
    sale(4, { day: "2026-05-29" }),
    refresh,
  );
  const lakeRow = "1, 7, 11, 1, 10.00, 'paid', '2026-06-05 10:00:00', '2026-06-06 09:00:00'";
  await flow.plant(
    "hive",
    `INSERT INTO flow360_lake.lake_orders VALUES (${lakeRow}, '2026-06-06')`,
    `INSERT INTO flow360_lake.lake_order_state VALUES (${lakeRow})`,
  );
  expect(await notPassed(flow)).toEqual([]);
  const wrongSale = (terms: Parameters<typeof sale>[1]) => ({
    slot: "postgres" as const,
    model: "fact_sales",
    plant: ["SET session_replication_role = replica", sale(9, terms), "SET session_replication_role = origin"],
    undo: ["DELETE FROM star.fact_sales WHERE order_id = 9"],
  });
  await breaches(flow, [
    { ...wrongSale({ customer: 99 }), finds: { "customer_key exists in dim_customer": "fail" } },
    { ...wrongSale({ product: 99 }), finds: { "product_key exists in dim_product": "fail" } },
    { ...wrongSale({ day: "2027-01-01" }), finds: { "date_key exists in dim_date": "fail" } },
    { ...wrongSale({ quantity: 0 }), finds: { "quantity is at least 1": "fail" } },
    { ...wrongSale({ amount: -1 }), finds: { "nobody is paid to buy": "fail" } },
    {
      slot: "postgres",
      model: "fact_sales",
      plant: [sale(9), sale(10)],
      undo: ["DELETE FROM star.fact_sales WHERE order_id > 8"],
      finds: { "yesterday sold as a day of its kind": "warn" }, // 4 after 2 a week ago
    },
    {
      slot: "postgres",
      model: "dim_date",
      plant: ["SET session_replication_role = replica", "DELETE FROM star.dim_date WHERE day = '2026-03-01'"],
      undo: ["INSERT INTO star.dim_date VALUES (20260301, '2026-03-01', 9, 3, 1, 2026, true)", "SET session_replication_role = origin"],
      finds: { "no day of the calendar is missing": "fail", "has at least 365 rows": "fail" },
    },
    {
      slot: "postgres",
      model: "dim_customer",
      plant: [
        "DROP INDEX star.dim_customer_current",
        "INSERT INTO star.dim_customer VALUES (3, 7, 'a@x.fr', 'Anna', 'IT', 'web', '2026-03-01', NULL, true)",
      ],
      undo: ["DELETE FROM star.dim_customer WHERE customer_key = 3"],
      finds: { "a customer is current once": "fail" },
    },
    {
      slot: "postgres",
      model: "mart_daily_sales",
      plant: ["UPDATE star.fact_sales SET status = 'cancelled' WHERE date_key = 20260605", refresh],
      undo: ["UPDATE star.fact_sales SET status = 'paid'", refresh],
      finds: { "yesterday's sales are there at six": "fail" },
    },
    {
      slot: "hive",
      model: "lake_order_state",
      plant: [`INSERT INTO flow360_lake.lake_order_state VALUES (${lakeRow})`],
      undo: ["DELETE FROM flow360_lake.lake_order_state", `INSERT INTO flow360_lake.lake_order_state VALUES (${lakeRow})`],
      finds: { "order_id is unique": "fail" },
    },
  ]);
  // at six in Paris it is four in Greenwich: before that nobody promised today's mart
  const five = Date.UTC(2026, 5, 7, 3, 59);
  expect((await flow.said("mart_daily_sales", five))["yesterday's sales are there at six"]).toBe("pass");
  expect((await flow.said("mart_daily_sales", five + 60_000))["yesterday's sales are there at six"]).toBe("fail");
}, 240_000);

test("weather: each day has its partition and its hours, in PostgreSQL and in Hive", async () => {
  const weather = await platform("weather");
  // every hour of Paris since 25 May; the offset is the hour's number
  const wall = (hours: number) => new Date(NOON + 2 * 3_600_000 - hours * 3_600_000).toISOString().slice(0, 19).replace("T", " ");
  const hours = Array.from({ length: 290 }, (_, back) => 289 - back);
  const rows = hours.map((back, place) => `('${wall(back)}', ${place}, 0, '{"t": 20}')`);
  const days = [...new Set(hours.map((back) => wall(back).slice(0, 10)))];
  const exported = (day: string): string => `('${day} 12:00:00', 0, ${days.indexOf(day)}, '{"t": 20}', '2026-06-06 03:00:00')`;
  await weather.plant(
    "postgres",
    `INSERT INTO weather (date_time, msg_offset, partition, value) VALUES ${rows.join(", ")}`,
    `INSERT INTO ref_date (partition, ref_date, ref_offset, exported_at) VALUES (0, '2026-06-05 23:00:00', 270, ${at("9 hours")})`,
  );
  await weather.plant("hive", `INSERT INTO weather.weather_data VALUES ${days.map(exported).join(", ")}`);
  expect(await notPassed(weather)).toEqual([]);
  await breaches(weather, [
    {
      slot: "postgres",
      model: "weather",
      plant: ["UPDATE weather SET date_time = date_time + interval '20 days' WHERE date_time = '2026-06-03 05:00:00'"],
      undo: ["UPDATE weather SET date_time = date_time - interval '20 days' WHERE date_time > '2026-06-20'"],
      finds: {
        "each of the last seven days has its hours": "fail",
        "date_time has no gap of 1h": "warn",
        "the newest date_time is at most 2h old": "warn",
      },
    },
    {
      slot: "hive",
      model: "weather_data",
      plant: ["DELETE FROM weather.weather_data WHERE event_time LIKE '2026-06-02%'"],
      undo: [`INSERT INTO weather.weather_data VALUES ${exported("2026-06-02")}`],
      finds: { "the last seven days were exported": "fail" },
    },
    {
      slot: "hive",
      model: "weather_data",
      plant: ["INSERT INTO weather.weather_data VALUES ('2026-06-05 13:00:00', 0, 2000000000, '{}', '2026-06-06 03:00:00')"],
      undo: ["DELETE FROM weather.weather_data WHERE kafka_offset = 2000000000"],
      finds: { "offsets are far from the end of INT": "fail" },
    },
  ]);
}, 240_000);
