import { copyFile, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import avsc from "avsc";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import type { Column } from "../../../src/core/model.js";
import type { ReadRequest } from "../../../src/core/source.js";
import type { LogicalType } from "../../../src/core/types.js";
import { openSource } from "../../../src/sources/index.js";
import { jsonLines } from "../../support/rows.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-files-"));
  onTestFinished(() => rm(folder, { recursive: true }));
});

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

async function parquet(path: string, sql: string, options = ""): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  const database = await openDuckDb({ memoryLimit: 256 * 1024 ** 2 });
  const db = await database.session();
  await db.run(`COPY (${sql}) TO '${join(folder, path)}' (FORMAT parquet${options})`);
  await database.close();
}

type Typed = Readonly<Record<string, LogicalType>>;

async function read(source: string, request: ReadRequest = {}, typed?: Typed): Promise<string[]> {
  const columns = typed && Object.entries(typed).map(([name, type]): [string, Column] => [name, { type, nullable: true, comment: "" }]);
  const table = await openSource(source, { at: {}, cwd: folder, ...(columns && { typed: Object.fromEntries(columns) }) });
  return jsonLines(table, request).finally(() => table.close());
}

const failure = (work: Promise<unknown>): Promise<{ code: string; what: string }> =>
  work.then(() => ({ code: "none", what: "" })).catch((error) => error);

test("CSV: byte order mark, CRLF, quoted newlines and quotes, several gzip members; NULL is not an empty text", async () => {
  const members = [gzipSync('\ufeffid,"na ""me"\r\n1,""\r\n2,\\N\r\n'), gzipSync('3,"a\r\nb, ""c"""\r\n4,"\\N"\r\n5,\r\n')];
  await write("a.csv.gz", Buffer.concat(members));
  expect((await read("csv:a.csv.gz")).map((line) => Object.values(JSON.parse(line)))).toEqual([
    ["1", ""],
    ["2", null],
    ["3", 'a\r\nb, "c"'],
    ["4", "\\N"],
    ["5", null],
  ]);
});

test("CSV: a semicolon or a tab in the header is the delimiter, and files may have their columns in another order", async () => {
  await write("t/a.csv", "id;name\n1;a,b\n");
  await write("t/b.tsv", "name\tid\textra\nc\t2\tx\n");
  expect(await read("csv:t")).toEqual(['{"id":"1","name":"a,b","extra":null}', '{"id":"2","name":"c","extra":"x"}']);
});

/** What Spark 3.5 writes of these rows without any option: quotes have backslashes before them. */
const sparkCsv = 'id,s\n1,"say \\"hi\\""\n2,""\n3,\n4,back\\slash\n5,"a\\\\,b"\n6,"\\""\n7,"x\ny"\n';
const sparkRows = ['say "hi"', "", null, "back\\slash", "a\\,b", '"', "x\ny"].map((s, index) =>
  JSON.stringify({ id: String(index + 1), s }),
);

test("CSV of Spark is recognised by the backslash before a quote, in all files of the table when in one", async () => {
  await write("t/a.csv", sparkCsv);
  await write("t/b.csv.gz", gzipSync('id,s\n8,"only\\\\,this"\n'));
  expect((await read("csv:t")).sort()).toEqual([...sparkRows, '{"id":"8","s":"only\\\\,this"}']);
  await write("rfc.csv", 'id,s\n1,"C:\\"\n2,"say ""\\"""\n');
  expect(await read("csv:rfc.csv")).toEqual(['{"id":"1","s":"C:\\\\"}', '{"id":"2","s":"say \\"\\\\\\""}']);
});

