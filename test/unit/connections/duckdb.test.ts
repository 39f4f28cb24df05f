import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import { DwError } from "../../../src/core/errors.js";
import type { DuckDb, DuckDbConnection } from "../../../src/core/session.js";

let folder: string;
let database: DuckDb;
let db: DuckDbConnection;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-duckdb-"));
  database = await openDuckDb({ memoryLimit: 512 * 1024 ** 2 });
  db = await database.session();
});

afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

async function strings(sql: string): Promise<(string | null)[]> {
  const all: (string | null)[] = [];
  for await (const batch of db.strings(sql)) all.push(...batch);
  return all;
}

test("a byte order mark is data, at the top and inside of nested values", async () => {
  expect(await strings("SELECT chr(65279) || 'a, a long text that is not inlined'")).toEqual(["\ufeffa, a long text that is not inlined"]);
  expect(await db.rows("SELECT chr(65279) AS s, [{'n': chr(65279) || 'x', 'm': MAP {chr(65279): 1}}] AS l")).toEqual([
    { s: "\ufeff", l: [{ n: "\ufeffx", m: [["\ufeff", 1]] }] },
  ]);
});

test("rows keep every digit of wide numbers", async () => {
  expect(await db.rows("SELECT 9007199254740993::BIGINT AS i, 1.50::DECIMAL(38,2) AS d, NULL::INT AS n, 0.5::FLOAT AS f")).toEqual([
    { i: "9007199254740993", d: "1.50", n: null, f: 0.5 },
  ]);
});

test("strings stream vector by vector, and a reader may stop early", async () => {
  let seen = 0;
  for await (const batch of db.strings("SELECT range::VARCHAR FROM range(100000000)")) {
    expect(batch.length).toBeLessThanOrEqual(2048);
    seen += batch.length;
    if (seen > 10_000) break;
  }
  expect(await strings("SELECT 'still works'")).toEqual(["still works"]);
});

test("a result that fails half-way is an error, and not the end of the rows; the connection goes on", async () => {
  const half = "SELECT CASE WHEN i = 299999 THEN error('half-way') ELSE i::VARCHAR END AS x FROM range(300000) r(i)";
  await expect(strings(half)).rejects.toThrow("half-way");
  const count = async () => {
    for await (const _ of db.vectors(half, ({ rows }) => rows));
  };
  await expect(count()).rejects.toThrow("half-way");
  await expect(db.rows(`${half} ORDER BY i`)).rejects.toThrow("half-way");
  expect(await strings("SELECT 'fine'")).toEqual(["fine"]);
});

test("times are in UTC and no extension is fetched", async () => {
  expect(await strings("SELECT current_setting('TimeZone')")).toEqual(["UTC"]);
  await expect(db.run("SELECT * FROM read_xlsx('x.xlsx')")).rejects.toMatchObject({ code: "DW-ENGINE-REFUSED" });
});

test("the footer of a file that was written again is read again, within the same second and of the same size, too", async () => {
  const path = join(folder, "again.parquet");
  const contents = new Map<number, Buffer>();
  for (const id of [1000, 2000]) {
    await db.run(`COPY (SELECT ${id} AS id) TO '${path}'`);
    contents.set(id, await readFile(path));
  }
  for (const id of [1000, 2000, 1000, 2000]) {
    await writeFile(path, contents.get(id) ?? "");
    expect(await db.rows(`SELECT min(id) AS id FROM read_parquet('${path}')`)).toEqual([{ id }]);
  }
});

