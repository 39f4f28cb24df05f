import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { openPg } from "../../src/connections/pg.js";
import { openPglite } from "../../src/connections/pglite.js";
import { isDwError } from "../../src/core/errors.js";
import type { Pg } from "../../src/core/session.js";
import { dw } from "../cli/run-dw.js";
import { startPostgres, startTimescale } from "../live/postgres.js";
import { dw as bin, killedAfter, randomFrom, seed } from "./harness.js";

/*
 * Rebuilds whose process is really killed, at random instants: in the copy, between its slices, in the swap, behind it. On servers
 * somebody writes all the while, past the swap too; whatever was answered to that writer must be there in the end.
 */

const KILLS = Number(process.env.FAULT_KILLS ?? 2);
const ROWS = 20_000;
const folders: string[] = [];
const server = await startPostgres();
const timescale = await startTimescale();
afterAll(async () => {
  await server?.stop();
  await timescale?.stop();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

const COLUMNS = (value: string): string =>
  `columns: { id: t.bigint("natural key"), at: t.instant("when"), value: t.${value}("measured").nullable() }, key: ["id", "at"]`;

type Files = Readonly<Record<string, string>>;

/** A type changes under a columnstore, policies and a continuous aggregate. */
const hypertable = (value: string): Files => ({
  "models/shop/dws/p.ts": `import { defineTable, t } from "dwright";
export const p = defineTable("p", { layer: "dws", grain: "one row per id and hour", ${COLUMNS(value)},
  on: { timescale: { timeColumn: "at", chunkInterval: "7 days", columnstore: { segmentBy: ["id"], after: "7 days" }, retention: "90 years" } },
});
export default p;
`,
  "models/shop/dws/h.ts": `import { defineMaterializedView, sql, t } from "dwright";
import { p } from "./p.js";
export default defineMaterializedView("h", { layer: "dws", grain: "one row per id and day",
  columns: { bucket: t.instant("start"), id: t.bigint("id"), mean: t.double("mean").nullable() },
  query: { timescale: sql.timescale\`SELECT time_bucket(INTERVAL '1 day', at) AS bucket, id, avg(value) AS mean FROM \${p} GROUP BY 1, 2\` },
  on: { timescale: { refresh: { startOffset: "3 days", endOffset: "1 hour", every: "1 hour" } } },
});
`,
});

/** A table becomes another one's partitions, with a view over it and rows that refer to it. */
const partitioned = (by: string): Files => ({
  "models/shop/dws/p.ts": `import { defineTable, t } from "dwright";
export const p = defineTable("p", { layer: "dws", grain: "one row per id and hour", ${COLUMNS("double")},
  on: { postgres: { ${by} } },
});
export default p;
`,
  "models/shop/dws/v.ts": `import { defineView, sql, t } from "dwright";
import { p } from "./p.js";
export default defineView("v", { layer: "dws", columns: { id: t.bigint("id") },
  query: { postgres: sql.postgres\`SELECT id FROM \${p}\` }, on: { postgres: {} },
});
`,
});

/** A project with two migrations, the second one a rebuild, everything approved. */
async function history(environment: object, states: readonly Files[]): Promise<string> {
  const config = `import { defineConfig } from "dwright";\nexport default defineConfig({ environments: { test: ${JSON.stringify(environment)} } });\n`;
  const cwd = await mkdtemp(join(tmpdir(), "dw-faults-rebuild-"));
  folders.push(cwd);
  await writeFile(join(cwd, "dw.config.ts"), config);
  const approvals = new Set<string>();
  for (const [index, files] of states.entries()) {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(cwd, path)), { recursive: true });
      await writeFile(join(cwd, path), text);
    }
    const made = await dw(["migrate", "new", `step ${index}`, "--json"], { cwd });
    for (const { line } of JSON.parse(made.stdout).hazards) approvals.add(line);
  }
  expect([...approvals].join()).toContain("rewrites-table@rebuild-object.public.p");
  await writeFile(join(cwd, "migrations/shop/intent.yaml"), `approvals:\n${[...approvals].map((line) => `  - ${line}\n`).join("")}`);
  return cwd;
}

const up = ["migrate", "--env", "test", "--lock-timeout", "2min"];
const SEED = `INSERT INTO p (id, at, value) SELECT n % 100, timestamptz '2024-01-01' + n * interval '1 minute', n / 8.0 FROM generate_series(1, ${ROWS}) n`;

async function ended(cwd: string, args: readonly string[]): Promise<void> {
  const run = await dw(args, { cwd });
  expect(`${run.code} ${run.stderr.match(/DW-[\s\S]*/)?.[0] ?? ""}`).toBe("0 ");
}

interface Target {
  readonly cwd: string;
  /** The first migration is applied, and its table filled. */
  readonly begin: () => Promise<void>;
  /** Throws when a row is missing, or there twice. */
  readonly count: () => Promise<void>;
}

/** One more run ends well, the next has nothing to do, everything is as the migrations say, and every row is there. */
async function proveWhole({ cwd, count }: Target): Promise<void> {
  await ended(cwd, up);
  expect(JSON.parse((await dw([...up, "--json"], { cwd })).stdout)).toMatchObject({ steps: [], alreadyApplied: 2 });
  expect(await dw(["migrate", "verify", "--env", "test"], { cwd })).toMatchObject({ code: 0, stdout: expect.stringContaining("no drift") });
  await count();
}

