import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { migrateDown } from "../../../src/app/migrate/down.js";
import { readHistory, writeSum } from "../../../src/app/migrate/folder.js";
import { readIntent } from "../../../src/app/migrate/intent.js";
import type { LiveSlots } from "../../../src/app/migrate/live.js";
import { makeMigration, plannersOf } from "../../../src/app/migrate/make.js";
import type { Meeting } from "../../../src/app/migrate/meeting.js";
import { type Repair, repairMigration } from "../../../src/app/migrate/repair.js";
import { baseline, migrateUp, migrationStatus, verifyMigrations } from "../../../src/app/migrate/up.js";
import { type CatalogObject, catalogOf } from "../../../src/core/catalog.js";
import { DwError } from "../../../src/core/errors.js";
import type { Pg } from "../../../src/core/session.js";
import { postgresState } from "../../../src/state/postgres.js";
import { memoryPg } from "../../support/memory-pg.js";
import { toyEngine, toyTable } from "../../support/toy-engine.js";
import { toySlots } from "../../support/toy-slot.js";

const engines = new Map([[toyEngine.name, toyEngine]]);
const NOON = Date.UTC(2026, 0, 2, 12);
const id = { id: "bigint" };

let pg: Pg;
let folder: string;
beforeAll(async () => {
  pg = await memoryPg();
});
afterAll(() => pg.close());
beforeEach(async () => {
  for (const sql of ["DROP SCHEMA IF EXISTS dw_state CASCADE", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"]) await pg.query(sql);
  folder = await mkdtemp(join(tmpdir(), "dw-migrate-"));
});
afterEach(() => rm(folder, { recursive: true }));

const make = (name: string, ...objects: CatalogObject[]) => makeMigration(folder, catalogOf("shop", objects), engines, { name, now: NOON });

async function meeting(slots: LiveSlots = toySlots(pg), owner = "ann"): Promise<Meeting> {
  return {
    environment: "test",
    history: await readHistory(folder, "shop"),
    intent: await readIntent(folder),
    slots,
    planners: plannersOf(engines),
    store: await postgresState(pg, { environment: "test" }),
    owner,
    now: NOON,
    signal: new AbortController().signal,
    say: () => undefined,
  };
}

const up = async (options: Partial<Parameters<typeof migrateUp>[1]> = {}, slots?: LiveSlots) =>
  migrateUp(await meeting(slots), { dryRun: false, lockTimeoutMs: 0, approve: [], ...options });

const tables = async (): Promise<string[]> =>
  (
    await pg.query<{ t: string }>(
      "SELECT relname AS t FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
    )
  ).map((row) => row.t);

const repaired = async (how: Repair = "look") => repairMigration(await meeting(), { lockTimeoutMs: 0, how, approve: [] });

async function refusal(work: Promise<unknown>): Promise<DwError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof DwError) return error;
  throw error ?? new Error("nothing was refused");
}

test("new, up, status, up again, a changed model, new, up: each step is what the models say, and verify finds nothing", async () => {
  expect((await make("First tables!", toyTable("orders", id), toyTable("shops", id)))?.id).toBe("20260102120000_first_tables");
  const first = await up();
  expect(first.steps.map((step) => [step.id, step.executed])).toEqual([["20260102120000_first_tables", 2]]);
  expect(await tables()).toEqual(["orders", "shops"]);
  expect(await up()).toMatchObject({ steps: [], alreadyApplied: 1 });

  expect(await make("nothing", toyTable("orders", id), toyTable("shops", id))).toBeUndefined();
  await make("paid", toyTable("orders", { ...id, paid: "integer" }), toyTable("shops", id));
  expect((await migrationStatus(await meeting())).map(({ id: name, status }) => [name, status])).toEqual([
    ["20260102120000_first_tables", "applied"],
    ["20260102120001_paid", "pending"],
  ]);
  await up();
  expect(await verifyMigrations(await meeting())).toMatchObject({ at: "20260102120001_paid", differences: [], foreign: [], objects: 2 });
});

test("drift is named by what differs, and a table that dw did not make is foreign and stays", async () => {
  await make("first", toyTable("orders", id));
  await up();
  await pg.query("ALTER TABLE orders ADD COLUMN note text");
  await pg.query("CREATE TABLE somebody_elses (x integer)");
  const found = await verifyMigrations(await meeting());
  expect(found.differences).toEqual([
    {
      id: "postgres:table:public.orders",
      is: "different",
      facts: [{ path: ["columns", "note"], from: undefined, to: { name: "note", type: "text" } }],
    },
  ]);
  expect(found.foreign.map((object) => object.id)).toEqual(["postgres:table:public.somebody_elses"]);
});

