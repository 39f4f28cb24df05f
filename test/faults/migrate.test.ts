import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openPg } from "../../src/connections/pg.js";
import { dw } from "../cli/run-dw.js";
import { startPostgres } from "../live/postgres.js";
import { history, killed, proveWhole, up } from "./migrations.js";

const server = await startPostgres();
afterAll(() => server?.stop());

test("killed at random instants, an embedded environment of two engines ends where one run would have", async () => {
  const cwd = await history(
    { embedded: ".dw/test" },
    'postgres: { schema: "shop" }, starrocks: { database: "shop", table: "primary", distributeBy: hash(["id"], 4) }',
  );
  await killed(cwd, () => rm(join(cwd, ".dw/test"), { recursive: true, force: true }));
});

test.runIf(server)("killed at random instants, a PostgreSQL server ends where one run would have", async () => {
  const cwd = await history(
    { slots: { postgres: "pg" }, state: "pg", connections: { pg: server?.connection } },
    'postgres: { schema: "shop" }',
  );
  await killed(cwd, emptied);
});

async function emptied(): Promise<void> {
  if (server === undefined) return;
  const pg = await openPg(server.connection, undefined);
  for (const schema of ["shop", "dw_state"]) await pg.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await pg.close();
}

test.runIf(server)("of eight runs at once one works, and the others wait or exit 4", async () => {
  const cwd = await history(
    { slots: { postgres: "pg" }, state: "pg", connections: { pg: server?.connection } },
    'postgres: { schema: "eight" }',
  );
  await emptied(); // the journal of the test before knows other migrations of this environment
  const impatient = Array.from({ length: 4 }, () => dw(["migrate", "--env", "test", "--json"], { cwd }));
  const patient = Array.from({ length: 4 }, () => dw([...up, "--json"], { cwd }));
  const [first, second] = [await Promise.all(impatient), await Promise.all(patient)];
  expect(first.filter(({ code }) => code !== 0 && code !== 4)).toEqual([]);
  expect(second.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  const worked = [...first, ...second].filter(({ code, stdout }) => code === 0 && JSON.parse(stdout).steps.length > 0);
  expect(worked).toHaveLength(1);
  await proveWhole(cwd);
});