test.each([
  ["csv,dialect=mysql", "1\ta\\tb\t\\N\n2\tline\\\nbreak\t\n", ["1", "a\tb", null, "2", "line\nbreak", ""]],
  ["csv,dialect=hive", '1\u0001"a\u0001\\N\n', ["1", '"a', null]],
  ["csv,quote=single,header=no", "1,'it''s, so',\n", ["1", "it's, so", null]],
  ["csv,header=no,delimiter=bar,null=NULL", '1|NULL|"NULL"\n2||\n', ["1", null, "NULL", "2", "", ""]],
  ["csv,header=no,encoding=windows-1252", Buffer.from("caf\xe9,\x80\r\n", "latin1"), ["café", "€"]],
  ["csv", Buffer.from('\ufeffa;b\r\n1;"é\n😀"\r\n', "utf16le"), ["1", "é\n😀"]],
  ["csv", "a,b\r\n1,2\n3,4\r\n", ["1", "2", "3", "4"]],
] as const)("%s reads %j", async (source, content, values) => {
  await write("a.txt", content);
  expect((await read(`${source}:a.txt`)).flatMap((line) => Object.values(JSON.parse(line)))).toEqual(values);
});

test("CSV without a header has the columns of the model, in its order", async () => {
  await write("dt=1/a.csv", "7,x\n");
  const typed: Typed = { id: { kind: "int", bits: 32 }, name: { kind: "text" }, dt: { kind: "int", bits: 32 } };
  expect(await read("csv,header=no:.", {}, typed)).toEqual(['{"id":7,"name":"x","dt":1}']);
  expect(await failure(read("csv,header=no:.", {}, { id: { kind: "text" } }))).toMatchObject({ code: "DW-SOURCE-UNSUPPORTED" });
});

/** What Spark 3.5 writes of `id,s`, `1,x`. */
const hadoopFiles = {
  snappy: Buffer.concat([blockHead(9, 11), Buffer.from([9, 8 << 2]), Buffer.from("id,s\n1,x\n").subarray(0, 9)]),
  lz4: Buffer.concat([blockHead(9, 10), Buffer.from([9 << 4]), Buffer.from("id,s\n1,x\n").subarray(0, 9)]),
  deflate: deflateSync("id,s\n1,x\n"),
};

function blockHead(plain: number, compressed: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(plain, 0);
  head.writeUInt32BE(compressed, 4);
  return head;
}

test.each(Object.entries(hadoopFiles))(
  "what Hadoop's codec for %s packed is unpacked, and damage in it is found",
  async (ending, content) => {
    await write(`a.csv.${ending}`, content);
    expect(await read(`csv:a.csv.${ending}`)).toEqual(['{"id":"1","s":"x"}']);
    await write(`a.csv.${ending}`, content.subarray(0, -2));
    expect(await failure(read(`csv:a.csv.${ending}`))).toMatchObject({ code: "DW-FILE-CORRUPT" });
  },
);

test("JSON Lines: an object without keys is a row of NULLs, an array in place of lines is named", async () => {
  await write("a.jsonl", '{"a":1}\n{}\n');
  expect(await read("jsonl:a.jsonl")).toEqual(['{"a":1}', '{"a":null}']);
  await write("b.jsonl", '[{"a":1},{"a":2}]\n');
  expect(await failure(read("jsonl:b.jsonl"))).toMatchObject({ code: "DW-FILE-CORRUPT", why: expect.stringContaining("jq -c") });
});

/** What the zstd command makes of a header `id` and 60 rows, with a checksum behind. */
const zstdFile = Buffer.from("28b52ffd0458bd00008069640a300a310a320a330a340a350a36010050a473097e8ed731", "hex");

test("a zstd file of rows is unpacked", async () => {
  await write("a.csv.zst", zstdFile);
  expect(await read("csv:a.csv.zst")).toHaveLength(60);
});

