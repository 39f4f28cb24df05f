import { expect, test } from "vitest";
import { alsoNamed, pushedDown } from "../../../src/core/pushdown.js";
import { columnsOf, t } from "../../backfill/source.js";

const columns = columnsOf({ id: t.bigint(), at: t.instant(), local: t.datetime(), day: t.date(), city: t.text(), 'a"b': t.int() });
const wording = { ident: (name: string) => `"${name.replaceAll('"', '""')}"`, literal: (text: string) => `'${text}'` };
const pushed = (where: string): string | undefined => pushedDown(where, columns, wording);

test("comparisons of integers, dates and times go to the server; everything else stays with DuckDB", () => {
  expect(
    pushed(
      "\"at\" > CAST('2024-01-01 00:00:00+00' AS TIMESTAMP WITH TIME ZONE) AND \"at\" <= CAST('2024-01-02 10:00:00.5+00' AS TIMESTAMP WITH TIME ZONE)",
    ),
  ).toBe(`"at" > '2024-01-01 00:00:00+00' AND "at" <= '2024-01-02 10:00:00.5+00'`);
  expect(pushed(`(id >= 7) AND ("day" < CAST('2024-01-01' AS DATE)) AND city = 'x' AND length(city) > 2`)).toBe(
    `"id" >= 7 AND "day" < '2024-01-01'`,
  );
  expect(pushed('"a""b" IS NULL')).toBe('"a""b" IS NULL');
});

test("what the server might read in another way is not sent", () => {
  expect(pushed("at > CAST('2024-01-01 00:00:00' AS TIMESTAMP)")).toBeUndefined();
  expect(pushed("id > 1.5")).toBeUndefined();
  expect(pushed("id > 1 OR id IS NULL")).toBeUndefined();
  expect(pushed("local > '20240101'")).toBeUndefined();
});

test("a predicate's columns are read as well, and no others", () => {
  const [id] = columns;
  const read = alsoNamed(columns, id === undefined ? [] : [id], "length(CITY) > 2");
  expect(read.map(({ name }) => name)).toEqual(["id", "city"]);
});
