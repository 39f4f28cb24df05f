import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { openPg } from "../../src/connections/pg.js";
import type { Pg } from "../../src/core/session.js";
import { dw } from "../cli/run-dw.js";
import { startPostgres } from "../live/postgres.js";
import { openProxy } from "./harness.js";
import { history, proveWhole, up, widening } from "./migrations.js";

/* A server that answers badly: each time a clear state with its exit code, and the next run goes on. */

const server = await startPostgres();
const MIGRATIONS = 2;
let proxy: Awaited<ReturnType<typeof openProxy>>;
let pg: Pg;

beforeAll(async () => {
  if (server === undefined) return;
  proxy = await openProxy(server.port);
  pg = await openPg(server.connection, undefined);
  await pg.query("CREATE ROLE migrator LOGIN");
  await pg.query("GRANT CREATE ON DATABASE postgres TO migrator");
});
afterAll(async () => {
  await pg?.close();
  await proxy?.close();
  await server?.stop();
});

/** A project whose first migration is applied; its connection goes through the proxy. */
async function begun(): Promise<string> {
  proxy.cutAfter(() => Number.POSITIVE_INFINITY);
  for (const schema of ["shop", "dw_state"]) await pg.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  const connection = { ...server?.connection, port: proxy.port, user: "migrator" };
  const environment = { slots: { postgres: "pg" }, state: "pg", connections: { pg: connection }, ddlLockTimeout: "200ms" };
  const cwd = await history(environment, (n) => widening(n, 'postgres: { schema: "shop" }'), MIGRATIONS);
  expect(await dw([...up, "--to", "step_1"], { cwd })).toMatchObject({ code: 0 });
  return cwd;
}

const statusOf = async (cwd: string): Promise<string> => (await dw(["migrate", "status", "--env", "test"], { cwd })).stdout;

test.runIf(server)("a lock that stays is given up after some attempts, with exit 3; a lock that goes is waited for", async () => {
  const cwd = await begun();
  const reader = await pg.session();
  onTestFinished(() => reader.close());
  await reader.query("BEGIN");
  await reader.query("LOCK TABLE shop.growing IN ACCESS SHARE MODE"); // as a long query does
  const refused = await dw(up, { cwd });
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining("DW-TIMEOUT") });
  expect(refused.stderr).toContain("lock timeout");
  expect(await statusOf(cwd)).toMatch(/step_2\s+interrupted/);
  const patient = dw(up, { cwd });
  await waiting();
  await reader.query("COMMIT");
  expect(await patient).toMatchObject({ code: 0 });
  await proveWhole(cwd, MIGRATIONS);
});

/** Returns once somebody waits for the table's lock. */
async function waiting(): Promise<void> {
  for (let asked = 0; asked < 600; asked++) {
    const rows = await pg.query("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'shop.growing'::regclass");
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("nobody waits for the lock");
}

test.runIf(server)("the connection is cut after a statement was sent, again and again: exit 3, and the next run goes on", async () => {
  const cwd = await begun();
  let cuts = 0;
  for (let bytes = 3_000; cuts < 4 && bytes < 60_000; bytes += 1_500) {
    proxy.cutAfter(() => bytes);
    const { code, stderr } = await dw(up, { cwd });
    if (code === 0) break;
    expect(`${code} ${stderr.match(/DW-[A-Z-]+/)?.[0]}`).toMatch(/^(3 DW-CONNECT|4 DW-LOCKED)$/);
    cuts++;
    await pg.query("UPDATE dw_state.lock SET expires = now()"); // time passes: the lease of the run that was cut off is over
  }
  expect(cuts).toBeGreaterThan(0);
  proxy.cutAfter(() => Number.POSITIVE_INFINITY);
  await proveWhole(cwd, MIGRATIONS);
});

test.runIf(server)("a right that is missing names the statement, with exit 5; once it is granted the next run goes on", async () => {
  const cwd = await begun();
  await pg.query("ALTER TABLE shop.growing OWNER TO postgres");
  const refused = await dw(up, { cwd });
  expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining("DW-PERMISSION") });
  expect(refused.stderr).toContain("ALTER TABLE");
  expect(await statusOf(cwd)).toMatch(/step_2\s+interrupted/);
  await pg.query("ALTER TABLE shop.growing OWNER TO migrator");
  await proveWhole(cwd, MIGRATIONS);
});

test.runIf(server)("a full disk is said to be one, and once there is room the next run goes on", async () => {
  const cwd = await begun();
  await pg.query(
    `CREATE FUNCTION public.full() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
       RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file: No space left on device'; END $$`,
  );
  await pg.query("CREATE EVENT TRIGGER full_disk ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.full()");
  const refused = await dw(up, { cwd });
  await pg.query("DROP FUNCTION public.full() CASCADE");
  expect(refused.stderr).toContain("DW-DISK-FULL");
  expect([3, 5]).toContain(refused.code);
  expect(await statusOf(cwd)).toMatch(/step_2\s+interrupted/);
  await proveWhole(cwd, MIGRATIONS);
});

test.runIf(server)("a lock whose holder is dead is named, with exit 4, and taken over once its lease has ended", async () => {
  const cwd = await begun();
  await pg.query("UPDATE dw_state.lock SET owner = 'ann on host-1, process 42', expires = now() + interval '1 hour'");
  expect(await dw(["migrate", "--env", "test"], { cwd })).toMatchObject({
    code: 4,
    stderr: expect.stringContaining("ann on host-1, process 42"),
  });
  await pg.query("UPDATE dw_state.lock SET expires = now()");
  expect(await dw(["migrate", "--env", "test"], { cwd })).toMatchObject({ code: 0 });
  await proveWhole(cwd, MIGRATIONS);
});
