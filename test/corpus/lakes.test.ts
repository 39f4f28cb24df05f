import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isDwError } from "../../src/core/errors.js";
import type { At } from "../../src/core/source.js";
import { openSource } from "../../src/sources/index.js";
import { comparable, type Expected, fileLines, jsonLines } from "../support/rows.js";

/*
 * Every table that the reference implementations wrote, at every state that they expect, is right or refused with a
 * reason: never wrong. CSV is text without a model; test/unit/sources/plain-fixtures.test.ts reads it with one.
 */

const fixtures = new URL("../fixtures/", import.meta.url).pathname;

interface Read {
  readonly file: string;
  readonly columns: readonly Expected[];
  readonly snapshot_id?: string | number;
  readonly tag?: string;
  readonly branch?: string;
}

interface Case {
  readonly name: string;
  readonly source: string;
  readonly at: At;
  readonly expected: string;
  readonly columns: readonly Expected[];
}

function cases(format: string): Case[] {
  const root = join(fixtures, format);
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, "expected.json")))
    .flatMap((name) => {
      const folder = join(root, name);
      const meta = JSON.parse(fileLines(join(folder, "expected.json")).join("\n"));
      const source = `${format === "plain" ? meta.format : format}:${join(folder, "table")}`;
      const reads: Read[] = [{ file: "expected.jsonl", columns: meta.columns }, ...(meta.reads ?? [])];
      return reads.map((read) => ({
        name: read.file === "expected.jsonl" ? name : `${name}/${read.file}`,
        source,
        at: atOf(read),
        expected: join(folder, read.file),
        columns: read.columns,
      }));
    })
    .filter(({ name }) => name !== "d03_csv_header");
}

function atOf({ snapshot_id, tag, branch }: Read): At {
  const ref = tag ?? branch;
  return { ...(snapshot_id !== undefined && { snapshot: String(snapshot_id) }), ...(ref !== undefined && { ref }) };
}

const outcomes = new Map<string, "right" | "refused" | "wrong">();

afterAll(() => {
  const count = (outcome: string) => [...outcomes.values()].filter((value) => value === outcome).length;
  process.stdout.write(`lakes: ${count("right")} right, ${count("refused")} refused, ${count("wrong")} wrong\n`);
  expect(count("wrong")).toBe(0);
});

/** Cases that are refused on purpose. The list only shrinks. */
const refused: readonly string[] = [];

describe.each(["iceberg", "paimon", "plain"])("%s", (format) => {
  test.each(cases(format).map((item) => [item.name, item] as const))("%s", async (name, { source, at, expected, columns }) => {
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
