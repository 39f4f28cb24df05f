import { afterAll, beforeAll, expect, test } from "vitest";
import { mapColumns, mappedSelect, ruleQuery } from "../../../src/backfill/mapping.js";
import type { DwError } from "../../../src/core/errors.js";
import type { ColumnMapping } from "../../../src/core/model.js";
import { t } from "../../../src/index.js";
import type { AnyColumns } from "../../../src/model/columns.js";
import { openDatabase, type Reader, type TestDatabase } from "../../backfill/duckdb.js";
import { columnsOf } from "../../backfill/source.js";

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

/** Rows as mapped, and how many values break each rule. */
async function mapped(source: AnyColumns, target: AnyColumns, map: Readonly<Record<string, ColumnMapping>>, rows: string) {
  const mapping = mapColumns({
    backfill: "history",
    source: columnsOf(source),
    target: columnsOf(target).map((column) => ({ ...column, writable: true, hasDefault: false })),
    engine: "postgres",
    expressionTypes: new Map(),
    map,
  });
  const names = Object.keys(target).map((name) => `CAST(${name} AS VARCHAR) AS ${name}`);
  const values = await db.rows(`SELECT ${names.join(", ")} FROM (${mappedSelect(mapping, rows)}) AS mapped`);
  const query = ruleQuery(mapping, rows);
  const broken = query === undefined ? [] : await db.rows(query);
  const count = Object.values(broken[0] ?? {}).reduce<number>((sum, n) => sum + Number(n), 0);
  return { values, broken: count, what: mapping.rules.map(({ what }) => what), note: mapping.columns[0]?.note };
}

function refusal(call: () => Promise<unknown>): Promise<string> {
  return call().then(
    () => "not refused",
    (error: unknown) => (error as DwError).what, // only letters are expected here
  );
}

test("codes become values of the target; one that is not named breaks the rule, NULL stays NULL", async () => {
  const values = { A: "active", I: "inactive" };
  const source = { code: t.text().nullable() };
  const found = await mapped(
    source,
    { state: t.enum(["active", "inactive"]).nullable() },
    { state: { column: "code", values } },
    "SELECT unnest(['A', 'I', NULL, 'X']) AS code",
  );
  expect(found.values.map(({ state }) => state)).toEqual(["active", "inactive", null, null]);
  expect(found).toMatchObject({ broken: 1, note: "values are translated: A → active, I → inactive" });
  expect(found.what[0]).toBe("comes from a value of code that is none of A, I");
  const numbers = await mapped(
    source,
    { n: t.smallint().nullable() },
    { n: { column: "code", values: { A: 1, I: 0 } } },
    "SELECT 'I' AS code",
  );
  expect(numbers.values).toEqual([{ n: "0" }]);
  expect(await refusal(() => mapped(source, { n: t.int() }, { n: { column: "code", values } }, ""))).toContain(
    'gives "active", "inactive", and the target is int32',
  );
});

test("units are converted exactly: what the target has no digits for is refused, not rounded", async () => {
  const grams = { weight: t.bigint().nullable() };
  const kilos = { weight: { column: "weight", factor: "0.001" } };
  const rows = "SELECT unnest([1500, -20, NULL, 9007199254740993]) AS weight";
  const found = await mapped(grams, { weight: t.decimal(20, 3).nullable() }, kilos, rows);
  expect(found.values.map(({ weight }) => weight)).toEqual(["1.500", "-0.020", null, "9007199254740.993"]);
  expect(found).toMatchObject({ broken: 0, note: expect.stringContaining("weight × 0.001") });
  expect((await mapped(grams, { weight: t.decimal(20, 2).nullable() }, kilos, rows)).broken).toBe(1);
  const kelvin = await mapped(
    { t: t.decimal(6, 2) },
    { celsius: t.decimal(8, 2) },
    { celsius: { column: "t", factor: 1, offset: "-273.15" } },
    "SELECT CAST(300.00 AS DECIMAL(6,2)) AS t",
  );
  expect(kelvin).toMatchObject({ values: [{ celsius: "26.85" }], broken: 0 });
  const feet = { factor: "0.3048", column: "f" };
  expect(await refusal(() => mapped({ f: t.double() }, { m: t.decimal(10, 4) }, { m: feet }, ""))).toContain(
    "binary fractions are rounded",
  );
  expect((await mapped({ f: t.double() }, { m: t.double() }, { m: feet }, "SELECT 10.0::DOUBLE AS f")).values).toEqual([{ m: "3.048" }]);
});

test("a value out of a document has the target's type, or breaks the rule", async () => {
  const source = { doc: t.json().nullable() };
  const documents = `SELECT unnest(['{"s": {"id": 7, "n": "x"}}', '{"s": {"id": "8"}}', '{"s": {"id": 1.5}}', '{"s": {"id": null}}', '{}', NULL]) AS doc`;
  const found = await mapped(source, { id: t.bigint().nullable() }, { id: { column: "doc", path: "$.s.id" } }, documents);
  expect(found.values.map(({ id }) => id)).toEqual(["7", "8", null, null, null, null]);
  expect(found).toMatchObject({ broken: 1, note: "$.s.id of doc" });
  const money = `SELECT unnest(['{"p": 1.50}', '{"p": "2.500"}', '{"p": 1.505}', '{"p": 1e2}', '{"p": 12345678901234567.25}', '{"p": "12345678.25"}']) AS doc`;
  const paid = await mapped(source, { p: t.decimal(20, 2).nullable() }, { p: { column: "doc", path: "$.p" } }, money);
  expect(paid).toMatchObject({ broken: 2 });
  expect(paid.values.map(({ p }) => p)).toEqual(["1.50", "2.50", null, "100.00", null, "12345678.25"]);
  const texts = await mapped(source, { n: t.text().nullable() }, { n: { column: "doc", path: '$.s."n"' } }, documents);
  expect(texts.values[0]).toEqual({ n: "x" });
  expect(await refusal(() => mapped(source, { n: t.text() }, { n: { column: "doc", path: "s'; DROP" } }, ""))).toContain("is no path");
});
