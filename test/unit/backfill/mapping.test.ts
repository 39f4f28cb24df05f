import { expect, test } from "vitest";
import { jsonValue } from "../../../src/backfill/json-value.js";
import { type MappingRequest, mapColumns } from "../../../src/backfill/mapping.js";
import type { DwError } from "../../../src/core/errors.js";
import type { TargetColumn } from "../../../src/core/target.js";
import { t } from "../../../src/index.js";
import type { AnyColumns } from "../../../src/model/columns.js";
import { openDatabase } from "../../backfill/duckdb.js";
import { columnsOf } from "../../backfill/source.js";

const targetOf = (columns: AnyColumns): TargetColumn[] =>
  columnsOf(columns).map((column) => ({ ...column, writable: true, hasDefault: false }));

const modelOf = (columns: AnyColumns): NonNullable<MappingRequest["targetModel"]> => ({
  columns: Object.fromEntries(Object.entries(columns).map(([name, { column }]) => [name, column])),
});

function map(source: AnyColumns, target: AnyColumns, more: Partial<MappingRequest> = {}) {
  return mapColumns({
    backfill: "history",
    source: columnsOf(source),
    target: targetOf(target),
    targetModel: modelOf(target),
    engine: "postgres",
    expressionTypes: new Map(),
    ...more,
  });
}

function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return `${(error as DwError).code} ${(error as DwError).what}`; // only letters are expected here
  }
  return "not refused";
}

test("columns meet by name, in the target's order, and widening needs no word", () => {
  const mapping = map({ paid: t.decimal(10, 2), Shop_ID: t.int(), left_over: t.text() }, { shop_id: t.bigint(), paid: t.decimal(18, 4) });
  expect(mapping.columns.map(({ name, expression }) => [name, expression])).toEqual([
    ["shop_id", 'CAST("Shop_ID" AS BIGINT)'],
    ["paid", 'CAST("paid" AS DECIMAL(18,4))'],
  ]);
  expect(mapping.needs).toEqual(["paid", "Shop_ID"]);
  expect(mapping.unused).toEqual(["left_over"]);
});

test("a narrowing is refused with every column that has one, unless the model accepts it or the map writes it out", () => {
  const source = { a: t.bigint(), b: t.double(), c: t.text() };
  expect(refusal(() => map(source, { a: t.int(), b: t.decimal(10, 2), c: t.int() }))).toBe(
    [
      "DW-BACKFILL-MAPPING The columns of backfill history do not fit:",
      '  - a: a is int64, the target int32: not every integer is in range. Accept it in the model (.accept("postgres", …)) or write the conversion as { sql }.',
      '  - b: b is float64, the target decimal(10,2): binary fractions are rounded. Accept it in the model (.accept("postgres", …)) or write the conversion as { sql }.',
      "  - c: c is text, the target int32; write the conversion as { sql }.",
    ].join("\n"),
  );
  const accepted = map(source, { b: t.decimal(10, 2).accept("postgres", "two digits are what the shop prints") });
  expect(accepted.columns[0]?.note).toBe("binary fractions are rounded (two digits are what the shop prints)");
  const written = map(
    source,
    { a: t.int() },
    { map: { a: { sql: "a % 1000" } }, expressionTypes: new Map([["a", t.bigint().column.type]]) },
  );
  expect(written.columns[0]?.expression).toBe("CAST((a % 1000) AS INTEGER)");
  expect(written.needs).toBeUndefined();
});

test("a zone-less time becomes an instant only with a zone, wherever that is stated", () => {
  const [source, target] = [{ at: t.datetime() }, { at: t.instant() }];
  expect(refusal(() => map(source, target))).toContain("at: at is timestamp(6) without a zone, the target is an instant: state sourceZone");
  expect(map(source, target, { sourceZone: "Europe/Paris" }).columns[0]).toMatchObject({
    expression: `CAST(timezone('Europe/Paris', CAST("at" AS TIMESTAMP)) AS TIMESTAMP WITH TIME ZONE)`,
    note: "zone-less times are read as Europe/Paris",
  });
  expect(map(source, target, { sourceModel: { zone: "UTC" } }).rules).toEqual([]);
  expect(refusal(() => map({ at: t.instant() }, { at: t.datetime() }))).toContain("state .zone() on the target's column");
  expect(map({ at: t.instant() }, { at: t.datetime().zone("UTC") }).columns[0]?.expression).toBe(
    `CAST(timezone('UTC', "at") AS TIMESTAMP)`,
  );
});

test("an instant that an engine keeps as zone-less time is written in UTC", () => {
  const live: TargetColumn[] = [{ name: "at", type: t.datetime().column.type, nullable: false, writable: true, hasDefault: false }];
  const request = { engine: "starrocks" as const, target: live, targetModel: modelOf({ at: t.instant() }) };
  expect(map({ at: t.instant() }, {}, request).columns[0]?.expression).toBe(`CAST(timezone('UTC', "at") AS TIMESTAMP)`);
  expect(map({ at: t.datetime() }, {}, { ...request, sourceZone: "Europe/Paris" }).columns[0]?.expression).toBe(
    `CAST(timezone('UTC', timezone('Europe/Paris', CAST("at" AS TIMESTAMP))) AS TIMESTAMP)`,
  );
});

