import { rm } from "node:fs/promises";
import { afterAll, describe, expect, test } from "vitest";
import { importModels } from "../../src/app/import/index.js";
import { openProject } from "../../src/app/project.js";
import { resolveWarehouse } from "../../src/app/resolve.js";
import { openDuckDb } from "../../src/connections/duckdb.js";
import { openHive } from "../../src/connections/hive.js";
import type { Connections } from "../../src/connections/open.js";
import { type Catalog, type CatalogObject, catalogFor as catalogIn, catalogOf } from "../../src/core/catalog.js";
import { diff } from "../../src/core/diff.js";
import type { Model } from "../../src/core/model.js";
import type { StatementBody } from "../../src/core/plan.js";
import { Redactor } from "../../src/core/redactor.js";
import type { Hive, HiveSession } from "../../src/core/session.js";
import { hive as engine } from "../../src/engines/hive/index.js";
import { liveHive } from "../../src/engines/hive/live.js";
import { engines } from "../../src/engines/index.js";
import { openHiveTable } from "../../src/sources/hive/index.js";
import { startHive } from "./hive.js";
import { ALWAYS, type HivePair, hivePairs } from "./hive-pairs.js";
import { catalogFor, planFor } from "./proof-loop.js";

/*
 * The proof on a real Hive: models A are made and read back equal, changed to B and read back equal; then nothing is left to do;
 * then the way back. Rows are seeded where the way they take is worth a MapReduce job.
 */

const server = await startHive();
const hive = server && (await openHive(server.connection, undefined));
const session = await hive?.session();
afterAll(async () => {
  await session?.close();
  await hive?.close();
  await server?.stop();
  await rm("/tmp/dw-hive-proof", { recursive: true, force: true });
});

const none = catalogOf("proof", []);

/** Milliseconds: a pair may be several MapReduce jobs on a busy machine. */
const PATIENCE = 300_000;

function wantedOf(models: readonly Model[]): Catalog {
  const { objects } = catalogFor(engine, models);
  return catalogOf(
    "proof",
    objects.map(({ model: _, ...object }) => object),
  );
}

async function apply(live: HiveSession, statements: readonly StatementBody[]): Promise<void> {
  for (const statement of statements) await liveHive.execute(live, statement, new AbortController().signal);
}

async function isNow(live: HiveSession, wanted: Catalog): Promise<void> {
  const { catalog, unmodelled } = await liveHive.introspect(live, "proof", wanted);
  const found = catalogOf("proof", catalog.objects.map(engine.normalize));
  const changes = diff(wanted, found);
  expect(changes.map((change) => (change.change === "altered" ? change.facts : change))).toEqual([]);
  expect(unmodelled).toEqual([]);
  expect(planFor(engine, found, wanted)).toEqual([]);
}

const count = async (live: HiveSession, table: string): Promise<string | null | undefined> =>
  Object.values((await live.query(`SELECT count(*) FROM proof.\`${table}\``))[0] ?? {})[0];

/** DROP DATABASE … CASCADE needs the tables of transactions, which this metastore has not. */
async function clear(live: HiveSession): Promise<void> {
  await live.query("CREATE DATABASE IF NOT EXISTS proof");
  for (const [plural, word] of [
    ["MATERIALIZED VIEWS", "MATERIALIZED VIEW"],
    ["VIEWS", "VIEW"],
    ["TABLES", "TABLE"],
  ] as const) {
    const names = (await live.query(`SHOW ${plural} IN proof`)).map((row) => Object.values(row)[0]);
    for (const name of names) await live.query(`DROP ${word} IF EXISTS proof.\`${name}\``);
  }
}

async function prove(live: HiveSession, pair: HivePair): Promise<void> {
  await clear(live);
  const [a, b] = [wantedOf(pair.from), wantedOf(pair.to)];
  await apply(live, planFor(engine, none, a));
  await isNow(live, a);
  if (pair.seeded) await live.query(`INSERT INTO proof.p (id) VALUES (1)`);
  await apply(live, planFor(engine, a, b, pair.renames));
  await isNow(live, b);
  if (pair.seeded) expect(await count(live, "p")).toBe("1");
  if (pair.renames) return; // a rename's way back is another rename, which nobody has stated
  await apply(live, planFor(engine, b, a));
  await isNow(live, a);
}

const pairs = process.env.DW_HIVE_PAIRS === "all" ? hivePairs : hivePairs.filter(({ name }) => ALWAYS.test(name));

/** Rows as `dw cat` and `dw backfill` read them, over HiveServer2. */
async function rowsOf(table: string, columns?: readonly string[]): Promise<{ chunks: readonly string[]; rows: Record<string, unknown>[] }> {
  const source = await openHiveTable(hive as Hive, { database: "proof", table }); // runs only where there is one
  const database = await openDuckDb({ path: ":memory:" });
  const db = await database.session();
  const plan = await source.plan(columns ? { columns } : {});
  const rows: Record<string, unknown>[] = [];
  for (const chunk of plan.chunks) {
    const open = await plan.open(chunk, db);
    rows.push(...(await db.rows(open.sql)));
    await open.close();
  }
  for (const one of [db, database, source]) await one.close();
  return { chunks: plan.chunks.map(({ title }) => title), rows };
}