test("a target that moved is refused before anything is executed", async () => {
  await make("first", toyTable("orders", id));
  await up();
  await make("more", toyTable("orders", { ...id, paid: "integer" }), toyTable("shops", id));
  await pg.query("ALTER TABLE orders ADD COLUMN surprise text");
  const error = await refusal(up());
  expect(error).toMatchObject({ code: "DW-TARGET-MOVED", exitCode: 5 });
  expect(error.what).toContain("postgres:table:public.orders: columns.surprise is extra");
  expect(await tables()).toEqual(["orders"]);
});

test("a table of somebody else's in the way is not taken over", async () => {
  await pg.query("CREATE TABLE orders (x integer)");
  await make("first", toyTable("orders", id));
  expect((await refusal(up())).what).toContain("postgres:table:public.orders exists, and should not");
});

test("an unapproved hazard stops everything; the printed line approves it", async () => {
  await make("first", toyTable("orders", { ...id, paid: "integer" }));
  await up();
  const made = await make("drop_paid", toyTable("orders", id), toyTable("shops", id));
  const [line] = made?.hazards.map((hazard) => hazard.line) ?? [];
  expect(line).toMatch(/^data-loss@drop-column\.public\.orders\.paid~[0-9a-f]{6}$/);
  const error = await refusal(up());
  expect(error).toMatchObject({ code: "DW-HAZARD-UNAPPROVED", exitCode: 1 });
  expect(error.fix).toContain(`approvals:\n  - ${line}`);
  expect(await tables()).toEqual(["orders"]);

  expect(await readFile(join(folder, "intent.yaml"), "utf8")).toContain(`#  - ${line} # The values of paid are lost.`);
  await appendFile(join(folder, "intent.yaml"), `  - ${line}\n`);
  await up();
  expect(await tables()).toEqual(["orders", "shops"]);
});

test("an approval holds for its own statement only, and a stray one is refused", async () => {
  await make("first", toyTable("orders", { ...id, paid: "integer" }));
  await up();
  await make("drop_paid", toyTable("orders", id));
  expect(await refusal(up({ approve: ["data-loss@drop-column.public.orders.paid~000000"] }))).toMatchObject({
    code: "DW-INTENT-INVALID",
    exitCode: 2,
  });
  expect(await refusal(up({ approve: ["data-loss"] }))).toMatchObject({ code: "DW-INTENT-INVALID" });
});

test("an approval that has expired does not hold", async () => {
  await make("first", toyTable("orders", { ...id, paid: "integer" }));
  await up();
  const made = await make("drop_paid", toyTable("orders", id));
  await writeFile(join(folder, "intent.yaml"), `approvals:\n  - approve: ${made?.hazards[0]?.line}\n    until: 2026-01-01\n`);
  expect((await refusal(up())).why).toBe("It held until 2026-01-01.");
});

test("an approval that expires after its statement was executed stops no later run", async () => {
  await make("first", toyTable("orders", { ...id, paid: "integer" }));
  await up();
  const made = await make("drop_paid", toyTable("orders", id));
  await writeFile(join(folder, "intent.yaml"), `approvals:\n  - approve: ${made?.hazards[0]?.line}\n    until: 2026-01-02\n`);
  await up();
  const later = { ...(await meeting()), now: NOON + 30 * 86_400_000 };
  expect((await migrateUp(later, { dryRun: false, lockTimeoutMs: 0, approve: [] })).steps).toEqual([]);
});

test("a stated rename keeps the rows; the file may keep the rename afterwards", async () => {
  await make("first", toyTable("orders", { ...id, paid: "integer" }));
  await up();
  await pg.query("INSERT INTO orders VALUES (1, 7)");
  await writeFile(
    join(folder, "intent.yaml"),
    "renames:\n  - object: public.orders\n    to: public.sales\n  - column: public.sales.paid\n    to: settled\n",
  );
  const sales = toyTable("sales", { ...id, settled: "integer" });
  const made = await make("rename", sales);
  expect(made?.hazards).toEqual([]);
  await up();
  expect(await pg.query("SELECT settled FROM sales")).toEqual([{ settled: 7 }]);
  expect(await make("again", sales)).toBeUndefined();
  expect((await make("more", sales, toyTable("shops", id)))?.plans.default.operations.map(({ op }) => op)).toEqual(["create-object"]);
});

