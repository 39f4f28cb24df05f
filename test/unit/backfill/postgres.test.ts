import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { BackfillRequest } from "../../../src/backfill/prepare.js";
import { openPglite } from "../../../src/connections/pglite.js";
import type { Pg } from "../../../src/core/session.js";
import { pgTarget } from "../../../src/engines/postgres/load.js";
import { openDatabase } from "../../backfill/duckdb.js";
import { backfill } from "../../backfill/load.js";
import { columnsOf, sourceOf, t } from "../../backfill/source.js";

let folder: string;
let pg: Pg;
let database: Awaited<ReturnType<typeof openDatabase>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-backfill-"));
  pg = await openPglite(join(folder, "pg"));
  database = await openDatabase();
});

afterAll(async () => {
  await pg.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const columns = columnsOf({
  id: t.bigint(),
  at: t.instant(),
  paid: t.decimal(18, 4).nullable(),
  ratio: t.double().nullable(),
  label: t.text().nullable(),
  raw: t.binary().nullable(),
  tags: t.list(t.text()).nullable(),
});

const rows = (from: number, to: number) =>
  `SELECT id, TIMESTAMPTZ '2024-01-01 00:00:00+00' + id * INTERVAL 1 MINUTE AS at, CAST(id / 7 AS DECIMAL(18, 4)) AS paid,
    CASE WHEN id % 11 = 0 THEN 'nan'::DOUBLE ELSE id / 3 END AS ratio,
    CASE id % 5 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'quo"te, comma' WHEN 3 THEN E'two\\nlines' ELSE '\\.' END AS label,
    CASE WHEN id % 2 = 0 THEN '\\x00\\xFF'::BLOB END AS raw, CASE WHEN id % 3 = 0 THEN ['a"b', NULL, 'c\\d', ''] END AS tags
   FROM (SELECT unnest(range(${from}, ${to})) AS id)`;

const request = (more: Partial<BackfillRequest> = {}): BackfillRequest => ({
  name: "history",
  source: sourceOf("orders", columns, [rows(0, 300), rows(300, 700), rows(700, 1000)]),
  target: pgTarget(pg, { engine: "timescale", schema: "public", table: "orders", pii: new Set(), scratch: folder }),
  ...more,
});

beforeEach(async () => {
  await pg.query("DROP SCHEMA IF EXISTS dw_state CASCADE");
  await pg.query("DROP TABLE IF EXISTS orders");
  await pg.query(
    "CREATE TABLE orders (id bigint NOT NULL, at timestamptz NOT NULL, paid numeric(18,4), ratio float8, label text, raw bytea, tags text[])",
  );
});

const count = async () => (await pg.query("SELECT count(*) AS n FROM orders"))[0]?.n;

test("every row arrives equal, whatever is in its texts, and the certificate says so", async () => {
  await pg.query("SELECT create_hypertable('orders', 'at')");
  const certificate = await backfill(request(), database.connect);
  expect(certificate.findings).toEqual([]);
  expect(certificate).toMatchObject({ verdict: "equal", rows: { source: "1000", target: "1000", before: "0" } });
  expect(certificate.chunks.map(({ rows }) => rows)).toEqual(["300", "400", "300"]);
});

test("a second run loads nothing again", async () => {
  await backfill(request(), database.connect);
  const started: string[] = [];
  const certificate = await backfill(request(), database.connect, {
    notice: (event) => (event.event === "started" ? started.push(event.chunk.id) : 0),
  });
  expect(started).toEqual([]);
  expect(certificate.verdict).toBe("equal");
  expect(await count()).toBe("1000");
});

test("rows that were there before are not counted as loaded", async () => {
  await pg.query("INSERT INTO orders VALUES (-1, '2020-01-01', 1, 1, 'mine', NULL, NULL)");
  const certificate = await backfill(request(), database.connect);
  expect(certificate).toMatchObject({ verdict: "equal", rows: { source: "1000", target: "1000", before: "1" } });
  expect(certificate.coverage.join("\n")).toContain("The table held 1 rows before the first chunk");
});

test("another snapshot under the same name is refused, and reset needs the table emptied with it", async () => {
  await backfill(request(), database.connect);
  const other = { source: sourceOf("orders", columns, [rows(0, 300)]) };
  await expect(backfill(request(other), database.connect)).rejects.toMatchObject({ code: "DW-LEDGER-CONFLICT" });
  await expect(request().target.reset("history", false)).rejects.toMatchObject({ code: "DW-LEDGER-CONFLICT" });
  await request().target.reset("history", true);
  expect(await count()).toBe("0");
  expect((await backfill(request(other), database.connect)).verdict).toBe("equal");
});

test("a NULL for a column that allows none stops before its chunk, and the chunks before it stay", async () => {
  await pg.query("ALTER TABLE orders ALTER COLUMN label SET NOT NULL");
  const good = rows(0, 1000).replace("WHEN 0 THEN NULL", "WHEN 0 THEN 'x'");
  const source = sourceOf("orders", columns, [`SELECT * FROM (${good}) WHERE id < 10`, rows(10, 20)]);
  await expect(backfill(request({ source }), database.connect)).rejects.toMatchObject({
    code: "DW-VALUE-REFUSED",
    what: "Chunk chunk 1 has 2 values of column label are NULL, and the target allows none there.",
  });
  expect(await count()).toBe("10");
});

test("a key that is there already refuses the whole chunk", async () => {
  await pg.query("ALTER TABLE orders ADD PRIMARY KEY (id)");
  await pg.query("INSERT INTO orders VALUES (650, '2020-01-01', 1, 1, 'mine', NULL, NULL)");
  await expect(backfill(request(), database.connect)).rejects.toMatchObject({
    code: "DW-LOAD-CONFLICT",
    what: "public.orders holds a row with a key that the source has as well: Key (id)=(650) already exists.",
  });
  expect(await count()).toBe("301");
});

test("a value that PostgreSQL refuses is named with its column, and not shown when columns are personal", async () => {
  await pg.query("ALTER TABLE orders ADD COLUMN doc json");
  const withDoc = (doc: string) =>
    sourceOf("orders", [...columns, ...columnsOf({ doc: t.json() })], [`SELECT *, ${doc} AS doc FROM (${rows(0, 3)})`]);
  const bad = withDoc(`'{"a": "\\u0000'`);
  await expect(backfill(request({ source: bad }), database.connect)).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
  const nul = sourceOf("orders", columns, [rows(0, 3).replace("THEN ''", "THEN 'secret' || chr(0)")]);
  const target = pgTarget(pg, { engine: "postgres", schema: "public", table: "orders", pii: new Set(["label"]), scratch: folder });
  const refused = await backfill(request({ source: nul, target }), database.connect).catch((error) => error);
  expect(refused).toMatchObject({ code: "DW-VALUE-REFUSED" });
  expect(refused.what).toContain("1 values of column label: each holds a NUL character");
  expect(`${refused.what}${refused.why}${refused.fix}`).not.toContain("secret");
  expect(await count()).toBe("0");
});

const errors: readonly (readonly [string, readonly string[]])[] = [
  ["one wrong row", ["UPDATE orders SET label = 'x' WHERE id = 501"]],
  ["a zone shifted by an hour", ["UPDATE orders SET at = at + interval '1 hour' WHERE id = 501"]],
  ["a truncated decimal", ["UPDATE orders SET paid = trunc(paid, 2) WHERE id = 501"]],
  ["the last bit of a double", ["UPDATE orders SET ratio = ratio * (1 + 2.3e-16) WHERE id = 502"]],
  ["a lost row", ["DELETE FROM orders WHERE id = 501"]],
  ["a row that is there twice", ["INSERT INTO orders SELECT * FROM orders WHERE id = 501"]],
  [
    "two rows in place of two others, which cancels under XOR",
    [
      "DELETE FROM orders WHERE id IN (501, 503)",
      "INSERT INTO orders SELECT o.* FROM orders o, generate_series(1, 2) WHERE id = 502 OR id = 504",
      "DELETE FROM orders WHERE ctid IN (SELECT min(ctid) FROM orders WHERE id IN (502, 504) GROUP BY id)",
    ],
  ],
  [
    "values of two rows exchanged",
    [
      "UPDATE orders SET paid = CASE id WHEN 501 THEN (SELECT paid FROM orders WHERE id = 502) ELSE (SELECT paid FROM orders WHERE id = 501) END WHERE id IN (501, 502)",
    ],
  ],
];

test.each(errors)("%s is found, and the drill-down names the row and its chunk", async (_, statements) => {
  const certificate = await backfill(request(), database.connect, {
    key: ["id"],
    afterLoad: async () => {
      for (const statement of statements) await pg.query(statement);
    },
  });
  expect(certificate.verdict).toBe("different");
  expect(certificate.findings.map(({ what }) => what)).toContain("row hash");
  const named = certificate.differences.map(({ row }) => row);
  expect(named.some((row) => /^id=50[1-4]$/.test(row))).toBe(true);
  for (const difference of certificate.differences) if (difference.chunk) expect(difference.chunk).toBe("chunk 1");
});