describe.runIf(session)("a table of Hive as a source", () => {
  test("values are exact: decimals, floats, times, bytes, NULL and texts with every kind of quote", async () => {
    const live = session as HiveSession; // as above
    await live.query("CREATE DATABASE IF NOT EXISTS proof");
    await live.query("DROP TABLE IF EXISTS proof.`values_of`");
    await live.query("DROP VIEW IF EXISTS proof.`shown`");
    await live.query(
      `CREATE VIEW proof.shown AS SELECT CAST('12345678901234567890.1234567890' AS decimal(38,10)) AS d, CAST(0.1 AS float) AS f, CAST('1.7976931348623157E308' AS double) AS g,
       CAST(9223372036854775807 AS bigint) AS i, CAST('0001-01-01 00:00:00.000001' AS timestamp) AS t, CAST('2024-02-29' AS date) AS day, CAST('a;\\'"b' AS string) AS s,
       unhex('00FF') AS b, CAST(NULL AS int) AS n, true AS yes, array(1) AS list`,
    );
    await expect(rowsOf("shown")).rejects.toMatchObject({ code: "DW-SOURCE-UNSUPPORTED" });
    const { rows } = await rowsOf("shown", ["d", "f", "g", "i", "t", "day", "s", "n", "yes"]);
    expect(rows).toEqual([
      {
        d: "12345678901234567890.1234567890",
        f: expect.closeTo(0.1, 6),
        g: Number.MAX_VALUE,
        i: "9223372036854775807",
        t: expect.stringContaining("0001-01-01"),
        day: "2024-02-29",
        s: "a;'\"b",
        n: null,
        yes: true,
      },
    ]);
    await live.query("DROP VIEW proof.shown");
  });

  test("a partition is a chunk, whatever stands in its value", async () => {
    const live = session as HiveSession; // as above
    await live.query("DROP TABLE IF EXISTS proof.parts");
    await live.query("CREATE TABLE proof.parts (id int) PARTITIONED BY (name string, n int) STORED AS TEXTFILE");
    await live.query("ALTER TABLE proof.parts ADD PARTITION (name = 'a/b=c d%', n = 1) PARTITION (name = 'x', n = 2)");
    await live.query("INSERT INTO proof.parts PARTITION (name = 'a/b=c d%', n = 1) VALUES (1), (2)");
    const { chunks, rows } = await rowsOf("parts");
    expect(chunks).toHaveLength(2);
    expect(rows).toEqual([
      { id: 1, name: "a/b=c d%", n: 1 },
      { id: 2, name: "a/b=c d%", n: 1 },
    ]);
    await live.query("DROP TABLE proof.parts");
    await expect(rowsOf("parts")).rejects.toMatchObject({ code: "DW-TABLE-MISSING" });
  });
});

describe.runIf(session)("the reference warehouses", () => {
  /** Files lie in a local folder here; this metastore has no tables of transactions. */
  const runnable = (catalog: Catalog): Catalog => {
    const text = JSON.stringify(catalog.objects).replaceAll("hdfs:///", "file:///tmp/dw-hive-proof/");
    const objects = JSON.parse(text) as CatalogObject[]; // a catalog is JSON
    return catalogOf(
      "proof",
      objects.filter(({ body }) => body.table !== "transactional").map(({ model: _, ...object }) => engine.normalize(object)),
    );
  };

  test.each(["weather", "flow360"])(
    "every table and view of %s is made, and read back equal",
    async (warehouse) => {
      const live = session as HiveSession; // as above
      const project = await openProject({ cwd: process.cwd(), redactor: new Redactor(), variables: {} });
      const { catalog } = resolveWarehouse(warehouse, await project.models(warehouse), engines);
      await project.close();
      const own = catalog.objects.filter(({ slot }) => slot === "hive");
      const wanted = runnable(catalogIn(catalogOf("proof", own), "local"));
      expect(wanted.objects.length).toBeGreaterThan(2);
      await apply(live, planFor(engine, none, wanted));
      await isNow(live, wanted);
    },
    PATIENCE,
  );
});

describe("tables and views on Hive 4.0.1", () => {
  test.runIf(session).each(pairs.map((pair) => [pair.name, pair] as const))(
    "%s",
    (_, pair) => prove(session as HiveSession, pair),
    PATIENCE,
  ); // runs only where there is one

  test.runIf(session)("what is there is imported as models that make it again", async () => {
    if (!session || !hive) return;
    await clear(session);
    for (const statement of [
      `CREATE TABLE proof.orders (id BIGINT COMMENT 'order', paid DECIMAL(12,2), tags ARRAY<STRING>, place STRUCT<x:INT,y:DOUBLE>)
       COMMENT 'what was ordered' PARTITIONED BY (dt STRING COMMENT 'day') CLUSTERED BY (id) SORTED BY (id DESC) INTO 4 BUCKETS
       STORED AS ORC TBLPROPERTIES ('orc.compress'='ZLIB')`,
      `CREATE EXTERNAL TABLE proof.raw (line STRING) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' STORED AS TEXTFILE
       LOCATION 'file:///tmp/dw-hive-proof/raw'`,
      "CREATE VIEW proof.days (day, n) AS SELECT dt, count(*) FROM proof.orders GROUP BY dt",
    ])
      await session.query(statement);
    const connections = { named: async () => ({ kind: "hive", hive }) } as unknown as Connections; // all that an import asks of it
    const { files, unsaid } = await importModels(
      { source: "lake:proof", warehouse: "proof", out: "models", cwd: "/tmp", dryRun: true },
      { isConnection: async () => true, connections: async () => connections, openSource: () => Promise.reject(new Error("no rows")) },
    );
    expect(unsaid).toEqual([]);
    expect(files.map(({ model }) => model)).toEqual(["days", "orders", "raw"]);
    expect(files[0]?.text).toContain("n: t.bigint().nullable(),");
    expect(files[1]?.text).toContain("paid: t.decimal(12, 2).nullable(),");
    expect(files[1]?.text).toContain('sortedBy: [{ column: "id", order: "desc" }],');
    expect(files[1]?.text).not.toContain("location");
  });
});
