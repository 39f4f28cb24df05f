import { afterAll, beforeAll, expect, test } from "vitest";
import type { Pg } from "../../../src/core/session.js";
import type { CheckRecord } from "../../../src/core/state.js";
import { postgresState } from "../../../src/state/postgres.js";
import { memoryPg } from "../../support/memory-pg.js";

let pg: Pg;
beforeAll(async () => {
  pg = await memoryPg();
});
afterAll(() => pg.close());

const state = (leaseMs = 30_000) => postgresState(pg, { environment: "test", leaseMs });

/** As if the holder had been silent for longer than its lease: the server's clock decides, so the test moves the expiry. */
async function letExpire(name: string): Promise<void> {
  await pg.query("UPDATE dw_state.lock SET expires = now() - interval '1 second' WHERE name = $1", [name]);
}

test("of two runs one holds the lock, the other is told who and since when", async () => {
  const store = await state();
  const [first, second] = await Promise.allSettled([store.lock("race", "ann on host-a", 0), store.lock("race", "bob on host-b", 0)]);
  expect(first.status).toBe("fulfilled");
  expect(second).toMatchObject({
    status: "rejected",
    reason: { code: "DW-LOCKED", exitCode: 4, what: expect.stringMatching(/race is held by ann on host-a, since \d{4}-\d\d-\d\dT/) },
  });
});

test("a released lock is free at once, and its fence goes on rising", async () => {
  const store = await state();
  const first = await store.lock("freed", "ann", 0);
  await first.release();
  const second = await store.lock("freed", "bob", 0);
  expect(second.fence).toBe(first.fence + 1);
});

test("a waiting run gets the lock when the holder releases it", async () => {
  const store = await state();
  const first = await store.lock("awaited", "ann", 0);
  const waiting = store.lock("awaited", "bob", 20_000);
  await first.release();
  expect((await waiting).fence).toBe(2);
});

test("a holder that woke up after a takeover can write nothing, and the new holder keeps the lock", async () => {
  const store = await state();
  const old = await store.lock("taken", "ann", 0);
  await letExpire("taken");
  const young = await store.lock("taken", "bob", 0);
  const entry = { warehouse: "w", migration: "m", statement: "s", state: "started" } as const;
  await expect(store.record(old, [entry])).rejects.toMatchObject({ code: "DW-FENCED" });
  await expect(store.markApplied(old, "w", { id: "m", hash: "h" })).rejects.toMatchObject({ code: "DW-FENCED" });
  await expect(old.assertHeld()).rejects.toMatchObject({ code: "DW-FENCED" });
  await old.release();
  await young.assertHeld();
  await expect(store.lock("taken", "cid", 0)).rejects.toMatchObject({ code: "DW-LOCKED" });
  expect(await store.journal("w", "m")).toEqual([]);
});

test("a lease that was silent but not taken over is still the newest and may go on", async () => {
  const store = await state();
  const lease = await store.lock("silent", "ann", 0);
  await letExpire("silent");
  await lease.assertHeld();
  await expect(store.lock("silent", "bob", 0)).rejects.toMatchObject({ code: "DW-LOCKED" });
});

test("the journal keeps the order of what happened, and a message with it", async () => {
  const store = await state();
  const lease = await store.lock("journal", "ann", 0);
  const at = { warehouse: "ciapol", migration: "20260101000000_first" };
  await store.record(lease, [
    { ...at, statement: "a", state: "started" },
    { ...at, statement: "b", state: "started" },
  ]);
  await store.record(lease, [{ ...at, statement: "a", state: "failed", message: 'it\'s "quoted" \\ and\nbroken' }]);
  expect(await store.journal("ciapol", at.migration)).toMatchObject([
    { statement: "a", state: "started", at: expect.stringMatching(/Z$/) },
    { statement: "b", state: "started" },
    { statement: "a", state: "failed", message: 'it\'s "quoted" \\ and\nbroken' },
  ]);
});

test("applied migrations come back in order and can be taken back", async () => {
  const store = await state();
  const lease = await store.lock("applied", "ann", 0);
  await store.markApplied(lease, "iot", { id: "20260202000000_b", hash: "2" });
  await store.markApplied(lease, "iot", { id: "20260101000000_a", hash: "1" });
  expect((await store.applied("iot")).map((migration) => migration.id)).toEqual(["20260101000000_a", "20260202000000_b"]);
  await store.unmarkApplied(lease, "iot", "20260202000000_b");
  expect((await store.applied("iot")).map((migration) => migration.id)).toEqual(["20260101000000_a"]);
});

test("two environments in one store do not see each other", async () => {
  const [dev, prod] = await Promise.all([postgresState(pg, { environment: "dev" }), postgresState(pg, { environment: "prod" })]);
  await dev.put("watermark", "orders", { at: "2026-01-01" });
  expect(await prod.get("watermark", "orders")).toBeUndefined();
  expect(await dev.get("watermark", "orders")).toEqual({ at: "2026-01-01" });
  const held = await dev.lock("migrate:w", "ann", 0);
  await (await prod.lock("migrate:w", "bob", 0)).release();
  await held.release();
});

test("check history is the newest first, and what is older than the retention is gone", async () => {
  const store = await state();
  const record = (run: string, at: string): CheckRecord => ({
    run,
    at,
    warehouse: "w",
    model: "orders",
    check: "not-null",
    outcome: "pass",
    value: { rows: "12" },
    message: "12 rows",
  });
  const today = new Date().toISOString();
  await store.recordChecks([record("old", "2001-01-01T00:00:00Z"), record("1", "2999-01-01T00:00:00Z"), record("2", today)]);
  const history = await store.checkHistory({ warehouse: "w", model: "orders", limit: 10 });
  expect(history.map((entry) => entry.run)).toEqual(["1", "2"]);
  expect(history[0]).toMatchObject({ value: { rows: "12" }, message: "12 rows" });
  expect(await store.checkHistory({ warehouse: "w", check: "unique", limit: 10 })).toEqual([]);
});

test("the schema is made once, by however many processes at once", async () => {
  await Promise.all([state(), state(), state()]);
  expect(await pg.query("SELECT version FROM dw_state.layout")).toHaveLength(1);
  const [tables] = await pg.query<{ count: string }>("SELECT count(*) FROM pg_tables WHERE schemaname = 'dw_state'");
  expect(Number(tables?.count)).toBe(6);
});

test("a store that an older dw made gets what is new, and keeps what it remembers", async () => {
  const older = await memoryPg();
  try {
    const store = await postgresState(older, { environment: "test" });
    await store.put("watermark", "orders", { at: "2026-01-01" });
    await older.query("ALTER TABLE dw_state.check_history DROP COLUMN slot");
    await older.query("UPDATE dw_state.layout SET version = 1");
    const newer = await postgresState(older, { environment: "test" });
    expect(await newer.get("watermark", "orders")).toEqual({ at: "2026-01-01" });
    expect(await newer.checkHistory({ warehouse: "w", slot: "postgres", limit: 1 })).toEqual([]);
  } finally {
    await older.close();
  }
});
