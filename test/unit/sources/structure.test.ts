import { expect, test } from "vitest";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import { joined, joinedFacts, type Structure } from "../../../src/sources/files/structure.js";

const values = [
  "1",
  "-1",
  "18446744073709551615",
  "1.5",
  '"x"',
  "true",
  "null",
  "[]",
  "[1]",
  '["x"]',
  "[-1, null]",
  '{"a":1}',
  '{"a":"x"}',
  '{"b":[1.5]}',
  "{}",
];

test("what is found of two groups of JSON values together is what DuckDB finds of all of them", async () => {
  const database = await openDuckDb({ memoryLimit: 256 * 1024 ** 2 });
  const db = await database.session();
  const found = async (texts: readonly string[]): Promise<Structure> => {
    const rows = texts.map((text) => `('{"k": ${text}}')`).join(", ");
    const [row] = await db.rows<{ found: string }>(`SELECT json_group_structure(v)::VARCHAR AS found FROM (VALUES ${rows}) t(v)`);
    return JSON.parse(row?.found ?? "null") as Structure; // what DuckDB makes
  };
  const apart = new Map<string, Structure>();
  for (const value of values) apart.set(value, await found([value]));
  const differ: unknown[] = [];
  for (const one of values) {
    for (const two of values) {
      const [together, ours] = [await found([one, two]), joined(apart.get(one) ?? "", apart.get(two) ?? "")];
      if (JSON.stringify(sorted(together)) !== JSON.stringify(sorted(ours))) differ.push([one, two, together, ours]);
    }
  }
  await database.close();
  expect(differ).toEqual([]);
});

function sorted(found: Structure): unknown {
  if (typeof found === "string") return found;
  if (Array.isArray(found)) return found.map(sorted);
  return Object.entries(found)
    .sort()
    .map(([name, member]) => [name, sorted(member)]);
}

test("facts about numbers add up, and their bounds are compared as numbers", () => {
  const fact = { name: "k", fractions: 0, infinite: 0, longest: 1, low: "9", high: "9" };
  expect(joinedFacts(fact, { ...fact, fractions: 2, longest: 2, low: "-10", high: "10" })).toEqual({
    name: "k",
    fractions: 2,
    infinite: 0,
    longest: 2,
    low: "-10",
    high: "10",
  });
  expect(joinedFacts(fact, { ...fact, longest: null, low: null, high: null })).toEqual(fact);
});
