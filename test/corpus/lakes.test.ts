import { afterAll, describe, expect, test } from "vitest";
import { isDwError } from "../../src/core/errors.js";
import { openSource } from "../../src/sources/index.js";
import { lakeCases, lakeFormats } from "../support/lake-cases.js";
import { comparable, fileLines, jsonLines } from "../support/rows.js";

/*
 * Every table that the reference implementations wrote, at every state that they expect, is right or refused with a
 * reason: never wrong.
 */

const outcomes = new Map<string, "right" | "refused" | "wrong">();

afterAll(() => {
  const count = (outcome: string) => [...outcomes.values()].filter((value) => value === outcome).length;
  process.stdout.write(`lakes: ${count("right")} right, ${count("refused")} refused, ${count("wrong")} wrong\n`);
  expect(count("wrong")).toBe(0);
});

/** Cases that are refused on purpose. The list only shrinks. */
const refused: readonly string[] = [];

describe.each(lakeFormats)("%s", (format) => {
  test.each(lakeCases(format).map((item) => [item.name, item] as const))("%s", async (name, { source, at, expected, columns }) => {
    outcomes.set(name, "wrong");
    try {
      const table = await openSource(source, { at, cwd: "/" });
      const lines = await jsonLines(table).finally(() => table.close());
      expect(comparable(lines, columns)).toEqual(comparable(fileLines(expected), columns));
      outcomes.set(name, "right");
    } catch (error) {
      if (!isDwError(error) || error.code !== "DW-SOURCE-UNSUPPORTED") throw error;
      outcomes.set(name, "refused");
      expect(refused, error.message).toContain(name);
    }
  });
});
