import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { generateWarehouse, staleFiles, writeGenerated } from "../../../src/app/generate.js";
import type { TableModel } from "../../../src/core/model.js";
import { t } from "../../../src/model/columns.js";
import { defineTable } from "../../../src/model/define.js";
import { toyEngine } from "../../support/toy-engine.js";

const engines = new Map([[toyEngine.name, toyEngine]]);
const orders = defineTable("orders", { grain: "one row an order", columns: { id: t.bigint("number") }, on: { postgres: {} } });
const shops = defineTable("shops", { grain: "one row a shop", columns: { id: t.bigint("number") }, on: { postgres: {} } });

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "dw-generate-"));
});
afterEach(() => rm(out, { recursive: true }));

async function run(models: readonly TableModel[], check = false, model?: string) {
  const selection = model === undefined ? {} : { model };
  const generation = generateWarehouse("shop", models, engines, selection);
  return writeGenerated("shop", generation, { out, check, partial: model !== undefined });
}

test("each object is a file, beside the catalog, the index and the loss report", async () => {
  const report = await run([orders, shops]);
  expect(report.written).toEqual([
    "shop/README.md",
    "shop/catalog.json",
    "shop/files.txt",
    "shop/losses.md",
    "shop/postgres/orders.sql",
    "shop/postgres/shops.sql",
  ]);
  expect(await readFile(join(out, "shop/postgres/orders.sql"), "utf8")).toBe('CREATE TABLE "public"."orders" ("id" bigint);\n');
  expect(await readFile(join(out, "shop/README.md"), "utf8")).toContain("| public.orders | table | orders | postgres/orders.sql |");
});

test("the order in which models were found does not matter, and a second run writes nothing", async () => {
  await run([orders, shops]);
  expect(await run([shops, orders])).toEqual({ written: [], removed: [], unchanged: 6 });
});

test("a removed model's file goes, a file that a person put there stays", async () => {
  await run([orders, shops]);
  await writeFile(join(out, "shop/postgres/notes.sql"), "-- ours\n");
  const report = await run([orders]);
  expect(report.removed).toEqual(["shop/postgres/shops.sql"]);
  expect(await readdir(join(out, "shop/postgres"))).toEqual(["notes.sql", "orders.sql"]);
});

test("--check names stale, missing and extra files, and writes nothing", async () => {
  await run([orders, shops]);
  await writeFile(join(out, "shop/postgres/orders.sql"), "DROP TABLE orders;\n");
  await rm(join(out, "shop/losses.md"));
  const error = staleFiles([await run([orders], true)]);
  expect(error).toMatchObject({ code: "DW-GENERATED-STALE", exitCode: 1 });
  expect(error?.what).toContain("differs or is missing: shop/postgres/orders.sql");
  expect(error?.what).toContain("differs or is missing: shop/losses.md");
  expect(error?.what).toContain("no longer generated: shop/postgres/shops.sql");
  expect(await readFile(join(out, "shop/postgres/orders.sql"), "utf8")).toBe("DROP TABLE orders;\n");
  expect(staleFiles([])).toBeUndefined();
});

test("generating one model leaves the others alone, and its file is still removed with its model later", async () => {
  await run([orders]);
  expect((await run([orders, shops], false, "sh*")).written).toEqual(["shop/files.txt", "shop/postgres/shops.sql"]);
  expect((await run([orders])).removed).toEqual(["shop/postgres/shops.sql"]);
});

test("a list of files that was tampered with removes nothing outside its folder", async () => {
  await run([orders]);
  await writeFile(join(out, "precious.txt"), "keep me");
  await writeFile(join(out, "shop/files.txt"), "../precious.txt\n/etc/hosts\npostgres/../../precious.txt\n");
  expect((await run([orders])).removed).toEqual([]);
  expect(await readFile(join(out, "precious.txt"), "utf8")).toBe("keep me");
});

test("two models that make one object are refused by name", () => {
  const twin = defineTable("orders", { grain: "one row an order", columns: { id: t.bigint("number") }, on: { postgres: {} } });
  expect(() => generateWarehouse("shop", [orders, twin], engines)).toThrow(
    /Models orders and orders both make postgres:table:public\.orders/,
  );
});
