import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openMysqlServer } from "../../src/connections/mysql.js";
import { openPglite } from "../../src/connections/pglite.js";
import type { MysqlServer, Pg } from "../../src/core/session.js";
import type { SourceTable } from "../../src/core/source.js";
import { pgTarget } from "../../src/engines/postgres/load.js";
import { mapType } from "../../src/engines/postgres/types.js";
import { openMysqlTable } from "../../src/sources/mysql/index.js";
import { openDatabase, type TestDatabase } from "../backfill/duckdb.js";
import { backfill } from "../backfill/load.js";
import { jsonLines } from "../support/rows.js";
import { startMariadb } from "./mariadb.js";

const server = await startMariadb();
let folder: string;
let mysql: MysqlServer;
let pg: Pg;
let database: TestDatabase;

beforeAll(async () => {
  if (server === undefined) return;
  folder = await mkdtemp(join(tmpdir(), "dw-mysql-"));
  mysql = await openMysqlServer("mysql", { host: "127.0.0.1", ...server });
  pg = await openPglite(join(folder, "pglite"));
  database = await openDatabase();
});

afterAll(async () => {
  await mysql?.close();
  await pg?.close();
  await database?.close();
  await server?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

const open = (table: string, rowsAChunk?: number): Promise<SourceTable> =>
  openMysqlTable(mysql, { database: "w", table, scratch: folder, ...(rowsAChunk !== undefined && { rowsAChunk }) });

const ident = (name: string): string => `"${name.replaceAll('"', '""')}"`;

async function targetFor(source: SourceTable, table: string) {
  const columns = source.columns.map(({ name, type }) => `${ident(name)} ${mapType(type).native}`);
  await pg.query(`CREATE TABLE ${ident(table)} (${columns.join(", ")})`);
  return pgTarget(pg, { engine: "postgres", schema: "public", table, pii: new Set(), scratch: folder });
}

test.runIf(server)("a table of every type is read as its values, and arrives equal", async () => {
  await mysql.query(`CREATE TABLE every (id BIGINT PRIMARY KEY, t TINYINT, u BIGINT UNSIGNED, m MEDIUMINT, d DECIMAL(38,10), f FLOAT, g DOUBLE,
    b BIT(1), bits BIT(12), c CHAR(5), v VARCHAR(20), x LONGTEXT, l VARCHAR(20) CHARACTER SET latin1, e ENUM('a','it''s'), s SET('p','q'),
    j JSON, raw VARBINARY(8), day DATE, tm TIME(6), dt DATETIME(6), ts TIMESTAMP(3) NULL, y YEAR, \`we\`\`ird"\` INT)`);
  await mysql.query(`INSERT INTO every VALUES (1, -128, 18446744073709551615, -8388608, 1234567890123456789012345678.0123456789, 0.1, 1e300,
    1, b'101', 'ab', 'quo"te,\\n', '', 'é', 'it''s', 'p,q', '{"a": 1.10}', x'00ff', '1500-01-01', '23:59:59.999999', '1969-12-31 23:59:59.999999',
    '2024-10-27 00:30:00.125', 2024, 7)`);
  await mysql.query("INSERT INTO every (id, v, x) VALUES (2, NULL, '\\\\N'), (3, '', '🌍')");
  const source = await open("every");
  const lines = await jsonLines(source);
  expect(JSON.parse(lines[0] ?? "")).toEqual({
    ...{
      id: "1",
      t: -128,
      u: "18446744073709551615",
      m: -8388608,
      d: "1234567890123456789012345678.0123456789",
      f: 0.10000000149011612,
      g: 1e300,
    },
    ...{
      b: true,
      bits: "5",
      c: "ab",
      v: 'quo"te,\n',
      x: "",
      l: "é",
      e: "it's",
      s: "p,q",
      j: '{"a": 1.10}',
      raw: "AP8=",
      day: "1500-01-01",
    },
    ...{ tm: "23:59:59.999999", dt: "1969-12-31T23:59:59.999999", ts: "2024-10-27T00:30:00.125000Z", y: 2024, 'we`ird"': 7 },
  });
  expect(JSON.parse(lines[1] ?? "")).toMatchObject({ id: "2", v: null, x: "\\N", f: null, j: null });
  expect(JSON.parse(lines[2] ?? "")).toMatchObject({ id: "3", v: "", x: "🌍" });
  const certificate = await backfill(
    { name: "every", source, target: await targetFor(source, "every"), sourceZone: "UTC" },
    database.connect,
  );
  await source.close();
  expect(certificate).toMatchObject({ verdict: "equal", findings: [], rows: { source: "3", target: "3" } });
});

test.runIf(server)("ranges of the key hold every row once, at one moment, though rows come and go meanwhile", async () => {
  await mysql.query("CREATE TABLE moving (k VARCHAR(30), n INT, PRIMARY KEY (k, n)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci");
  await mysql.query("INSERT INTO moving SELECT CONCAT(IF(seq % 2, 'key ', 'KEY '), seq % 700), seq FROM seq_1_to_5000");
  const source = await open("moving", 300);
  const plan = await source.plan({});
  expect(plan.chunks.length).toBeGreaterThan(8);
  await mysql.query("DELETE FROM moving WHERE n % 3 = 0");
  await mysql.query("INSERT INTO moving VALUES ('zzz', 9)");
  const certificate = await backfill({ name: "moving", source, target: await targetFor(source, "moving") }, database.connect);
  await source.close();
  expect(certificate).toMatchObject({ verdict: "equal", identity: plan.identity, rows: { source: "5000", target: "5000" } });
  const later = await open("moving", 300);
  await expect(backfill({ name: "moving", source: later, target: pgTargetAgain("moving") }, database.connect)).rejects.toMatchObject({
    code: "DW-LEDGER-CONFLICT",
  });
  await later.close();
});

const pgTargetAgain = (table: string) => pgTarget(pg, { engine: "postgres", schema: "public", table, pii: new Set(), scratch: folder });

test.runIf(server)("what has no value elsewhere is refused: a zero date, a time beyond a day, a geometry", async () => {
  await mysql.query("CREATE TABLE odd (id INT PRIMARY KEY, day DATE, tm TIME)");
  await mysql.query("SET STATEMENT sql_mode = '' FOR INSERT INTO odd VALUES (1, '0000-00-00', NULL)");
  const source = await open("odd");
  const loading = backfill({ name: "odd", source, target: await targetFor(source, "odd") }, database.connect);
  await expect(loading).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
  await source.close();
  await mysql.query("CREATE TABLE shapes (id INT, g POINT)");
  await expect(open("shapes")).rejects.toMatchObject({ code: "DW-SOURCE-UNSUPPORTED" });
  await expect(open("nowhere")).rejects.toMatchObject({ code: "DW-TABLE-MISSING" });
});
