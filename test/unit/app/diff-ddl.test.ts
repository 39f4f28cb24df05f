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

async function diffFiles(before: string, after: string, engine: string | undefined = "starrocks", intent?: string) {
  if (intent !== undefined) await writeFile(join(folder, "intent.yaml"), intent);
  await writeFile(join(folder, "before.sql"), before);
  await writeFile(join(folder, "after.sql"), after);
  const request = {
    ...{ from: "ddl:before.sql", to: "ddl:after.sql", cwd: folder },
    ...(engine !== undefined && { engine }),
    ...(intent !== undefined && { intent: "intent.yaml" }),
  };
  return diffDdl(request, { kind: "ddl", at: "before.sql" }, { kind: "ddl", at: "after.sql" });
}

const table = (columns: string, rest = "DISTRIBUTED BY HASH(id) BUCKETS 4"): string =>
  `CREATE TABLE t (id BIGINT NOT NULL, ${columns}) PRIMARY KEY(id) ${rest} PROPERTIES ("replication_num" = "1");`;

test("two files of DDL give the statements that lead from one to the other", async () => {
  const { statements } = await diffFiles(
    table("a INT"),
    `${table('a BIGINT, b STRING COMMENT "later"')}\nCREATE VIEW v AS SELECT id FROM t;`,
  );
  expect(statements.map(({ text, reach }) => [text.replace(/\s+/g, " "), reach])).toEqual([
    ['ALTER TABLE `db`.`t` MODIFY COLUMN `a` bigint NULL, ADD COLUMN `b` varchar(65533) NULL COMMENT "later"', "job"],
    ["CREATE VIEW `db`.`v` ( `id` ) AS SELECT id FROM t", undefined],
  ]);
});

async function ways(before: string, after: string, intent?: string): Promise<string[]> {
  const { statements } = await diffFiles(before, after, "starrocks", intent);
  return statements.map(({ text, reach }) => `${reach}: ${text.replace(/\s+/g, " ").replaceAll("`db`.", "")}`);
}

const days = (partitions: string, columns = "v INT"): string =>
  `CREATE TABLE t (d DATE NOT NULL, id INT NOT NULL, ${columns}) DUPLICATE KEY(d, id) PARTITION BY RANGE(d) (${partitions}) DISTRIBUTED BY HASH(id) BUCKETS 2 PROPERTIES ("replication_num" = "1");`;

test("partitions come, go and are renamed by ALTER; a partition with other bounds needs a new table", async () => {
  const one = 'PARTITION p1 VALUES LESS THAN ("2024-02-01")';
  const two = 'PARTITION p2 VALUES LESS THAN ("2024-03-01")';
  expect(
    await ways(days(`${one}, ${two}`), days(`${one.replace("p1", "january")}, ${two}, PARTITION p3 VALUES LESS THAN MAXVALUE`)),
  ).toEqual([
    "instant: ALTER TABLE `t` RENAME PARTITION `p1` `january`",
    'instant: ALTER TABLE `t` ADD PARTITION `p3` VALUES [("2024-03-01"), (MAXVALUE))',
  ]);
  expect(await ways(days(`${one}, ${two}`), days(two.replace("p2", "p1")))).toContainEqual(expect.stringMatching(/^rebuild: CREATE TABLE/));
});

test("what the front end would refuse by a rule that only it has is a rebuild", async () => {
  const sorted = (by: string): string => table("a DECIMAL(9, 2), b INT", `DISTRIBUTED BY HASH(id) BUCKETS 4 ORDER BY (${by})`);
  expect(await ways(sorted("b"), sorted("a"))).toContainEqual(expect.stringMatching(/^rebuild: /));
  expect(await ways(sorted("b"), sorted("id"))).toEqual(["job: ALTER TABLE `t` ORDER BY (`id`)"]);
});

test("renames are those of the intent; without one a column goes and another comes", async () => {
  const [before, after] = [
    days('PARTITION p1 VALUES LESS THAN ("2024-02-01")'),
    days('PARTITION p1 VALUES LESS THAN ("2024-02-01")', "w INT"),
  ];
  expect(await ways(before, after)).toEqual(["instant: ALTER TABLE `t` DROP COLUMN `v`, ADD COLUMN `w` int NULL"]);
  expect(await ways(before, after, "renames:\n  - column: db.t.v\n    to: w\n")).toEqual([
    "instant: ALTER TABLE `t` RENAME COLUMN `v` TO `w`",
  ]);
});

test("columns that stand in another order in a file are wanted in that order", async () => {
  const list = (columns: string): string => days('PARTITION p1 VALUES LESS THAN ("2024-02-01")', columns);
  expect(await ways(list("a INT, b INT"), list("b INT, a INT"))).toEqual(["job: ALTER TABLE `t` ORDER BY (`d`, `id`, `b`, `a`)"]);
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
