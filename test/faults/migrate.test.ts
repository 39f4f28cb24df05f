import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { make } from "../../src/app/migrate/run.js";
import { openProject } from "../../src/app/project.js";
import { openPg } from "../../src/connections/pg.js";
import { Redactor } from "../../src/core/redactor.js";
import { dw } from "../cli/run-dw.js";
import { startPostgres } from "../live/postgres.js";
import { projectFolder } from "../unit/model/project-folder.js";
import { dw as bin, killedAfter, randomFrom, seed } from "./harness.js";

const server = await startPostgres();
afterAll(() => server?.stop());

const KILLS = Number(process.env.FAULT_KILLS ?? 25);
const MIGRATIONS = 8;

/** The n-th state of the models: one more column in one table, and one more table. */
function models(n: number, on: string): Record<string, string> {
  const columns = Array.from({ length: n }, (_, index) => `c${index}: t.text("column ${index}").nullable()`).join(", ");
  const table = (name: string, more: string): string => `import { defineTable, hash, t } from "dwright";
export default defineTable("${name}", {
  layer: "dws", grain: "one row", columns: { id: t.bigint("id"), ${more} }, key: ["id"], on: { ${on} },
});
`;
  return { "models/shop/dws/growing.ts": table("growing", columns), [`models/shop/dws/t${n}.ts`]: table(`t${n}`, "") };
}

/** A project with a history of several migrations, none applied. */
async function history(environment: object, on: string): Promise<string> {
  const config = `import { defineConfig } from "dwright";\nexport default defineConfig({ environments: { test: ${JSON.stringify(environment)} } });\n`;
  const cwd = await projectFolder({ "dw.config.ts": config });
  for (let n = 1; n <= MIGRATIONS; n++) {
    for (const [path, text] of Object.entries(models(n, on))) {
      await mkdir(dirname(join(cwd, path)), { recursive: true });
      await writeFile(join(cwd, path), text);
    }
    const project = await openProject({ cwd, redactor: new Redactor(), variables: {} }); // a project that has loaded its models keeps them
    await make({ project, warehouse: undefined, now: Date.now() }, `step ${n}`);
    await project.close();
  }
  return cwd;
}

const up = ["migrate", "--env", "test", "--lock-timeout", "2min"];

/** Kills runs until enough were, with a fresh target whenever one had finished, and proves each target in the end. */
async function killed(cwd: string, fresh: () => Promise<void>): Promise<void> {
  const instant = randomFrom(seed());
  await fresh();
  const began = Date.now();
  await proveWhole(cwd);
  const whole = (Date.now() - began) / 2;
  await fresh();
  let finished = 0;
  for (let kills = 0; kills < KILLS; ) {
    const run = await killedAfter(instant() * whole, [bin, ...up, "--cwd", cwd]);
    if (run.signal === "SIGKILL") kills++;
    else {
      expect(`${run.code} ${run.stderr.match(/DW-[A-Z-]+/)?.[0] ?? ""}`).toBe("0 ");
      await proveWhole(cwd);
      await fresh();
      finished++;
    }
  }
  await proveWhole(cwd);
  process.stderr.write(`${KILLS} kills; ${finished} targets were finished in between\n`);
}

/** One more run ends well, the next has nothing to do, and everything is as the migrations say. */
async function proveWhole(cwd: string): Promise<void> {
  const last = await dw(up, { cwd });
  expect(`${last.code} ${last.stderr.match(/DW-[\s\S]*/)?.[0] ?? ""}`).toBe("0 ");
  const again = JSON.parse((await dw([...up, "--json"], { cwd })).stdout);
  expect(again).toMatchObject({ steps: [], alreadyApplied: MIGRATIONS });
  expect(await dw(["migrate", "verify", "--env", "test"], { cwd })).toMatchObject({ code: 0, stdout: expect.stringContaining("no drift") });
}

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
