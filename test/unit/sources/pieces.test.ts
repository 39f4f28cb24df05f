import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import { copyLines } from "../../../src/sources/files/lines.js";
import { cut, packed } from "../../../src/sources/files/pieces.js";
import { openSource } from "../../../src/sources/index.js";
import { openLocal } from "../../../src/storage/local.js";

const MIB = 1024 ** 2;
const file = (path: string, size: number) => ({ path, size, partition: [] });
const parts = (...given: Parameters<typeof cut>) => cut(...given).map(({ part, rows }) => [part?.start, part?.end, rows]);

describe("a large file is cut", () => {
  test("between row groups, into parts of like size", () => {
    expect(parts(file("a", 300 * MIB), "row groups", 900, [100, 100, 100, 100, 100, 100, 100, 100, 100])).toEqual([
      [0, 300, 300],
      [300, 600, 300],
      [600, 900, 300],
    ]);
    expect(parts(file("a", 300 * MIB), "stripes", 900, [10, 850, 40])).toEqual([
      [0, 860, 860],
      [860, 900, 40],
    ]);
  });

  test("also where its rows are many and small", () => {
    expect(parts(file("a", MIB), "row groups", 6_000_000, [3_000_000, 3_000_000])).toEqual([
      [0, 3_000_000, 3_000_000],
      [3_000_000, 6_000_000, 3_000_000],
    ]);
  });

  test("not where one group has all rows, no place is safe, or it is compressed", () => {
    const whole = [[undefined, undefined, 900]];
    expect(parts(file("a", 300 * MIB), "row groups", 900, [900])).toEqual(whole);
    expect(parts(file("a.csv", 300 * MIB), undefined, 900, undefined)).toEqual(whole);
    expect(parts(file("a.jsonl.gz", 300 * MIB), "lines", 900, undefined)).toEqual(whole);
    expect(parts(file("a", 256 * MIB), "row groups", 900, [450, 450])).toEqual(whole);
  });

  test("and its parts are chunks of their own; small files share one", () => {
    const pieces = [file("a.jsonl", MIB), file("b.jsonl", MIB), file("c.jsonl", 300 * MIB)].flatMap((one) =>
      cut(one, "lines", undefined, undefined),
    );
    expect(packed(pieces).map((chunk) => chunk.map(({ file, part }) => `${file.path} ${part?.start ?? "whole"}`))).toEqual([
      ["a.jsonl whole", "b.jsonl whole", "c.jsonl 0"],
      ["c.jsonl 104857600"],
      ["c.jsonl 209715200"],
    ]);
  });
});

test.each([
  ["lines", "a\nbb\n\nccc\nd\n"],
  ["a last line without an end", "a\nbb\nccc"],
  ["one line", "abcdefghij"],
  ["a first line that is empty", "\n\nab\n"],
])("every line of %s is in one part, wherever it is cut", async (_, text) => {
  const folder = await mkdtemp(join(tmpdir(), "dw-lines-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "a"), text);
  const storage = await openLocal(folder);
  let count = 0;
  const lines = async (start: number, end: number): Promise<string> => {
    const to = join(folder, String(count++));
    await copyLines(storage, file("a", text.length), { start, end }, to);
    return readFile(to, "utf8");
  };
  for (let one = 0; one <= text.length; one++) {
    for (let two = one; two <= text.length; two++) {
      const found = [await lines(0, one), await lines(one, two), await lines(two, text.length)];
      expect(found.join("")).toBe(text);
      for (const part of found.slice(0, 2)) expect(part === "" || part.endsWith("\n") || text.endsWith(part)).toBe(true);
    }
  }
});

test("the chunks of a Parquet file of many rows are its rows, each once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dw-pieces-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const database = await openDuckDb({ memoryLimit: 512 * MIB });
  const db = await database.session();
  await db.run(`COPY (SELECT i::INTEGER AS id FROM range(4500000) t(i)) TO '${folder}/a.parquet' (FORMAT parquet, ROW_GROUP_SIZE 500000)`);
  const table = await openSource("parquet:a.parquet", { at: {}, cwd: folder });
  const plan = await table.plan({ where: "id <> 7" });
  expect(plan.chunks.map(({ title, rows }) => [title, rows])).toEqual([
    ["rows 0–1505279 of a.parquet", 1_505_280], // groups of DuckDB's own size
    ["rows 1505280–3010559 of a.parquet", 1_505_280],
    ["rows 3010560–4499999 of a.parquet", 1_489_440],
  ]);
  const sums: unknown[] = [];
  for (const chunk of plan.chunks) {
    const open = await plan.open(chunk, db);
    sums.push(...(await db.rows(`SELECT count(*)::INTEGER AS n, min(id) AS low, max(id) AS high FROM (${open.sql})`)));
    await open.close();
  }
  await table.close();
  await database.close();
  expect(sums).toEqual([
    { n: 1_505_279, low: 0, high: 1_505_279 },
    { n: 1_505_280, low: 1_505_280, high: 3_010_559 },
    { n: 1_489_440, low: 3_010_560, high: 4_499_999 },
  ]);
});
