import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { isDwError } from "../../../src/core/errors.js";
import { namedTable, openIceberg } from "../../../src/sources/iceberg/index.js";
import { openLocal } from "../../../src/storage/local.js";
import { rowsOf } from "./harness.js";
import { type PartitionType, type SmallTable, writeTable } from "./small-table.js";

const id = { id: 1, name: "id", required: false, type: "long" };
const name = { id: 2, name: "name", required: false, type: "string" };
const day = { id: 3, name: "day", required: false, type: "date" };
const data = "s3a://warehouse/db/small/data";

async function read(table: SmallTable, columns?: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const rows = await rowsOf(await writeTable(table), {}, columns === undefined ? {} : { columns });
  return [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "read",
    (error: unknown) => (isDwError(error) ? error.code : String(error)),
  );
}

describe("equality deletes", () => {
  const rows = { sql: "SELECT * FROM (VALUES (1::BIGINT, 'a'), (2, 'b'), (NULL, 'c')) t(id, name)", ids: "{id: 1, name: 2}" };

  test("are about rows that are strictly older", async () => {
    const deletes = { sql: "SELECT 1::BIGINT AS id", ids: "{id: 1}", content: 2, equalityIds: [1], sequence: 5 } as const;
    const files = [{ ...rows, sequence: 4 }, { ...rows, sequence: 5 }, deletes];
    expect((await read({ fields: [id, name], files })).map((row) => row.id)).toEqual(["1", "2", "2", null, null]);
  });

  test("take NULL for equal to NULL", async () => {
    const deletes = { sql: "SELECT NULL::BIGINT AS id", ids: "{id: 1}", content: 2, equalityIds: [1], sequence: 2 } as const;
    expect((await read({ fields: [id, name], files: [rows, deletes] })).map((row) => row.id)).toEqual(["1", "2"]);
  });

  test("compare by field id: the column is called otherwise by now, or was dropped", async () => {
    const deletes = {
      sql: "SELECT 'b' AS old_name, 9 AS junk",
      ids: "{old_name: 2, junk: 50}",
      content: 2,
      equalityIds: [2],
      sequence: 2,
    } as const;
    const renamed = { ...name, name: "label" };
    expect(await read({ fields: [id, renamed], files: [rows, deletes] }, ["id"])).toEqual([{ id: "1" }, { id: null }]);
    expect(await read({ fields: [id], olderFields: [[id, name]], files: [rows, deletes] })).toEqual([{ id: "1" }, { id: null }]);
  });

  test("compare with the default of a column that the data file is too old to have", async () => {
    const added = { id: 7, name: "kind", required: false, type: "string", "initial-default": "old" };
    const deletes = { sql: "SELECT 'old' AS kind", ids: "{kind: 7}", content: 2, equalityIds: [7], sequence: 2 } as const;
    expect(await read({ version: 3, fields: [id, added], files: [rows, deletes] })).toEqual([]);
  });

  test("compare by a member of a struct", async () => {
    const point = {
      id: 4,
      name: "point",
      required: false,
      type: {
        type: "struct",
        fields: [
          { id: 5, name: "x", required: false, type: "int" },
          { id: 6, name: "y", required: true, type: "int" },
        ],
      },
    };
    const points = {
      sql: "SELECT * FROM (VALUES ({'x': 1, 'y': 2}), ({'x': 3, 'y': 4})) t(point)",
      ids: "{point: {__duckdb_field_id: 4, x: 5, y: 6}}",
    };
    const deletes = {
      sql: "SELECT {'x': 3} AS p",
      ids: "{p: {__duckdb_field_id: 4, x: 5}}",
      content: 2,
      equalityIds: [5],
      sequence: 2,
    } as const;
    expect(await read({ fields: [point], files: [points, deletes] })).toEqual([{ point: { x: 1, y: 2 } }]);
  });

  test("tell -0.0 from 0.0, and take every NaN for one", async () => {
    const floats = "(VALUES (1::BIGINT, 0.0::DOUBLE), (2, '-0.0'), (3, 'NaN'), (4, 1.5)) t(id, x)";
    const x = { id: 2, name: "x", required: false, type: "double" };
    const deletes = {
      sql: "SELECT * FROM (VALUES ('-0.0'::DOUBLE), ('NaN')) t(x)",
      ids: "{x: 2}",
      content: 2,
      equalityIds: [2],
      sequence: 2,
    } as const;
    const files = [{ sql: `SELECT * FROM ${floats}`, ids: "{id: 1, x: 2}" }, deletes];
    expect((await read({ fields: [id, x], files })).map((row) => row.id)).toEqual(["1", "4"]);
  });

  test("tell a struct that is NULL from one whose member is", async () => {
    const place = {
      id: 2,
      name: "place",
      required: false,
      type: { type: "struct", fields: [{ id: 3, name: "city", required: false, type: "string" }] },
    };
    const of = (sql: string): string => `SELECT * FROM (VALUES ${sql}) t(id, place)`;
    const files = [
      { sql: of("(1::BIGINT, {city: 'Oslo'}), (2, {city: NULL}), (3, NULL)"), ids: "{id: 1, place: {__duckdb_field_id: 2, city: 3}}" },
      {
        sql: "SELECT {city: NULL::VARCHAR} AS place",
        ids: "{place: {__duckdb_field_id: 2, city: 3}}",
        content: 2,
        equalityIds: [3],
        sequence: 2,
      } as const,
    ];
    expect((await read({ fields: [id, place], files })).map((row) => row.id)).toEqual(["1", "3"]);
  });

  test("hold in their partition, and everywhere when their spec has none", async () => {
    const table = (specId: 0 | 1, partition: string | null): SmallTable => ({
      fields: [id, name],
      specs: [
        { "spec-id": 0, fields: [{ "source-id": 2, "field-id": 1000, name: "name", transform: "identity" }] },
        { "spec-id": 1, fields: [{ "source-id": 2, "field-id": 1000, name: "name", transform: "void" }] },
      ],
      partitionTypes: { 0: [{ name: "name", id: 1000, type: "string" }], 1: [{ name: "name", id: 1000, type: "string" }] },
      files: [
        { sql: "SELECT 1::BIGINT AS id, 'a' AS name", ids: "{id: 1, name: 2}", partition: { name: "a" } },
        { sql: "SELECT 1::BIGINT AS id, 'b' AS name", ids: "{id: 1, name: 2}", partition: { name: "b" } },
        {
          sql: "SELECT 1::BIGINT AS id",
          ids: "{id: 1}",
          content: 2,
          equalityIds: [1],
          sequence: 2,
          specId,
          partition: { name: partition },
        },
      ],
    });
    expect(await read(table(0, "a"))).toEqual([{ id: "1", name: "b" }]);
    expect(await read(table(1, null))).toEqual([]);
  });
});

