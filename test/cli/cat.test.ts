import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dw } from "./run-dw.js";

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));
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
