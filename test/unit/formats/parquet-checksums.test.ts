import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import { checkPages } from "../../../src/formats/parquet/checksums.js";
import { openSource } from "../../../src/sources/index.js";

const fixtures = join(import.meta.dirname, "../../fixtures");
const folder = mkdtempSync(join(tmpdir(), "dw-checksums-"));
const duckdb = await openDuckDb();
const db = await duckdb.session();
afterAll(async () => {
  await duckdb.close();
  rmSync(folder, { recursive: true });
});

interface ColumnChunk extends Record<string, unknown> {
  readonly name: string;
  readonly at: number;
  readonly bytes: number;
}

/** As DuckDB finds them in the footer. */
function columnChunks(path: string): Promise<ColumnChunk[]> {
  return db.rows(`
    SELECT path_in_schema AS name, coalesce(dictionary_page_offset, data_page_offset)::INTEGER AS at, total_compressed_size::INTEGER AS bytes
    FROM parquet_metadata('${path}') ORDER BY row_group_id, column_id`);
}

function parquetFiles(below: string): string[] {
  return readdirSync(join(fixtures, below), { recursive: true })
    .map((name) => join(fixtures, below, String(name)))
    .filter((path) => path.endsWith(".parquet"));
}

function flipped(path: string, at: number): string {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  const copy = join(folder, "flipped.parquet");
  writeFileSync(copy, bytes);
  return copy;
}

test.each(["plain", "iceberg", "paimon"])(
  "the files of Spark, Iceberg, Paimon and pyiceberg under %s match their checksums",
  async (below) => {
    for (const path of parquetFiles(below)) await checkPages(path, path);
  },
);

describe("a file with checksums", () => {
  const path = parquetFiles("iceberg/i21_large_narrow/table/data")[0] ?? "";

  test("with a flipped bit in a page is damaged, and the column is named", async () => {
    for (const { name, at, bytes } of await columnChunks(path)) {
      const copy = flipped(path, at + bytes - 1);
      await expect(checkPages(copy, "a.parquet"), name).rejects.toMatchObject({
        code: "DW-FILE-CORRUPT",
        why: expect.stringContaining(name),
      });
    }
  });

  test("is looked at only where it will be read", async () => {
    const [first, second] = await columnChunks(path);
    if (first === undefined || second === undefined) throw new Error("no two columns");
    const copy = flipped(path, first.at + first.bytes - 1);
    await checkPages(copy, "a.parquet", { column: ({ name }) => name === second.name });
    await checkPages(copy, "a.parquet", { rows: { start: 1e9, end: 2e9 } });
    await expect(checkPages(copy, "a.parquet", { column: ({ name }) => name === first.name })).rejects.toThrow();
  });

  test("that is cut short inside a page is damaged", async () => {
    const copy = join(folder, "short.parquet");
    const bytes = readFileSync(path);
    writeFileSync(copy, Buffer.concat([bytes.subarray(0, 200), bytes.subarray(-5000)]));
    await expect(checkPages(copy, "a.parquet")).rejects.toMatchObject({ code: "DW-FILE-CORRUPT" });
  });
});

test("a file without checksums is taken as it is", async () => {
  const path = join(folder, "none.parquet");
  await db.run(`COPY (SELECT range AS id, 'a' || range AS name FROM range(100000)) TO '${path}'`);
  const [chunk] = await columnChunks(path);
  await checkPages(flipped(path, (chunk?.at ?? 0) + (chunk?.bytes ?? 0) - 1), "a.parquet");
});

test.each([
  ["iceberg", "i08_schema_evolution", /\.parquet$/],
  ["paimon", "p13_all_types_parquet", /\.parquet$/],
  ["parquet", "d01_spark_hive_parquet", /\.parquet$/],
])("%s:%s with a flipped bit in a page gives no rows", async (format, name, pattern) => {
  const copy = join(folder, name);
  cpSync(join(fixtures, format === "parquet" ? "plain" : format, name, "table"), copy, { recursive: true });
  const rows = async (): Promise<number> => {
    const table = await openSource(`${format}:${copy}`, { at: {}, cwd: folder });
    const plan = await table.plan({});
    let found = 0;
    for (const chunk of plan.chunks) {
      const open = await plan.open(chunk, db);
      const [count] = await db.rows<{ rows: number }>(`SELECT count(*)::INTEGER AS rows FROM (${open.sql})`).finally(open.close);
      found += count?.rows ?? 0;
    }
    return found;
  };
  expect(await rows()).toBeGreaterThan(0);
  const file =
    readdirSync(copy, { recursive: true })
      .map(String)
      .filter((path) => pattern.test(path))
      .sort()
      .at(-1) ?? "";
  const [chunk] = await columnChunks(join(copy, file));
  cpSync(flipped(join(copy, file), (chunk?.at ?? 0) + (chunk?.bytes ?? 0) - 1), join(copy, file));
  await expect(rows()).rejects.toMatchObject({ code: "DW-FILE-CORRUPT" });
});