test.each([
  ["a truncated gzip file", "a.csv.gz", gzipSync(`id\n${"1\n".repeat(5000)}`).subarray(0, -12)],
  ["a gzip file with a wrong checksum", "a.csv.gz", flipped(gzipSync(`id\n${"1\n".repeat(5000)}`))],
  ["a file that is no gzip", "a.csv.gz", "id\n1\n"],
  ["a truncated zstd file", "a.csv.zst", zstdFile.subarray(0, -6)],
  ["a zstd file with a wrong checksum", "a.csv.zst", flipped(zstdFile, 2)],
  ["a quote that never ends", "a.csv", 'id,b\n1,"x\n2,y\n'],
  ["a row with a field too few", "a.csv", "id,b\n1\n"],
  ["a row with a field too many", "a.csv", "id,b\n1,2,3\n"],
  ["an empty zstd file", "a.csv.zst", "no zstd at all"],
  ["a JSON line that is cut", "a.jsonl", '{"a":1}\n{"a":'],
  ["a JSON line that is no object", "a.jsonl", '{"a":1}\n[1]\n'],
  ["a Parquet file that is cut", "a.parquet", "PAR1 and then nothing PAR1"],
] as const)("%s is damage, not a table with fewer rows", async (_, name, content) => {
  await write(name, content);
  const format = name.split(".")[1] ?? "";
  expect(await failure(read(`${format}:${name}`))).toMatchObject({ code: "DW-FILE-CORRUPT" });
});

function flipped(bytes: Uint8Array, fromEnd = 6): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = copy.length - fromEnd; // inside of the checksum
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}

const decimal: LogicalType = { kind: "decimal", precision: 18, scale: 2 };

test("CSV typed by a model: each text is exactly a value of its type", async () => {
  await write("a.csv", "i,d,t,z,b\n 7 ,1.500,2024-02-29T12:00:00.1234560,2024-01-01 00:00:00+02:00,true\n");
  const typed: Typed = {
    i: { kind: "int", bits: 64 },
    d: decimal,
    t: { kind: "timestamp", precision: 6, zoned: false },
    z: { kind: "timestamp", precision: 6, zoned: true },
    b: { kind: "boolean" },
  };
  expect(await read("csv:a.csv", {}, typed)).toEqual([
    '{"i":"7","d":"1.50","t":"2024-02-29T12:00:00.123456","z":"2023-12-31T22:00:00.000000Z","b":true}',
  ]);
});

test.each([
  ["1.7", { kind: "int", bits: 64 }],
  ["9223372036854775808", { kind: "int", bits: 64 }],
  ["1.005", decimal],
  ["1e3", decimal],
  ["2024-02-30", { kind: "date" }],
  ["2024-01-01 00:00:00", { kind: "date" }],
  ["2024-01-01 00:00:00.1234567", { kind: "timestamp", precision: 6, zoned: false }],
  ["2024-01-01 00:00:00+02:00", { kind: "timestamp", precision: 6, zoned: false }],
  ["maybe", { kind: "boolean" }],
  ["12", { kind: "uuid" }],
] as const)("CSV: %s is no %o and is refused, not rounded", async (text, type) => {
  await write("a.csv", `v\n"${text}"\n`);
  expect(await failure(read("csv:a.csv", {}, { v: type }))).toMatchObject({ code: "DW-VALUE-REFUSED" });
});

test("CSV: an instant needs its zone, in the text or stated, and a time that clocks show twice is none", async () => {
  const column = (zone?: string) =>
    ({ at: { type: { kind: "timestamp", precision: 6, zoned: true }, nullable: true, comment: "", ...(zone && { zone }) } }) as const;
  const readAs = async (zone?: string) => {
    const table = await openSource("csv:a.csv", { at: {}, cwd: folder, typed: column(zone) });
    return jsonLines(table).finally(() => table.close());
  };
  await write("a.csv", "at\n2024-07-01 12:00:00\n2024-07-01T12:00:00Z\n");
  expect(await failure(readAs())).toMatchObject({ code: "DW-VALUE-REFUSED" });
  expect(await readAs("Europe/Paris")).toEqual(['{"at":"2024-07-01T10:00:00.000000Z"}', '{"at":"2024-07-01T12:00:00.000000Z"}']);
  await write("a.csv", "at\n2024-10-27 02:30:00\n");
  expect(await failure(readAs("Europe/Paris"))).toMatchObject({ code: "DW-VALUE-REFUSED" });
  expect(await readAs("UTC")).toEqual(['{"at":"2024-10-27T02:30:00.000000Z"}']);
});

