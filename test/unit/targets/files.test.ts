import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import type { StorageWriter } from "../../../src/core/storage.js";
import { openFiles } from "../../../src/sources/files/index.js";
import { openLocal } from "../../../src/storage/local.js";
import { localWriter } from "../../../src/storage/local-writer.js";
import { type FilesTargetOptions, filesTarget } from "../../../src/targets/files/index.js";
import { openDatabase, type TestDatabase } from "../../backfill/duckdb.js";
import { backfill } from "../../backfill/load.js";
import { columnsOf, sourceOf, t } from "../../backfill/source.js";

let database: TestDatabase;
let root: string;

beforeAll(async () => {
  database = await openDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "dw-files-target-"));
  return () => rm(root, { recursive: true, force: true });
});

const formats = ["parquet", "csv", "jsonl"] as const;
type Format = (typeof formats)[number];

const orders = { shop: t.int(), day: t.date(), note: t.text().nullable() };
const chunk = (...rows: readonly string[]): string => `SELECT * FROM (VALUES ${rows.join(", ")}) AS t(shop, day, note)`;
const row = (shop: number, day: string, note: string | null): string =>
  `(${shop}::INTEGER, DATE '${day}', ${note === null ? "NULL" : `'${note.replaceAll("'", "''")}'`}::VARCHAR)`;
const chunks = [
  chunk(row(1, "2024-01-01", "a"), row(1, "2024-01-01", "a"), row(2, "2024-01-02", null)),
  chunk(row(3, "2024-01-02", 'x,"y"\nz'), row(4, "2024-01-03", "")),
];

const target = (format: Format, more: Partial<FilesTargetOptions> = {}) =>
  filesTarget({ format, writer: localWriter(join(root, "out")), partitionBy: [], ...more });
const load = (format: Format, more: Partial<FilesTargetOptions> = {}, parts: readonly string[] = chunks) =>
  backfill({ name: "orders", source: sourceOf("orders", columnsOf(orders), parts), target: target(format, more) }, database.connect, {
    key: ["shop"],
  });
/** Data files, as a reader of the folder sees them. */
const visible = async (): Promise<string[]> =>
  (await readdir(join(root, "out"), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, "out").length + 1))
    .filter((path) => !/(^|\/)(_dw|\.)/.test(path))
    .sort();

describe.each(formats)("%s files", (format) => {
  test("a chunk is a file, and a second run writes none", async () => {
    expect(await load(format)).toMatchObject({ verdict: "equal", rows: { source: "5", target: "5", before: "0" } });
    const files = await visible();
    expect(files).toHaveLength(2);
    const before = await Promise.all(files.map((file) => readFile(join(root, "out", file))));
    expect(await load(format)).toMatchObject({ verdict: "equal", rows: { source: "5", target: "5" } });
    expect(await visible()).toEqual(files);
    expect(await Promise.all(files.map((file) => readFile(join(root, "out", file))))).toEqual(before);
  });

  test("every type comes back as it was, or is refused before a row is written", async () => {
    const certificate = await backfill(
      {
        name: "types",
        source: sourceOf("types", columnsOf(types), [typesChunk]),
        target: target(format, { columns: modelOf(types) }),
        targetModel: { columns: modelOf(types) },
      },
      database.connect,
    );
    expect(certificate.findings).toEqual([]);
    expect(certificate.verdict).toBe("equal");
    expect(certificate.columns.filter(({ compared }) => compared !== "every value")).toEqual([]);
  });

  test("partition folders carry values that folders cannot be named by, and NULL", async () => {
    const notes = ["a/b", "c=d %2F", "..", "ü:é\n", "quote'\"", " "];
    const parts = [chunk(...notes.map((note, index) => row(index, "2024-01-01", note)), row(9, "2024-01-01", null))];
    expect(await load(format, { partitionBy: ["day", "note"] }, parts)).toMatchObject({ verdict: "equal", rows: { target: "7" } });
    const files = await visible();
    expect(files).toHaveLength(7);
    expect(files.every((file) => file.startsWith("day=2024-01-01/note="))).toBe(true);
    expect(files.some((file) => file.includes("note=__HIVE_DEFAULT_PARTITION__/"))).toBe(true);
  });
});

