import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { migrateDown } from "../../../src/app/migrate/down.js";
import { readHistory } from "../../../src/app/migrate/folder.js";
import { readIntent } from "../../../src/app/migrate/intent.js";
import { openLiveSlots } from "../../../src/app/migrate/live-slots.js";
import { makeMigration, plannersOf } from "../../../src/app/migrate/make.js";
import type { Meeting } from "../../../src/app/migrate/meeting.js";
import { migrateUp, type UpReport, verifyMigrations } from "../../../src/app/migrate/up.js";
import { type Connections, openConnections } from "../../../src/connections/open.js";
import { catalogOf } from "../../../src/core/catalog.js";
import { resolveEnvironment } from "../../../src/core/environment.js";
import { approvalLine } from "../../../src/core/hazard.js";
import type { Model } from "../../../src/core/model.js";
import { Redactor } from "../../../src/core/redactor.js";
import type { Pg } from "../../../src/core/session.js";
import { starrocks } from "../../../src/engines/starrocks/index.js";
import { type AnyColumns, defineMaterializedView, defineTable, defineView, hash, sql, t } from "../../../src/index.js";
import { postgresState } from "../../../src/state/postgres.js";
import { type FakeServer, startFakeStarrocks } from "../../live/starrocks-fake/server.js";
import { memoryPg } from "../../support/memory-pg.js";

/* `dw migrate up` on the fake front end: what goes wrong in the middle, and that the next run ends in the same state. */

const engines = new Map([[starrocks.name, starrocks]]);
const NOON = Date.UTC(2026, 0, 2, 12);

const base: AnyColumns = { id: t.bigint("natural key"), value: t.int("measured").nullable() };

function models(more: AnyColumns, buckets: number, comment: string, table = "duplicate"): Model[] {
  const readings = defineTable("readings", {
    grain: "one row per id",
    comment,
    columns: { ...base, ...more },
    key: ["id"],
    on: { starrocks: { table, distributeBy: hash(["id"], buckets), replication: 1 } },
  } as never); // the columns differ per migration
  const on = { starrocks: {} };
  const columns = { id: t.bigint("natural key") };
  return [
    readings,
    defineView("latest", { columns, on, query: { starrocks: sql.starrocks`SELECT id FROM ${readings as never}` } }),
    defineMaterializedView("counts", {
      grain: "one row per id",
      columns,
      query: { starrocks: sql.starrocks`SELECT id FROM ${readings as never}` },
      on: { starrocks: { refresh: { every: "1 HOUR" }, distributeBy: hash(["id"], 2), replication: 1 } },
    }),
  ];
}

const before = models({ n: t.int("count").nullable() }, 4, "first");
const after = models({ n: t.bigint("count").nullable(), extra: t.date("later").nullable() }, 8, "second");

let pg: Pg;
let server: FakeServer;
let connections: Connections;
let folder: string;

beforeAll(async () => {
  pg = await memoryPg();
  server = await startFakeStarrocks();
}, 60_000);
afterAll(async () => {
  await pg.close();
  await server.stop();
});
beforeEach(async () => {
  await pg.query("DROP SCHEMA IF EXISTS dw_state CASCADE");
  server.fake.reset();
  server.fake.misbehaviours.length = 0;
  folder = await mkdtemp(join(tmpdir(), "dw-migrate-sr-"));
  const connection = { kind: "starrocks", host: "127.0.0.1", port: server.port, user: "root" } as const;
  const config = { environments: { test: { slots: { starrocks: "sr" }, connections: { sr: connection } } } };
  connections = openConnections(resolveEnvironment(config, "test"), { root: folder, variables: {}, redactor: new Redactor() });
});
afterEach(async () => {
  await connections.close();
  await rm(folder, { recursive: true });
});

async function make(name: string, wanted: readonly Model[]): Promise<void> {
  const context = { warehouse: "shop", models: new Map(wanted.map((model) => [model.name, model])) };
  await makeMigration(folder, catalogOf("shop", starrocks.resolve(wanted, context).objects), engines, { name, now: NOON });
}

async function meeting(): Promise<Meeting> {
  return {
    environment: "test",
    history: await readHistory(folder, "shop"),
    intent: await readIntent(folder),
    slots: await openLiveSlots(connections, ["starrocks"], engines),
    planners: plannersOf(engines),
    store: await postgresState(pg, { environment: "test" }),
    owner: "ann",
    now: NOON,
    signal: new AbortController().signal,
    say: () => undefined,
  };
}