test("a file that was written again is another source, though its name and size are the same; while a run reads, it is refused", async () => {
  await write("a.csv", "id\n1\n");
  const table = await openSource("csv:a.csv", { at: {}, cwd: folder });
  onTestFinished(() => table.close());
  const before = await table.plan({});
  expect((await table.plan({})).identity).toBe(before.identity);
  await write("a.csv", "id\n2\n");
  await utimes(join(folder, "a.csv"), 1, 1);
  const after = await table.plan({});
  expect(after.identity).not.toBe(before.identity);
  expect(after.chunks[0]?.id).not.toBe(before.chunks[0]?.id);
  const database = await openDuckDb();
  onTestFinished(() => database.close());
  const [chunk] = before.chunks;
  if (chunk === undefined) throw new Error("no chunk");
  expect(await failure(before.open(chunk, await database.session()))).toMatchObject({
    code: "DW-FILE-CORRUPT",
    what: "a.csv was written again after the run had been planned.",
  });
});

test("JSON Lines: the smallest exact type of each number, texts stay texts, missing keys are NULL", async () => {
  await write(
    "a.jsonl",
    '{"s":1,"l":3000000000,"h":123456789012345678901234567890,"f":1.5,"d":"2024-01-01","m":1}\n{"s":-2,"f":2,"m":"x","n":{"k":[1,null]}}\n',
  );
  expect(await read("jsonl:a.jsonl")).toEqual([
    '{"s":1,"l":"3000000000","h":"123456789012345678901234567890","f":1.5,"d":"2024-01-01","m":"1","n":null}',
    '{"s":-2,"l":null,"h":null,"f":2.0,"d":null,"m":"\\"x\\"","n":{"k":["1",null]}}',
  ]);
});

test("a file of several bzip2 streams is unpacked, and damage in it is found", async () => {
  // by Python's bz2: the header and 1, then 2, in two streams, after a byte order mark
  const packed = Buffer.from(
    "QlpoOTFBWSZTWZQEVh0AAAPJCQAQIAAEIAAIgACgACIPSYIYABOT6LuSKcKEhKAisOhCWmg5MUFZJlNZQMJ+bgAAAMgAABAQACAAIQCCsXckU4UJBAwn5uA=",
    "base64",
  );
  await write("a.csv.bz2", packed);
  expect(await read("csv:a.csv.bz2")).toEqual(['{"id":"1"}', '{"id":"2"}']);
  await write("a.csv.bz2", packed.subarray(0, packed.length - 3));
  await expect(read("csv:a.csv.bz2")).rejects.toMatchObject({ code: "DW-FILE-CORRUPT" });
  const flipped = Buffer.from(packed);
  flipped[30] = (flipped[30] ?? 0) ^ 4;
  await write("a.csv.bz2", flipped);
  await expect(read("csv:a.csv.bz2")).rejects.toMatchObject({ code: "DW-FILE-CORRUPT" });
});

test("a file that is packed without saying so in its name is refused, not read as text", async () => {
  await write("a.csv", gzipSync("id\n1\n"));
  await expect(read("csv:a.csv")).rejects.toMatchObject({ code: "DW-SOURCE-UNSUPPORTED" });
  await write("a.jsonl", gzipSync('{"id":1}\n'));
  await expect(read("jsonl:a.jsonl")).rejects.toMatchObject({ code: "DW-SOURCE-UNSUPPORTED" });
});

test("JSON Lines: a byte order mark before the first line is none of the data, packed or not", async () => {
  const text = '\ufeff{"id":1}\r\n{"id":2}\r\n';
  await write("a.jsonl", text);
  await write("b.jsonl.gz", gzipSync(text));
  expect(await read("jsonl:a.jsonl")).toEqual(['{"id":1}', '{"id":2}']);
  expect(await read("jsonl:b.jsonl.gz")).toEqual(['{"id":1}', '{"id":2}']);
  expect(await read("jsonl:b.jsonl.gz", {}, { id: { kind: "int", bits: 64 } })).toEqual(['{"id":"1"}', '{"id":"2"}']);
});

