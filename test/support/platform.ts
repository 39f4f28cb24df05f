import { cp } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { type CheckReport, check } from "../../src/app/check/check.js";
import type { CheckOutcome } from "../../src/app/check/run.js";
import { make, up } from "../../src/app/migrate/run.js";
import { openProject } from "../../src/app/project.js";
import { Redactor } from "../../src/core/redactor.js";
import type { EngineName } from "../../src/core/types.js";
import { projectFolder } from "../unit/model/project-folder.js";

/*
 * A reference warehouse of models/ in an environment of its own: its tables are made by `dw migrate`, rows are planted with SQL,
 * and its own checks are run as `dw check` runs them.
 */

export interface Platform {
  /** SQL in a slot, statement by statement. */
  readonly plant: (slot: EngineName, ...statements: readonly string[]) => Promise<void>;
  readonly rows: (slot: EngineName, query: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  readonly check: (terms?: { readonly model?: string; readonly tag?: string; readonly now?: number }) => Promise<CheckReport>;
  /** Outcomes of one model, by the checks' names. */
  readonly said: (model: string, now?: number) => Promise<Readonly<Record<string, string>>>;
}

/** Rows that break a promise, how they go again, and the outcomes that change meanwhile. */
export interface Breach {
  readonly slot: EngineName;
  readonly model: string;
  readonly plant: readonly string[];
  readonly undo: readonly string[];
  readonly finds: Readonly<Record<string, string>>;
}

/** Saturday noon in Greenwich (two in the afternoon in Paris). */
export const NOON = Date.UTC(2026, 5, 6, 12);

export async function platform(warehouse: string, connections = ""): Promise<Platform> {
  const config = `import { defineConfig } from "dwright";
export default defineConfig({ environments: { local: { embedded: ".dw/local"${connections} } } });
`;
  const root = await projectFolder({ "dw.config.ts": config });
  await cp(join(import.meta.dirname, "../../models", warehouse), join(root, "models", warehouse), { recursive: true });
  const opened = await openProject({ cwd: root, redactor: new Redactor(), variables: {} });
  onTestFinished(() => opened.close());
  const environment = opened.environment("local");
  const open = opened.connect(environment);
  const project = { ...opened, connect: () => open };
  const { signal } = new AbortController();
  await make({ project, warehouse, now: NOON }, "first");
  await up(
    { project, warehouse, now: NOON, environment, signal, say: () => undefined },
    { to: undefined, dryRun: false, approve: [], lockTimeout: undefined },
  );
  const run: Platform["check"] = ({ now = NOON, ...selection } = {}) =>
    check(project, open, { environment: "local", signal, now, warehouse, ...selection });
  return {
    check: run,
    said: async (model, now = NOON) => Object.fromEntries((await run({ model, now })).outcomes.map(saidOf)),
    rows: async (slot, query) => {
      const there = await open.slot(slot);
      if (there.kind !== "pg") throw new Error(`${slot} is ${there.kind}`);
      return there.pg.query(query);
    },
    plant: async (slot, ...statements) => {
      const there = await open.slot(slot);
      for (const sql of statements) {
        if (there.kind === "pg") await there.pg.query(sql);
        else if (there.kind === "mysql") await there.mysql.query(sql);
        else if (there.kind === "duckdb") {
          const session = await there.duckdb.session();
          await session.run(sql);
          await session.close();
        } else throw new Error(`nothing is planted in ${there.kind}`);
      }
    },
  };
}

function saidOf({ check: name, outcome }: CheckOutcome): [string, string] {
  return [name, outcome];
}

/** Each breach is found by the checks that it names, and by no other of its table. */
export async function breaches(there: Platform, all: readonly Breach[]): Promise<void> {
  for (const { slot, model, plant, undo, finds } of all) {
    const before = await there.said(model);
    await there.plant(slot, ...plant);
    const after = await there.said(model);
    await there.plant(slot, ...undo);
    const changed = Object.fromEntries(Object.entries(after).filter(([name, outcome]) => before[name] !== outcome));
    expect([model, plant, changed]).toEqual([model, plant, finds]);
  }
}

/** Everything but topics, which have no broker here. */
export const notPassed = async (there: Platform) =>
  (await there.check()).outcomes
    .filter(({ outcome, slot }) => outcome !== "pass" && slot !== "kafka")
    .map(({ model, check, outcome, message }) => [model, check, outcome, message]);
