import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BackfillRequest, prepareBackfill } from "../../src/backfill/prepare.js";
import { openPg } from "../../src/connections/pg.js";
import type { Pg } from "../../src/core/session.js";
import { pgTarget } from "../../src/engines/postgres/load.js";
import { openPgTable } from "../../src/engines/postgres/read.js";
import { openSource } from "../../src/sources/index.js";
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

const binaryTypes = `id bigint, small smallint, medium int, flag boolean, price numeric(18,4), wide numeric(38,10), whole numeric(9,0), ratio float8,
  single float4, label text, code varchar(8), padded char(6), raw bytea, day date, clock time, local timestamp, at timestamptz, span interval,
  key uuid, doc json, binary_doc jsonb, mood mood`;

/** The ends of what both DuckDB and PostgreSQL hold, beside rows in between. */
const extremes = [
  `1, -32768, -2147483648, true, -99999999999999.9999, -9999999999999999999999999999.9999999999, -999999999, '-Infinity', '-Infinity', '', '', '', '',
    '-infinity', '00:00', '-infinity', '-infinity', '-178 years -11 mons -29 days -23:59:59.999999', '00000000-0000-0000-0000-000000000000', '1', '1', 'so so'`,
  `2, 32767, 2147483647, false, 99999999999999.9999, 9999999999999999999999999999.9999999999, 999999999, 'Infinity', 'Infinity', repeat('é€😀', 50000),
    '€€€€€€€€', '€€', decode(repeat('00ff', 40000), 'hex'), 'infinity', '23:59:59.999999', 'infinity', 'infinity', '178 years 11 mons',
    'ffffffff-ffff-ffff-ffff-ffffffffffff', '{"a": "\\u0000"}', '{"b": 1, "a": 2}', 'glad'`,
  `9223372036854775807, 0, 0, NULL, 0.0000, 0.0000000001, 0, 'NaN', 'NaN', '\ufeffmark', 'thirteen', 'x', '\\x0102030405060708090a0b0c0d', '0044-03-15 BC',
    '12:00', '4713-01-02 BC', '4713-01-02 BC', '-1 mons +3 days -00:00:00.000001', '7fffffff-ffff-ffff-8000-000000000000', '[]', '[]', NULL`,
  `-9223372036854775808, 1, 1, NULL, 10000, -0.0001000000, 10000, '-0', '-0', '\\.', NULL, NULL, NULL, '1999-12-31', NULL, '1999-12-31 23:59:59.999999',
    '2000-01-01 00:00:00+00', '00:00', NULL, NULL, NULL, NULL`,
  `NULL, NULL, NULL, NULL, -1234.5678, 1234567890123456789012345678.0987654321, NULL, 4.9e-324, 1e-45, NULL, NULL, NULL, NULL, '9999-12-31', NULL,
    '9999-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999+00', NULL, NULL, NULL, NULL, NULL`,
];

test.runIf(server)("values at the ends of their types go over in COPY's binary form and are the same there", async () => {
  await pg.query("CREATE TYPE mood AS ENUM ('glad', 'so so')");
  await pg.query(`CREATE TABLE ends (${binaryTypes}); CREATE TABLE ends_copy (${binaryTypes})`);
  await pg.query(`INSERT INTO ends VALUES (${extremes.join("), (")})`);
  await pg.query(`INSERT INTO ends (id, price, wide, whole, at, day) SELECT n, n * n / 7.0, power(n::numeric, 5) / 3, n * n * 27, timestamptz '2000-01-01 00:00+00' +
    (n - 3000) * interval '37 hours 12 minutes 0.000123 seconds', date '2000-01-01' + (n - 3000)::int FROM generate_series(1, 6000) n`);
  const where = "id <> -1 OR id IS NULL"; // a predicate is DuckDB's: rows go through it
  const source = await openPgTable(await openPg(connection(), undefined), { schema: "public", table: "ends", scratch: folder });
  const target = pgTarget(pg, { engine: "postgres", schema: "public", table: "ends_copy", pii: new Set(), scratch: folder });
  const certificate = await backfill({ name: "ends_copy", source, target, where }, database.connect, { key: ["id"] });
  await source.close();
  expect(certificate).toMatchObject({ verdict: "equal", findings: [], rows: { source: "6005", target: "6005" } });
  const [row] = await pg.query("SELECT count(*) AS n FROM (SELECT t::text FROM ends t EXCEPT ALL SELECT t::text FROM ends_copy t) d");
  expect(row?.n).toBe("0");
});