test("JSON Lines: what no double holds stays text, what nests too deeply stays JSON, and a key that is there twice is refused", async () => {
  await write("a.jsonl", '{"x":1e400}\n{"x":0.5}\n');
  expect(await read("jsonl:a.jsonl")).toEqual(['{"x":"1e400"}', '{"x":"0.5"}']);
  await write("a.jsonl", '{"x":{"y":1.7976931348623157e+308}}\n');
  expect(await read("jsonl:a.jsonl")).toEqual(['{"x":{"y":1.7976931348623157e+308}}']);
  await write("a.jsonl", '{"x":{"y":1e309}}\n');
  expect(await read("jsonl:a.jsonl")).toEqual(['{"x":"{\\"y\\":1e309}"}']);
  const deep = `${"[".repeat(200)}1${"]".repeat(200)}`;
  await write("a.jsonl", `{"x":${deep}}\n`);
  expect(await read("jsonl:a.jsonl")).toEqual([`{"x":"${deep}"}`]);
  await write("a.jsonl", '{"x":1,"x":2}\n');
  await expect(read("jsonl:a.jsonl")).rejects.toMatchObject({ code: "DW-SOURCE-UNSUPPORTED" });
});

test("JSON Lines typed by a model: a decimal that DuckDB would take from a rounded double is refused, a text is exact", async () => {
  const paid: Typed = { paid: { kind: "decimal", precision: 38, scale: 6 } };
  await write("a.jsonl", '{"paid":1234.5678}\n{"paid":"123456789012345678.123456"}\n{"paid":12345678901234567890}\n');
  expect(await read("jsonl:a.jsonl", {}, paid)).toEqual([
    '{"paid":"1234.567800"}',
    '{"paid":"123456789012345678.123456"}',
    '{"paid":"12345678901234567890.000000"}',
  ]);
  await write("a.jsonl", '{"paid":123456789012345678.123456}\n');
  await expect(read("jsonl:a.jsonl", {}, paid)).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
});

test("JSON Lines: integers that a double would round stay exact, also beside fractions and inside of arrays", async () => {
  await write("a.jsonl", '{"a":9007199254740993,"b":[123456789012345678901]}\n{"a":0.5,"b":[1]}\n');
  expect(await read("jsonl:a.jsonl")).toEqual(['{"a":"9007199254740993","b":"[123456789012345678901]"}', '{"a":"0.5","b":"[1]"}']);
});

test("Parquet: schemas are united by name, with a type that holds all values", async () => {
  await parquet("t/a.parquet", "SELECT 1::INTEGER AS id, 1.5::DECIMAL(4,1) AS d, {'x': 1} AS s");
  await parquet("t/b.parquet", "SELECT 1.25::DECIMAL(10,2) AS d, 3000000000::BIGINT AS id, {'y': 'z', 'x': 2} AS s, 'new' AS n");
  expect(await read("parquet:t")).toEqual([
    '{"id":"1","d":"1.50","s":{"x":1,"y":null},"n":null}',
    '{"id":"3000000000","d":"1.25","s":{"x":2,"y":"z"},"n":"new"}',
  ]);
});