test("whatever operation fails, before or after it took effect, the run after it ends with each row once", async () => {
  const [first = ""] = chunks;
  for (const when of ["before", "after"] as const) {
    for (let at = 0, died = true; died; at++) {
      await rm(join(root, "out"), { recursive: true, force: true });
      const dying = dyingWriter(localWriter(join(root, "out")), at, when);
      died = await load("jsonl", { writer: dying, partitionBy: ["day"] }, [first]).then(
        () => false,
        () => true,
      );
      expect(await load("jsonl", { partitionBy: ["day"] }, [first]), `${when} operation ${at}`).toMatchObject({
        verdict: "equal",
        rows: { source: "3", target: "3" },
      });
      expect(await visible()).toHaveLength(2);
    }
  }
}, 60_000);

/** A writer that dies at its operation number `at`, with or without having done it. */
function dyingWriter(writer: StorageWriter, at: number, when: "before" | "after"): StorageWriter {
  let count = 0;
  const mortal =
    <Rest extends readonly unknown[], Result>(work: (...rest: Rest) => Promise<Result>) =>
    async (...rest: Rest): Promise<Result> => {
      const dies = count++ >= at;
      if (dies && when === "before") throw new Error("killed");
      const result = await work(...rest);
      if (dies) throw new Error("killed");
      return result;
    };
  return { ...writer, put: mortal(writer.put), remove: mortal(writer.remove) };
}

const types = {
  yes: t.boolean().nullable(),
  tiny: t.tinyint().nullable(),
  big: t.bigint().nullable(),
  huge: t.decimal(38, 0).nullable(),
  paid: t.decimal(18, 4).nullable(),
  ratio: t.double().nullable(),
  small: t.float().nullable(),
  name: t.text().nullable(),
  bytes: t.binary().nullable(),
  day: t.date().nullable(),
  at: t.instant().nullable(),
  wall: t.datetime().nullable(),
  id: t.uuid().nullable(),
  doc: t.json().nullable(),
  tags: t.list(t.text()).nullable(),
};
const modelOf = (columns: typeof types) => Object.fromEntries(Object.entries(columns).map(([name, { column }]) => [name, column]));

const typesChunk = `SELECT * FROM (VALUES
  (true, (-128)::TINYINT, (-9223372036854775808)::BIGINT, 99999999999999999999999999999999999999::DECIMAL(38,0), (-0.0001)::DECIMAL(18,4), '-0.0'::DOUBLE, 0.1::FLOAT, '\\N', '\\x00\\xFF'::BLOB,
   DATE '0001-01-01', TIMESTAMPTZ '1969-12-31 23:59:59.999999+00', TIMESTAMP '9999-12-31 23:59:59.999999',
   '00000000-0000-0000-0000-000000000001'::UUID, '{"a": [1, null, 0.10], "b": "\\n"}', ['x', NULL, '"']),
  (false, 127, 9223372036854775807, -1, 99999999999999.9999, 'NaN', 'Infinity', '', ''::BLOB,
   DATE '2024-02-29', TIMESTAMPTZ '2024-10-27 00:30:00+00', TIMESTAMP '1582-10-04 00:00:00', 'ffffffff-ffff-4fff-bfff-ffffffffffff'::UUID, 'null', []),
  (NULL, NULL, NULL, NULL, NULL, 1e308, NULL, chr(65279) || 'BOM, "q", 𝒳' || chr(10) || chr(13) || chr(9) || chr(1), NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (NULL, 0, 0, 0, 0, NULL, -0.0, 'NULL', NULL, DATE '9999-12-31', TIMESTAMPTZ '0001-01-01 00:00:00+00', NULL, NULL, '"text"', [NULL])
) AS t(yes, tiny, big, huge, paid, ratio, small, name, bytes, day, "at", wall, id, doc, tags)`;

test("what others put into the folder, took away or changed is found", async () => {
  await load("csv");
  const [first = ""] = await visible();
  const path = join(root, "out", first);
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace("2024-01-02", "2024-01-05"));
  const changed = await load("csv");
  expect(changed).toMatchObject({ verdict: "different", rows: { source: "5", target: "5" } });
  expect(changed.differences).toEqual([
    { where: "differs", row: "shop=2", chunk: "chunk 0", columns: [{ name: "day", source: "19724", target: "19727" }] },
  ]);
  await writeFile(path, text);
  await writeFile(join(root, "out", "theirs.csv"), "shop,day,note\n7,2024-01-01,z\n");
  expect(await load("csv")).toMatchObject({ verdict: "different", rows: { source: "5", target: "6" } });
});