test.runIf(server)("a time that PostgreSQL does not have is refused, and not wrapped into another", async () => {
  await pg.query("CREATE TABLE early (at timestamp); CREATE TABLE early_day (at date)");
  const load = (table: string, type: "timestamp" | "date", value: string): Promise<unknown> => {
    const columns = columnsOf({ at: type === "date" ? t.date().nullable() : t.datetime().nullable() });
    const target = pgTarget(pg, { engine: "postgres", schema: "public", table, pii: new Set(), scratch: folder });
    return backfill(
      { name: `${table} ${value}`, source: sourceOf(value, columns, [`SELECT ${type.toUpperCase()} '${value}' AS at`]), target },
      database.connect,
    );
  };
  for (const value of ["290309-12-22 (BC) 00:00:00", "290000-01-01 (BC) 00:00:00", "4800-01-01 (BC) 00:00:00"])
    await expect(load("early", "timestamp", value)).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
  for (const value of ["5877642-06-25 (BC)", "4800-01-01 (BC)"])
    await expect(load("early_day", "date", value)).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
});

/** A source and target of the same columns; few rows fill many chunks. */
async function pair(name: string, columns: string, rows: string): Promise<BackfillRequest> {
  await pg.query(`CREATE TABLE ${name} (${columns}); CREATE TABLE ${name}_copy (${columns}); INSERT INTO ${name} ${rows}`);
  const own = await openPg(connection(), undefined);
  const source = await openPgTable(own, { schema: "public", table: name, scratch: folder, pages: 4 });
  const target = pgTarget(pg, { engine: "postgres", schema: "public", table: `${name}_copy`, pii: new Set(), scratch: folder });
  const close = async () => {
    await source.close();
    await own.close();
  };
  return { name, source: { ...source, close }, target };
}

const planned = async (request: BackfillRequest) => {
  const db = await database.connect();
  const prepared = await prepareBackfill(request, db);
  await db.close();
  return prepared;
};

test.runIf(server)("between tables of the same columns COPY feeds COPY, and both servers hash what they hold", async () => {
  const request = await pair(
    "relayed",
    everyType.replace(" PRIMARY KEY", ""),
    `SELECT n, n % 100, n % 2 = 0, n / 7.0, 'NaN', n / 3.0, n / 3.0, 'label ' || n,
    NULL, 'ab', '\\x00ff'::bytea, 'infinity', '24:00', '-infinity', timestamptz '2024-01-01 00:00+00' + n * interval '1 hour', interval '1 mon -3 days',
    md5(n::text)::uuid, '{"b": 1, "a": [1.10, "x"]}', '{"b": 1}', ARRAY['a"b', NULL], ARRAY[[1.10, n], [2, 3]], ARRAY['\\x00'::bytea, NULL] FROM generate_series(1, 3000) n`,
  );
  const { route, plan } = await planned(request);
  expect(route.by).toBe("relay");
  expect(plan.chunks.length).toBeGreaterThan(10);
  const certificate = await backfill(request, database.connect);
  await request.source.close();
  expect(certificate).toMatchObject({ verdict: "equal", findings: [], rows: { source: "3000", target: "3000" } });
  expect(certificate.coverage[0]).toContain("by the source's own SQL");
  expect(certificate.columns.find(({ name }) => name === "id")).toMatchObject({
    min: "1",
    max: "3000",
    sum: { source: "4501500", target: "4501500" },
  });
  const [row] = await pg.query("SELECT count(*) AS n FROM (SELECT t::text FROM relayed t EXCEPT ALL SELECT t::text FROM relayed_copy t) d");
  expect(row?.n).toBe("0");
});

test.runIf(server)("the route says why rows are not relayed", async () => {
  const request = await pair("routed", "id bigint, price numeric(18,4), at timestamp, mood mood", "VALUES (1, 2, now(), 'glad')");
  await pg.query("ALTER TABLE routed_copy DROP COLUMN mood");
  const because = async (more: Partial<BackfillRequest>) => (await planned({ ...request, ...more })).route;
  expect(await because({})).toMatchObject({ by: "relay" });
  expect(await because({ where: "id > 0" })).toEqual({ by: "duckdb", because: "the source hands no rows over as they are" });
  expect(await because({ map: { price: { sql: "price * 2" } } })).toEqual({
    by: "duckdb",
    because: "column price is converted or checked",
  });
  expect(await because({ quarantine: { most: 1 } })).toEqual({ by: "duckdb", because: "rows may be rejected" });
  await pg.query("ALTER TABLE routed_copy ALTER COLUMN price TYPE numeric(20,4)");
  expect(await because({})).toEqual({
    by: "duckdb",
    because: "column price is numeric(18,4) in the source and numeric(20,4) in the target",
  });
  await pg.query("ALTER TABLE routed_copy ALTER COLUMN price TYPE numeric(18,4), ADD COLUMN mood mood");
  expect(await because({})).toEqual({
    by: "duckdb",
    because: "column mood is of a type of its own in the source and of a type of its own in the target",
  });
  await request.source.close();
});

