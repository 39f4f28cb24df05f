import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openMysqlServer } from "../../../src/connections/mysql.js";
import type { Mysql } from "../../../src/core/session.js";
import type { CheckRecord } from "../../../src/core/state.js";
import { starrocksState } from "../../../src/state/starrocks.js";
import { type FakeServer, startFakeStarrocks } from "../../live/starrocks-fake/server.js";

let server: FakeServer;
let mysql: Mysql;
beforeAll(async () => {
  server = await startFakeStarrocks();
  mysql = await openMysqlServer("starrocks", { host: "127.0.0.1", port: server.port, user: "root" });
}, 60_000);
afterAll(async () => {
  await mysql.close();
  await server.stop();
});
beforeEach(() => server.fake.reset());

const state = (environment = "test") => starrocksState(mysql, { environment });

/** As if the holder had been silent for longer than its lease: the engine's clock decides, so the test moves the expiry. */
async function letExpire(): Promise<void> {
  const names = (await mysql.query("SHOW TABLES FROM `dw_state` LIKE 'dw_lock_%'")).map((row) => Object.values(row)[0]);
  await mysql.query(`UPDATE \`dw_state\`.\`${names[0]}\` SET expires = '2000-01-01 00:00:00'`);
}

const entry = { warehouse: "w", migration: "m", statement: "s", state: "started" } as const;

test("of two runs one holds the lock, the other is told who and since when", async () => {
  const store = await state();
  const [first, second] = await Promise.allSettled([store.lock("race", "ann on host-a", 0), store.lock("race", "bob on host-b", 0)]);
  const refused = first.status === "rejected" ? first : second;
  expect([first.status, second.status].sort()).toEqual(["fulfilled", "rejected"]);
  expect(refused).toMatchObject({
    reason: { code: "DW-LOCKED", what: expect.stringMatching(/race is held by (ann|bob) on host-., since \d{4}-\d\d-\d\dT/) },
  });
});

test("the lock of a dead holder goes to the next one, and the old holder can write nothing", async () => {
  const store = await state();
  const old = await store.lock("taken", "ann", 0);
  await letExpire();
  const young = await store.lock("taken", "bob", 0);
  expect(young.fence).toBe(old.fence + 1);
  await expect(store.record(old, [entry])).rejects.toMatchObject({ code: "DW-FENCED" });
  await expect(store.markApplied(old, "w", { id: "m", hash: "h" })).rejects.toMatchObject({ code: "DW-FENCED" });
  await old.release();
  await young.assertHeld();
  expect(await store.journal("w", "m")).toEqual([]);
});

test("the journal keeps its order over holders; a migration that is taken back forgets it", async () => {
  const store = await state();
  const first = await store.lock("migrate", "ann", 0);
  await store.record(first, [entry, { ...entry, statement: "t", message: 'it\'s \\ "quoted"\n𝒳' }]);
  await first.release();
  const second = await store.lock("migrate", "bob", 0);
  await store.record(second, [{ ...entry, state: "done" }]);
  const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(await store.journal("w", "m")).toEqual([
    { ...entry, at },
    { ...entry, statement: "t", message: 'it\'s \\ "quoted"\n𝒳', at },
    { ...entry, state: "done", at },
  ]);
  await store.markApplied(second, "w", { id: "m", hash: "h" });
  await store.markApplied(second, "w", { id: "m", hash: "h" });
  expect(await store.applied("w")).toEqual([{ id: "m", hash: "h", appliedAt: at }]);
  await store.unmarkApplied(second, "w", "m");
  expect([await store.applied("w"), await store.journal("w", "m")]).toEqual([[], []]);
});

test("values and check results are found again, newest first, by their environment only", async () => {
  const [dev, prod] = [await state("dev"), await state("prod")];
  await dev.put("watermark", "orders", { at: "2026-01-01" });
  await dev.put("watermark", "orders", { at: "2026-01-02" });
  expect([await dev.get("watermark", "orders"), await prod.get("watermark", "orders")]).toEqual([{ at: "2026-01-02" }, undefined]);
  const record = (at: string, outcome: string): CheckRecord => ({
    ...{ run: at, at, warehouse: "w", model: "orders", check: "not-null" },
    ...{ outcome, value: { nulls: 1 }, message: "one" },
  });
  await dev.recordChecks([record("2026-11-01T00:00:00Z", "fail")]);
  await dev.recordChecks([record("2026-11-02T00:00:00Z", "pass")]);
  expect((await dev.checkHistory({ warehouse: "w", model: "orders", limit: 5 })).map(({ outcome, at }) => [outcome, at])).toEqual([
    ["pass", "2026-11-02T00:00:00Z"],
    ["fail", "2026-11-01T00:00:00Z"],
  ]);
  expect(await prod.checkHistory({ warehouse: "w", limit: 5 })).toEqual([]);
});

test("a connection that breaks is opened again, and the lease goes on", async () => {
  const store = await state();
  const lease = await store.lock("migrate", "ann", 0);
  server.fake.misbehaviours.push({ does: "lose-connection", at: /^SHOW TABLES/ });
  await expect(lease.assertHeld()).rejects.toMatchObject({ code: "DW-CONNECT" });
  await lease.assertHeld();
  await store.record(lease, [entry]);
  expect(await store.journal("w", "m")).toHaveLength(1);
});
