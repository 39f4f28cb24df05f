import { expect, test } from "vitest";
import { openSource } from "../../src/sources/index.js";
import { fileLines, jsonLines } from "../support/rows.js";

const here = new URL("./iceberg/", import.meta.url).pathname;

async function rowsOf(name: string, where?: string): Promise<string[]> {
  const table = await openSource(`iceberg:${here}${name}/table`, { at: {}, cwd: "/" });
  const lines = await jsonLines(table, where === undefined ? {} : { where }).finally(() => table.close());
  return lines.map(canonical).sort();
}

/** Java writes 1.0 where JavaScript writes 1. */
const canonical = (line: string): string => JSON.stringify(JSON.parse(line));

test.each(["small_parquet", "small_orc", "small_avro"])("%s: rows without those that position and equality deletes name", async (name) => {
  const expected = fileLines(`${here}${name}/expected.jsonl`).filter((line) => line !== "");
  expect(await rowsOf(name)).toEqual(expected.map(canonical).sort());
  expect(await rowsOf(name, "id > 10")).toEqual(
    expected
      .filter((line) => JSON.parse(line).id > 10)
      .map(canonical)
      .sort(),
  );
  expect(await rowsOf(name, "id > 100")).toEqual([]);
});

test.each(["v3_opaque", "v3_variant_orc"])(
  "%s: variants as JSON text however they are stored, geometries as WKB, and NULL of an unknown type",
  async (name) => {
    const expected = fileLines(`${here}${name}/expected.jsonl`).filter((line) => line !== "");
    expect(await rowsOf(name)).toEqual(expected.map(canonical).sort());
    expect(await rowsOf(name, `v LIKE '{"A":%'`)).toEqual(
      expected
        .filter((line) => String(JSON.parse(line).v).startsWith('{"A":'))
        .map(canonical)
        .sort(),
    );
  },
);

test("columns may be called as the lambdas of our SQL are, a struct may have had two members of one name in two cases, times of both precisions may lie side by side", async () => {
  const expected = fileLines(`${here}odd_names_and_times/expected.jsonl`).filter((line) => line !== "");
  expect(await rowsOf("odd_names_and_times")).toEqual(expected.map(canonical).sort());
});
