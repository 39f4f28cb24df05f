import { expect, onTestFinished, test } from "vitest";
import { importModels } from "../../../src/app/import/index.js";
import { openMysqlServer } from "../../../src/connections/mysql.js";
import type { Connections } from "../../../src/connections/open.js";
import { startFakeStarrocks } from "../../live/starrocks-fake/server.js";

test("a live StarRocks becomes models, through what SHOW CREATE prints", async () => {
  const server = await startFakeStarrocks();
  onTestFinished(() => server.stop());
  const mysql = await openMysqlServer("starrocks", { host: "127.0.0.1", port: server.port, user: "root" });
  onTestFinished(() => mysql.close());
  for (const statement of [
    "CREATE DATABASE shop",
    `CREATE TABLE shop.orders (id BIGINT NOT NULL COMMENT "order", day DATE NOT NULL, paid DECIMAL(12,2) NULL COMMENT "paid [EUR]", n INT NULL DEFAULT "0")
     PRIMARY KEY(id, day) COMMENT "Orders (one row per order)" PARTITION BY date_trunc('month', day) DISTRIBUTED BY HASH(id) BUCKETS 8
     ORDER BY(day) PROPERTIES ("replication_num" = "1")`,
    "CREATE VIEW shop.days (day, n) AS SELECT day, n FROM shop.orders",
  ])
    await mysql.query(statement);
  const connections = { named: async () => ({ kind: "mysql", mysql, server: "starrocks" }) } as unknown as Connections; // all that an import asks of it
  const { files, unsaid } = await importModels(
    { source: "old:shop", warehouse: "shop", out: "models", cwd: "/tmp", dryRun: true },
    { isConnection: async () => true, connections: async () => connections, openSource: () => Promise.reject(new Error("no rows")) },
  );
  // The fake has no information_schema.columns, which a real front end answers from.
  expect(unsaid).toEqual([{ name: "shop.days", what: "the types of day, n are not known here: t.text() stands for them" }]);
  expect(files.map(({ model }) => model)).toEqual(["days", "orders"]);
  expect(files[1]?.text).toBe(`import { defineTable, hash, month, t } from "dwright";

export default defineTable("orders", {
  comment: "Orders",
  grain: "one row per order",
  columns: {
    id: t.bigint("order"),
    day: t.date(),
    paid: t.decimal(12, 2, "paid").unit("EUR").nullable(),
    n: t.int().default(0).nullable(),
  },
  key: ["id", "day"],
  on: {
    starrocks: {
      table: "primary",
      partitionBy: month("day"),
      distributeBy: hash(["id"], 8),
      orderBy: ["day"],
      replication: 1,
    },
  },
});
`);
});