test("Parquet: days that old Spark counted in the Julian calendar are those that it meant, at any depth", async () => {
  const days = "[DATE '1582-10-14', '1000-03-06', '1582-10-15']"; // Julian: 1582-10-04, 1000-02-29, and the first Gregorian day
  const noon = "d + TIME '12:00:00'";
  const sql = `SELECT d, {noon: timezone('UTC', ${noon}), clock: ${noon}, more: [d]} AS s FROM (SELECT unnest(${days}) AS d)`;
  const old = ", KV_METADATA {'org.apache.spark.version': '2.4.8'}";
  await parquet("a.parquet", sql, old);
  expect(await read("parquet:a.parquet")).toEqual([
    // times without a zone are not of the old calendar: Spark writes them since 3.4, and as they are
    '{"d":"1582-10-04","s":{"noon":"1582-10-04T12:00:00.000000Z","clock":"1582-10-14T12:00:00.000000","more":["1582-10-04"]}}',
    '{"d":"1000-03-01","s":{"noon":"1000-03-01T12:00:00.000000Z","clock":"1000-03-06T12:00:00.000000","more":["1000-03-01"]}}',
    '{"d":"1582-10-15","s":{"noon":"1582-10-15T12:00:00.000000Z","clock":"1582-10-15T12:00:00.000000","more":["1582-10-15"]}}',
  ]);
  expect(await read("parquet:a.parquet", { columns: ["d"], where: "d = '1582-10-04'" })).toEqual(['{"d":"1582-10-04"}']);
  await parquet("a.parquet", sql, ", KV_METADATA {'org.apache.spark.version': '3.5.6'}");
  expect(await read("parquet:a.parquet", { columns: ["d"] })).toContain('{"d":"1582-10-14"}');
  await parquet("a.parquet", sql, `${old.slice(0, -1)}, 'org.apache.spark.timeZone': 'No/Where'}`);
  await expect(read("parquet:a.parquet", { columns: ["s"] })).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
});

/** Files of other writers; README.md beside them names these. */
const corpus = new URL("../../corpus/plain/", import.meta.url).pathname;

test.each(["spark_legacy", "spark_legacy_shanghai"])("Parquet: %s is read as Spark reads it", async (name) => {
  const expected = (await readFile(`${corpus}${name}.jsonl`, "utf8")).trim().split("\n");
  expect((await read(`parquet:${corpus}${name}.parquet`)).sort()).toEqual(expected.sort());
});

test("Parquet: what Hadoop compressed with LZ4 is read from a copy", async () => {
  const rows = await read(`parquet:${corpus}spark_lz4.parquet`, { where: "id >= 4998" });
  expect(rows.sort()).toEqual(['{"id":"4998","s":"v4998"}', '{"id":"4999","s":"v4999"}']);
});

test("Parquet: nanoseconds in INT96 are refused or, where a model says so, kept; DuckDB would cut them", async () => {
  const source = `parquet:${corpus}fine_int96.parquet`;
  expect(await failure(read(source))).toMatchObject({ code: "DW-VALUE-REFUSED" });
  expect(await read(source, { columns: ["i"] }, { i: { kind: "timestamp", precision: 9, zoned: false } })).toEqual([
    '{"i":"1970-01-01T01:00:00.000000005"}',
  ]);
});

test("Parquet: a column without a type, of NULLs alone, takes the type that it has in another file", async () => {
  await write("t/a.parquet", await readFile(`${corpus}nothing.parquet`));
  expect(await read("parquet:t")).toEqual(['{"t":null}']);
  await parquet("t/b.parquet", "SELECT {'x': 1} AS t");
  expect(await read("parquet:t")).toEqual(['{"t":null}', '{"t":{"x":1}}']);
});

test("files of zero bytes are tables without rows where their writers leave such files, and damage elsewhere", async () => {
  await write("text/part-0.csv", "");
  await write("text/part-1.csv", "id\n1\n");
  expect(await read("csv:text")).toEqual(['{"id":"1"}']);
  await parquet("hive/000000_0", "SELECT 1 AS id");
  await write("hive/000001_0", "");
  expect(await read("parquet:hive")).toEqual(['{"id":1}']);
  await parquet("other/a.parquet", "SELECT 1 AS id");
  await write("other/b.parquet", "");
  expect(await failure(read("parquet:other"))).toMatchObject({ code: "DW-FILE-CORRUPT" });
});

test("Parquet: where no type holds the values of all files, the table is refused", async () => {
  await parquet("t/a.parquet", "SELECT 1::BIGINT AS id");
  await parquet("t/b.parquet", "SELECT 1.5::DOUBLE AS id");
  expect(await failure(read("parquet:t"))).toMatchObject({
    code: "DW-SOURCE-UNSUPPORTED",
    what: expect.stringContaining("id is int64 in"),
  });
});