test("a rename that fits nothing is refused by name", async () => {
  await make("first", toyTable("orders", id));
  await writeFile(join(folder, "intent.yaml"), "renames:\n  - column: public.orders.pade\n    to: paid\n");
  const error = await refusal(make("more", toyTable("orders", { ...id, paid: "integer" })));
  expect(error).toMatchObject({
    code: "DW-INTENT-INVALID",
    what: "A rename in intent.yaml does not fit: no column pade of public.orders becomes paid in the models.",
  });
});

test("intent.yaml with an unknown word is refused with the place", async () => {
  await writeFile(join(folder, "intent.yaml"), "aprovals:\n  - x\n");
  expect((await refusal(make("first", toyTable("orders", id)))).why).toContain("aprovals");
});

test("an edited file is refused by name, and a rehash accepts it", async () => {
  const made = await make("first", toyTable("orders", id));
  const file = join(folder, `${made?.id}`, "up.postgres.sql");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace('"id" bigint', '"id" bigint CHECK (id > 0)'));
  const error = await refusal(up());
  expect(error).toMatchObject({ code: "DW-MIGRATION-EDITED", exitCode: 2 });
  expect(error.what).toContain("20260102120000_first/up.postgres.sql was edited");
  await writeSum(folder);
  await up();
  expect(await pg.query("SELECT contype FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype = 'c'")).toHaveLength(1);
});

test("a migration that was applied is not edited afterwards, rehash or not", async () => {
  const made = await make("first", toyTable("orders", id));
  await up();
  await appendFile(join(folder, `${made?.id}`, "up.postgres.sql"), "-- a comment\n");
  await writeSum(folder);
  expect((await refusal(up())).what).toContain("is applied here with other files");
});

test("two branches that each added a migration conflict in sum, and their order is refused when somebody merges it away", async () => {
  await make("first", toyTable("orders", id));
  const shared = await readFile(join(folder, "sum"), "utf8");
  await make("left", toyTable("orders", id), toyTable("l", id));
  const left = await readFile(join(folder, "sum"), "utf8");
  expect(left.split("\n")[0]).not.toBe(shared.split("\n")[0]);

  const [first] = await readdir(folder);
  const plan = join(folder, "20260102120001_left", "plan.json");
  await writeFile(plan, (await readFile(plan, "utf8")).replace(`"${first}"`, '"20260101000000_elsewhere"'));
  await writeSum(folder);
  expect(await refusal(up())).toMatchObject({ code: "DW-MIGRATION-ORDER" });
});

/** Two branches, each with a migration of its own after the first; merged by git, and `sum` by somebody. */
async function branches(left: readonly CatalogObject[], right: readonly CatalogObject[]): Promise<void> {
  await make("first", toyTable("orders", id));
  const other = await mkdtemp(join(tmpdir(), "dw-branch-"));
  await cp(folder, other, { recursive: true });
  await makeMigration(other, catalogOf("shop", [...left]), engines, { name: "left", now: NOON + 1000 });
  await makeMigration(folder, catalogOf("shop", [...right]), engines, { name: "right", now: NOON + 9000 });
  await up(); // the younger one is applied before anybody merges the older one
  await cp(join(other, LEFT), join(folder, LEFT), { recursive: true });
  await rm(other, { recursive: true });
  await writeSum(folder);
}

const LEFT = "20260102120001_left";
const RIGHT = "20260102120009_right";
const declare = (): Promise<void> =>
  writeFile(join(folder, "intent.yaml"), `outOfOrder:\n  - migration: ${LEFT}\n    because: merged late, and only adds a table\n`);

