import { appendFile, cp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { backfillStatus, verifyBackfill } from "../../../src/app/backfills/run.js";
import { projectRun } from "../../support/project-run.js";

const models = `import { defineBackfill, defineSource, defineTable, t } from "dwright";
const seen = { seen: t.instant("UTC"), n: t.bigint("number") };
const events = { layer: "ods", grain: "one row per event", columns: seen };
export const eventsPg = defineTable("events_pg", { ...events, on: { postgres: {} } });
export const eventsDuck = defineTable("events_duck", { ...events, on: { duckdb: {} } });
const incremental = { column: "seen", lateness: "1 h" };
export const a = defineBackfill("events_postgres", { from: "jsonl:events.jsonl", to: eventsPg, incremental });
export const b = defineBackfill("events_duckdb", { from: "jsonl:events.jsonl", to: eventsDuck, incremental });

const source = defineSource("changes", { at: "jsonl:changes.jsonl",
  columns: { id: t.bigint("order"), version: t.bigint("of the row"), op: t.text("c, u or d"), paid: t.decimal(10, 2, "settled").nullable() } });
const orders = { layer: "dwd", grain: "one row per order", key: ["id"], columns: { id: t.bigint("order"), paid: t.decimal(10, 2, "settled") } };
export const ordersPg = defineTable("orders_pg", { ...orders, on: { postgres: {} } });
export const ordersDuck = defineTable("orders_duck", { ...orders, on: { duckdb: {} } });
export { source };
const changes = { from: source, incremental: { column: "version", lateness: 2 }, deletedWhen: "op = 'd'" };
export const c = defineBackfill("orders_postgres", { ...changes, to: ordersPg });
export const d = defineBackfill("orders_duckdb", { ...changes, to: ordersDuck });
export const e = defineBackfill("parisian", { from: "jsonl:events.jsonl", to: eventsPg, sourceZone: "Europe/Paris", map: { seen: { column: "seen", zone: "Europe/Paris" } }, incremental: { column: "seen" } });
const lake = { layer: "dwd", grain: "one row per order", key: ["order_id"], columns: { order_id: t.bigint("order"), status: t.text("now").nullable() } };
export const lakePg = defineTable("lake_pg", { ...lake, on: { postgres: {} } });
export const lakeDuck = defineTable("lake_duck", { ...lake, on: { duckdb: {} } });
const orderHistory = { from: "iceberg:orders", incremental: { by: "snapshot" } };
export const f = defineBackfill("lake_postgres", { ...orderHistory, to: lakePg });
export const g = defineBackfill("lake_duckdb", { ...orderHistory, to: lakeDuck });
`;

const event = (hour: string, n: number): string => `${JSON.stringify({ seen: `2024-05-01T${hour}:00Z`, n })}\n`;
const change = (id: number, version: number, op: string, paid: string | null): string => `${JSON.stringify({ id, version, op, paid })}\n`;

test("each run reads what is newer than the last and late rows again, and no row is there twice", async () => {
  const run = await projectRun({ "models/shop/all.ts": models });
  const file = join(run.root, "events.jsonl");
  for (const slot of ["postgres", "duckdb"] as const) {
    const table = slot === "postgres" ? "events_pg" : "events_duck";
    const rows = async (): Promise<string[]> =>
      (await run.sql(slot, `SELECT CAST(n AS VARCHAR) AS n FROM ${table} ORDER BY seen`)).map((row) => String(row.n));
    await run.sql(slot, `CREATE TABLE ${table} (seen timestamptz NOT NULL, n bigint NOT NULL)`);
    await writeFile(file, event("10:00", 10) + event("11:45", 11) + event("12:00", 12));
    expect(await run.backfill(`events_${slot}`)).toMatchObject({ verdict: "equal", rows: { source: "3" } });

    expect(await run.backfill(`events_${slot}`)).toMatchObject({ verdict: "equal", rows: { source: "2" }, loadedNow: 1 });
    expect(await rows()).toEqual(["10", "11", "12"]);

    await appendFile(file, event("11:30", 1130) + event("13:00", 13));
    expect(await run.backfill(`events_${slot}`)).toMatchObject({ verdict: "equal" });
    expect(await rows()).toEqual(["10", "1130", "11", "12", "13"]);
    expect((await verifyBackfill(run.call(`events_${slot}`), {}))[0]).toMatchObject({
      verdict: "equal",
      rows: { source: "5", target: "5" },
    });
    expect(await backfillStatus(run.call(`events_${slot}`))).toMatchObject([{ rows: "5", watermark: "2024-05-01 13:00:00+00" }]);

    await appendFile(file, event("09:00", 9));
    expect(await run.backfill(`events_${slot}`)).toMatchObject({ verdict: "equal" });
    expect(await rows()).not.toContain("9");
    const [verified] = await verifyBackfill(run.call(`events_${slot}`), {});
    expect(verified).toMatchObject({ verdict: "different", rows: { source: "6", target: "5" } });
  }
  await expect(run.backfill("parisian")).rejects.toMatchObject({ code: "DW-BACKFILL-MAPPING", what: expect.stringContaining("set back") });
}, 180_000);

test("rows replace those with their key, deletions delete, and of several versions the newest counts", async () => {
  const run = await projectRun({ "models/shop/all.ts": models });
  const file = join(run.root, "changes.jsonl");
  for (const slot of ["postgres", "duckdb"] as const) {
    const [table, name] = slot === "postgres" ? ["orders_pg", "orders_postgres"] : ["orders_duck", "orders_duckdb"];
    const rows = async (): Promise<string[]> =>
      (await run.sql(slot, `SELECT id || ' ' || paid AS line FROM ${table} ORDER BY id`)).map((row) => String(row.line));
    await run.sql(slot, `CREATE TABLE ${table} (id bigint PRIMARY KEY, paid numeric(10,2) NOT NULL)`);
    await writeFile(file, change(1, 1, "c", "1.00") + change(2, 2, "c", "2.00") + change(1, 3, "u", "1.50") + change(3, 4, "c", "3.00"));
    expect(await run.backfill(name)).toMatchObject({ verdict: "equal" });
    expect(await rows()).toEqual(["1 1.50", "2 2.00", "3 3.00"]);

    await appendFile(file, change(2, 5, "d", null) + change(3, 6, "u", "3.10") + change(4, 7, "c", "4.00"));
    expect(await run.backfill(name)).toMatchObject({ verdict: "equal" });
    expect(await rows()).toEqual(["1 1.50", "3 3.10", "4 4.00"]);

    await appendFile(file, change(2, 8, "c", "2.20") + change(4, 9, "d", null));
    expect(await run.backfill(name)).toMatchObject({ verdict: "equal" });
    expect(await rows()).toEqual(["1 1.50", "2 2.20", "3 3.10"]);
    expect((await verifyBackfill(run.call(name), {}))[0]).toMatchObject({ verdict: "equal", rows: { source: "3", target: "3" } });

    await appendFile(file, change(5, 10, "c", "5.00") + change(5, 10, "c", "5.50"));
    await expect(run.backfill(name)).rejects.toMatchObject({ code: "DW-VALUE-REFUSED", what: expect.stringContaining("equally new") });
  }
}, 180_000);

const lakeFixture = fileURLToPath(new URL("../../fixtures/iceberg/i06_equality_deletes/table", import.meta.url));

test("a lake table is followed from snapshot to snapshot, deletions included", async () => {
  const run = await projectRun({ "models/shop/all.ts": models });
  for (const slot of ["postgres", "duckdb"] as const) {
    const [table, name] = slot === "postgres" ? ["lake_pg", "lake_postgres"] : ["lake_duck", "lake_duckdb"];
    await run.sql(slot, `CREATE TABLE ${table} (order_id bigint PRIMARY KEY, status text)`);
    await cp(lakeFixture, join(run.root, "orders"), { recursive: true, force: true });
    const metadata = join(run.root, "orders", "metadata");
    const versions = (await readdir(metadata)).filter((file) => /metadata\.json$/.test(file)).sort();
    expect(versions.length).toBeGreaterThan(3);
    for (const later of versions.slice(3)) await rm(join(metadata, later));
    await rm(join(metadata, "version-hint.text"), { force: true });
    const [early] = [await run.backfill(name)];
    expect(early).toMatchObject({ verdict: "equal" });
    expect(await run.backfill(name)).toMatchObject({ verdict: "equal", loadedNow: 0, rows: { source: "0" } });

    await cp(lakeFixture, join(run.root, "orders"), { recursive: true, force: true });
    expect(await run.backfill(name)).toMatchObject({ verdict: "equal", loadedNow: 1 });
    const [verified] = await verifyBackfill(run.call(name), {});
    expect(verified).toMatchObject({ verdict: "equal", findings: [] });
    expect(verified?.rows.source).not.toBe(early?.rows.source);
  }
}, 180_000);