test("the map says which of two equal wall-clock times is meant: the first, the second, or by each row", async () => {
  const rows =
    "VALUES ('2024-10-27 01:59:00', true), ('2024-10-27 02:30:00', true), ('2024-10-27 02:30:00', false), ('2024-10-27 03:00:00', false)";
  const database = await openDatabase();
  const db = await database.connect();
  const instants = async (repeated: "first" | "second" | { by: string }) => {
    const map_ = { at: { column: "at", zone: "Europe/Paris", repeated } };
    const { columns, rules } = map({ at: t.datetime(), summer: t.boolean() }, { at: t.instant() }, { map: map_ });
    const from = `(SELECT v.a::TIMESTAMP AS at, v.b AS summer FROM (${rows}) v(a, b))`;
    const found = await db.rows<{ at: string }>(`SELECT strftime(timezone('UTC', ${columns[0]?.expression}), '%H:%M') AS at FROM ${from}`);
    const [refused] = await db.rows(`SELECT ${rules.map(({ broken }, index) => `count(*) FILTER (${broken}) AS b${index}`)} FROM ${from}`);
    expect(Object.values(refused ?? {}).map(String)).toEqual(rules.map(() => "0"));
    return found.map(({ at }) => at);
  };
  expect(await instants("first")).toEqual(["23:59", "00:30", "00:30", "02:00"]);
  expect(await instants("second")).toEqual(["23:59", "01:30", "01:30", "02:00"]);
  expect(await instants({ by: "NOT summer" })).toEqual(["23:59", "00:30", "01:30", "02:00"]);
  await db.close();
  await database.close();
  expect(refusal(() => map({ at: t.instant() }, { at: t.instant() }, { map: { at: { column: "at", zone: "Europe/Paris" } } }))).toContain(
    "the map states a zone for at, which is timestamp(6) with zone and no wall-clock time.",
  );
});

test("the hour that clocks show twice and the hour that they skip are told from all others", async () => {
  const { rules } = map({ at: t.datetime() }, { at: t.instant() }, { sourceZone: "Europe/Paris" });
  const database = await openDatabase();
  const db = await database.connect();
  const broken = async (at: string) => {
    const [row] = await db.rows(
      `SELECT ${rules.map((rule, index) => `${rule.broken} AS b${index}`)} FROM (SELECT TIMESTAMP '${at}' AS at)`,
    );
    return rules.filter((_, index) => row?.[`b${index}`] === true).map((rule) => rule.what);
  };
  expect(await broken("2024-10-27 02:30:00")).toEqual(["falls into the hour that clocks in Europe/Paris show twice"]);
  expect(await broken("2024-10-27 01:59:59")).toEqual([]);
  expect(await broken("2024-10-27 03:00:00")).toEqual([]);
  expect(await broken("2024-03-31 02:30:00")).toEqual(["is a time that clocks in Europe/Paris skip"]);
  expect(await broken("2024-06-01 02:30:00")).toEqual([]);
  await db.close();
  await database.close();
});

test("constants fill columns, and a required column that nothing fills is named", () => {
  const target = { region: t.text(), at: t.instant(), note: t.text().nullable() };
  expect(map({ at: t.instant() }, target, { map: { region: { constant: "d'or" } } }).columns.map(({ expression }) => expression)).toEqual([
    "CAST('d''or' AS VARCHAR)",
    'CAST("at" AS TIMESTAMP WITH TIME ZONE)',
  ]);
  expect(refusal(() => map({ at: t.instant() }, target))).toContain("region: no source column has this name");
  expect(refusal(() => map({ at: t.instant() }, { at: t.instant() }, { map: { att: { constant: 1 } } }))).toContain(
    "att: the map names it, but the target has no such column.",
  );
});

test("nested values become JSON where the target keeps JSON", () => {
  const mapping = map({ tags: t.list(t.text()), raw: t.text() }, { tags: t.json(), raw: t.json() });
  expect(mapping.columns[1]?.expression).toBe('CAST("raw" AS JSON)');
  expect(mapping.columns[0]?.expression).toContain('list_transform("tags"');
});

test("JSON of nested values loses no digit, no NaN and no key that is not a text", async () => {
  const type = t.struct({
    big: t.bigint(),
    price: t.decimal(38, 10),
    ratio: t.double(),
    at: t.instant(),
    fine: t.instant("", 9),
    clock: t.time(),
    raw: t.binary(),
    levels: t.map(t.int(), t.list(t.float().nullable())),
  }).column.type;
  const database = await openDatabase();
  const db = await database.connect();
  const value = `{'big': 9007199254740993::BIGINT, 'price': 1.1::DECIMAL(38,10), 'ratio': 'nan'::DOUBLE, 'at': TIMESTAMPTZ '1969-12-31 23:59:59.5+00', 'fine': make_timestamp_ns(1700000000123456789),
    'clock': TIME '01:02:03', 'raw': '\\xFF'::BLOB, 'levels': MAP {1: [0.1::FLOAT, NULL, '-inf'::FLOAT]}}`;
  const [row] = await db.rows<{ text: string }>(`SELECT CAST(${jsonValue(type, "v")} AS VARCHAR) AS text FROM (SELECT ${value} AS v)`);
  expect(JSON.parse(row?.text ?? "")).toEqual({
    big: "9007199254740993",
    price: "1.1000000000",
    ratio: "NaN",
    at: "1969-12-31T23:59:59.500000Z",
    fine: "2023-11-14T22:13:20.123456789Z",
    clock: "01:02:03.000000",
    raw: "/w==",
    levels: [[1, [0.10000000149011612, null, "-Infinity"]]],
  });
  await db.close();
  await database.close();
});