test("folders give columns: escapes, NULL and signs that a glob would mean", async () => {
  await parquet("t/day=a%2Fb%25/x=[1]*/p.parquet", "SELECT 1 AS id");
  await parquet("t/day=__HIVE_DEFAULT_PARTITION__/x=/p?.parquet", "SELECT 2 AS id");
  await write("t/_SUCCESS", "");
  await write("t/day=c/.p.parquet.crc", "x");
  expect((await read("parquet:t")).sort()).toEqual(['{"id":1,"day":"a/b%","x":"[1]*"}', '{"id":2,"day":null,"x":""}']);
});

test("a predicate over folders prunes files: a damaged one that it rules out is not even opened for rows", async () => {
  await write("t/dt=1/a.csv", "id\n1\n");
  await write("t/dt=2/a.csv", 'id\n"never ends\n');
  expect(await read("csv:t", { where: "dt = '1'", columns: ["id", "dt"] })).toEqual(['{"id":"1","dt":"1"}']);
  expect(await failure(read("csv:t"))).toMatchObject({ code: "DW-FILE-CORRUPT" });
});

test.each([
  ["a file of another kind", { "t/a.csv": "a\n1\n", "t/README.md": "hello" }, "csv:t", "DW-SOURCE-UNSUPPORTED"],
  ["partition folders that differ", { "t/a=1/x.csv": "v\n1\n", "t/b=1/x.csv": "v\n1\n" }, "csv:t", "DW-SOURCE-UNSUPPORTED"],
  ["a column that two folders give", { "t/a=1/A=2/x.csv": "v\n1\n" }, "csv:t", "DW-SOURCE-UNSUPPORTED"],
  ["a header that names a column twice", { "a.csv": "a,A\n1,2\n" }, "csv:a.csv", "DW-SOURCE-UNSUPPORTED"],
  ["a folder without files", { "t/_SUCCESS": "" }, "parquet:t", "DW-TABLE-MISSING"],
  ["a glob that selects nothing", { "t/a.csv": "a\n" }, "csv:t/*.tsv", "DW-TABLE-MISSING"],
  ["text in UTF-16 without a mark", { "a.csv": Buffer.from("a\n1\n", "utf16le") }, "csv:a.csv", "DW-SOURCE-UNSUPPORTED"],
  ["text in an encoding that nobody states", { "a.csv": Buffer.from("a\ncaf\xe9\n", "latin1") }, "csv:a.csv", "DW-SOURCE-UNSUPPORTED"],
  ["a packing that is not read", { "t/a.csv.xz": "x" }, "csv:t", "DW-SOURCE-UNSUPPORTED"],
  ["an option that CSV files do not have", { "a.csv": "a\n" }, "csv,haeder=no:a.csv", "DW-USAGE"],
  ["a value that an option does not have", { "a.csv": "a\n" }, "csv,escape=c:a.csv", "DW-USAGE"],
  ["an option of other files", { "a.json": "{}" }, "jsonl,header=no:a.json", "DW-SOURCE-UNKNOWN"],
] as const)("%s is refused", async (_, files, source, code) => {
  for (const [path, content] of Object.entries(files)) await write(path, content);
  expect(await failure(read(source))).toMatchObject({ code });
});

test("a glob selects files below its folder, and a header without rows is a table without rows", async () => {
  await write("x/a-1.csv", "id\n1\n");
  await write("x/b-1.csv", "id\n2\n");
  await write("x/deep/a-2.csv", "id\n");
  expect(await read("csv:x/a-*.csv")).toEqual(['{"id":"1"}']);
  expect(await read("csv:x/**/a-*.csv")).toEqual(['{"id":"1"}']);
});