test("a partition of decimals stays the same when its column is widened: deletes written since still find its older files", async () => {
  const decimals = (size: number, precision: number): readonly PartitionType[] => [
    { name: "price", id: 1000, type: { type: "fixed", name: "decimal", size, logicalType: "decimal", precision, scale: 2 } },
  ];
  const table = (deleted: number): SmallTable => ({
    fields: [id, { id: 2, name: "price", required: false, type: "decimal(20,2)" }],
    specs: [{ "spec-id": 0, fields: [{ "source-id": 2, "field-id": 1000, name: "price", transform: "identity" }] }],
    files: [
      {
        sql: "SELECT 1::BIGINT AS id, -1.00::DECIMAL(4,2) AS price",
        ids: "{id: 1, price: 2}",
        partition: { price: Buffer.of(0xff, 0x9c) },
        partitionTypes: decimals(2, 4),
      },
      {
        sql: "SELECT 1::BIGINT AS id",
        ids: "{id: 1}",
        content: 2,
        equalityIds: [1],
        sequence: 2,
        partition: { price: Buffer.of(...Array(8).fill(deleted < 0 ? 0xff : 0), deleted & 0xff) },
        partitionTypes: decimals(9, 20),
      },
    ],
  });
  expect(await read(table(-100))).toEqual([]);
  expect(await read(table(-101))).toHaveLength(1);
  expect(await read(table(100))).toHaveLength(1);
});

