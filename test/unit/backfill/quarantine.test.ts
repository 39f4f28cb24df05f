import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { BackfillRequest } from "../../../src/backfill/prepare.js";
import { openPglite } from "../../../src/connections/pglite.js";
import type { Pg } from "../../../src/core/session.js";
import { duckdbTarget } from "../../../src/engines/duckdb/load.js";
import { pgTarget } from "../../../src/engines/postgres/load.js";
import { openDatabase, type TestDatabase } from "../../backfill/duckdb.js";
import { backfill } from "../../backfill/load.js";
import { columnsOf, sourceOf, t } from "../../backfill/source.js";

let folder: string;
let pg: Pg;
let database: TestDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-quarantine-"));
  pg = await openPglite(join(folder, "pg"));
  database = await openDatabase();
});

afterAll(async () => {
  await pg.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await pg.query("DROP SCHEMA IF EXISTS dw_state CASCADE");
  await pg.query("DROP TABLE IF EXISTS payments");
  await pg.query("CREATE TABLE payments (id bigint NOT NULL, paid numeric(10,2), seen timestamptz, city varchar(8), mail text)");
});

const columns = columnsOf({
  id: t.bigint().nullable(),
  amount: t.text().nullable(),
  seen: t.datetime().nullable(),
  city: t.text().nullable(),
  mail: t.text().nullable(),
});

const good =
  "SELECT n AS id, '1.50' AS amount, TIMESTAMP '2024-06-01 12:00:00' AS seen, 'Abidjan' AS city, NULL AS mail FROM range(0, 90) r(n)";
const bad = `SELECT * FROM (VALUES
  (101, '12x', TIMESTAMP '2024-06-01 12:00:00', 'Bouaké', 'a@b.ci'), (NULL, '1', NULL, NULL, NULL),
  (103, '2', TIMESTAMP '2024-10-27 02:30:00', 'Bouaké', 'c@d.ci'), (104, '3.10', NULL, 'Yamoussoukro', NULL),
  (105, NULL, NULL, 'Korhogo', NULL)) v(id, amount, seen, city, mail)`;

const request = (more: Partial<BackfillRequest> = {}): BackfillRequest => ({
  name: "payments",
  source: sourceOf("payments", columns, [good, bad]),
  target: pgTarget(pg, { engine: "postgres", schema: "public", table: "payments", pii: new Set(["mail"]), scratch: folder }),
  targetModel: { columns: { mail: { ...t.text().nullable().column, pii: true } } },
  map: { paid: { sql: "CAST(amount AS DECIMAL(10, 2))" } },
  sourceZone: "Europe/Paris",
  quarantine: { most: 4 },
  ...more,
});

test("rows that the target cannot hold are set aside with their reasons; personal values are masked; the others are equal", async () => {
  const certificate = await backfill(request(), database.connect);
  expect(certificate).toMatchObject({ verdict: "equal", quarantined: "4", rows: { source: "91", target: "91" } });
  expect(certificate.coverage.at(-1)).toContain("4 rows were rejected");
  const rejected = await pg.query(`SELECT reason, "row" FROM dw_state.quarantine ORDER BY reason`);
  expect(rejected.map(({ reason }) => reason)).toEqual([
    "city: the value is longer than 8 characters",
    "id: NULL, and the target allows none there",
    "paid: the value cannot be converted to decimal(10,2)",
    "seen: the value falls into the hour that clocks in Europe/Paris show twice",
  ]);
  expect(JSON.parse(String(rejected[2]?.row))).toMatchObject({ id: "101", amount: "12x", city: "Bouaké", mail: "***" });
  const again = await backfill(request(), database.connect);
  expect(again).toMatchObject({ verdict: "equal", quarantined: "4" });
});

test("more rejected rows than are allowed stop the run before its first chunk, by number and by share", async () => {
  for (const most of [3, "4%"] as const) {
    const refused = await backfill(request({ quarantine: { most } }), database.connect).catch((error) => error);
    expect(refused).toMatchObject({ code: "DW-QUARANTINE-FULL" });
    expect(refused.what).toContain("4 of 95 rows of backfill payments cannot be loaded");
    expect(`${refused.what}${refused.why}`).not.toContain("12x");
  }
  expect((await pg.query("SELECT count(*) AS n FROM payments"))[0]?.n).toBe("0");
  expect(await backfill(request({ quarantine: { most: "5%" } }), database.connect)).toMatchObject({ verdict: "equal" });
});

test("without a quarantine the first bad row stops its chunk, and a limit that is none is refused", async () => {
  const { quarantine: _, ...strict } = request();
  await expect(backfill(strict, database.connect)).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
  const wrong = request({ quarantine: { most: "many%" as "1%" } }); // what JavaScript may pass
  await expect(backfill(wrong, database.connect)).rejects.toMatchObject({ code: "DW-BACKFILL-MAPPING" });
});

test("DuckDB keeps the rejected rows, too, and reset forgets them", async () => {
  const warehouse = await openDatabase(join(folder, "warehouse.duckdb"));
  const db = await warehouse.connect();
  await db.run("CREATE TABLE payments (id BIGINT NOT NULL, paid DECIMAL(10, 2), seen TIMESTAMPTZ, city VARCHAR)");
  const target = await duckdbTarget({
    engine: "duckdb",
    name: ["main", "payments"],
    merge: { merge: "append" },
    connect: warehouse.connect,
  });
  const certificate = await backfill(request({ target }), warehouse.connect);
  expect(certificate).toMatchObject({ verdict: "equal", quarantined: "3", rows: { target: "92" } });
  await target.reset("payments", true);
  expect(await target.quarantined?.("payments")).toBe("0");
  await target.close();
  await db.close();
  await warehouse.close();
});