test("columns of every kind are appended in their stated value forms", async () => {
  const bytes = Uint8Array.from([0, 255]);
  const columns = [
    ["b", "BOOLEAN", [true, null]],
    ["i", "INTEGER", [-5, null]],
    ["l", "BIGINT", [9007199254740993n, null]],
    ["h", "HUGEINT", [-(2n ** 126n), null]],
    ["de", "DECIMAL(38,2)", [12345n, null]],
    ["small", "DECIMAL(4,1)", [-12n, null]],
    ["f", "FLOAT", [0.5, null]],
    ["d", "DOUBLE", [-0, null]],
    ["day", "DATE", [-1, null]],
    ["t", "TIME", [1n, null]],
    ["tn", "TIME_NS", [1n, null]],
    ["ts", "TIMESTAMP", [-1n, null]],
    ["tz", "TIMESTAMP WITH TIME ZONE", [0, null]],
    ["ns", "TIMESTAMP_NS", [1n, null]],
    ["s", "VARCHAR", ["\ufeffé", null]],
    ["x", "BLOB", [bytes, null]],
    ["u", "UUID", ["F0000000-0000-0000-0000-000000000001", null]],
    ["iv", "INTERVAL", [{ months: 1, days: 2, micros: 3n }, null]],
    ["li", "INTEGER[][]", [[[1, null], null, []], null]],
    ["m", "MAP(VARCHAR, BIGINT)", [[["a", 1n]], null]],
    ["st", 'STRUCT(a INTEGER, "b ""c" VARCHAR[])', [{ a: 1, 'b "c': ["x", null] }, null]],
  ] as const;
  await db.appendColumns(
    "every kind",
    [{ rows: 2, columns: columns.map(([, , values]) => values) }],
    columns.map(([name, type]) => ({ name, type })),
  );
  const [first, second] = await db.rows('SELECT * FROM "every kind"');
  expect(first).toEqual({
    b: true,
    i: -5,
    l: "9007199254740993",
    h: String(-(2n ** 126n)),
    de: "123.45",
    small: "-1.2",
    f: 0.5,
    d: -0,
    day: "1969-12-31",
    t: "00:00:00.000001",
    tn: "00:00:00.000000001",
    ts: "1969-12-31 23:59:59.999999",
    tz: "1970-01-01 00:00:00+00",
    ns: "1970-01-01 00:00:00.000000001",
    s: "\ufeffé",
    x: "\\x00\\xFF",
    u: "f0000000-0000-0000-0000-000000000001",
    iv: "1 month 2 days 00:00:00.000003",
    li: [[1, null], null, []],
    m: [["a", "1"]],
    st: { a: 1, 'b "c': ["x", null] },
  });
  expect(Object.values(second ?? {}).every((value) => value === null)).toBe(true);
});

test("more rows than a vector holds are appended in pieces, and a value that does not fit leaves no table behind", async () => {
  const rows = 5000;
  await db.appendColumns("many", [{ rows, columns: [Int32Array.from({ length: rows }, (_, i) => i)] }], [{ name: "n", type: "INTEGER" }]);
  expect(await db.rows("SELECT count(*)::INT AS n, sum(n)::INT AS s FROM many")).toEqual([{ n: 5000, s: 12_497_500 }]);
  const inexact = db.appendColumns("inexact", [{ rows: 1, columns: [[1e300]] }], [{ name: "n", type: "BIGINT" }]);
  await expect(inexact).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
  await expect(db.rows("SELECT * FROM inexact")).rejects.toMatchObject({ code: "DW-ENGINE-REFUSED" });
});

test("a function of two BLOBs runs inside SQL, and its error comes back with its code", async () => {
  const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
    if (b.length === 0) throw new DwError("DW-FILE-CORRUPT", { what: "An empty value.", why: "It says nothing.", fix: "Copy it again." });
    return Buffer.concat([a, b]);
  };
  db.blobFunction("joined", joined);
  db.blobFunction("joined", joined);
  expect(await db.rows("SELECT list_reduce(['a'::BLOB, 'b', 'c'], lambda x, y: joined(x, y)) AS l, joined('a'::BLOB, NULL) AS n")).toEqual([
    { l: "abc", n: null },
  ]);
  await expect(db.rows("SELECT joined('a'::BLOB, ''::BLOB)")).rejects.toMatchObject({ code: "DW-FILE-CORRUPT", what: "An empty value." });
});