describe("position deletes", () => {
  const rows = { sql: "SELECT range AS id FROM range(5)", ids: "{id: 1}", sequence: 3 };
  const positions = (at: string, sequence: number) =>
    ({
      sql: `SELECT '${data}/f0.parquet' AS file_path, unnest([${at}])::BIGINT AS pos`,
      ids: "{file_path: 2147483546, pos: 2147483545}",
      content: 1,
      sequence,
    }) as const;

  test("are about files that are not younger", async () => {
    const ids = async (sequence: number) => (await read({ fields: [id], files: [rows, positions("0, 2", sequence)] })).map((row) => row.id);
    expect(await ids(2)).toEqual(["0", "1", "2", "3", "4"]);
    expect(await ids(3)).toEqual(["1", "3", "4"]);
  });

  test("are not read for a file that has a deletion vector", async () => {
    const vector = { referenced: `${data}/f0.parquet`, blob: deletionVector([1, 4]), positions: 2 };
    const files = [rows, positions("0", 3), { sql: "", name: "v.puffin", content: 1, sequence: 4, vector } as const];
    expect((await read({ version: 3, fields: [id], files })).map((row) => row.id)).toEqual(["0", "2", "3"]);
  });

  test("hold in a file that is so large that its rows are divided among chunks", async () => {
    const large = { sql: "SELECT range AS id FROM range(10)", ids: "{id: 1}", rows: 10, bytes: 1e9, name: "large.parquet" };
    const sql = `SELECT '${data}/large.parquet' AS file_path, unnest([0::BIGINT, 4, 9]) AS pos`;
    const deletes = { sql, ids: "{file_path: 2147483546, pos: 2147483545}", content: 1, sequence: 2 } as const;
    const root = await writeTable({ fields: [id], files: [large, deletes] });
    const rows = await rowsOf(root);
    expect(rows.map((row) => Number(row.id)).sort()).toEqual([1, 2, 3, 5, 6, 7, 8]);
    const { chunks } = await (await openIceberg(await openLocal(root), { at: {} })).plan({});
    expect(chunks.map(({ title }) => title)[1]).toBe("rows 1–1 of large.parquet");
    expect(chunks.map((chunk) => chunk.rows)).toEqual([1, 1, 1, 2, 1, 1, 1, 2]);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(chunks.length);
  });

  test("a deletion vector that does not match its checksum is an error", async () => {
    const blob = deletionVector([1]);
    blob[blob.length - 1] = (blob.at(-1) ?? 0) ^ 1;
    const vector = { referenced: `${data}/f0.parquet`, blob, positions: 1 };
    expect(
      await codeOf(read({ version: 3, fields: [id], files: [rows, { sql: "", name: "v.puffin", content: 1, sequence: 4, vector }] })),
    ).toBe("DW-FILE-CORRUPT");
  });
});

