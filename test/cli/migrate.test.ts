import { appendFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectFolder } from "../unit/model/project-folder.js";
import { dw, type Run } from "./run-dw.js";

/** One table on two engines: PostgreSQL inside the process, and StarRocks emulated by DuckDB. */
const orders = (columns: string): string => `import { defineTable, hash, t } from "dwright";

export default defineTable("orders", {
  layer: "dws",
  grain: "one row an order",
  columns: { id: t.bigint("number"), ${columns} },
  key: ["id"],
  on: { postgres: { schema: "shop" }, starrocks: { database: "shop", table: "primary", distributeBy: hash(["id"], 4) } },
});
`;

const MODEL = "models/shop/dws/orders.ts";
const live = ["--env", "local"];

test("the life of a warehouse: new, up, up again, a changed model, an approval, drift", async () => {
  const cwd = await projectFolder({ [MODEL]: orders("") });
  const run = (...words: string[]): Promise<Run> => dw(words, { cwd });

  const made = await run("migrate", "new", "first");
  expect(made.code).toBe(0);
  const first = await run("migrate", ...live);
  expect(first).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("shop in local (starrocks is emulated by DuckDB): 1 migration applied"),
  });
  const again = await run("migrate", "up", ...live, "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ environment: "local", steps: [], alreadyApplied: 1, emulated: ["starrocks"] });
  expect((await run("migrate", "verify", ...live)).code).toBe(0);

  await writeFile(join(cwd, MODEL), orders('note: t.text("by the customer").nullable()'));
  await run("migrate", "new", "note");
  expect((await run("migrate", ...live)).code).toBe(0);
  const unchanged = await run("diff", "--from", "env:local", "--exit-code");
  expect(unchanged).toMatchObject({ code: 0, stdout: "shop: env:local → models: no difference\n" });

  await writeFile(join(cwd, MODEL), orders(""));
  await run("migrate", "new", "no_note");
  const refused = await run("migrate", ...live);
  expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("DW-HAZARD-UNAPPROVED") });
  const lines = [...new Set([...refused.stderr.matchAll(/- (data-loss@\S+)/g)].map((match) => match[1]))];
  await appendFile(join(cwd, "migrations/shop/intent.yaml"), lines.map((line) => `  - ${line}\n`).join(""));
  expect(await run("migrate", ...live)).toMatchObject({ code: 0 });

  const status = JSON.parse((await run("migrate", "status", ...live, "--json")).stdout);
  expect(status.migrations.map((one: { status: string }) => one.status)).toEqual(["applied", "applied", "applied"]);
  expect((await run("migrate", "verify", ...live)).code).toBe(0);
}, 300_000);

test("a scheduler that names no environment is told so, and nothing is opened", async () => {
  const cwd = await projectFolder({ [MODEL]: orders("") });
  await dw(["migrate", "new", "first"], { cwd });
  expect(await dw(["migrate"], { cwd })).toMatchObject({ code: 2, stderr: expect.stringContaining("DW-ENV-MISSING") });
  expect(await readdir(join(cwd, ".dw")).catch(() => [])).not.toContain("local");
});

test("an edited history is refused with exit 2 before anything is opened", async () => {
  const cwd = await projectFolder({ [MODEL]: orders("") });
  await dw(["migrate", "new", "first"], { cwd });
  const [id] = (await readdir(join(cwd, "migrations/shop"))).filter((name) => name.endsWith("_first"));
  await appendFile(join(cwd, `migrations/shop/${id}/up.postgres.sql`), "DROP SCHEMA shop CASCADE;\n");
  expect(await dw(["migrate", ...live], { cwd })).toMatchObject({ code: 2, stderr: expect.stringContaining("up.postgres.sql was edited") });
  expect(await readdir(join(cwd, ".dw")).catch(() => [])).not.toContain("local");
});

test("generate --check exits 1 and names the files when a model has changed", async () => {
  const cwd = await projectFolder({ [MODEL]: orders("") });
  expect((await dw(["generate"], { cwd })).code).toBe(0);
  expect((await dw(["generate", "--check"], { cwd })).code).toBe(0);
  await writeFile(join(cwd, MODEL), orders('paid: t.int("cents")'));
  const stale = await dw(["generate", "--check", "--json"], { cwd });
  expect(stale.code).toBe(1);
  expect(JSON.parse(stale.stdout).error).toMatchObject({
    code: "DW-GENERATED-STALE",
    what: expect.stringContaining("shop/postgres/table/shop.orders.sql"),
  });
});
