import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { BackfillRequest } from "../../../src/backfill/prepare.js";
import type { MergeRule } from "../../../src/core/target.js";
import { duckdbTarget } from "../../../src/engines/duckdb/load.js";
import { openDatabase, type Reader, type TestDatabase } from "../../backfill/duckdb.js";
import { backfill } from "../../backfill/load.js";
import { columnsOf, sourceOf, t } from "../../backfill/source.js";

let database: TestDatabase;
let db: Reader;

beforeAll(async () => {
  database = await openDatabase();
  db = await database.connect();
});

afterAll(async () => {
  await db.close();
  await database.close();
});

beforeEach(async () => {
  for (const name of ["dw_state", "shop"]) await db.run(`DROP SCHEMA IF EXISTS ${name} CASCADE`);
  await db.run("CREATE SCHEMA shop");
});

const columns = columnsOf({ shop: t.int(), day: t.instant(), paid: t.decimal(18, 4) });
const row = (shop: number, day: number, paid: number): string =>
  `(${shop}::INTEGER, TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL ${day} DAY, ${paid}::DECIMAL(18,4))`;
const chunk = (...rows: readonly string[]): string => `SELECT * FROM (VALUES ${rows.join(", ")}) AS t(shop, day, paid)`;

async function request(merge: MergeRule, ...chunks: readonly string[]): Promise<BackfillRequest> {
  const target = await duckdbTarget({ engine: "starrocks", name: ["shop", "orders"], merge, connect: database.connect });
  const instant = Object.fromEntries(
    Object.entries({ shop: t.int(), day: t.instant(), paid: t.decimal(18, 4) }).map(([name, { column }]) => [name, column]),
  );
  return { name: "orders", source: sourceOf("orders", columns, chunks), target, targetModel: { columns: instant } };
}

const run = async (wanted: BackfillRequest) => backfill(wanted, wanted.target.reader ?? database.connect, { key: ["shop", "day"] });
const rows = () => db.rows("SELECT shop, CAST(day AS VARCHAR) AS day, CAST(paid AS VARCHAR) AS paid FROM shop.orders ORDER BY ALL");

test("a DUPLICATE table takes every row, instants as UTC wall-clock times", async () => {
  await db.run("CREATE TABLE shop.orders (shop INTEGER NOT NULL, day TIMESTAMP NOT NULL, paid DECIMAL(18,4) NOT NULL)");
  const wanted = await request({ merge: "append" }, chunk(row(1, 0, 1.5), row(1, 0, 1.5)), chunk(row(2, 1, 3)));
  expect(await run(wanted)).toMatchObject({ verdict: "equal", rows: { source: "3", target: "3" } });
  expect(await rows()).toEqual([
    { shop: 1, day: "2024-01-01 00:00:00", paid: "1.5000" },
    { shop: 1, day: "2024-01-01 00:00:00", paid: "1.5000" },
    { shop: 2, day: "2024-01-02 00:00:00", paid: "3.0000" },
  ]);
  expect((await run(wanted)).verdict).toBe("equal");
  expect(await rows()).toHaveLength(3);
});

const keyed = "CREATE TABLE shop.orders (shop INTEGER, day TIMESTAMP, paid DECIMAL(18,4), PRIMARY KEY (shop, day))";

test("a PRIMARY KEY table replaces rows of one key, and the certificate shows that the source had it twice", async () => {
  await db.run(keyed);
  const merge: MergeRule = { merge: "upsert", key: ["shop", "day"] };
  expect((await run(await request(merge, chunk(row(1, 0, 1), row(2, 0, 2)), chunk(row(3, 0, 3))))).verdict).toBe("equal");
  await (await request(merge)).target.reset("orders", true);
  const twice = await run(await request(merge, chunk(row(1, 0, 1), row(1, 0, 7)), chunk(row(2, 0, 2))));
  expect(twice).toMatchObject({ verdict: "different", rows: { source: "3", target: "2" } });
  expect(twice.differences).toEqual([{ where: "only in source", row: "shop=1, day=2024-01-01 00:00:00", chunk: "chunk 0" }]);
});

test("an AGGREGATE table sums rows of one key over chunks, and only the sum is compared", async () => {
  await db.run(keyed);
  const merge: MergeRule = { merge: "aggregate", key: ["shop", "day"], functions: { paid: "SUM" } };
  const certificate = await run(await request(merge, chunk(row(1, 0, 1), row(1, 0, 2)), chunk(row(1, 0, 4), row(2, 0, 8))));
  expect(certificate.verdict).toBe("equal");
  expect(certificate.coverage.join("\n")).toContain("only the sums of SUM columns are compared");
  expect(await rows()).toEqual([
    { shop: 1, day: "2024-01-01 00:00:00", paid: "7.0000" },
    { shop: 2, day: "2024-01-01 00:00:00", paid: "8.0000" },
  ]);
});
