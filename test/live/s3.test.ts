import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pLimit from "p-limit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { S3Access } from "../../src/connections/s3.js";
import { openFiles } from "../../src/sources/files/index.js";
import { openSource } from "../../src/sources/index.js";
import type { StorageAccess } from "../../src/storage/open.js";
import { openS3, s3Place } from "../../src/storage/s3.js";
import { dw } from "../cli/run-dw.js";
import { fixtures, lakeCases, lakeFiles, lakeFormats } from "../support/lake-cases.js";
import { comparable, fileLines, jsonLines } from "../support/rows.js";
import { projectFolder } from "../unit/model/project-folder.js";
import { startMinio } from "./minio.js";

const server = await startMinio();
afterAll(() => server?.stop());

describe.skipIf(server === undefined)("a real S3 server", () => {
  const minio = server as NonNullable<typeof server>; // the tests are skipped without it
  const access: StorageAccess = { s3: async () => minio.access };

  beforeAll(async () => {
    await minio.createBucket("lake");
    const several = pLimit(8);
    await Promise.all(lakeFiles().map((file) => several(() => minio.put("lake", `exports/${file}`, readFileSync(join(fixtures, file))))));
  });

  describe.each(lakeFormats)("%s", (format) => {
    test.each(lakeCases(format, "s3://lake/exports").map((item) => [item.name, item] as const))("%s", async (_name, item) => {
      const table = await openSource(item.source, { at: item.at, cwd: "/", access });
      const lines = await jsonLines(table).finally(() => table.close());
      expect(comparable(lines, item.columns)).toEqual(comparable(fileLines(item.expected), item.columns));
    });
  });

  const open = (address: string, other: Partial<S3Access> = {}) => openS3(s3Place(address), { ...minio.access, ...other });

  test("one file, a glob and a folder of plain files are told apart", async () => {
    await minio.put("lake", "plain/a.jsonl", Buffer.from('{"n":"one"}\n'));
    await minio.put("lake", "plain/b.jsonl", Buffer.from('{"n":"two"}\n'));
    const rows = async (source: string): Promise<string[]> => {
      const table = await openSource(source, { at: {}, cwd: "/", access });
      return (await jsonLines(table).finally(() => table.close())).sort();
    };
    expect(await rows("jsonl:s3://lake/plain/a.jsonl")).toEqual(['{"n":"one"}']);
    expect(await rows("jsonl:s3://lake/plain/*.jsonl")).toEqual(['{"n":"one"}', '{"n":"two"}']);
    expect(await rows("jsonl:s3a://lake/plain")).toEqual(['{"n":"one"}', '{"n":"two"}']);
  });

  test("names are taken literally: spaces, plus signs, percent signs, quotes, Chinese", async () => {
    const names = ["a b", "a+b", "a%20b", "a%2Fb", "it's (1)*!", "数据=广州", "q?&#x", "<&>"];
    for (const name of names) await minio.put("lake", `names/${name}/${name}.txt`, Buffer.from(name));
    const storage = await open("s3://lake/names");
    expect((await storage.list("")).folders).toEqual([...names].sort());
    for (const name of names) {
      expect((await storage.list(name)).files).toEqual([{ path: `${name}/${name}.txt`, size: Buffer.byteLength(name) }]);
      expect(Buffer.from(await storage.read(`${name}/${name}.txt`)).toString()).toBe(name);
    }
  });

  test("a folder of more than one page is listed whole", async () => {
    const keys = Array.from({ length: 1203 }, (_, index) => `many/${String(index).padStart(5, "0")}`);
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(keys.slice(at, at + 50).map((key) => minio.put("lake", key, Buffer.from("x"))));
    expect((await (await open("s3://lake/many")).list("")).files.map(({ path }) => `many/${path}`)).toEqual(keys);
  });

  test("a large file arrives whole, in parts", async () => {
    const body = Buffer.alloc(20 * 1024 * 1024 + 17, "0123456789abcdef\n");
    await minio.put("lake", "large/file.bin", body);
    const storage = await open("s3://lake/large");
    const copy = await storage.local("file.bin");
    expect(readFileSync(copy.path).equals(body)).toBe(true);
    await copy.release();
    expect(Buffer.from(await storage.read("file.bin", { start: 17, length: 16 })).toString()).toBe("0123456789abcdef");
    await storage.close?.();
  });

  describe("dw", () => {
    const variables = {
      AWS_ACCESS_KEY_ID: minio?.access.accessKeyId ?? "",
      AWS_SECRET_ACCESS_KEY: minio?.access.secretAccessKey ?? "",
      AWS_ENDPOINT_URL: minio?.access.endpoint ?? "",
    };
    const table = "iceberg:s3://lake/exports/iceberg/i02_v2_days/table";
    let project: string;

    beforeAll(async () => {
      project = await mkdtemp(join(tmpdir(), "dw-s3-"));
      const connection = `{ kind: "s3", endpoint: "${minio.access.endpoint}", accessKeyId: "${minio.access.accessKeyId}", secretAccessKey: env("LAKE_SECRET") }`;
      await writeFile(
        join(project, "dw.config.ts"),
        `import { defineConfig, env } from "dwright";
export default defineConfig({ environments: { test: { embedded: ".dw/test", connections: { lake: ${connection} } } } });`,
      );
    });
    afterAll(() => rm(project, { recursive: true, force: true }));

    test("reads a table with the environment's variables, and leaves no copy behind", async () => {
      const { code, stdout, stderr } = await dw(["cat", table], { cwd: tmpdir(), env: { ...variables, TMPDIR: project } });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout.split("\n").length).toBeGreaterThan(1);
      expect(readdirSync(project)).toEqual(["dw.config.ts"]);
    });

    test("reads it with a connection of the project, named or not, and never shows the secret", async () => {
      const env = { LAKE_SECRET: minio.access.secretAccessKey, DW_ENV: "test" };
      for (const source of [table, table.replace("s3://", "s3://lake@")]) {
        const { code, stdout } = await dw(["inspect", source, "--json"], { cwd: project, env });
        expect(code).toBe(0);
        expect(JSON.parse(stdout).location).toBe("s3://lake/exports/iceberg/i02_v2_days/table");
      }
      const wrong = await dw(["inspect", table], { cwd: project, env: { ...env, LAKE_SECRET: "not-the-secret" } });
      expect(wrong.code).toBe(5);
      expect(wrong.stderr).toContain("DW-AUTH");
      expect(wrong.stderr).not.toContain("not-the-secret");
    });

    test("backfills from it, reconciled", async () => {
      const model = `import { defineTable, t } from "dwright";
export const hourly = defineTable("hourly", {
  layer: "dws", grain: "one row per station and hour",
  columns: {
    station_id: t.varchar(64, "station"), hour_start: t.instant("UTC"), aqi: t.int("index").nullable(), dominant: t.text("pollutant"),
    avg_value: t.double("mean").nullable(), samples: t.bigint("how many").nullable(),
  },
  on: { timescale: { timeColumn: "hour_start" } },
});`;
      const cwd = await projectFolder({ "models/air/hourly.ts": model });
      const run = (...words: string[]) => dw([...words, "--env", "local"], { cwd, env: variables });
      expect((await dw(["migrate", "new", "first"], { cwd })).code).toBe(0);
      expect((await run("migrate")).code).toBe(0);
      const source = "iceberg:s3://lake/exports/iceberg/i21_large_narrow/table";
      const { code, stdout } = await run("backfill", "--source", source, "--target", "model:hourly", "--json");
      expect({ code, reports: JSON.parse(stdout) }).toMatchObject({ code: 0, reports: [{ verdict: "equal", rows: { target: "17836" } }] });
    });

    test("says what is missing", async () => {
      const none = await dw(["cat", table], { cwd: tmpdir() });
      expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("DW-SECRET-MISSING")]);
      const unknown = await dw(["cat", table.replace("s3://", "s3://nobody@")], { cwd: project, env: { DW_ENV: "test" } });
      expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("DW-CONNECTION-UNKNOWN")]);
      const gone = await dw(["cat", table], { cwd: tmpdir(), env: { ...variables, AWS_ENDPOINT_URL: "http://127.0.0.1:9" } });
      expect([gone.code, gone.stderr]).toEqual([3, expect.stringContaining("DW-CONNECT")]);
    });
  });

  test("a Parquet table is planned from its footers alone", async () => {
    const asked: string[] = [];
    const storage = await openS3(s3Place("s3://lake/exports/plain/d01_spark_hive_parquet/table"), minio.access);
    const refuse = async (path: string): Promise<never> => {
      asked.push(path);
      throw new Error("a whole file");
    };
    const table = await openFiles({ ...storage, local: refuse }, "parquet", "", { at: {} });
    expect((await table.plan({})).chunks.length).toBeGreaterThan(0);
    expect(asked).toEqual([]);
    await table.close();
  });

  test("what is wrong has its code", async () => {
    const storage = await open("s3://lake/exports");
    await expect(storage.read("nothing")).rejects.toMatchObject({ code: "DW-FILE-MISSING" });
    await expect(storage.local("nothing")).rejects.toMatchObject({ code: "DW-FILE-MISSING" });
    await expect(storage.read("../names/a b/a b.txt")).rejects.toMatchObject({ code: "DW-FILE-OUTSIDE" });
    expect(await storage.list("nothing")).toEqual({ files: [], folders: [] });
    expect(await storage.exists("nothing")).toBe(false);
    await expect(open("s3://lake/nowhere")).rejects.toMatchObject({ code: "DW-TABLE-MISSING" });
    await expect(open("s3://no-such-bucket/x")).rejects.toMatchObject({ code: "DW-TABLE-MISSING" });
    await expect(open("s3://lake/exports", { secretAccessKey: "wrong" })).rejects.toMatchObject({ code: "DW-AUTH" });
    await expect(open("s3://lake/exports", { accessKeyId: "nobody" })).rejects.toMatchObject({ code: "DW-AUTH" });
  });
});
