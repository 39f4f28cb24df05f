import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { make } from "../../src/app/migrate/run.js";
import { openProject } from "../../src/app/project.js";
import { Redactor } from "../../src/core/redactor.js";
import { dw } from "../cli/run-dw.js";
import { projectFolder } from "../unit/model/project-folder.js";
import { dw as bin, killedAfter, randomFrom, seed } from "./harness.js";

/* Migrations that are killed again and again, and proved in the end. */

const KILLS = Number(process.env.FAULT_KILLS ?? 25);
const MIGRATIONS = 8;

/** The n-th state of the models: one more column in one table, and one more table. What changes is a file of its own each time. */
function models(n: number, on: string): Record<string, string> {
  const columns = Array.from({ length: n }, (_, index) => `c${index}: t.text("column ${index}").nullable()`).join(", ");
  const table = (name: string, more: string): string => `import { defineTable, hash, t } from "dwright";
export default defineTable("${name}", {
  layer: "dws", grain: "one row", columns: { id: t.bigint("id"), ${more} }, key: ["id"], on: { ${on} },
});
`;
  return { [`models/shop/dws/growing_${n}.ts`]: table("growing", columns), [`models/shop/dws/t${n}.ts`]: table(`t${n}`, "") };
}

/** The one table of those that gets a column each time. */
export function widening(n: number, on: string): Record<string, string> {
  return Object.fromEntries(Object.entries(models(n, on)).filter(([path]) => isOfState(path, n)));
}

/** A process reads a module once: the next state of a model is another file, and this one goes. */
const isOfState = (path: string, n: number): boolean => path.endsWith(`_${n}.ts`);

/** A project with a history of several migrations, none applied. `at(n)` are the files of the n-th state of the models. */
export async function history(
  environment: object,
  at: string | ((n: number) => Record<string, string>),
  count = MIGRATIONS,
): Promise<string> {
  const files = typeof at === "string" ? (n: number) => models(n, at) : at;
  const config = `import { defineConfig } from "dwright";\nexport default defineConfig({ environments: { test: ${JSON.stringify(environment)} } });\n`;
  const cwd = await projectFolder({ "dw.config.ts": config });
  for (let n = 1; n <= count; n++) {
    const before = n === 1 ? [] : Object.keys(files(n - 1)).filter((path) => isOfState(path, n - 1));
    for (const path of before) await rm(join(cwd, path));
    for (const [path, text] of Object.entries(files(n))) {
      await mkdir(dirname(join(cwd, path)), { recursive: true });
      await writeFile(join(cwd, path), text);
    }
    const project = await openProject({ cwd, redactor: new Redactor(), variables: {} }); // a project that has loaded its models keeps them
    await make({ project, warehouse: undefined, now: Date.now() }, `step ${n}`);
    await project.close();
  }
  return cwd;
}

export const up = ["migrate", "--env", "test", "--lock-timeout", "2min"];

/** Kills runs until enough were, with a fresh target whenever one had finished, and proves each target in the end. */
export async function killed(cwd: string, fresh: () => Promise<void>, kills = KILLS): Promise<void> {
  const instant = randomFrom(seed());
  await fresh();
  const began = Date.now();
  await proveWhole(cwd);
  const whole = (Date.now() - began) / 2;
  await fresh();
  let finished = 0;
  for (let left = kills; left > 0; ) {
    const run = await killedAfter(instant() * whole, [bin, ...up, "--cwd", cwd]);
    if (run.signal === "SIGKILL") left--;
    else {
      expect(`${run.code} ${run.stderr.match(/DW-[A-Z-]+/)?.[0] ?? ""}`).toBe("0 ");
      await proveWhole(cwd);
      await fresh();
      finished++;
    }
  }
  await proveWhole(cwd);
  process.stderr.write(`${kills} kills; ${finished} targets were finished in between\n`);
}

/** One more run ends well, the next has nothing to do, and everything is as the migrations say. */
export async function proveWhole(cwd: string, count = MIGRATIONS): Promise<void> {
  const last = await dw(up, { cwd });
  expect(`${last.code} ${last.stderr.match(/DW-[\s\S]*/)?.[0] ?? ""}`).toBe("0 ");
  const again = JSON.parse((await dw([...up, "--json"], { cwd })).stdout);
  expect(again).toMatchObject({ steps: [], alreadyApplied: count });
  expect(await dw(["migrate", "verify", "--env", "test"], { cwd })).toMatchObject({ code: 0, stdout: expect.stringContaining("no drift") });
}