test("Avro files are a table of their own: columns by name, a predicate, NULL where a file has no such column", async () => {
  await write("t/day=1/a.avro", await avroFile([{ name: "id", type: "int" }], [{ id: 1 }, { id: 2 }]));
  const wider = [
    { name: "name", type: ["null", "string"] },
    { name: "id", type: "int" },
  ];
  await write("t/day=2/b.avro", await avroFile(wider, [{ name: "x", id: 3 }]));
  expect(await read("avro:t")).toEqual([
    '{"id":1,"name":null,"day":"1"}',
    '{"id":2,"name":null,"day":"1"}',
    '{"id":3,"name":"x","day":"2"}',
  ]);
  expect(await read("avro:t", { where: "day = '2' AND id > 1", columns: ["name"] })).toEqual(['{"name":"x"}']);
});

test("a predicate on Parquet finds NaN, which is the largest number and in no file's bounds", async () => {
  await copyFile(new URL("../../corpus/orc/row_groups.parquet", import.meta.url), join(folder, "a.parquet")); // Arrow wrote it
  expect(await read("parquet:a.parquet", { where: "score > 1000", columns: ["score"] })).toHaveLength(62);
});

test("Parquet: nanoseconds with a zone keep every digit", async () => {
  await copyFile(new URL("../iceberg/zoned-nanos.parquet", import.meta.url), join(folder, "a.parquet")); // written by pyarrow
  expect((await read("parquet:a.parquet", { columns: ["a"] })).map((line) => JSON.parse(line).a)).toEqual([
    "2009-02-13T23:31:30.123456789Z",
    "1969-12-31T23:59:59.999999999Z",
    null,
  ]);
});

test("Parquet: what is no time of day is damage, at any depth; DuckDB would end the process", async () => {
  const micros = (sql: string): Promise<Buffer> => parquet("a.parquet", sql).then(() => readFile(join(folder, "a.parquet")));
  for (const sql of ["SELECT TIME '01:02:03' AS t", "SELECT {'l': [TIME '01:02:03']} AS s"]) {
    const bytes = await micros(sql);
    const value = Buffer.alloc(8);
    value.writeBigInt64LE(3_723_000_000n);
    const absurd = Buffer.from("ffffffffffffff7f", "hex");
    const at: number[] = [];
    for (let index = bytes.indexOf(value); index >= 0; index = bytes.indexOf(value, index + 1)) at.push(index);
    for (const index of at) absurd.copy(bytes, index);
    expect(at).not.toEqual([]);
    await write("a.parquet", bytes);
    expect(await failure(read("parquet:a.parquet"))).toMatchObject({ code: "DW-FILE-CORRUPT" });
  }
  await parquet("a.parquet", "SELECT TIME '24:00:00' AS t, CAST('00:00:00.000000001' AS TIME_NS) AS n, [NULL, TIME '00:00:00'] AS l");
  expect(await read("parquet:a.parquet")).toEqual(['{"t":"24:00:00.000000","n":"00:00:00.000000001","l":[null,"00:00:00.000000"]}']);
});

test("ORC files are read with the row groups that a predicate needs, by folders too", async () => {
  await mkdir(join(folder, "t/id=7"), { recursive: true });
  await copyFile(new URL("../../corpus/orc/row_groups.orc", import.meta.url), join(folder, "t/id=7/a.orc"));
  const read7 = await read("orc:t", { where: "id = '7' AND \"day\" = '2024-02-29'", columns: ["city"] });
  expect(read7).toHaveLength(100); // the folder's id counts, not the file's
});

function avroFile(fields: readonly object[], rows: readonly object[]): Promise<Uint8Array> {
  const type = avsc.Type.forSchema({ type: "record", name: "row", fields } as avsc.Schema, { wrapUnions: false });
  return new Promise((resolve, reject) => {
    const encoder = new avsc.streams.BlockEncoder(type, { codec: "deflate" });
    const chunks: Uint8Array[] = [];
    encoder.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    encoder.on("end", () => resolve(Buffer.concat(chunks)));
    encoder.on("error", reject);
    for (const row of rows) encoder.write(row);
    encoder.end();
  });
}
