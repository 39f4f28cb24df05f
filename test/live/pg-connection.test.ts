import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPg } from "../../src/connections/pg.js";
import type { Pg } from "../../src/core/session.js";
import { execute, executeTogether } from "../../src/engines/postgres/execute.js";
import { startPostgres } from "./postgres.js";

const server = await startPostgres();
let pg: Pg;

beforeAll(async () => {
  if (server) pg = await openPg(server.connection, undefined, { statement: 20_000 });
});

afterAll(async () => {
  await pg?.close();
  await server?.stop();
});

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}

const statement = (text: string) => ({ text, hazards: [], transactional: true });
const never = new AbortController().signal;

describe.skipIf(!server)("a PostgreSQL server", () => {
  test("gives values as text, in UTC, losing no digit", async () => {
    const [row] = await pg.query("SELECT 9007199254740993::int8 AS a, now()::text ~ '[+]00$' AS utc, $1::bytea AS b, '{1}'::int[] AS c", [
      Uint8Array.of(0, 255),
    ]);
    expect(row).toEqual({ a: "9007199254740993", utc: true, b: Uint8Array.of(0, 255), c: "{1}" });
  });

  test("takes and gives COPY streams, and a session keeps its temporary tables", async () => {
    const session = await pg.session();
    await session.query("CREATE TEMPORARY TABLE copied (a int, b text)");
    expect(await session.copyIn("COPY copied FROM STDIN (FORMAT csv)", pieces("1,o", "ne\n2,two\n"))).toBe(2);
    const out: Uint8Array[] = [];
    for await (const piece of session.copyOut("COPY copied TO STDOUT (FORMAT csv)")) out.push(piece);
    expect(Buffer.concat(out).toString()).toBe("1,one\n2,two\n");
    await expect(session.copyIn("COPY copied FROM STDIN (FORMAT csv)", pieces("x,y\n"))).rejects.toMatchObject({
      code: "DW-ENGINE-REFUSED",
    });
    expect(await session.query("SELECT count(*)::int AS n FROM copied")).toEqual([{ n: 2 }]);
    await session.close();
  });

  test("is unreachable, refuses a login, lacks a right or is too slow: each its own code, and never the password", async () => {
    const connection = server?.connection ?? ({} as never); // the suite is skipped without a server
    await expect(openPg({ ...connection, port: 1 }, "s3cret")).rejects.toMatchObject({ code: "DW-CONNECT" });
    const wrong = openPg({ ...connection, user: "nobody_here" }, "s3cret");
    await expect(wrong).rejects.toMatchObject({ code: "DW-AUTH" });
    await wrong.catch((error) => expect(JSON.stringify([error, error.message, error.stack, error.cause])).not.toContain("s3cret"));
    await pg.query("CREATE TABLE IF NOT EXISTS private (n int)");
    await pg.query("CREATE ROLE poor LOGIN");
    const poor = await openPg({ ...connection, user: "poor" }, undefined);
    await expect(poor.query("SELECT * FROM private")).rejects.toMatchObject({
      code: "DW-PERMISSION",
      why: expect.stringContaining("SELECT * FROM private"),
    });
    await poor.close();
    const hasty = await openPg(connection, undefined, { statement: 50 });
    await expect(hasty.query("SELECT pg_sleep(5)")).rejects.toMatchObject({ code: "DW-TIMEOUT" });
    await hasty.close();
  });

  test("dies in the middle: the next query says so", async () => {
    const session = await pg.session();
    const [row] = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    await pg.query("SELECT pg_terminate_backend($1)", [row?.pid ?? 0]);
    await expect(session.query("SELECT 1")).rejects.toMatchObject({ code: "DW-CONNECT" });
    await session.close();
  });

  test("a statement stops when it is aborted", async () => {
    const session = await pg.session();
    const abort = new AbortController();
    const running = execute(session, statement("SELECT pg_sleep(20)"), abort.signal);
    setTimeout(() => abort.abort(), 100);
    await expect(running).rejects.toMatchObject({ code: "DW-TIMEOUT" });
    await session.close();
  });

  test("DDL waits briefly for its lock and tries again, all statements of a transaction or none", async () => {
    await pg.query("CREATE TABLE busy (n int)");
    const [reader, migrator] = [await pg.session(), await pg.session()];
    await reader.query("BEGIN; LOCK TABLE busy IN ACCESS SHARE MODE");
    const statements = [statement("CREATE TABLE beside (n int)"), statement("ALTER TABLE busy ADD COLUMN m int")];
    const impatient = executeTogether(migrator, statements, never, { lockTimeout: 50, attempts: 2, pause: 10 });
    await expect(impatient).rejects.toMatchObject({ code: "DW-TIMEOUT", why: expect.stringContaining("ALTER TABLE busy") });
    expect(await pg.query("SELECT to_regclass('beside')::text AS there")).toEqual([{ there: null }]);
    const patient = executeTogether(migrator, statements, never, { lockTimeout: 50, attempts: 100, pause: 10 });
    setTimeout(() => void reader.query("COMMIT"), 200);
    await patient;
    expect(await pg.query("SELECT to_regclass('beside')::text AS there")).toEqual([{ there: "beside" }]);
    await Promise.all([reader.close(), migrator.close()]);
  });
});
