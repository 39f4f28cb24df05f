import { afterAll, beforeAll, expect, test } from "vitest";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import { checkedPredicate } from "../../../src/connections/duckdb-predicate.js";
import type { DuckDb, DuckDbConnection } from "../../../src/core/session.js";
import type { SourceColumn } from "../../../src/core/source.js";

let database: DuckDb;
let db: DuckDbConnection;
beforeAll(async () => {
  database = await openDuckDb({ memoryLimit: 256 * 1024 ** 2 });
  db = await database.session();
});
afterAll(() => database.close());

const columns: readonly SourceColumn[] = [
  { name: "id", type: { kind: "int", bits: 64 }, nullable: false },
  { name: "day", type: { kind: "date" }, nullable: true },
  { name: 'my "col', type: { kind: "text" }, nullable: true },
];

test("a predicate comes back as DuckDB writes it, without comments", async () => {
  expect(await checkedPredicate(db, `id > 1 -- ) or (true`, columns)).toBe("(id > 1)");
  expect(await checkedPredicate(db, `day >= DATE '2024-01-01' and "my ""col" like 'a%'`, columns)).toBe(
    `(("day" >= CAST('2024-01-01' AS DATE)) AND ("my ""col" ~~ 'a%'))`,
  );
});

test.each([
  ["an unknown column", "nope = 1", /nope/],
  ["a syntax error", "id = ", /syntax error/],
  ["a closed bracket and another clause", "true) GROUP BY (id", /more than one expression/],
  ["a union", "true) UNION ALL SELECT 2 WHERE (true", /more than one expression/],
  ["an order", "true) ORDER BY (id", /more than one expression/],
  ["a limit", "true) LIMIT (1", /more than one expression/],
  ["a second statement", "true); DROP TABLE x; SELECT (1", /SELECT statements/],
  ["a second select", "true); SELECT (1", /more than one expression/],
  ["a subquery that reads a file", "id IN (SELECT 1 FROM read_text('/etc/passwd'))", /subquery/],
  ["a parameter", "id = $1", /parameter/],
  ["an aggregate", "sum(id) > 1", /aggregate/i],
  ["nothing", "", /syntax error/],
])("%s is refused with DW-USAGE", async (_, predicate, why) => {
  await expect(checkedPredicate(db, predicate, columns)).rejects.toMatchObject({
    code: "DW-USAGE",
    why: expect.stringMatching(why),
  });
});
