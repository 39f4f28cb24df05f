import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectFolder } from "../unit/model/project-folder.js";
import { dw } from "./run-dw.js";

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));
const salesModel = `import { defineTable, t } from "dwright";
const columns = { id: t.bigint("sale"), paid: t.decimal(9, 2, "settled").nullable(), day: t.date("UTC") };
export const sales = defineTable("sales", { layer: "dws", grain: "one row per sale", columns, key: ["id"], on: { postgres: {} } });
export const inDuckdb = defineTable("sales_duckdb", { layer: "dws", grain: "one row per sale", columns, key: ["id"], on: { duckdb: {} } });
`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-cat-"));
  await writeFile(join(folder, "a.csv"), 'id,name\n1,"x, y"\n2,\\N\n3,\n');
});
afterAll(() => rm(folder, { recursive: true }));

test("rows come as JSON Lines where no terminal is", async () => {
  const { code, stdout, stderr } = await dw(["cat", `csv:${folder}/a.csv`]);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: '{"id":"1","name":"x, y"}\n{"id":"2","name":null}\n{"id":"3","name":null}\n',
    stderr: "",
  });
});

test("columns, a predicate and a limit choose what is read", async () => {
  const { stdout } = await dw(["cat", `csv:${folder}`, "--columns", "name,id", "--where", "name IS NULL -- all of them", "--limit", "1"]);
  expect(stdout).toBe('{"name":null,"id":"2"}\n');
});

test("a model types the columns of a file that has none, and a value that does not fit is refused", async () => {
  const cwd = await projectFolder({
    "models/shop/dws/sales.ts": salesModel,
    "sales.csv": "id,paid,day\n1,2.50,2024-02-29\n2,,2024-03-01\n",
  });
  await writeFile(join(cwd, "more.jsonl"), '{"id": 9007199254740993, "paid": "0.10", "day": "2024-01-01"}\n');
  await writeFile(join(cwd, "broken.csv"), "id,paid,day\n1,2.50,2024-02-30\n");
  const csv = await dw(["cat", "csv:sales.csv", "--model", "sales", "--where", "day > DATE '2024-02-01'"], { cwd });
  expect(csv.stdout).toBe('{"id":"1","paid":"2.50","day":"2024-02-29"}\n{"id":"2","paid":null,"day":"2024-03-01"}\n');
  const jsonl = await dw(["cat", "jsonl:more.jsonl", "--model", "sales"], { cwd });
  expect(jsonl.stdout).toBe('{"id":"9007199254740993","paid":"0.10","day":"2024-01-01"}\n');
  expect((await dw(["cat", "csv:broken.csv", "--model", "sales"], { cwd })).code).toBe(5);
  expect(await dw(["cat", "csv:sales.csv", "--model", "sale"], { cwd })).toMatchObject({ code: 2, stdout: "" });
});

test("model:NAME is the table that the environment makes of a model, in DuckDB and in PostgreSQL", async () => {
  const cwd = await projectFolder({ "models/shop/dws/sales.ts": salesModel });
  const local = { cwd, env: { DW_ENV: "local" } };
  await dw(["migrate", "new", "first"], { cwd });
  expect((await dw(["migrate", "up"], local)).code).toBe(0);
  expect((await dw(["migrate", "verify"], local)).code).toBe(0);
  await writeFile(join(cwd, "sales.csv"), "id,paid,day\n1,2.50,2024-02-29\n2,,2024-03-01\n");
  const load = await dw(["backfill", "--source", "csv:sales.csv", "--target", "model:sales_duckdb", "--where", "id > 1"], local);
  expect(load).toMatchObject({ code: 0 });
  expect((await dw(["cat", "model:sales_duckdb"], local)).stdout).toBe('{"id":"2","paid":null,"day":"2024-03-01"}\n');
  const on = await dw(["backfill", "--source", "model:sales_duckdb", "--target", "model:sales"], local);
  expect(on).toMatchObject({ code: 0 });
  expect((await dw(["cat", "model:sales@postgres", "--where", "id = 2"], local)).stdout).toBe(
    '{"id":"2","paid":null,"day":"2024-03-01"}\n',
  );
  expect(JSON.parse((await dw(["inspect", "model:sales_duckdb", "--json"], local)).stdout)).toMatchObject({ format: "duckdb table" });
  expect(await dw(["cat", "model:sale"], local)).toMatchObject({ code: 2, stderr: expect.stringContaining("Did you mean model:sales?") });
  const odd = await dw(["backfill", "--source", "csv:sales.csv", "--target", "model:sales", "--where", "true) OR (SELECT true"], local);
  expect(odd).toMatchObject({ code: 2, stderr: expect.stringContaining("DW-USAGE") });
}, 300_000);

test("a table is for people, CSV keeps NULL and empty text apart", async () => {
  expect((await dw(["cat", `csv:${folder}`, "--format", "table"])).stdout).toBe("id  name\n1   x, y\n2   NULL\n3   NULL\n");
  expect((await dw(["cat", `csv:${folder}`, "--format", "csv"])).stdout).toBe('id,name\n1,"x, y"\n2,\n3,\n');
});

test.each([
  ["an unknown format", ["cat", "icberg:x"], 2, "DW-SOURCE-UNKNOWN"],
  ["no table", ["cat", "iceberg:/nope"], 5, "DW-TABLE-MISSING"],
  [
    "a predicate that reads a file",
    ["cat", `parquet:${fixtures}/plain/d02_dremio_flat_parquet/table`, "--where", "order_id IN (SELECT 1)"],
    2,
    "DW-USAGE",
  ],
  ["an unknown column", ["cat", `parquet:${fixtures}/plain/d02_dremio_flat_parquet/table`, "--columns", "nope"], 2, "DW-USAGE"],
  ["two states at once", ["cat", "iceberg:/nope", "--snapshot", "1", "--ref", "a"], 2, "DW-USAGE"],
  ["no time", ["cat", "iceberg:/nope", "--as-of", "yesterday"], 2, "DW-USAGE"],
  [
    "snapshots of plain files",
    ["cat", `parquet:${fixtures}/plain/d02_dremio_flat_parquet/table`, "--snapshot", "1"],
    5,
    "DW-SNAPSHOT-MISSING",
  ],
  ["a scheme that is not read", ["inspect", "parquet:gopher://x/y"], 5, "DW-SOURCE-UNSUPPORTED"],
] as const)("%s is a letter with its code", async (_, words, code, expected) => {
  const answer = await dw([...words]);
  expect(answer.stderr).toContain(expected);
  expect(answer).toMatchObject({ code, stdout: "" });
});

test("inspect explains a table to a person, and to a program with --json", async () => {
  const source = `iceberg:${fixtures}/iceberg/i05_position_deletes/table`;
  expect((await dw(["inspect", source])).stdout).toMatch(/iceberg v2[\s\S]*order_id +int64[\s\S]*dw reads this table/);
  expect(JSON.parse((await dw(["inspect", source, "--json"])).stdout)).toMatchObject({ format: "iceberg v2", refused: [] });
});