test("a migration older than an applied one is refused, then applied as intent.yaml declares, and remembered as out of order", async () => {
  const [orders, l, r] = [toyTable("orders", id), toyTable("l", id), toyTable("r", id)];
  await branches([orders, l], [orders, r]);
  expect(await refusal(up())).toMatchObject({ code: "DW-MIGRATION-ORDER", fix: expect.stringContaining(`outOfOrder:\n  - ${LEFT}`) });
  await declare();
  expect((await verifyMigrations(await meeting())).differences).toEqual([]); // not applied yet, and nothing is missing
  expect((await up()).steps.map((step) => [step.id, step.executed])).toEqual([[LEFT, 1]]);
  expect(await tables()).toEqual(["l", "orders", "r"]);
  expect((await verifyMigrations(await meeting())).differences).toEqual([]);
  expect((await migrationStatus(await meeting())).map((one) => one.outOfOrder)).toEqual([undefined, true, undefined]);

  // The next one is made after both, and a fresh environment applies all three in the order of their names.
  expect(await make("nothing", orders, l, r)).toBeUndefined();
  await make("more", orders, toyTable("l", { id: "bigint", name: "text" }), r);
  await up();
  for (const sql of ["DROP SCHEMA dw_state CASCADE", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"]) await pg.query(sql);
  expect((await up()).steps.map((step) => step.id.slice(15))).toEqual(["first", "left", "right", "more"]);
  expect((await verifyMigrations(await meeting())).differences).toEqual([]);
  await writeFile(join(folder, "intent.yaml"), "");
  expect(await refusal(up())).toMatchObject({ code: "DW-MIGRATION-ORDER" });
});

test("what two branches both change is no matter of order: a declaration does not help", async () => {
  const wide = toyTable("orders", { id: "bigint", paid: "text" });
  await branches([wide], [toyTable("orders", { id: "bigint", due: "text" })]);
  await declare();
  expect(await refusal(up())).toMatchObject({
    code: "DW-MIGRATION-ORDER",
    what: `${RIGHT} and ${LEFT} were made beside each other, and both have to do with ${wide.id}.`,
  });
});

test("a declaration that names no migration is refused", async () => {
  await make("first", toyTable("orders", id));
  await writeFile(join(folder, "intent.yaml"), "outOfOrder: [20260102120000_frist]\n");
  expect(await refusal(up())).toMatchObject({ code: "DW-INTENT-INVALID", what: expect.stringContaining("20260102120000_frist") });
});

test("a history that lost an applied migration, or got an older one, is refused", async () => {
  await make("first", toyTable("orders", id));
  await up();
  await rm(join(folder, "20260102120000_first"), { recursive: true });
  await writeSum(folder);
  expect((await refusal(up())).what).toContain("20260102120000_first is applied here, but migrations/shop does not have it");
});

test("a refused statement rolls back its transaction, is journalled, and the next run does it all", async () => {
  await make("first", toyTable("a", id), toyTable("b", id));
  const full = new DwError("DW-ENGINE-REFUSED", { what: 'CREATE TABLE "public"."b" was refused.', why: "disk full", fix: "Make room." });
  const broken = toySlots(pg, (statement) => {
    if (statement.text.includes('"b"')) throw full;
  });
  const error = await refusal(up({}, broken));
  expect(error.why).toBe("disk full\n0 of 2 statements are done. The 2 statements of its transaction were rolled back.");
  expect(await tables()).toEqual([]);
  expect(await migrationStatus(await meeting())).toMatchObject([{ status: "interrupted", statements: { failed: 2 }, total: 2 }]);
  expect((await up()).steps[0]?.executed).toBe(2);
});

test("killed before its transaction: the next run sees that nothing happened and does it", async () => {
  await make("first", toyTable("a", id), toyTable("b", id));
  const killed = toySlots(pg, () => {
    throw new Error("kill -9");
  });
  await expect(up({}, killed)).rejects.toThrow("kill -9");
  expect(await migrationStatus(await meeting())).toMatchObject([{ status: "interrupted", statements: { started: 2 } }]);
  expect((await up()).steps[0]?.executed).toBe(2);
  expect(await tables()).toEqual(["a", "b"]);
});

test("killed after its transaction and before the journal knew: the next run executes nothing again", async () => {
  await make("first", toyTable("a", id), toyTable("b", id));
  const slots = toySlots(pg);
  const slot = slots.get("postgres");
  if (!slot) throw new Error("no slot");
  const killed: LiveSlots = new Map([
    [
      "postgres",
      {
        ...slot,
        run: async (...args: Parameters<typeof slot.run>) => {
          await slot.run(...args);
          throw new Error("kill -9");
        },
      },
    ],
  ]);
  await expect(up({}, killed)).rejects.toThrow("kill -9");
  expect(await tables()).toEqual(["a", "b"]);
  expect((await up()).steps[0]?.executed).toBe(0);
  expect(await verifyMigrations(await meeting())).toMatchObject({ at: "20260102120000_first", differences: [] });
});

test("a dry run shows the statements and the missing approvals, and changes nothing", async () => {
  await make("first", toyTable("orders", { ...id, paid: "integer" }));
  expect((await up({ dryRun: true })).steps[0]?.statements.map((statement) => statement.text)).toEqual([
    'CREATE TABLE "public"."orders" ("id" bigint, "paid" integer)',
  ]);
  expect(await tables()).toEqual([]);
  await up();
  await make("drop_paid", toyTable("orders", id));
  expect((await up({ dryRun: true })).unapproved.map(({ hazard }) => hazard)).toEqual(["data-loss"]);
});

test("--to stops after the migration that is named by id, stamp or name", async () => {
  await make("first", toyTable("a", id));
  await make("second", toyTable("a", id), toyTable("b", id));
  await up({ to: "first" });
  expect(await tables()).toEqual(["a"]);
  expect((await refusal(up({ to: "third" }))).code).toBe("DW-USAGE");
  await up({ to: "20260102120001" });
  expect(await tables()).toEqual(["a", "b"]);
});

test("down takes the newest migration back, once the loss is approved, and up applies it again", async () => {
  await make("first", toyTable("a", id));
  await make("second", toyTable("a", { ...id, paid: "integer" }), toyTable("b", id));
  await up();
  const down = async (approve: readonly string[]) => migrateDown(await meeting(), { dryRun: false, lockTimeoutMs: 0, approve });
  const error = await refusal(down([]));
  expect(error).toMatchObject({ code: "DW-HAZARD-UNAPPROVED", what: expect.stringContaining("All rows of public.b are lost.") });
  const lines = [...error.fix.matchAll(/- (\S+@\S+)/g)].map((match) => match[1] ?? "");
  expect((await down(lines)).steps.map((step) => step.id)).toEqual(["20260102120001_second/down"]);
  expect(await tables()).toEqual(["a"]);
  expect(await verifyMigrations(await meeting())).toMatchObject({ at: "20260102120000_first", differences: [] });
  expect((await up()).steps[0]?.executed).toBe(2);
});

test("a migration that dropped something has no way back", async () => {
  await make("first", toyTable("a", { ...id, paid: "integer" }));
  await make("second", toyTable("a", id));
  await up({
    approve: (await readHistory(folder, "shop")).migrations[1]?.plans.default.statements.map((one) => `data-loss@${one.id}`) ?? [],
  });
  const error = await refusal(meeting().then((one) => migrateDown(one, { dryRun: false, lockTimeoutMs: 0, approve: [] })));
  expect(error.what).toContain("20260102120001_second cannot be taken back");
});

test("repair says what an interrupted run left, and marks it when only the mark was missing", async () => {
  await make("first", toyTable("a", id));
  expect(await repaired()).toMatchObject({ id: undefined });
  const killed = toySlots(pg, () => {
    throw new Error("kill -9");
  });
  await expect(up({}, killed)).rejects.toThrow("kill -9");
  expect(await repaired()).toMatchObject({ statements: [{ state: "open" }], marked: false });
  await expect(up({}, killed)).rejects.toThrow("kill -9");
  await pg.query("CREATE TABLE a (id bigint)"); // as if it had been killed a moment later
  expect(await repaired()).toMatchObject({ statements: [{ state: "done" }], marked: true });
  expect((await up()).steps).toEqual([]);
});

test("while another run holds the lock nothing is executed", async () => {
  await make("first", toyTable("a", id));
  const other = await meeting(undefined, "bob");
  const lease = await other.store.lock("migrate:shop", "bob on host-b", 0);
  expect(await refusal(up())).toMatchObject({ code: "DW-LOCKED", exitCode: 4, what: expect.stringContaining("bob on host-b") });
  await lease.release();
  await up();
});

test("a baseline adopts what exists exactly as the migration says, and nothing else", async () => {
  await make("first", toyTable("a", id));
  await pg.query("CREATE TABLE a (id integer)");
  expect(await refusal(meeting().then((one) => baseline(one, { lockTimeoutMs: 0 })))).toMatchObject({ code: "DW-DRIFT" });
  await pg.query("ALTER TABLE a ALTER COLUMN id TYPE bigint");
  expect(await baseline(await meeting(), { lockTimeoutMs: 0 })).toEqual(["20260102120000_first"]);
  expect((await up()).steps).toEqual([]);
});