describe("columns", () => {
  test("that a file is too old to have get their initial default, of every type", async () => {
    const defaults: readonly [unknown, unknown, unknown][] = [
      ["boolean", true, true],
      ["int", 5, 5],
      ["long", 9007199254740993n, "9007199254740993"],
      ["double", 0.12345678901234568, 0.12345678901234568],
      ["decimal(9, 2)", "14.20", "14.20"],
      ["date", "2017-11-16", "2017-11-16"],
      ["time", "22:31:08.123456", "22:31:08.123456"],
      ["timestamp", "2017-11-16T22:31:08.123456", "2017-11-16 22:31:08.123456"],
      ["timestamptz", "2017-11-16T22:31:08.123456+00:00", "2017-11-16 22:31:08.123456+00"],
      ["timestamp_ns", "2017-11-16T22:31:08.123456789", "2017-11-16 22:31:08.123456789"],
      ["timestamptz_ns", "2017-11-16T22:31:08.123456789+00:00", "2017-11-16 22:31:08.123456789"],
      ["string", "it's", "it's"],
      ["uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7", "f79c3e09-677c-4bbd-a479-3f349cb785e7"],
      ["fixed[2]", "000F", "\\x00\\x0F"],
      ["unknown", null, null],
      [{ type: "list", "element-id": 50, element: "int", "element-required": false }, [1, null], [1, null]],
    ];
    const fields = defaults.map(([type, value], index) => ({
      id: 10 + index,
      name: `c${index}`,
      required: false,
      type,
      "initial-default": value,
    }));
    const file = { sql: "SELECT 1::BIGINT AS id", ids: "{id: 1}" };
    const table = { version: 3, fields: [id, ...fields.map((field) => ({ ...field, "initial-default": undefined }))], files: [file] };
    const root = await writeTable(table);
    const text = JSON.stringify({ ...metadataWith(fields) }, (_, value) => (typeof value === "bigint" ? `#${value}#` : value)).replace(
      /"#(\d+)#"/g,
      "$1",
    );
    await writeFile(join(root, "metadata/v1.metadata.json"), text);
    const [row] = await rowsOf(root);
    expect(Object.values(row ?? {}).slice(1)).toEqual(defaults.map(([, , expected]) => expected));
  });

  test("of a struct are filled member by member, and a struct that is NULL stays NULL", async () => {
    const struct = {
      type: "struct",
      fields: [
        { id: 5, name: "x", required: false, type: "int" },
        { id: 6, name: "y", required: false, type: "int", "initial-default": 7 },
      ],
    };
    const file = { sql: "SELECT * FROM (VALUES ({'x': 1}), (NULL)) t(point)", ids: "{point: {__duckdb_field_id: 4, x: 5}}" };
    const table = { version: 3, fields: [{ id: 4, name: "point", required: false, type: struct }], files: [file] };
    expect(await read(table)).toEqual([{ point: null }, { point: { x: 1, y: 7 } }]);
  });

  test("swap names without swapping values", async () => {
    const file = { sql: "SELECT 'one' AS a, 'two' AS b", ids: "{a: 1, b: 2}" };
    const fields = [
      { ...id, name: "b", type: "string" },
      { ...name, name: "a" },
    ];
    expect(await read({ fields, files: [file] })).toEqual([{ b: "one", a: "two" }]);
  });

  test("are promoted: int to long, float to double, decimal to a wider one, date to timestamp, and so inside of lists and maps", async () => {
    const fields = [
      { id: 1, name: "l", required: false, type: "long" },
      { id: 2, name: "d", required: false, type: "double" },
      { id: 3, name: "m", required: false, type: "decimal(20, 2)" },
      { id: 4, name: "t", required: false, type: "timestamp" },
      { id: 5, name: "li", required: false, type: { type: "list", "element-id": 6, element: "long", "element-required": false } },
      {
        id: 7,
        name: "ma",
        required: false,
        type: { type: "map", "key-id": 8, key: "long", "value-id": 9, value: "double", "value-required": false },
      },
    ];
    const sql =
      "SELECT 1::INT AS l, 0.5::FLOAT AS d, 1.25::DECIMAL(9,2) AS m, DATE '1969-12-31' AS t, [1, NULL]::INT[] AS li, MAP {1::INT: 0.5::FLOAT} AS ma";
    const ids = "{l: 1, d: 2, m: 3, t: 4, li: {__duckdb_field_id: 5, element: 6}, ma: {__duckdb_field_id: 7, key: 8, value: 9}}";
    expect(await read({ version: 3, fields, files: [{ sql, ids }] })).toEqual([
      { l: "1", d: 0.5, m: "1.25", t: "1969-12-31 00:00:00", li: ["1", null], ma: [["1", 0.5]] },
    ]);
  });

  test("of another type than the table's are an error, not a cast", async () => {
    expect(await codeOf(read({ fields: [id], files: [{ sql: "SELECT '1' AS id", ids: "{id: 1}" }] }))).toBe("DW-FILE-CORRUPT");
  });

  test("of files without ids are found by the name mapping, or the table is refused", async () => {
    const file = { sql: "SELECT 1::BIGINT AS ident, {'q': 'x'} AS s" };
    const fields = [
      id,
      { id: 4, name: "st", required: false, type: { type: "struct", fields: [{ id: 5, name: "r", required: false, type: "string" }] } },
    ];
    const mapping = [
      { "field-id": 1, names: ["id", "ident"] },
      { "field-id": 4, names: ["s"], fields: [{ "field-id": 5, names: ["q"] }] },
    ];
    const properties = { "schema.name-mapping.default": JSON.stringify(mapping) };
    expect(await read({ fields, files: [file], properties })).toEqual([{ id: "1", st: { r: "x" } }]);
    expect(await codeOf(read({ fields, files: [file] }))).toBe("DW-FILE-CORRUPT");
  });

  test("of times that are none are damage: DuckDB would end the process", async () => {
    const time = { id: 1, name: "t", required: false, type: "time" };
    const root = await writeTable({ fields: [time], files: [{ sql: "SELECT TIME '01:02:03' AS t", ids: "{t: 1}" }] });
    const path = join(root, "data/f0.parquet");
    const micros = Buffer.alloc(8);
    micros.writeBigInt64LE(3_723_000_000n);
    const hex = (await readFile(path)).toString("hex").replaceAll(micros.toString("hex"), "ffffffffffffff7f");
    await writeFile(path, Buffer.from(hex, "hex"));
    expect(await codeOf(rowsOf(root))).toBe("DW-FILE-CORRUPT");
  });

  test("of nanoseconds with a zone keep every digit", async () => {
    const fields = [
      { id: 1, name: "a", required: false, type: "timestamptz_ns" },
      { id: 2, name: "b", required: false, type: "timestamp_ns" },
    ];
    const root = await writeTable({ version: 3, fields, files: [{ sql: "SELECT 1 AS x" }] });
    await copyFile(join(import.meta.dirname, "zoned-nanos.parquet"), join(root, "data/f0.parquet")); // written by pyarrow
    expect((await rowsOf(root)).map((row) => row.a)).toEqual(["2009-02-13 23:31:30.123456789", "1969-12-31 23:59:59.999999999", null]);
  });

  test("of v3 say which row of the table each row is", async () => {
    const files = [{ sql: "SELECT range AS id FROM range(2)", ids: "{id: 1}", sequence: 4 }];
    expect(await read({ version: 3, fields: [id], files, firstRowId: 100 }, ["id", "_row_id", "_last_updated_sequence_number"])).toEqual([
      { id: "0", _row_id: "100", _last_updated_sequence_number: "4" },
      { id: "1", _row_id: "101", _last_updated_sequence_number: "4" },
    ]);
  });
});

