import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { resetBackfill } from "../../../src/app/backfills/run.js";
import { projectRun } from "../../support/project-run.js";

const models = `import { defineBackfill, defineTable, range, t } from "dwright";
const columns = { id: t.bigint("order"), paid: t.decimal(10, 2, "settled"), city: t.text("where"), seen: t.instant("UTC").nullable() };
const common = { layer: "dws", grain: "one row per order", key: ["id"], columns, fresh: { column: "seen", within: "1h" },
  checks: [range("paid", { min: 0 })] };
export const pg = defineTable("orders_pg", { ...common, on: { postgres: {} } });
export const duck = defineTable("orders_duck", { ...common, on: { duckdb: {} } });
export const toPg = defineBackfill("to_pg", { from: "jsonl:orders.jsonl", to: pg, publish: "audited" });
export const toDuck = defineBackfill("to_duck", { from: "jsonl:orders.jsonl", to: duck, publish: "audited" });
`;

const orders = (paid: readonly string[]): string =>
  paid.map((amount, id) => JSON.stringify({ id, paid: amount, city: "Paris", seen: null })).join("\n");

const places = [
  { slot: "postgres", table: "public.orders_pg", name: "to_pg" },
  { slot: "duckdb", table: "orders_duck", name: "to_duck" },
] as const;

test("rows that fail a check are seen by nobody; what passes is published at once, or not at all", async () => {
  const run = await projectRun({ "models/shop/orders.ts": models });
  const file = join(run.root, "orders.jsonl");
  for (const { slot, table, name } of places) {
    const seen = async (): Promise<string> => String((await run.sql(slot, `SELECT count(*) AS n FROM ${table}`))[0]?.n);
    await run.sql(slot, `CREATE TABLE ${table} (id bigint PRIMARY KEY, paid numeric(10,2) NOT NULL, city text NOT NULL, seen timestamptz)`);
    await run.sql(slot, `INSERT INTO ${table} VALUES (1000, 7, 'Lyon', NULL)`);
    await writeFile(file, orders(["1.50", "-3.00", "2.25"]));
    await expect(run.backfill(name)).rejects.toMatchObject({ code: "DW-AUDIT-FAILED", what: expect.stringContaining("paid") });
    expect(await seen()).toBe("1");
    await resetBackfill(run.call(name), false);

    await writeFile(file, orders(["1.50", "3.00", "2.25"]));
    await run.sql(slot, `INSERT INTO ${table} VALUES (2, 7, 'Lyon', NULL)`);
    await expect(run.backfill(name)).rejects.toMatchObject({ code: "DW-LOAD-CONFLICT" });
    expect(await seen()).toBe("2");
    await run.sql(slot, `DELETE FROM ${table} WHERE id = 2`);
    await resetBackfill(run.call(name), false);

    expect(await run.backfill(name)).toMatchObject({ verdict: "equal", rows: { source: "3", target: "3", before: "1" } });
    expect(run.said).toContain(`${name}: 3 rows are published (1 checks passed on them)`);
    expect(await seen()).toBe("4");
    expect(await run.backfill(name)).toMatchObject({ verdict: "equal", loadedNow: 0 });
    await expect(resetBackfill(run.call(name), false)).rejects.toMatchObject({ code: "DW-LEDGER-CONFLICT" });
  }
}, 180_000);
