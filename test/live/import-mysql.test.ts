import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { importModels } from "../../src/app/import/index.js";
import { openMysqlServer } from "../../src/connections/mysql.js";
import type { Connections } from "../../src/connections/open.js";
import type { MysqlServer } from "../../src/core/session.js";
import { openMysqlTable } from "../../src/sources/mysql/index.js";
import { startMariadb } from "./mariadb.js";

const server = await startMariadb();
let folder: string;
let mysql: MysqlServer;

beforeAll(async () => {
  if (server === undefined) return;
  folder = await mkdtemp(join(tmpdir(), "dw-mysql-"));
  mysql = await openMysqlServer("mysql", { host: "127.0.0.1", ...server });
});

afterAll(async () => {
  await mysql?.close();
  await server?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

test.runIf(server)("each table of a MySQL database becomes a source with its columns", async () => {
  await mysql.query(
    "CREATE TABLE orders (id BIGINT UNSIGNED PRIMARY KEY, paid DECIMAL(12,2) NOT NULL, state ENUM('new','paid'), at DATETIME(3))",
  );
  await mysql.query("CREATE TABLE shops (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL COMMENT 'as painted on its door')");
  const connections = { named: async () => ({ kind: "mysql", mysql, server: "mysql" }) } as unknown as Connections; // all that import asks of it
  const { files } = await importModels(
    { source: "legacy:", warehouse: "shop", out: "models", cwd: folder, dryRun: true },
    {
      isConnection: async () => true,
      connections: async () => connections,
      openSource: (source) => openMysqlTable(mysql, { database: "w", table: source.split(":")[1] ?? "", scratch: folder }),
    },
  );
  expect(files.map(({ path }) => path)).toEqual(["models/shop/orders.ts", "models/shop/shops.ts"]);
  expect(files[0]?.text).toContain('at: "legacy:orders",');
  expect(files[0]?.text).toContain("id: t.unsigned(64),");
  expect(files[0]?.text).toContain("paid: t.decimal(12, 2),");
  expect(files[1]?.text).toContain('name: t.varchar(40, "as painted on its door"),');
});