test.runIf(server)("a run that died between loading and hashing is finished by the next one, which loads nothing again", async () => {
  const request = await pair("unhashed", "id bigint, label text", "SELECT n, 'label ' || n FROM generate_series(1, 5000) n");
  const died = backfill(request, database.connect, { afterLoad: () => Promise.reject(new Error("gone")) });
  await expect(died).rejects.toThrow("gone");
  const [counted] = await pg.query(
    "SELECT sum((fingerprint->>'rows')::int)::text AS rows, bool_and((fingerprint->>'countedOnly')::boolean) AS only FROM dw_state.chunks WHERE backfill = 'unhashed'",
  );
  expect(counted).toEqual({ rows: "5000", only: true });
  const events: string[] = [];
  const certificate = await backfill(request, database.connect, { notice: ({ event }) => events.push(event) });
  expect(events).toEqual(["planned"]);
  expect(certificate).toMatchObject({ verdict: "equal", rows: { source: "5000", target: "5000" } });
  await request.source.close();
});

test.runIf(server)("a relayed row that the target refuses rolls its chunk back, and what is changed there is found", async () => {
  const request = await pair("strict", "id bigint, label text", "SELECT n, 'label ' || n FROM generate_series(1, 5000) n");
  await pg.query("ALTER TABLE strict_copy ADD CONSTRAINT no_4711 CHECK (id <> 4711)");
  await expect(backfill(request, database.connect, { concurrency: 1 })).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
  const [half] = await pg.query(
    "SELECT count(*) AS rows, (SELECT sum((fingerprint->>'rows')::int) FROM dw_state.chunks WHERE backfill = 'strict') AS recorded FROM strict_copy",
  );
  expect(half?.rows).toBe(half?.recorded);
  await pg.query("ALTER TABLE strict_copy DROP CONSTRAINT no_4711");
  const certificate = await backfill(request, database.connect, {
    key: ["id"],
    afterLoad: async () => void (await pg.query("UPDATE strict_copy SET label = 'other' WHERE id = 77")),
  });
  expect(certificate.verdict).toBe("different");
  expect(certificate.differences.map(({ where, row }) => `${where}: ${row}`).sort()).toEqual(["differs: id=77"]);
  await request.source.close();
});

test.runIf(server)("a local file is loaded first and hashed later; a bad value near its end leaves nothing of its chunk", async () => {
  await pg.query("CREATE TABLE from_csv (id bigint, paid numeric(10,2), label text)");
  const file = join(folder, "rows.csv");
  const rows = Array.from({ length: 30_000 }, (_, id) => `${id}, ${id}.25 ,"label, ${id}"`);
  const typed = { id: t.bigint().column, paid: t.decimal(10, 2).column, label: t.text().column };
  const request = async (last: string): Promise<BackfillRequest> => {
    await writeFile(file, `${["id,paid,label", ...rows, last].join("\n")}\n`);
    const source = await openSource(`csv:${file}`, { at: {}, cwd: folder, typed });
    return {
      name: "from_csv",
      source,
      target: pgTarget(pg, { engine: "postgres", schema: "public", table: "from_csv", pii: new Set(), scratch: folder }),
    };
  };
  await expect(backfill(await request("30000,1.239,x"), database.connect)).rejects.toMatchObject({
    code: "DW-VALUE-REFUSED",
    what: expect.stringContaining("paid"),
  });
  const [left] = await pg.query(
    "SELECT count(*)::text AS rows, max(id)::text AS last, (SELECT json_agg(json_build_array(chunk, fingerprint->>'rows'))::text FROM dw_state.chunks WHERE backfill = 'from_csv') AS recorded FROM from_csv",
  );
  expect(left).toEqual({ rows: "0", last: null, recorded: null });
  const certificate = await backfill(await request("30000,1.23,x"), database.connect, { key: ["id"] });
  expect(certificate).toMatchObject({ verdict: "equal", rows: { source: "30001", target: "30001" } });
  expect(certificate.coverage[0]).toContain("in a reading of its own");
  const [ledger] = await pg.query("SELECT fingerprint->>'countedOnly' AS counted FROM dw_state.chunks WHERE backfill = 'from_csv'");
  expect(ledger?.counted).toBeNull();
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