describe("metadata", () => {
  const file = { sql: "SELECT 1::BIGINT AS id", ids: "{id: 1}" };

  test("of old v1 tables names manifests without a list", async () => {
    expect(await read({ version: 1, fields: [id], files: [file], inlineManifests: true })).toEqual([{ id: "1" }]);
  });

  test("whose list counts other files than a manifest has is damaged", async () => {
    const one = { sql: "SELECT 1::BIGINT AS id", ids: "{id: 1}" };
    expect(await codeOf(read({ fields: [id], files: [{ ...one, listed: 1 }] }))).toBe("read");
    expect(await codeOf(read({ fields: [id], files: [{ ...one, listed: 2 }] }))).toBe("DW-FILE-CORRUPT");
    expect(await codeOf(read({ fields: [id], files: [{ ...one, status: 2, listed: 1 }] }))).toBe("DW-FILE-CORRUPT");
  });

  test("lists files that are deleted already, which are not read", async () => {
    expect(await read({ fields: [id], files: [file, { ...file, status: 2 }] })).toEqual([{ id: "1" }]);
  });

  test("has partition values of days for files that lack the column", async () => {
    const table: SmallTable = {
      fields: [id, day],
      specs: [{ "spec-id": 0, fields: [{ "source-id": 3, "field-id": 1000, name: "day", transform: "identity" }] }],
      partitionTypes: { 0: [{ name: "day", id: 1000, type: { type: "int", logicalType: "date" } }] },
      files: [
        { ...file, partition: { day: -1 } },
        { ...file, partition: { day: null } },
      ],
    };
    expect(await read(table)).toEqual([
      { id: "1", day: "1969-12-31" },
      { id: "1", day: null },
    ]);
  });

  test.each([
    ["/etc/passwd", "DW-FILE-OUTSIDE"],
    ["file:/etc/passwd", "DW-FILE-OUTSIDE"],
    ["s3a://warehouse/db/small/../../../etc/passwd", "DW-FILE-OUTSIDE"],
    ["s3a://warehouse/db/other/x.parquet", "DW-FILE-OUTSIDE"],
    ["s3a://warehouse/db/small/data/gone.parquet", "DW-FILE-MISSING"],
  ])("that names %s is answered with %s", async (location, code) => {
    expect(await codeOf(read({ fields: [id], files: [{ ...file, location }] }))).toBe(code);
  });

  test("of early writers has instants before 1970 in the partition after their own, which a predicate still finds", async () => {
    const moment = { id: 1, name: "moment", required: false, type: "timestamp" };
    const root = await writeTable({
      fields: [moment],
      specs: [{ "spec-id": 0, fields: [{ "source-id": 1, "field-id": 1000, name: "day", transform: "day" }] }],
      partitionTypes: { 0: [{ name: "day", id: 1000, type: { type: "int", logicalType: "date" } }] },
      files: [{ sql: "SELECT TIMESTAMP '1969-12-31 12:00:00' AS moment", ids: "{moment: 1}", partition: { day: 0 } }],
    });
    expect(await rowsOf(root, {}, { where: "moment < '1970-01-01'" })).toHaveLength(1);
  });

  test("that names the place which the table had before finds the file where the export has it", async () => {
    expect(await read({ fields: [id], files: [{ ...file, location: "hdfs://old:8020/lake/db/small/data/f0.parquet" }] })).toEqual([
      { id: "1" },
    ]);
  });

  test("with a data path elsewhere (object store layout) finds files by what follows it", async () => {
    const location = "s3://bucket/data-lake/0101/1010/f0.parquet";
    const root = await writeTable({
      fields: [id],
      files: [{ ...file, location }],
      properties: { "write.data.path": "s3a://bucket/data-lake" },
    });
    await mkdir(join(root, "data/0101/1010"), { recursive: true });
    await rename(join(root, "data/f0.parquet"), join(root, "data/0101/1010/f0.parquet"));
    expect(await rowsOf(root)).toEqual([{ id: "1" }]);
  });

  test("that names imported files finds them by as much of their paths as the export has", async () => {
    const sql = { sql: "SELECT 1::BIGINT AS id", ids: "{id: 1}" };
    const import1 = { ...sql, name: "one.parquet", location: "hdfs://nn:8020/warehouse/old.db/sales/day=1/one.parquet" };
    const import2 = { ...sql, name: "two.parquet", location: "hdfs://nn:8020/warehouse/old.db/sales/day=2/two.parquet" };
    const root = await writeTable({ fields: [id], files: [import1, import2] });
    expect(await codeOf(rowsOf(root))).toBe("DW-FILE-OUTSIDE");
    for (const [day, name] of ["one.parquet", "two.parquet"].entries()) {
      await mkdir(join(root, `sales/day=${day + 1}`), { recursive: true });
      await rename(join(root, "data", name), join(root, `sales/day=${day + 1}`, name));
    }
    expect(await rowsOf(root)).toEqual([{ id: "1" }, { id: "1" }]);
  });

  test("with columns that differ in case alone is read one of them at a time", async () => {
    const files = [{ sql: "SELECT 1::BIGINT AS id, 'one' AS other", ids: "{id: 1, other: 2}" }];
    const twins = { fields: [id, { ...name, name: "ID" }], files };
    expect(await codeOf(read(twins))).toBe("DW-SOURCE-UNSUPPORTED");
    expect(await read(twins, ["ID"])).toEqual([{ ID: "one" }]);
    const root = await writeTable(twins);
    expect(await codeOf(rowsOf(root, {}, { columns: ["ID"], where: "id = 1" }))).toBe("DW-SOURCE-UNSUPPORTED");
  });

  test("with a column of a refused type is read without it, filtered too", async () => {
    const payload = { id: 9, name: "payload", required: false, type: "interval" };
    const files = [{ sql: "SELECT unnest([1::BIGINT, 2]) AS id", ids: "{id: 1}" }];
    const root = await writeTable({ version: 3, fields: [id, payload], files });
    expect(await rowsOf(root, {}, { columns: ["id"], where: "id > 1" })).toEqual([{ id: "2" }]);
    expect(await codeOf(rowsOf(root, {}, { columns: ["id"], where: "payload IS NULL" }))).toBe("DW-SOURCE-UNSUPPORTED");
  });

  test("of a newer format, and columns of types that dw has not, are refused", async () => {
    expect(await codeOf(read({ version: 4, fields: [id], files: [] }))).toBe("DW-SOURCE-UNSUPPORTED");
    expect(await codeOf(read({ version: 3, fields: [id, { ...name, type: "interval" }], files: [file] }))).toBe("DW-SOURCE-UNSUPPORTED");
  });

  test("can be named: a catalog may point to another than the last", async () => {
    const root = await writeTable({ fields: [id], files: [file] });
    await writeFile(
      join(root, "metadata/v2.metadata.json"),
      JSON.stringify({ "format-version": 99, "last-updated-ms": 1_800_000_000_000 }),
    );
    expect(await codeOf(rowsOf(root))).toBe("DW-SOURCE-UNSUPPORTED");
    expect(await rowsOf(root, {}, {}, "metadata/v1.metadata.json")).toEqual([{ id: "1" }]);
    expect(namedTable("lake/orders/metadata/v1.metadata.json")).toEqual({ root: "lake/orders/", metadata: "metadata/v1.metadata.json" });
    expect(namedTable("lake/orders")).toEqual({ root: "lake/orders" });
  });

  test("is found whatever a catalog calls it, the last one by what it holds", async () => {
    const root = await writeTable({ fields: [id], files: [{ sql: "SELECT 1::BIGINT AS id", ids: "{id: 1}" }] });
    const text = await readFile(join(root, "metadata/v1.metadata.json"), "utf8");
    await writeFile(join(root, "metadata/aa.metadata.json"), text);
    await writeFile(
      join(root, "metadata/zz.metadata.json"),
      text.replace('"last-updated-ms":1', '"last-updated-ms":0').replace('"current-snapshot-id":1', '"current-snapshot-id":-1'),
    );
    await rm(join(root, "metadata/v1.metadata.json"));
    expect(await rowsOf(root)).toEqual([{ id: "1" }]);
  });

  test("whose manifest list is encrypted says so", async () => {
    const root = await writeTable({ fields: [id], files: [] });
    const path = join(root, "metadata/v1.metadata.json");
    await writeFile(
      path,
      (await readFile(path, "utf8")).replace('"snapshot-id":1,"timestamp-ms"', '"snapshot-id":1,"key-id":"k","timestamp-ms"'),
    );
    await expect(rowsOf(root)).rejects.toMatchObject({ code: "DW-SOURCE-UNSUPPORTED", what: expect.stringContaining("encrypted") });
  });

  test("goes on from a hint that is behind", async () => {
    const root = await writeTable({ fields: [id], files: [file] });
    await rename(join(root, "metadata/v1.metadata.json"), join(root, "metadata/v3.metadata.json"));
    await writeFile(join(root, "metadata/v2.metadata.json"), "{}");
    await writeFile(join(root, "metadata/version-hint.text"), "2\n");
    expect(await rowsOf(root)).toEqual([{ id: "1" }]);
  });

  test("whose snapshots are their own ancestors is read all the same", async () => {
    const cyclic = {
      "snapshot-id": 1,
      "parent-snapshot-id": 1,
      "timestamp-ms": 5,
      "sequence-number": 9,
      "manifest-list": "s3a://warehouse/db/small/metadata/list.avro",
    };
    const root = await writeTable({ fields: [id], files: [file], metadata: { snapshots: [cyclic], "snapshot-log": [] } });
    expect(await rowsOf(root, { asOf: 10 })).toEqual([{ id: "1" }]);
  });
});

