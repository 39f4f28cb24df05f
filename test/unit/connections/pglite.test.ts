import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPglite } from "../../../src/connections/pglite.js";
import type { Pg } from "../../../src/core/session.js";

const root = mkdtempSync(join(tmpdir(), "dw-pglite-"));
const path = join(root, "warehouse");
let pg: Pg;

beforeAll(async () => {
  mkdirSync(`${path}.new`); // what a creation that crashed leaves behind
  pg = await openPglite(path);
}, 60_000);

afterAll(async () => {
  await pg.close();
  rmSync(root, { recursive: true });
});

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}

test("a new folder is a database with TimescaleDB, and nothing half-made stays beside it", () => {
  expect(pg.server).toMatchObject({ embedded: true, version: "17.5", timescale: expect.stringMatching(/^2\./) });
  expect(existsSync(`${path}.new`)).toBe(false);
});

test("values arrive as the server's text, so that no digit and no microsecond is lost", async () => {
  const [row] = await pg.query(`SELECT 9007199254740993::int8 AS big, 1.50::numeric AS paid, 7::int4 AS small, true AS yes,
    '2024-03-31 02:30:00.123456+02'::timestamptz AS at, '{"a": 1.0}'::json AS doc, '{1,2}'::int8[] AS list, '\\x00ff'::bytea AS bytes`);
  expect(row).toEqual({
    big: "9007199254740993",
    paid: "1.50",
    small: 7,
    yes: true,
    at: "2024-03-31 00:30:00.123456+00",
    doc: '{"a": 1.0}',
    list: "{1,2}",
    bytes: Uint8Array.of(0, 255),
  });
});

test("parameters of every type go in as they are", async () => {
  const [row] = await pg.query("SELECT $1::int8 AS a, $2::bool AS b, $3::bytea AS c, $4::json AS d, $5::text[] AS e, $6::text AS f", [
    "9007199254740993",
    true,
    Uint8Array.of(1, 2),
    '{"x":1}',
    '{"a b",c}',
    null,
  ]);
  expect(row).toEqual({ a: "9007199254740993", b: true, c: Uint8Array.of(1, 2), d: '{"x":1}', e: '{"a b",c}', f: null });
});

test("COPY goes in and out in pieces", async () => {
  const session = await pg.session();
  await session.query("CREATE TABLE copied (a int, b text)");
  expect(await session.copyIn("COPY copied (a, b) FROM STDIN (FORMAT csv)", pieces("1,o", 'ne\n2,"t,wo"\n'))).toBe(2);
  const out: Uint8Array[] = [];
  for await (const piece of session.copyOut("COPY (SELECT * FROM copied ORDER BY a) TO STDOUT (FORMAT csv)")) out.push(piece);
  expect(Buffer.concat(out).toString()).toBe('1,one\n2,"t,wo"\n');
});

test("sessions take turns: nobody sees or joins another's transaction", async () => {
  const [a, b] = [await pg.session(), await pg.session()];
  await a.query("CREATE TABLE turns (n int)");
  const failing = a.transaction(async () => {
    await a.query("INSERT INTO turns VALUES (1)");
    await a.query("SELECT * FROM missing");
  });
  const counted = b.query("SELECT count(*)::int AS n FROM turns");
  await expect(failing).rejects.toMatchObject({ code: "DW-ENGINE-REFUSED" });
  expect(await counted).toEqual([{ n: 0 }]);
  await expect(a.transaction(() => b.query("SELECT 1"))).rejects.toThrow("wait for itself");
});

test("a refused statement is a letter with the server's words, the SQLSTATE and the statement", async () => {
  await expect(pg.query("SELECT * FROM nowhere")).rejects.toMatchObject({
    code: "DW-ENGINE-REFUSED",
    what: expect.stringContaining('relation "nowhere" does not exist (42P01)'),
    why: expect.stringContaining("SELECT * FROM nowhere"),
  });
});

test("the same process may open the folder twice; another process is refused", async () => {
  const again = await openPglite(path);
  await again.query("CREATE TABLE shared (n int)");
  await again.close();
  expect(await pg.query("SELECT * FROM shared")).toEqual([]);
  const script = `import { DuckDBInstance } from "@duckdb/node-api"; await DuckDBInstance.create(process.argv[1]).then(() => console.log("got it"), (e) => console.log(e.message));`;
  const other = spawnSync(process.execPath, ["--input-type=module", "-e", script, `${path}.lock`], { encoding: "utf8" });
  expect(other.stdout).toMatch(/lock/i);
  expect(other.stdout).toContain(String(process.pid));
});
