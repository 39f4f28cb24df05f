import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { diffDdl } from "../../../src/app/diff-ddl.js";
import { definitions } from "../../support/starrocks-cases.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-ddl-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function diffFiles(before: string, after: string, engine: string | undefined = "starrocks") {
  await writeFile(join(folder, "before.sql"), before);
  await writeFile(join(folder, "after.sql"), after);
  const request = { from: "ddl:before.sql", to: "ddl:after.sql", cwd: folder, ...(engine !== undefined && { engine }) };
  return diffDdl(request, { kind: "ddl", at: "before.sql" }, { kind: "ddl", at: "after.sql" });
}

const table = (columns: string, rest = "DISTRIBUTED BY HASH(id) BUCKETS 4"): string =>
  `CREATE TABLE t (id BIGINT NOT NULL, ${columns}) PRIMARY KEY(id) ${rest} PROPERTIES ("replication_num" = "1");`;

test("two files of DDL give the statements that lead from one to the other", async () => {
  const { statements } = await diffFiles(
    table("a INT"),
    `${table('a BIGINT, b STRING COMMENT "later"')}\nCREATE VIEW v AS SELECT id FROM t;`,
  );
  expect(statements.map(({ text, wait }) => [text.replace(/\s+/g, " "), wait?.job])).toEqual([
    ["ALTER TABLE `db`.`t` MODIFY COLUMN `a` bigint NULL", "starrocks-alter-table"],
    ['ALTER TABLE `db`.`t` ADD COLUMN `b` varchar(65533) NULL COMMENT "later"', undefined],
    ["CREATE VIEW `db`.`v` ( `id` ) AS SELECT id FROM t", undefined],
  ]);
});

test("what StarRocks shows of a file is no change of it", async () => {
  const shown = definitions().find(({ case: id }) => id === "tbl-pk-basic");
  expect((await diffFiles(shown?.create ?? "", shown?.shown ?? "")).changes).toEqual([]);
});

test("names stay in the database that USE or the statement says", async () => {
  const { changes } = await diffFiles("", "CREATE DATABASE one; USE one; CREATE TABLE a (x INT); CREATE TABLE two.b (x INT)");
  expect(changes.map(({ id }) => id)).toEqual([
    "starrocks:database:one",
    "starrocks:database:two",
    "starrocks:table:one.a",
    "starrocks:table:two.b",
  ]);
});

test("what cannot be read is named by line and column", async () => {
  await expect(diffFiles("", "CREATE TABLE a (x INT);\nCREATE TABLE b (x INT,);")).rejects.toMatchObject({
    code: "DW-ENGINE-REFUSED",
    what: expect.stringMatching(/^after\.sql:2:23: /),
  });
  await expect(diffFiles("", "CREATE TABLE a (x INT);\nALTER TABLE a ADD COLUMN y INT;")).rejects.toMatchObject({
    code: "DW-USAGE",
    what: expect.stringMatching(/^after\.sql:2: /),
  });
});

test("the engine is never guessed", async () => {
  await writeFile(join(folder, "before.sql"), "");
  const revision = { kind: "ddl", at: "before.sql" } as const;
  const request = { from: "ddl:before.sql", to: "ddl:before.sql", cwd: folder };
  await expect(diffDdl(request, revision, revision)).rejects.toMatchObject({
    code: "DW-USAGE",
    fix: expect.stringContaining("--engine starrocks"),
  });
  await expect(diffDdl({ ...request, engine: "hive" }, revision, revision)).rejects.toMatchObject({ code: "DW-USAGE" });
});