async function killed(target: Target): Promise<void> {
  const instant = randomFrom(seed());
  await target.begin();
  const began = Date.now();
  await ended(target.cwd, up);
  const whole = (Date.now() - began) * 1.1;
  await proveWhole(target);
  await target.begin();
  let finished = 0;
  for (let kills = 0; kills < KILLS; ) {
    // The first third of a run is Node's and the project's own beginning.
    const run = await killedAfter((0.3 + 0.7 * instant()) * whole, [bin, ...up, "--cwd", target.cwd]);
    if (run.signal === "SIGKILL") kills++;
    else expect(`${run.code} ${run.stderr.match(/DW-[\s\S]*/)?.[0] ?? ""}`).toBe("0 ");
    if (run.signal === "SIGKILL" && instant() < 0.7) continue;
    await proveWhole(target);
    await target.begin();
    finished++;
  }
  await proveWhole(target);
  process.stderr.write(`${KILLS} kills inside rebuilds; ${finished + 2} were finished and proved\n`);
}

/** Writes one row after the other, whatever happens to the table, and knows which were answered. */
function writing(pg: Pg): { readonly stop: () => Promise<number> } {
  let goes = true;
  let answered = 0;
  const work = (async (): Promise<void> => {
    for (let n = 0; goes; n++) {
      const written = await pg
        .query(`INSERT INTO p (id, at, value) VALUES (${1_000_000 + n}, timestamptz '2025-01-01' + ${n} * interval '1 second', 1)`)
        .then(
          () => 1,
          () => 0,
        );
      answered += written;
      await sleep(5);
    }
  })();
  return {
    stop: async () => {
      goes = false;
      await work;
      return answered;
    },
  };
}

/** The server goes on with what a killed process had asked for, and with its own jobs: a DROP may meet them. */
async function patiently(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await work();
      return;
    } catch (error) {
      if (tries === 5 || !(isDwError(error) && /deadlock detected/.test(error.why))) throw error;
    }
  }
}

async function onServer(
  connection: Parameters<typeof openPg>[0],
  slot: string,
  states: readonly Files[],
  prepare: string[],
): Promise<void> {
  const pg = await openPg(connection, undefined);
  const cwd = await history({ slots: { [slot]: "pg" }, state: "pg", connections: { pg: connection } }, states);
  let writer: ReturnType<typeof writing> | undefined;
  const begin = async (): Promise<void> => {
    await writer?.stop();
    for (const text of prepare) await patiently(() => pg.query(text));
    for (const { name } of await pg.query<{ name: string }>(
      "SELECT quote_ident(nspname) AS name FROM pg_namespace WHERE nspname ~ '_dw_(shadow|held)$' OR nspname = 'dw_state'",
    )) {
      await pg.query(`DROP SCHEMA ${name} CASCADE`);
    }
    await ended(cwd, [...up, "--to", "step_0"]);
    await pg.query(SEED);
    writer = writing(pg);
  };
  const count = async (): Promise<void> => {
    const answered = (await writer?.stop()) ?? 0;
    const [row] = await pg.query<{ seeded: string; written: string }>(
      "SELECT count(*) FILTER (WHERE id < 1000000) AS seeded, count(*) FILTER (WHERE id >= 1000000) AS written FROM p",
    );
    expect(row).toEqual({ seeded: String(ROWS), written: expect.any(String) });
    expect(Number(row?.written)).toBeGreaterThanOrEqual(answered);
    expect(answered).toBeGreaterThan(0);
    writer = writing(pg);
  };
  await killed({ cwd, begin, count });
  await writer?.stop();
  await pg.close();
}

test.runIf(server)("killed inside a rebuild on PostgreSQL, with a writer beside it: every row is there, the writer's too", async () => {
  if (server === undefined) return;
  const states = [partitioned(""), partitioned('partitionBy: { by: "hash", columns: ["id"], modulus: 4 }')];
  await onServer(server.connection, "postgres", states, ["DROP TABLE IF EXISTS p CASCADE"]);
});

test.runIf(timescale)("killed inside a rebuild on TimescaleDB, with a writer beside it: every row is there, the writer's too", async () => {
  if (timescale === undefined) return;
  const states = [hypertable("double"), hypertable("float")];
  await onServer(timescale.connection, "timescale", states, [
    "CREATE EXTENSION IF NOT EXISTS timescaledb",
    "DROP MATERIALIZED VIEW IF EXISTS h",
    "DROP TABLE IF EXISTS p CASCADE",
  ]);
});

// An embedded database is opened anew by each process, which takes longest: only where a number of kills is asked for.
test.runIf(process.env.FAULT_KILLS)("killed inside a rebuild on embedded TimescaleDB: every row is there", async () => {
  const cwd = await history({ embedded: ".dw/test" }, [hypertable("double"), hypertable("float")]);
  const [place, kept] = [join(cwd, ".dw/test"), join(cwd, ".dw/kept")];
  await ended(cwd, [...up, "--to", "step_0"]);
  const rows = async (text: string): Promise<readonly Record<string, unknown>[]> => {
    const pg = await openPglite(join(place, "pglite"));
    try {
      return await pg.query(text);
    } finally {
      await pg.close();
    }
  };
  await rows(SEED);
  await cp(place, kept, { recursive: true });
  const begin = async (): Promise<void> => {
    await rm(place, { recursive: true, force: true });
    await cp(kept, place, { recursive: true });
  };
  const count = async (): Promise<void> => expect(await rows("SELECT count(*)::int AS n FROM p")).toEqual([{ n: ROWS }]);
  await killed({ cwd, begin, count });
});