test("files that were there before are counted apart and stay after a reset", async () => {
  await mkdir(join(root, "out"));
  await writeFile(join(root, "out", "theirs.csv"), "shop,day,note\n7,2024-01-01,z\n");
  expect(await load("csv")).toMatchObject({ verdict: "equal", rows: { source: "5", target: "5", before: "1" } });
  await expect(target("csv").reset("orders", false)).rejects.toMatchObject({ code: "DW-LEDGER-CONFLICT" });
  await target("csv").reset("orders", true);
  expect(await visible()).toEqual(["theirs.csv"]);
  expect(await target("csv").ledger("orders")).toBeUndefined();
});

test("the ledger of a folder takes no other source under the same name", async () => {
  await load("jsonl");
  await expect(load("jsonl", {}, [...chunks, chunk(row(5, "2024-01-01", "n"))])).rejects.toMatchObject({ code: "DW-LEDGER-CONFLICT" });
  expect(await target("jsonl").ledger("orders")).toMatchObject({ identity: { source: "test:orders@2" }, chunks: { length: 2 } });
});

test("an empty partition text is refused, as readers take it for NULL", async () => {
  const parts = [chunk(row(1, "2024-01-01", ""))];
  await expect(load("parquet", { partitionBy: ["note"] }, parts)).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
  expect(await visible()).toEqual([]);
});

test("columns that a format does not hold are named before anything is read", async () => {
  const columns = [{ name: "span", type: { kind: "interval" }, nullable: true }] as const;
  await expect(target("parquet").columns(columns)).rejects.toMatchObject({
    code: "DW-TYPE-UNSUPPORTED",
    message: expect.stringContaining("span is interval"),
  });
  await expect(target("csv").columns([{ name: "x", type: { kind: "text" }, nullable: true }])).rejects.toMatchObject({
    code: "DW-TYPE-UNSUPPORTED",
  });
  await expect(target("csv", { partitionBy: ["no"] }).columns(columnsOf(orders))).rejects.toMatchObject({ code: "DW-TYPE-UNSUPPORTED" });
});

test("rejected rows lie beside the ledger, where readers of the table do not look", async () => {
  const certificate = await backfill(
    {
      name: "orders",
      source: sourceOf("orders", columnsOf(orders), chunks),
      target: target("jsonl", { columns: { shop: orders.shop.column, note: { ...orders.note.column, type: { kind: "text", max: 3 } } } }),
      quarantine: { most: 1 },
    },
    database.connect,
  );
  expect(certificate).toMatchObject({ verdict: "equal", quarantined: "1", rows: { source: "4", target: "4" } });
  expect(certificate.coverage.join("\n")).toContain("out/_dw");
});

test("a link inside of the folder does not lead the files out of it", async () => {
  await mkdir(join(root, "out"));
  await mkdir(join(root, "elsewhere"));
  await symlink(join(root, "elsewhere"), join(root, "out", "day=2024-01-01"));
  await expect(load("parquet", { partitionBy: ["day"] })).rejects.toMatchObject({ code: "DW-FILE-OUTSIDE" });
  expect(await readdir(join(root, "elsewhere"))).toEqual([]);
});

test("the files of one run are a table to dw cat", async () => {
  await load("parquet", { partitionBy: ["day"] });
  const table = await openFiles(await openLocal(join(root, "out")), "parquet", "", { at: {} });
  const duckdb = await openDuckDb();
  try {
    expect(table.columns.map(({ name }) => name)).toEqual(["shop", "note", "day"]);
    const plan = await table.plan({});
    const db = await duckdb.session();
    const open = await plan.open(plan.chunks[0] ?? { id: "", title: "", bytes: 0, files: [] }, db);
    expect(await db.rows(`SELECT shop, day FROM (${open.sql}) ORDER BY ALL`)).toEqual([
      { shop: 1, day: "2024-01-01" },
      { shop: 1, day: "2024-01-01" },
      { shop: 2, day: "2024-01-02" },
      { shop: 3, day: "2024-01-02" },
      { shop: 4, day: "2024-01-03" },
    ]);
    await open.close();
  } finally {
    await table.close();
    await duckdb.close();
  }
});
