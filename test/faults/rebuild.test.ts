import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConfig } from "../../src/app/config-schema.js";
import { readHistory } from "../../src/app/migrate/folder.js";
import { readIntent } from "../../src/app/migrate/intent.js";
import type { LiveSlot, LiveSlots } from "../../src/app/migrate/live.js";
import { openLiveSlots } from "../../src/app/migrate/live-slots.js";
import { makeMigration, plannersOf } from "../../src/app/migrate/make.js";
import type { Meeting } from "../../src/app/migrate/meeting.js";
import { migrateUp, verifyMigrations } from "../../src/app/migrate/up.js";
import type { Connections } from "../../src/connections/open.js";
import { openPglite } from "../../src/connections/pglite.js";
import { resolveEnvironment } from "../../src/core/environment.js";
import type { Statement } from "../../src/core/plan.js";
import type { Pg } from "../../src/core/session.js";
import { engines } from "../../src/engines/index.js";
import { timescale } from "../../src/engines/timescale/index.js";
import { postgresState } from "../../src/state/postgres.js";
import { catalogFor } from "../live/proof-loop.js";
import { rebuildPairs } from "../live/proof-pairs.js";

/*
 * A rebuild that dies at every place where it can: before and after each of its transactions, and inside the copy. Whatever
 * was journalled then is all that the next run knows.
 */

const pair = rebuildPairs().find(({ name }) => name.endsWith("a type under columnstore, aggregate and policies"));
if (pair === undefined) throw new Error("the pair is gone");
const [before, after] = [catalogFor(timescale, pair.from), catalogFor(timescale, pair.to)];

let root: string;
let folder: string;
let pg: Pg;
let slots: LiveSlots;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "dw-rebuild-"));
  folder = join(root, "migrations");
  pg = await openPglite(join(root, "db"));
  const config = parseConfig("dw.config.ts", { environments: { test: { embedded: "db" } } });
  const environment = resolveEnvironment(config, "test");
  const connections = { environment, slot: async () => ({ kind: "pg", pg, embedded: true }) } as unknown as Connections; // all that slots ask for
  slots = await openLiveSlots(connections, ["timescale"], engines);
  await makeMigration(folder, before, engines, { name: "first", now: 0 });
  await makeMigration(folder, after, engines, { name: "rebuild", now: 1000 });
});
afterAll(async () => {
  await pg.close();
  await rm(root, { recursive: true, force: true });
});

async function meeting(acting: LiveSlots = slots): Promise<Meeting> {
  return {
    environment: "test",
    history: await readHistory(folder, "proof"),
    intent: await readIntent(folder),
    slots: acting,
    planners: plannersOf(engines),
    store: await postgresState(pg, { environment: "test" }),
    owner: "test",
    now: 0,
    signal: new AbortController().signal,
    say: () => undefined,
  };
}

async function up(acting?: LiveSlots, to?: string): Promise<Awaited<ReturnType<typeof migrateUp>>> {
  const met = await meeting(acting);
  const { unapproved } = await migrateUp({ ...met, slots }, { dryRun: true, lockTimeoutMs: 0, approve: [] }).catch(() => ({
    unapproved: [],
  }));
  const lines = met.history.migrations.flatMap(({ plans }) =>
    plans.default.statements.flatMap(({ id, hazards }) => hazards.map(({ kind }) => `${kind}@${id}`)),
  );
  return migrateUp(met, {
    dryRun: false,
    lockTimeoutMs: 0,
    approve: unapproved.length === 0 ? lines : unapproved.map(({ line }) => line),
    ...(to && { to }),
  });
}

/** Everything gone but TimescaleDB, then A with its rows. */
async function fresh(): Promise<void> {
  await pg.query("DROP MATERIALIZED VIEW IF EXISTS public.h");
  const schemas = await pg.query<{ name: string }>(
    "SELECT quote_ident(nspname) AS name FROM pg_namespace WHERE nspname ~ '_dw_(shadow|held)$'",
  );
  for (const { name } of schemas) {
    await pg.query(`DROP MATERIALIZED VIEW IF EXISTS ${name}.h`);
    await pg.query(`DROP SCHEMA ${name} CASCADE`);
  }
  await pg.query("DROP TABLE IF EXISTS public.p CASCADE");
  await pg.query("DROP SCHEMA IF EXISTS dw_state CASCADE");
  await up(slots, "first");
  for (const statement of pair?.seed ?? []) await pg.query(statement);
}

type Death = "before" | "after" | "inside";

/** Slots whose process dies at its `n`-th piece of work: an exception that is no letter leaves the journal as a kill does. */
function dying(n: number, death: Death): { readonly slots: LiveSlots; readonly died: () => boolean } {
  let met = 0;
  let died = false;
  const wrap = (slot: LiveSlot): LiveSlot => ({
    ...slot,
    run: async (statements: readonly Statement[], signal: AbortSignal) => {
      if (met++ !== n) return slot.run(statements, signal);
      died = true;
      if (death === "after") await slot.run(statements, signal);
      if (death === "inside") {
        const cut = statements.map((one) => ({ ...one, text: one.text.replace("COMMIT;", "COMMIT; RAISE EXCEPTION 'cut';") }));
        await slot.run(cut, signal).catch(() => undefined);
      }
      throw new Error("kill -9");
    },
  });
  return { slots: new Map([...slots].map(([name, slot]) => [name, wrap(slot)])), died: () => died };
}

async function proveWhole(): Promise<void> {
  await up();
  expect((await verifyMigrations(await meeting())).differences).toEqual([]);
  expect((await up()).steps).toEqual([]);
  const [row] = await pg.query(pair?.expected?.[0] ?? "");
  expect(Object.values(row ?? {})[0]).toBe(pair?.expected?.[1]);
  const [type] = await pg.query<{ type: string }>("SELECT pg_typeof(value)::text AS type FROM p LIMIT 1");
  expect(type?.type).toBe("real");
}

for (const death of ["before", "after", "inside"] as const) {
  test(`a rebuild that dies ${death} any of its pieces ends where one run would have`, async () => {
    for (let n = 0; ; n++) {
      await fresh();
      const { slots: mortal, died } = dying(n, death);
      await up(mortal).catch((error: Error) => expect(error.message).toBe("kill -9"));
      if (!died()) {
        expect(n).toBeGreaterThan(4);
        return;
      }
      await proveWhole();
    }
  });
}