test("a function of one value of any type gets it as it is stored", async () => {
  const seen: unknown[] = [];
  db.valueFunction("shown", (value) => {
    seen.push(value);
    return Buffer.from("x");
  });
  const scalar = (type: string, value: unknown, scale = 0) => ({ is: "scalar", type, value, scale });
  await db.rows("SELECT shown({'d': -1.50::DECIMAL(9,2), 't': '\ufeffé', 'l': [DATE '1969-12-31', NULL]})");
  await db.rows("SELECT shown(TIMESTAMP '1970-01-01 00:00:01'), shown(UUID '00000000-0000-0000-0000-0000000000ff'), shown(7::TINYINT)");
  expect(await db.rows("SELECT shown(NULL::INTEGER) AS n")).toEqual([{ n: null }]);
  const members = [
    ["d", scalar("DECIMAL", -150n, 2)],
    ["t", scalar("VARCHAR", Buffer.from("\ufeffé"))],
    ["l", { is: "list", items: [scalar("DATE", -1), { is: "null" }] }],
  ] as const;
  expect(seen).toEqual([
    { is: "struct", members: new Map<string, unknown>(members) },
    scalar("TIMESTAMP", 1_000_000n),
    scalar("UUID", Buffer.from("000000000000000000000000000000ff", "hex")),
    scalar("TINYINT", 7),
  ]);
});

test("an aborted statement stops, throws the signal's reason, and the connection goes on", async () => {
  const stop = new AbortController();
  const session = await database.session(stop.signal);
  const long = session.run("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b");
  setTimeout(() => stop.abort(new Error("enough")), 50);
  await expect(long).rejects.toThrow("enough");
  await session.close();
});

test("DuckDB's errors become letters with codes", async () => {
  const parquet = join(folder, "bad.parquet");
  await writeFile(parquet, "PAR1 this is no parquet file PAR1");
  const codeOf = async (sql: string) => (await db.run(sql).catch((error) => error)).code;
  expect(await codeOf("SELECT 'x'::INT")).toBe("DW-VALUE-REFUSED");
  expect(await codeOf(`SELECT * FROM read_parquet('${parquet}')`)).toBe("DW-FILE-CORRUPT");
  expect(await codeOf(`SELECT * FROM read_parquet('${folder}/none.parquet')`)).toBe("DW-FILE-MISSING");
  expect(await codeOf("SELEC 1")).toBe("DW-ENGINE-REFUSED");
  const notADatabase = join(folder, "not.duckdb");
  await writeFile(notADatabase, "not a database ".repeat(1000));
  await expect(openDuckDb({ path: notADatabase })).rejects.toMatchObject({ code: "DW-FILE-CORRUPT" });
});

test("running out of the stated memory is said so", async () => {
  const small = await openDuckDb({ memoryLimit: 24 * 1024 ** 2, threads: 1, tempDirectory: "" });
  const session = await small.session();
  await expect(session.run("SELECT count(DISTINCT repeat('x', 100) || range) FROM range(5000000)")).rejects.toMatchObject({
    code: "DW-MEMORY-LIMIT",
  });
  await small.close();
});

test("questions that are asked at once are answered one after the other, each with its own rows", async () => {
  const sums = await Promise.all([1, 2, 3, 4].map((n) => db.rows(`SELECT sum(i * ${n})::VARCHAR AS s FROM range(200000) r(i)`)));
  expect(sums.map(([row]) => row?.s)).toEqual(["19999900000", "39999800000", "59999700000", "79999600000"]);
});

test("a question in the middle of a stream is refused, and the stream goes on unharmed", async () => {
  let rows = 0;
  for await (const batch of db.strings("SELECT i::VARCHAR FROM range(10000) r(i)")) {
    rows += batch.length;
    await expect(db.rows("SELECT 1")).rejects.toThrow("while it streams");
  }
  expect(rows).toBe(10_000);
  expect(await db.rows("SELECT 1 AS one")).toEqual([{ one: 1 }]);
});
