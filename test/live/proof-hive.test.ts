import { rm } from "node:fs/promises";
import { afterAll, describe, expect, test } from "vitest";
import { importModels } from "../../src/app/import/index.js";
import { openHive } from "../../src/connections/hive.js";
import type { Connections } from "../../src/connections/open.js";
import { type Catalog, catalogOf } from "../../src/core/catalog.js";
import { diff } from "../../src/core/diff.js";
import type { Model } from "../../src/core/model.js";
import type { StatementBody } from "../../src/core/plan.js";
import type { HiveSession } from "../../src/core/session.js";
import { hive as engine } from "../../src/engines/hive/index.js";
import { liveHive } from "../../src/engines/hive/live.js";
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

describe("tables and views on Hive 4.0.1", () => {
  test.runIf(session).each(pairs.map((pair) => [pair.name, pair] as const))("%s", (_, pair) => prove(session as HiveSession, pair)); // runs only where there is one

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
