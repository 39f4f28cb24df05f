import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OpenMysql, openMysql, openMysqlServer } from "../../src/connections/mysql.js";
import { startMariadb, type TestMariadb } from "./mariadb.js";

/* The MySQL protocol as a server speaks it that nobody here wrote. */

const server: TestMariadb | undefined = await startMariadb();

describe.skipIf(server === undefined)("a MariaDB server", () => {
  let place: OpenMysql;
  beforeAll(() => {
    if (server) place = { host: "127.0.0.1", port: server.port, user: server.user, password: server.password, database: server.database };
  });
  afterAll(() => server?.stop());

  test("answers with its version, over one connection after the other", async () => {
    const mysql = await openMysqlServer("mysql", place);
    expect(mysql.version).toMatch(/^\d+\.\d+\.\d+$/);
    const ids = new Set<string | null | undefined>();
    for (let i = 0; i < 5; i++) ids.add((await mysql.query("SELECT connection_id() AS id"))[0]?.id);
    expect(ids.size).toBe(1);
    await mysql.close();
  });

  test("values arrive as the text that the server wrote", async () => {
    const session = await openMysql(place);
    await session.query(
      "CREATE TABLE v (id BIGINT, d DECIMAL(30,4), f DOUBLE, t VARCHAR(40), b VARBINARY(9), at DATETIME(6), n INT) CHARACTER SET utf8mb4",
    );
    await session.query(
      "INSERT INTO v VALUES (9223372036854775807, 12345678901234567890.1000, -0.5, '𝒳 🛰 it''s', x'00FF', '2024-02-29 23:59:59.000001', NULL)",
    );
    expect(await session.query("SELECT id, d, f, t, hex(b) AS b, at, n FROM v")).toEqual([
      {
        id: "9223372036854775807",
        d: "12345678901234567890.1000",
        f: "-0.5",
        t: "𝒳 🛰 it's",
        b: "00FF",
        at: "2024-02-29 23:59:59.000001",
        n: null,
      },
    ]);
    await session.query("DROP TABLE v");
    await session.close();
  });

  test("refusals are told apart: password, right, statement, database", async () => {
    await expect(openMysql({ ...place, password: "wrong" })).rejects.toMatchObject({ code: "DW-AUTH" });
    await expect(openMysql({ ...place, user: "poor" })).rejects.toMatchObject({ code: "DW-PERMISSION" });
    const session = await openMysql(place);
    await expect(session.query("SELEC 1")).rejects.toMatchObject({ code: "DW-ENGINE-REFUSED", why: expect.stringContaining("(1064)") });
    await expect(session.query("SELECT * FROM mysql.user")).rejects.toMatchObject({ code: "DW-PERMISSION" });
    expect(await session.ask("SELECT * FROM nope")).toMatchObject({ ok: false, code: 1146, sqlState: "42S02" });
    await session.close();
  });

  test("a killed connection is DW-CONNECT, a statement that takes too long DW-TIMEOUT", async () => {
    const [one, other] = [await openMysql(place), await openMysql({ ...place, statementTimeoutMs: 100 })];
    await expect(other.query("SELECT sleep(20)")).rejects.toMatchObject({ code: "DW-TIMEOUT" });
    const [row] = await one.query("SELECT connection_id() AS id");
    const killer = await openMysql(place);
    await killer.query(`KILL ${row?.id}`);
    await expect(one.query("SELECT 1")).rejects.toMatchObject({ code: "DW-CONNECT" });
    for (const session of [one, other, killer]) await session.close();
  });

  test("a server without TLS is not talked to where TLS is asked for", async () => {
    await expect(openMysql({ ...place, ssl: true })).rejects.toMatchObject({
      code: "DW-CONNECT",
      why: expect.stringMatching(/secure|ssl|certificate/i),
    });
  });
});
