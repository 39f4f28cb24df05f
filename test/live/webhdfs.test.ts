import { readFileSync } from "node:fs";
import { join } from "node:path";
import pLimit from "p-limit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Storage, StorageWriter } from "../../src/core/storage.js";
import { openSource } from "../../src/sources/index.js";
import { openWriter, type StorageAccess } from "../../src/storage/open.js";
import { hdfsPlace, openWebHdfs } from "../../src/storage/webhdfs.js";
import { filesTarget } from "../../src/targets/files/index.js";
import { openDatabase } from "../backfill/duckdb.js";
import { backfill } from "../backfill/load.js";
import { columnsOf, sourceOf, t } from "../backfill/source.js";
import { fixtures, lakeCases, lakeFiles, lakeFormats } from "../support/lake-cases.js";
import { comparable, fileLines, jsonLines } from "../support/rows.js";
import { startHdfs } from "./hdfs.js";

const server = await startHdfs();
afterAll(() => server?.stop());

describe.skipIf(server === undefined)("a real HDFS", () => {
  const hdfs = server as NonNullable<typeof server>; // the tests are skipped without it
  const access: StorageAccess = { s3: () => Promise.reject(new Error("no S3 here")), hdfsUser: "reader" };

  beforeAll(async () => {
    const several = pLimit(8);
    await Promise.all(lakeFiles().map((file) => several(() => hdfs.put(`/exports/${file}`, readFileSync(join(fixtures, file))))));
  });

  const cases = (format: (typeof lakeFormats)[number]) => lakeCases(format, `webhdfs://${hdfs?.host}/exports`);
  describe.each(lakeFormats)("%s", (format) => {
    test.each(cases(format).map((item) => [item.name, item] as const))("%s", async (_name, item) => {
      const table = await openSource(item.source, { at: item.at, cwd: "/", access });
      const lines = await jsonLines(table).finally(() => table.close());
      expect(comparable(lines, item.columns)).toEqual(comparable(fileLines(item.expected), item.columns));
    });
  });

  const open = (path: string): Promise<Storage> => openWebHdfs(hdfsPlace(`webhdfs://${hdfs.host}${path}`, "reader"));

  test("names are taken literally: spaces, plus signs, percent signs, semicolons, quotes, Chinese", async () => {
    const names = ["a b", "a+b", "a%20b", "a%2Fb", "it's (1)*!", "数据=广州", "q?&#x", "<&>", "a;b=c"];
    for (const name of names) await hdfs.put(`/names/${name}/${name}.txt`, Buffer.from(name));
    const storage = await open("/names");
    expect((await storage.list("")).folders).toEqual([...names].sort());
    for (const name of names) {
      expect((await storage.list(name)).files).toEqual([{ path: `${name}/${name}.txt`, size: Buffer.byteLength(name) }]);
      expect(Buffer.from(await storage.read(`${name}/${name}.txt`)).toString()).toBe(name);
    }
  });

  test("a large file arrives whole, in parts", async () => {
    const body = Buffer.alloc(20 * 1024 * 1024 + 17, "0123456789abcdef\n");
    await hdfs.put("/large/file.bin", body);
    const storage = await open("/large");
    const copy = await storage.local("file.bin");
    expect(readFileSync(copy.path).equals(body)).toBe(true);
    await copy.release();
    expect(Buffer.from(await storage.read("file.bin", { start: 17, length: 16 })).toString()).toBe("0123456789abcdef");
    await storage.close?.();
  });

  test("what is wrong has its code", async () => {
    const storage = await open("/exports");
    await expect(storage.read("nothing")).rejects.toMatchObject({ code: "DW-FILE-MISSING" });
    await expect(storage.read("../large/file.bin")).rejects.toMatchObject({ code: "DW-FILE-OUTSIDE" });
    expect(await storage.list("nothing")).toEqual({ files: [], folders: [] });
    expect(await storage.exists("iceberg")).toBe(false);
    await expect(open("/nowhere")).rejects.toMatchObject({ code: "DW-TABLE-MISSING" });
  });

  test("who may not read is told so, and who may is named in the address", async () => {
    await hdfs.put("/private/secret.txt", Buffer.from("x"));
    await hdfs.change("/private", { op: "SETPERMISSION", permission: "700" });
    const refused = open("/private").then((storage) => storage.read("secret.txt"));
    await expect(refused).rejects.toMatchObject({ code: "DW-PERMISSION" });
    const allowed = await open(`/private?user.name=${hdfs.user}`);
    expect(Buffer.from(await allowed.read("secret.txt")).toString()).toBe("x");
  });

  test("a NameNode that is gone is passed over for the next", async () => {
    const storage = await openWebHdfs({ ...hdfsPlace("webhdfs://127.0.0.1:9,x/exports", "reader"), hosts: ["127.0.0.1:9", hdfs.host] });
    expect((await storage.list("")).folders).toEqual(["iceberg", "paimon", "plain"]);
  });

  test("a backfill writes Parquet files into partition folders, once, and what a run that died left is settled", async () => {
    await hdfs.change("/lake", { op: "MKDIRS" });
    const writer = await openWriter(`webhdfs://${hdfs.host}/lake/orders?user.name=${hdfs.user}`, { cwd: "/", access });
    const database = await openDatabase();
    const shape = { shop: t.int(), day: t.text() };
    const chunks = [1, 2].map(
      (n) => `SELECT i::INTEGER AS shop, 'a/b ' || i % 2 || '=ü%' AS day FROM range(${n * 100}, ${n * 100 + 50}) AS r(i)`,
    );
    const load = (using: StorageWriter) => {
      const target = filesTarget({ format: "parquet", writer: using, partitionBy: ["day"] });
      return backfill({ name: "orders", source: sourceOf("orders", columnsOf(shape), chunks), target }, database.connect);
    };
    let puts = 0;
    const dying: StorageWriter = {
      ...writer,
      put: async (local, path) => {
        await writer.put(local, path);
        if (++puts === 4) throw new Error("killed"); // the second of two files has its name, and nobody wrote that down
      },
    };
    await expect(load(dying)).rejects.toThrow("killed");
    const equal = { verdict: "equal", rows: { source: "100", target: "100" } };
    expect(await load(writer)).toMatchObject(equal);
    expect(await load(writer)).toMatchObject(equal);
    expect((await (await open("/lake/orders")).list("")).folders.filter((name) => name.startsWith("day="))).toHaveLength(2);
    await database.close();
  });

  test("who may not write is told so", async () => {
    const writer = await openWriter(`webhdfs://${hdfs.host}/exports/denied?user.name=reader`, { cwd: "/", access });
    const target = filesTarget({ format: "csv", writer, partitionBy: [] });
    await expect(target.start({ backfill: "b", source: "s", digest: "d" }, [])).rejects.toMatchObject({ code: "DW-PERMISSION" });
  });
});
