import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, expect, test } from "vitest";
import { type ByteSource, openOrc } from "../../src/formats/orc/index.js";
import { parquetType } from "../../src/formats/orc/parquet.js";
import { ParquetWriter } from "../../src/formats/parquet/writer.js";
import { openSource } from "../../src/sources/index.js";
import { comparable, fileLines, jsonLines } from "../support/rows.js";

const folder = mkdtempSync(join(tmpdir(), "dw-orc-"));
const here = new URL("./orc/", import.meta.url).pathname;
afterAll(() => rmSync(folder, { recursive: true }));

function fileSource(path: string): ByteSource {
  const file = openSync(path, "r");
  return {
    size: fstatSync(file).size,
    read: (start, length) => {
      const bytes = new Uint8Array(length);
      readSync(file, bytes, 0, length, start);
      return bytes;
    },
  };
}

async function toParquet(from: ByteSource, to: string, batchRows: number): Promise<void> {
  const orc = await openOrc(from);
  const file = openSync(to, "w");
  const columns = orc.schema.children.map((type, i) => ({ name: orc.schema.fieldNames[i] ?? "", type: parquetType(type, "nanos") }));
  const writer = new ParquetWriter(columns, (bytes) => void writeSync(file, bytes));
  for (const batch of orc.batches({ fields: columns.map((_, i) => i), batchRows, timestampUnit: "nanos" })) {
    writer.rowGroup(batch.rows, batch.columns);
  }
  writer.close();
  closeSync(file);
}

async function rows(sql: string): Promise<unknown[][]> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  return (await connection.runAndReadAll(sql)).getRowsJson();
}

for (const compression of ["uncompressed", "zlib", "snappy", "lz4", "zstd"]) {
  for (const batchRows of [77, 100_000]) {
    test(`every type of an ORC file with ${compression} compression reads as Arrow reads it, ${batchRows} rows at a time`, async () => {
      const ours = join(folder, `${compression}-${batchRows}.parquet`);
      await toParquet(fileSource(`${here}${compression}.orc`), ours, batchRows);
      const numbered = (path: string): string =>
        `select row_number() over () as row, * replace (ts::timestamp_ns as ts, m::varchar as m, st::varchar as st, l::varchar as l) from '${path}'`;
      expect(await rows(`select count(*) from '${ours}'`)).toEqual([["600"]]);
      expect(await rows(`${numbered(ours)} except ${numbered(`${here}${compression}.parquet`)}`)).toEqual([]);
    });
  }
}

test.each(["union", "no_row_index", "lzo", "hybrid_calendar"])("%s.orc holds what Java wrote", async (name) => {
  const table = await openSource(`orc:${here}${name}.orc`, { at: {}, cwd: "/" });
  const columns = name === "hybrid_calendar" ? [{ name: "m", type: "map<string,int>" }] : [];
  const lines = await jsonLines(table).finally(() => table.close());
  expect(comparable(lines, columns)).toEqual(comparable(fileLines(`${here}${name}.jsonl`), columns));
});

test("without row indexes nothing is left out: such files have statistics that were never filled", async () => {
  const table = await openSource(`orc:${here}no_row_index.orc`, { at: {}, cwd: "/" });
  const found = async (where: string): Promise<number> => (await jsonLines(table, { where })).length;
  const ids = { low: await found("id < 50"), high: await found("id >= 50"), none: await found("id IS NULL") };
  await table.close();
  expect(ids.low).toBeGreaterThan(0);
  expect(ids.low + ids.high + ids.none).toBe(50);
});

test("a damaged ORC file gives rows or a coded error, never a crash or a hang", async () => {
  const whole = fileSource(`${here}zlib.orc`);
  const original = whole.read(0, whole.size);
  let seed = 42;
  const random = (limit: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed % limit;
  };
  const outcomes = new Map<string, number>();
  for (let round = 0; round < 1000; round++) {
    const bytes = Uint8Array.from(original);
    for (let flips = 1 + random(4); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
    const cut = random(5) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
    const outcome = await readAll({ size: cut.length, read: (start, length) => cut.slice(start, start + length) });
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  expect([...outcomes.keys()].sort()).toEqual(["DW-FILE-CORRUPT", "DW-SOURCE-UNSUPPORTED", "rows"]);
});

async function readAll(source: ByteSource): Promise<string> {
  try {
    const orc = await openOrc(source);
    const fields = orc.schema.children.map((_, i) => i);
    for (const _batch of orc.batches({ fields, batchRows: 1000, timestampUnit: "nanos" }));
    return "rows";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}
