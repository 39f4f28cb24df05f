import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPg } from "../../src/connections/pg.js";
import type { Pg } from "../../src/core/session.js";
import { pgTarget } from "../../src/engines/postgres/load.js";
import { openPgTable } from "../../src/engines/postgres/read.js";
import { openDatabase } from "../backfill/duckdb.js";
import { backfill } from "../backfill/load.js";
import { columnsOf, sourceOf, t } from "../backfill/source.js";
import { startPostgres, type TestServer } from "./postgres.js";

const server: TestServer | undefined = await startPostgres();
let pg: Pg;
let folder: string;
let database: Awaited<ReturnType<typeof openDatabase>>;

beforeAll(async () => {
  if (server === undefined) return;
  folder = await mkdtemp(join(tmpdir(), "dw-live-"));
  pg = await openPg(server.connection, undefined);
  database = await openDatabase();
});

afterAll(async () => {
  await pg?.close();
  await database?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const everyType = `id bigint PRIMARY KEY, small smallint, flag boolean, price numeric(18,4), any_number numeric, ratio float8, single float4,
  label text, code varchar(8), padded char(6), raw bytea, day date, clock time, local timestamp, at timestamptz, span interval, key uuid,
  doc json, binary_doc jsonb, tags text[], numbers numeric(10,2)[], blobs bytea[]`;

test.runIf(server)("a PostgreSQL table of every type arrives equal in another one", async () => {
  await pg.query(`CREATE TABLE origin (${everyType}); CREATE TABLE copy (${everyType})`);
  await pg.query(`INSERT INTO origin SELECT n, n % 100, n % 2 = 0, n / 7.0, 1234567890123456789012345678901234567890.5 + n, n / 3.0, n / 3.0,
    CASE n % 4 WHEN 0 THEN '' WHEN 1 THEN 'quo"te,\n' WHEN 2 THEN '\\.' END, 'c' || n % 9, 'ab', CASE WHEN n % 3 = 0 THEN '\\x00ff'::bytea END,
    date '1500-01-01' + n::int, time '00:00:00.000001' + n * interval '1 second', timestamp '1969-12-31 23:59:59.999999' - n * interval '1 hour',
    timestamptz '2024-01-01 00:00+00' + n * interval '1 hour', make_interval(months => n::int % 20, days => 3, secs => 1.5),
    md5(n::text)::uuid, '{"b": 1, "a": [1.10, "x"]}', '{"b": 1, "a": 2}', ARRAY['a"b', NULL, ''], ARRAY[1.10, n], ARRAY['\\x00'::bytea, NULL]
    FROM generate_series(1, 2000) n`);
  await pg.query("INSERT INTO origin (id, day, local, at, ratio) VALUES (0, 'infinity', '-infinity', '0044-03-15 00:00+00 BC', 'NaN')");
  const source = await openPgTable(await openPg(connection(), undefined), { schema: "public", table: "origin", scratch: folder });
  const target = pgTarget(pg, { engine: "postgres", schema: "public", table: "copy", pii: new Set(), scratch: folder });
  const certificate = await backfill({ name: "copy", source, target }, database.connect, { key: ["id"] });
  await source.close();
  expect(certificate.findings).toEqual([]);
  expect(certificate).toMatchObject({ verdict: "equal", rows: { source: "2001", target: "2001" } });
  const [row] = await pg.query("SELECT count(*) AS n FROM (SELECT t::text FROM origin t EXCEPT SELECT t::text FROM copy t) d");
  expect(row?.n).toBe("0");
});

test.runIf(server)("what is written after the source was opened is not read, and a later run sees another source", async () => {
  await pg.query("CREATE TABLE moving (id bigint); CREATE TABLE moved (id bigint); INSERT INTO moving SELECT generate_series(1, 1000)");
  const open = async () => openPgTable(await openPg(connection(), undefined), { schema: "public", table: "moving", scratch: folder });
  const target = () => pgTarget(pg, { engine: "postgres", schema: "public", table: "moved", pii: new Set(), scratch: folder });
  const first = await open();
  const before = await first.plan({});
  await pg.query("INSERT INTO moving VALUES (1001)");
  const certificate = await backfill({ name: "moving", source: first, target: target() }, database.connect);
  await first.close();
  expect(certificate).toMatchObject({ verdict: "equal", identity: before.identity, rows: { source: "1000", target: "1000" } });
  const second = await open();
  await expect(backfill({ name: "moving", source: second, target: target() }, database.connect)).rejects.toMatchObject({
    code: "DW-LEDGER-CONFLICT",
  });
  await second.close();
});

test.runIf(server)("several lanes at once load every chunk once, and two runs at once share the work", async () => {
  await pg.query("CREATE TABLE many (id bigint, part int); CREATE TABLE lanes (id bigint, part int)");
  await pg.query("INSERT INTO many SELECT n, n / 1000 FROM generate_series(0, 19999) n");
  const chunks = Array.from(
    { length: 20 },
    (_, part) => `SELECT id, ${part}::INTEGER AS part FROM (SELECT unnest(range(${part * 1000}, ${part * 1000 + 1000})) AS id)`,
  );
  const request = () => ({
    name: "lanes",
    source: sourceOf("many", columnsOf({ id: t.bigint().nullable(), part: t.int().nullable() }), chunks),
    target: pgTarget(pg, { engine: "postgres", schema: "public", table: "lanes", pii: new Set(), scratch: folder }),
  });
  const scratches = await Promise.all(["a", "b"].map((name) => mkdtemp(join(folder, name))));
  const runs = scratches.map((scratch) =>
    backfill(
      { ...request(), target: pgTarget(pg, { engine: "postgres", schema: "public", table: "lanes", pii: new Set(), scratch }) },
      database.connect,
      { concurrency: 3 },
    ),
  );
  await Promise.all(runs);
  const [row] = await pg.query("SELECT count(*) AS n, count(DISTINCT id) AS d FROM lanes");
  expect(row).toMatchObject({ n: "20000", d: "20000" });
  expect((await backfill(request(), database.connect)).verdict).toBe("equal");
});

test.runIf(server)("an interrupted run leaves whole chunks only, and the next run loads the rest", async () => {
  await pg.query("CREATE TABLE halted (id bigint)");
  const chunks = Array.from({ length: 6 }, (_, part) => `SELECT unnest(range(${part * 50_000}, ${part * 50_000 + 50_000})) AS id`);
  const request = () => ({
    name: "halted",
    source: sourceOf("halted", columnsOf({ id: t.bigint().nullable() }), chunks),
    target: pgTarget(pg, { engine: "postgres" as const, schema: "public", table: "halted", pii: new Set<string>(), scratch: folder }),
  });
  const interruption = new AbortController();
  const halted = backfill(request(), database.connect, {
    concurrency: 2,
    signal: interruption.signal,
    notice: ({ event }) => event === "loaded" && interruption.abort(new Error("interrupted")),
  });
  await expect(halted).rejects.toThrow("interrupted");
  const [half] = await pg.query(
    "SELECT count(*) AS rows, (SELECT count(*) * 50000 FROM dw_state.chunks WHERE backfill = 'halted') AS recorded FROM halted",
  );
  expect(half?.rows).toBe(half?.recorded);
  expect(Number(half?.rows)).toBeLessThan(300_000);
  expect(await backfill(request(), database.connect)).toMatchObject({ verdict: "equal", rows: { target: "300000" } });
});

function connection(): TestServer["connection"] {
  if (server === undefined) throw new Error("no server");
  return server.connection;
}
