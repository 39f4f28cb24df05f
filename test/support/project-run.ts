import { onTestFinished } from "vitest";
import { type BackfillCall, type BackfillReport, backfill, type RunFlags } from "../../src/app/backfills/run.js";
import { openProject } from "../../src/app/project.js";
import { Redactor } from "../../src/core/redactor.js";
import type { EngineName } from "../../src/core/types.js";
import { projectFolder } from "../unit/model/project-folder.js";

export interface ProjectRun {
  readonly root: string;
  /** What was said and warned so far. */
  readonly said: string[];
  readonly call: (...names: string[]) => BackfillCall;
  readonly backfill: (name: string, flags?: RunFlags) => Promise<BackfillReport>;
  /** SQL in a slot of the embedded environment: rows as the driver gives them. */
  readonly sql: (slot: EngineName, text: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** A project with embedded engines, whose use cases run in this process; tables are made with `sql`. */
export async function projectRun(files: Readonly<Record<string, string>>): Promise<ProjectRun> {
  const root = await projectFolder(files);
  const opened = await openProject({ cwd: root, redactor: new Redactor(), variables: {} });
  onTestFinished(() => opened.close());
  const environment = opened.environment("local");
  // One command is one process with one set of databases; here several commands share it.
  const connections = opened.connect(environment);
  const project = { ...opened, connect: () => connections };
  const said: string[] = [];
  const hear = (line: string): void => void said.push(line);
  const call = (...names: string[]): BackfillCall => ({
    project,
    environment,
    names,
    signal: new AbortController().signal,
    conversation: { say: hear, warn: hear, debug: () => {}, progress: () => {} },
    now: () => Date.UTC(2026, 0, 1),
  });
  return {
    root,
    said,
    call,
    backfill: async (name, flags = {}) => {
      const [report] = await backfill(call(name), flags);
      if (report === undefined) throw new Error(`${name} gave no report`);
      return report;
    },
    sql: async (slot, text) => {
      const open = await connections.slot(slot);
      if (open.kind === "pg") return open.pg.query(text);
      if (open.kind !== "duckdb") throw new Error(`${slot} is ${open.kind}`);
      const db = await open.duckdb.session();
      try {
        return await db.rows(text);
      } finally {
        await db.close();
      }
    },
  };
}
