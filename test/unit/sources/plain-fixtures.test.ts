import { expect, test } from "vitest";
import type { Column } from "../../../src/core/model.js";
import type { LogicalType } from "../../../src/core/types.js";
import { openSource } from "../../../src/sources/index.js";
import { comparable, fileLines, jsonLines } from "../../support/rows.js";

const fixtures = new URL("../../fixtures/plain/", import.meta.url).pathname;

function column(type: LogicalType): Column {
  return { type, nullable: true, comment: "" };
}

/** What a model of d03's table says. */
const orders: Readonly<Record<string, Column>> = {
  order_id: column({ kind: "int", bits: 64 }),
  customer: column({ kind: "text" }),
  amount: column({ kind: "decimal", precision: 18, scale: 4 }),
  ratio: column({ kind: "float", bits: 64 }),
  paid: column({ kind: "boolean" }),
  day: column({ kind: "date" }),
  created_at: column({ kind: "timestamp", precision: 6, zoned: false }),
  remark: column({ kind: "text" }),
};

/** And of d04's. */
const weather: Readonly<Record<string, Column>> = {
  id: column({ kind: "int", bits: 64 }),
  city: column({ kind: "text" }),
  observed_at: column({ kind: "timestamp", precision: 6, zoned: true }),
  temperature: column({ kind: "float", bits: 64 }),
  humidity: column({ kind: "int", bits: 32 }),
  conditions: column({ kind: "list", element: { type: { kind: "text" }, nullable: true } }),
  wind: column({
    kind: "struct",
    fields: [
      { name: "speed", type: { kind: "float", bits: 64 }, nullable: true },
      { name: "dir", type: { kind: "text" }, nullable: true },
    ],
  }),
  note: column({ kind: "text" }),
};

test.each([
  ["parquet", "d01_spark_hive_parquet", undefined],
  ["parquet", "d02_dremio_flat_parquet", undefined],
  ["csv", "d03_csv_header", orders],
  ["jsonl", "d04_weather_jsonl_gz", undefined],
  ["jsonl", "d04_weather_jsonl_gz", weather],
] as const)("%s of %s gives the expected rows", async (format, name, typed) => {
  const folder = `${fixtures}${name}`;
  const table = await openSource(`${format}:table`, { at: {}, cwd: folder, ...(typed && { typed }) });
  const { columns } = JSON.parse(fileLines(`${folder}/expected.json`).join("\n"));
  const lines = await jsonLines(table);
  await table.close();
  expect(comparable(lines, columns)).toEqual(comparable(fileLines(`${folder}/expected.jsonl`), columns));
});