async function up(): Promise<UpReport> {
  const met = await meeting();
  const statements = met.history.migrations.flatMap((migration) => migration.plans.default.statements);
  const approve = statements.flatMap(({ id, hazards }) => hazards.map(({ kind }) => approvalLine(kind, id)));
  return migrateUp(met, { dryRun: false, lockTimeoutMs: 0, approve });
}

async function differences(): Promise<unknown> {
  return (await verifyMigrations(await meeting())).differences;
}

async function statementsOfTheWay(): Promise<string[]> {
  await make("first", before);
  await make("second", after);
  const { migrations } = await readHistory(folder, "shop");
  return migrations.flatMap((migration) => migration.plans.default.statements.map(({ text }) => text));
}

const exactly = (text: string): RegExp => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);

describe("migrations of StarRocks", () => {
  test("are applied one statement after the other, jobs awaited, and verify finds nothing", async () => {
    const statements = await statementsOfTheWay();
    const report = await up();
    expect(report.steps.map(({ executed }) => executed)).toEqual([4, 5]);
    expect(server.fake.executed.filter((text) => statements.includes(text))).toEqual(statements);
    expect(await differences()).toEqual([]);
    expect(await up()).toMatchObject({ steps: [], alreadyApplied: 2 });
  });

  test("a connection that breaks before or after any statement leaves nothing that the next run does not finish", async () => {
    const count = (await statementsOfTheWay()).length;
    for (const does of ["lose-connection", "lose-statement"] as const) {
      for (let index = 0; index < count; index++) {
        await pg.query("DROP SCHEMA IF EXISTS dw_state CASCADE");
        server.fake.reset();
        const { migrations } = await readHistory(folder, "shop");
        const { text = "", repeatable } = migrations.flatMap((migration) => migration.plans.default.statements)[index] ?? {};
        server.fake.misbehaviours.push({ does, at: exactly(text) });
        await expect(up(), `${does} at ${text}`).rejects.toMatchObject({ code: "DW-CONNECT" });
        await up();
        expect(await differences(), `${does} at ${text}`).toEqual([]);
        const times = server.fake.executed.filter((executed) => executed === text).length;
        expect(times, `${does} at ${text}`).toBeLessThanOrEqual(repeatable ? 2 : 1);
      }
    }
  }, 180_000);

  test("a job that the engine cancels stops the run with its reason; the next run tries it again", async () => {
    await statementsOfTheWay();
    server.fake.misbehaviours.push({ does: "cancel-job", at: /MODIFY COLUMN/, message: "disk is full" });
    await expect(up()).rejects.toMatchObject({ code: "DW-ENGINE-REFUSED", why: expect.stringContaining("disk is full") });
    await up();
    expect(await differences()).toEqual([]);
  });

  test("a refusal for want of a right names the statement, and nothing after it runs", async () => {
    await statementsOfTheWay();
    server.fake.misbehaviours.push({ does: "refuse", at: /^CREATE VIEW/, code: 5203, message: "Access denied; you need CREATE VIEW" });
    await expect(up()).rejects.toMatchObject({ code: "DW-PERMISSION", what: expect.stringContaining("CREATE VIEW") });
    await up();
    expect(await differences()).toEqual([]);
  });

  test("a rebuild keeps the rows and, until its hold is over, the old table: down brings it back", async () => {
    const kind = (table: string): Model[] => models({}, 4, "first", table);
    await make("first", kind("duplicate"));
    await up();
    const session = { id: 0, database: undefined };
    await server.fake.run("INSERT INTO shop.readings VALUES (1, 10), (2, NULL)", session);
    await make("second", kind("primary"));
    await up();
    const rows = (): Promise<unknown> => server.fake.run("SELECT id, value FROM shop.readings ORDER BY id", session);
    const kept = [
      { id: "1", value: "10" },
      { id: "2", value: null },
    ];
    expect([await differences(), await rows()]).toEqual([[], kept]);
    const { unapproved } = await migrateDown(await meeting(), { dryRun: true, lockTimeoutMs: 0, approve: [] });
    await migrateDown(await meeting(), { dryRun: false, lockTimeoutMs: 0, approve: unapproved.map(({ line }) => line) });
    expect([await differences(), await rows()]).toEqual([[], kept]);
    expect(server.fake.showCreate(session, ["shop", "readings"])).toContain("DUPLICATE KEY");
    await up();
    expect(held()).toHaveLength(1);
    const later = await meeting();
    await migrateUp({ ...later, hold: 0, now: Date.now() + 60_000 }, { dryRun: false, lockTimeoutMs: 0, approve: [] });
    expect([held(), await rows()]).toEqual([[], kept]);
  });

  describe("a rebuild beside somebody who writes", () => {
    const session = { id: 0, database: undefined };
    const ids = async (): Promise<unknown> =>
      (await server.fake.run("SELECT id FROM shop.readings ORDER BY id", session))?.map(({ id }) => id);
    const insert = (table: string, id: number): string => `INSERT INTO shop.${table} VALUES (${id}, ${id})`;
    const settle = (table: string | undefined): unknown => server.fake.run(`ALTER TABLE shop.${table} COMMENT = 'dw: settled'`, session);

    /** The first two migrations, the second of which rebuilds; answers what the old table will be called. */
    async function begun(to = "primary", from = "duplicate"): Promise<string> {
      await make("first", models({}, 4, "first", from));
      await up();
      await server.fake.run(insert("readings", 1), session);
      await make("second", models({}, 4, "first", to));
      const { migrations } = await readHistory(folder, "shop");
      const [, name = ""] = /SWAP WITH `([^`]*)`/.exec(JSON.stringify(migrations.at(-1)?.plans.default.statements)) ?? [];
      return name;
    }

    async function letGo(): Promise<UpReport> {
      const met = await meeting();
      return migrateUp({ ...met, hold: 0, now: Date.now() + 60_000 }, { dryRun: false, lockTimeoutMs: 0, approve: [] });
    }

    test.each([
      ["primary", "duplicate"],
      ["duplicate", "primary"],
    ])("rows that come just before the swap are in the new %s table, too", async (to, from) => {
      await begun(to, from);
      server.fake.misbehaviours.push({ does: "write-before", at: /SWAP WITH/, sql: insert("readings", 2) });
      await up();
      expect([await differences(), await ids()]).toEqual([[], ["1", "2"]]);
    });

    test("a load that ends behind the swap is noticed: the tables are swapped back, and it is tried again with its rows", async () => {
      const old = await begun();
      server.fake.misbehaviours.push({ does: "write-after", at: /SWAP WITH/, sql: insert(old, 2) });
      await up();
      expect([await differences(), await ids()]).toEqual([[], ["1", "2"]]);
      await letGo();
      expect([held(), await ids()]).toEqual([[], ["1", "2"]]);
    });

    test("somebody who never pauses stops the rebuild, and the table is as it was with every row", async () => {
      await begun();
      for (const id of [2, 3, 4, 5])
        server.fake.misbehaviours.push({ does: "write-after", at: /AS old_rows/, sql: insert("readings", id) });
      await expect(up()).rejects.toMatchObject({ code: "DW-TARGET-MOVED", what: expect.stringContaining("all the while") });
      expect(server.fake.showCreate(session, ["shop", "readings"])).toContain("DUPLICATE KEY");
      await up();
      expect([await differences(), await ids()]).toEqual([[], ["1", "2", "3", "4", "5"]]);
    });

    test("rows on both sides of the swap are a letter, until somebody says that they are settled", async () => {
      const old = await begun();
      server.fake.misbehaviours.push({ does: "write-before", at: /SWAP WITH/, sql: insert("readings", 2) });
      server.fake.misbehaviours.push({ does: "write-after", at: /SWAP WITH/, sql: insert("readings", 3) });
      await expect(up()).rejects.toMatchObject({ code: "DW-TARGET-MOVED", what: expect.stringContaining(`some are in ${old} only`) });
      await expect(up()).rejects.toMatchObject({ code: "DW-TARGET-MOVED", fix: expect.stringContaining("dw: settled") });
      await server.fake.run(insert("readings", 2), session);
      await settle(old);
      await up();
      await letGo();
      expect([await differences(), held(), await ids()]).toEqual([[], [], ["1", "2", "3"]]);
    });

    test("rows that come to the old table long after the swap keep it from being dropped", async () => {
      const old = await begun();
      await up();
      await server.fake.run(insert(old, 9), session);
      await expect(letGo()).rejects.toMatchObject({ code: "DW-TARGET-MOVED", what: expect.stringContaining(old) });
      expect(held()).toEqual([old]);
      await settle(old);
      await letGo();
      expect(held()).toEqual([]);
    });

    test("a run that died between the swap and its look finds what came late", async () => {
      const old = await begun();
      server.fake.misbehaviours.push({ does: "lose-connection", at: /SWAP WITH/ });
      await expect(up()).rejects.toMatchObject({ code: "DW-CONNECT" });
      await server.fake.run(insert(old, 2), session);
      await expect(up()).rejects.toMatchObject({ code: "DW-TARGET-MOVED", what: expect.stringContaining("after it was set aside") });
    });

    test("the way back is refused once rows are in the new table, and activates the views where it is free", async () => {
      await begun();
      await up();
      const { unapproved } = await migrateDown(await meeting(), { dryRun: true, lockTimeoutMs: 0, approve: [] });
      const down = async () =>
        migrateDown(await meeting(), { dryRun: false, lockTimeoutMs: 0, approve: unapproved.map(({ line }) => line) });
      await server.fake.run(insert("readings", 2), session);
      await expect(down()).rejects.toMatchObject({ code: "DW-TARGET-MOVED", what: expect.stringContaining("written to since") });
      await server.fake.run("DELETE FROM shop.readings WHERE id = 2", session);
      await down();
      expect([await differences(), await ids(), held()]).toEqual([[], ["1"], []]);
      const views = await server.fake.run("SHOW MATERIALIZED VIEWS FROM shop", session);
      expect(views?.map((row) => row.is_active)).toEqual(["true"]);
      expect(server.fake.showCreate(session, ["shop", "readings"])).toContain(`COMMENT "first`);
    });
  });

  test("a database that was there before is used, and never dropped with what others keep in it", async () => {
    const session = { id: 0, database: undefined };
    const table = "DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 PROPERTIES('replication_num' = '1')";
    for (const text of ["CREATE DATABASE shop", `CREATE TABLE shop.theirs (id INT) ${table}`]) await server.fake.run(text, session);
    const tables = (): string[] => [...(server.fake.databases.get("shop")?.keys() ?? [])];
    await make("first", before);
    expect((await up()).steps.map(({ executed }) => executed)).toEqual([3]);
    expect(await differences()).toEqual([]);
    const { unapproved } = await migrateDown(await meeting(), { dryRun: true, lockTimeoutMs: 0, approve: [] });
    await migrateDown(await meeting(), { dryRun: false, lockTimeoutMs: 0, approve: unapproved.map(({ line }) => line) });
    expect(tables()).toEqual(["theirs"]);
    await up();
    await make("second", []);
    const lines = (await migrateUp(await meeting(), { dryRun: true, lockTimeoutMs: 0, approve: [] })).unapproved.map(({ line }) => line);
    expect(lines.filter((line) => line.includes("drop-object.shop~"))).toEqual([]); // it stays, and nobody is asked
    expect(lines.length).toBeGreaterThan(0);
    await migrateUp(await meeting(), { dryRun: false, lockTimeoutMs: 0, approve: lines });
    expect(tables()).toEqual(["theirs"]);
    expect(await up()).toMatchObject({ steps: [], alreadyApplied: 2 });
  });

  test("a database that a migration made goes with its way back", async () => {
    await make("first", before);
    await up();
    const { unapproved } = await migrateDown(await meeting(), { dryRun: true, lockTimeoutMs: 0, approve: [] });
    await migrateDown(await meeting(), { dryRun: false, lockTimeoutMs: 0, approve: unapproved.map(({ line }) => line) });
    expect(server.fake.databases.has("shop")).toBe(false);
  });

  test("a database that a migration made stays while somebody else's table is in it", async () => {
    await make("first", before);
    await up();
    const table = "DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 PROPERTIES('replication_num' = '1')";
    await server.fake.run(`CREATE TABLE shop.theirs (id INT) ${table}`, { id: 0, database: undefined });
    const { unapproved } = await migrateDown(await meeting(), { dryRun: true, lockTimeoutMs: 0, approve: [] });
    const down = migrateDown(await meeting(), { dryRun: false, lockTimeoutMs: 0, approve: unapproved.map(({ line }) => line) });
    await expect(down).rejects.toMatchObject({ code: "DW-ENGINE-REFUSED", what: expect.stringContaining("theirs would go with it") });
    expect([...(server.fake.databases.get("shop")?.keys() ?? [])]).toEqual(["theirs"]);
  });

  /** Old tables of rebuilds. */
  function held(): string[] {
    return [...(server.fake.databases.get("shop")?.keys() ?? [])].filter((name) => name.includes("__dw_"));
  }

  test("a table that somebody changed meanwhile is found, and not migrated", async () => {
    await make("first", before);
    await up();
    const slot = await connections.slot("starrocks");
    if (slot.kind !== "mysql") throw new Error("the slot is a StarRocks connection");
    await slot.mysql.query("ALTER TABLE shop.readings ADD COLUMN theirs INT");
    expect(await differences()).toMatchObject([{ id: "starrocks:table:shop.readings", is: "different" }]);
    await make("second", after);
    await expect(up()).rejects.toMatchObject({ code: "DW-TARGET-MOVED" });
  });
});
