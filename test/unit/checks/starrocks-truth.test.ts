import { afterAll, beforeAll, expect, test } from "vitest";
import { checkSlot } from "../../../src/app/check/slot.js";
import { openMysqlServer } from "../../../src/connections/mysql.js";
import type { MysqlServer } from "../../../src/core/session.js";
import { quoting } from "../../../src/engines/starrocks/dialect.js";
import { notNull, range, rowCount, textLength } from "../../../src/index.js";
import { type FakeServer, startFakeStarrocks } from "../../live/starrocks-fake/server.js";
import { plant, type TruthEngine, truth, verdicts } from "../../support/check-truth.js";

/* The truth table of checks in StarRocks's SQL, over the MySQL protocol, on the fake: the verdicts of every other engine. */

let server: FakeServer;
let mysql: MysqlServer;
let engine: TruthEngine;

beforeAll(async () => {
  server = await startFakeStarrocks();
  await server.fake.run("CREATE DATABASE w", { id: 0, database: undefined });
  // Models of the truth table name their tables without a database.
  mysql = await openMysqlServer("starrocks", { host: "127.0.0.1", port: server.port, user: "root", database: "w" });
  engine = { name: "starrocks", slot: checkSlot("starrocks", { kind: "mysql", mysql, server: "starrocks" }), quoting };
  for (const sql of plant({ DATETIME: "DATETIME", INSTANT: "DATETIME", NAN: "NULL", offsets: false })) await mysql.query(asStarrocks(sql));
}, 60_000);
afterAll(async () => {
  await mysql.close();
  await server.stop();
});

function asStarrocks(sql: string): string {
  const named = sql.replace(/^(CREATE TABLE|INSERT INTO) (\w+)/, "$1 w.$2").replaceAll("DOUBLE PRECISION", "DOUBLE");
  return named.startsWith("CREATE")
    ? `${named} DUPLICATE KEY (${/\((\w+)/.exec(named)?.[1]}) DISTRIBUTED BY RANDOM PROPERTIES ("replication_num" = "1")`
    : named;
}

test.each(truth.filter(({ not }) => !not?.includes("mysql")))("$title: $outcome", async ({ spec, outcome, message, model, past }) => {
  const [verdict] = await verdicts(engine, [spec], model, past);
  expect(verdict).toMatchObject({ outcome, message: expect.stringContaining(message) });
});

test("all checks of a table that an aggregate can answer are one scan of it", async () => {
  const checks = [notNull("city"), notNull("id"), range("paid", { min: 0 }), textLength("city", { max: 3 }), rowCount({ min: 1 })];
  const before = server.fake.executed.length;
  await verdicts(engine, checks, undefined, [], 0);
  const asked = server.fake.executed.slice(before).filter((sql) => !sql.startsWith("SET"));
  expect(asked.length).toBe(1);
});
