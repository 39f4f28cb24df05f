import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openMysql, openMysqlServer } from "../../../src/connections/mysql.js";
import { type FakeServer, startFakeStarrocks } from "../../live/starrocks-fake/server.js";

describe("a StarRocks connection", () => {
  let server: FakeServer;
  const place = () => ({ host: "127.0.0.1", port: server.port, user: "dw", password: "s3cret" });

  beforeAll(async () => {
    server = await startFakeStarrocks([{ user: "dw", password: "s3cret" }]);
  });
  afterAll(() => server.stop());

  test("says StarRocks's version, not that of the MySQL it claims to be", async () => {
    const mysql = await openMysqlServer("starrocks", place());
    expect(mysql.version).toBe("3.5.0");
    await mysql.close();
  });

  test("keeps characters beyond the BMP and numbers that no double can hold", async () => {
    const session = await openMysql(place());
    expect(await session.query("SELECT '𝒳 and 🛰' AS v")).toEqual([{ v: "𝒳 and 🛰" }]);
    expect(await session.query("SELECT CAST(9223372036854775807 AS BIGINT) AS v")).toEqual([{ v: "9223372036854775807" }]);
    expect(await session.query("SELECT CAST(0.10 AS DECIMAL(10, 2)) AS v")).toEqual([{ v: "0.10" }]);
    await session.close();
  });

  test("a wrong password is no reason to try again, and is not repeated in the letter", async () => {
    const error = await openMysql({ ...place(), password: "gu3ssed" }).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: "DW-AUTH" });
    expect(JSON.stringify(error)).not.toContain("gu3ssed");
  });

  test("an unknown database and a refused statement carry the engine's words", async () => {
    await expect(openMysql({ ...place(), database: "nope" })).rejects.toMatchObject({
      code: "DW-ENGINE-REFUSED",
      why: "Unknown database 'nope' (5501)",
    });
    const session = await openMysql(place());
    await expect(session.query("SHOW CREATE TABLE information_schema.nope")).rejects.toMatchObject({
      code: "DW-ENGINE-REFUSED",
      why: "Getting analyzing error. Detail message: Table nope is not found. (1064)",
    });
    server.fake.misbehaviours.push({ does: "refuse", at: /^SELECT 1$/, code: 5203, message: "Access denied; you need SELECT" });
    await expect(session.query("SELECT 1")).rejects.toMatchObject({ code: "DW-PERMISSION" });
    expect(await session.query("SELECT 1")).toEqual([{ "1": "1" }]);
    await session.close();
  });

  test("a connection that breaks is worth a retry, and the next query has a new one", async () => {
    const mysql = await openMysqlServer("starrocks", place());
    server.fake.misbehaviours.push({ does: "lose-connection", at: /^SELECT 1$/ });
    await expect(mysql.query("SELECT 1")).rejects.toMatchObject({ code: "DW-CONNECT" });
    expect(await mysql.query("SELECT 1")).toEqual([{ "1": "1" }]);
    await mysql.close();
  });

  test("sessions of its own are closed by whoever took over, and say so", async () => {
    const [holder, taker] = [await openMysql(place()), await openMysql(place())];
    const [row] = await holder.query("SELECT connection_id()");
    await taker.query(`KILL ${row?.["connection_id()"]}`);
    await expect(holder.query("SELECT 1")).rejects.toMatchObject({ code: "DW-CONNECT" });
    await taker.close();
  });
});

describe("a port without a server", () => {
  test("refuses, or is silent until the time is over", async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const port = typeof address === "object" && address ? address.port : 0;
    await expect(openMysql({ host: "127.0.0.1", port, user: "u", connectTimeoutMs: 50 })).rejects.toMatchObject({ code: "DW-TIMEOUT" });
    await new Promise((resolve) => silent.close(resolve));
    await expect(openMysql({ host: "127.0.0.1", port, user: "u" })).rejects.toMatchObject({ code: "DW-CONNECT" });
  });
});