function metadataWith(fields: readonly object[]): object {
  return {
    "format-version": 3,
    location: "s3a://warehouse/db/small",
    "last-updated-ms": 1,
    schemas: [{ "schema-id": 0, fields: [id, ...fields] }],
    "current-schema-id": 0,
    "partition-specs": [{ "spec-id": 0, fields: [] }],
    "current-snapshot-id": 1,
    snapshots: [
      { "snapshot-id": 1, "timestamp-ms": 1, "sequence-number": 9, "manifest-list": "s3a://warehouse/db/small/metadata/list.avro" },
    ],
  };
}

/** A `deletion-vector-v1` blob of one bitmap with one array container. */
function deletionVector(positions: readonly number[]): Buffer {
  const bitmap = Buffer.alloc(8 + 4 + 8 + 4 + 4 + positions.length * 2);
  bitmap.writeBigUInt64LE(1n, 0); // one 32-bit bitmap, of key 0
  bitmap.writeUInt32LE(12346, 12);
  bitmap.writeUInt32LE(1, 16);
  bitmap.writeUInt16LE(0, 20);
  bitmap.writeUInt16LE(positions.length - 1, 22);
  bitmap.writeUInt32LE(16, 24);
  for (const [index, position] of positions.entries()) bitmap.writeUInt16LE(position, 28 + index * 2);
  const checked = Buffer.concat([Buffer.from([0xd1, 0xd3, 0x39, 0x64]), bitmap]);
  const blob = Buffer.alloc(checked.length + 8);
  blob.writeUInt32BE(checked.length, 0);
  checked.copy(blob, 4);
  blob.writeUInt32BE(crc32(checked), checked.length + 4);
  return blob;
}
