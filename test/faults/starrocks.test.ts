import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { dw } from "../cli/run-dw.js";
import { type FakeServer, startFakeStarrocks } from "../live/starrocks-fake/server.js";
import { dw as bin, killedAfter, randomFrom, seed } from "./harness.js";

/*
 * The processes are real and really killed; the front end is the fake, which holds the state store too. Rows are there before
 * the second migration, and must be there after the last one, however often a run died on the way.
 */

let server: FakeServer;
let cwd: string;
const ROOT = { id: 0, database: undefined };
const KILLS = Number(process.env.FAULT_KILLS ?? 12);

beforeAll(async () => {
  server = await startFakeStarrocks();
  cwd = await history();
}, 120_000);
afterAll(async () => {
  await server?.stop();
  await rm(cwd, { recursive: true, force: true });
});
beforeEach(() => {
  server.fake.reset();
  server.fake.misbehaviours.length = 0;
});

/** Columns come together, one is widened and a bloom filter set, the table is built anew, partitioned, with a view over it. */
const STATES = [
  ["value: t.int('measured').nullable()", "table: 'duplicate'"],
  ["value: t.bigint('measured').nullable(), unit: t.varchar(5, 'SI').nullable()", "table: 'duplicate', bloomFilter: ['id']"],
  [
    "value: t.bigint('measured').nullable(), unit: t.varchar(5, 'SI').nullable()",
    "table: 'duplicate', compression: 'zstd', partitionBy: month('at')",
  ],
  ["value: t.bigint('measured').nullable(), unit: t.varchar(9, 'SI').nullable()", "table: 'primary', compression: 'zstd'"],
] as const;

function models([columns, options]: (typeof STATES)[number]): Record<string, string> {
  return {
    "models/shop/dws/readings.ts": `import { defineTable, hash, month, t } from "dwright";
export const readings = defineTable("readings", {
  layer: "dws", grain: "one row per id and instant",
  columns: { id: t.bigint("natural key"), at: t.datetime("when, UTC"), ${columns} },
  key: ["id", "at"],
  on: { starrocks: { ${options}, distributeBy: hash(["id"], 4), replication: 1 } },
});
export default readings;
void month;
`,
    "models/shop/dws/counts.ts": `import { defineMaterializedView, hash, sql, t } from "dwright";
import { readings } from "./readings.js";
export default defineMaterializedView("counts", {
  layer: "dws", grain: "one row per id", columns: { id: t.bigint("natural key") },
  query: { starrocks: sql.starrocks\`SELECT id FROM \${readings}\` },
  on: { starrocks: { refresh: { every: "1 HOUR" }, distributeBy: hash(["id"], 2), replication: 1 } },
});
`,
  };
}

/** A project with a migration for each state, none applied, everything approved. */
async function history(): Promise<string> {
  const connection = { kind: "starrocks", host: "127.0.0.1", port: server.port, user: "root" };
  const environment = { slots: { starrocks: "sr" }, state: "sr", connections: { sr: connection } };
  const config = `import { defineConfig } from "dwright";\nexport default defineConfig({ environments: { test: ${JSON.stringify(environment)} } });\n`;
  const folder = await mkdtemp(join(tmpdir(), "dw-faults-starrocks-"));
  await writeFile(join(folder, "dw.config.ts"), config);
  const approvals = new Set<string>();
  for (const [index, state] of STATES.entries()) {
    for (const [path, text] of Object.entries(models(state))) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const made = await dw(["migrate", "new", `step ${index}`, "--json"], { cwd: folder });
    for (const { line } of JSON.parse(made.stdout).hazards) approvals.add(line);
  }
  await writeFile(join(folder, "migrations/shop/intent.yaml"), `approvals:\n${[...approvals].map((line) => `  - ${line}\n`).join("")}`);
  return folder;
}

const up = ["migrate", "--env", "test", "--lock-timeout", "2min"];
const ROWS = Array.from({ length: 30 }, (_, id) => `(${id}, '2024-0${(id % 3) + 1}-05 00:00:00', ${id * 10})`);

/** The first migration is applied and its table filled. */
async function begun(): Promise<void> {
  server.fake.reset();
  const first = await dw([...up, "--to", "step_0"], { cwd });
  expect(`${first.code} ${first.stderr.match(/DW-[\s\S]*/)?.[0] ?? ""}`).toBe("0 ");
  await server.fake.run(`INSERT INTO shop.readings (id, at, value) VALUES ${ROWS.join(", ")}`.replace(" at,", " `at`,"), ROOT);
}

/** Time passes: the lease of a run that is dead is over. */
async function leasesEnd(): Promise<void> {
  const relations = server.fake.databases.get("dw_state") ?? new Map();
  for (const [name, relation] of relations) {
    if (!name.startsWith("dw_lock_") || relation.kind !== "table") continue;
    relations.set(name, {
      ...relation,
      body: { ...relation.body, comment: JSON.stringify({ owner: "dead", since: "2000-01-01 00:00:00" }) },
    });
    await server.fake.run(`UPDATE dw_state.${name} SET expires = '2000-01-01 00:00:00'`, ROOT);
  }
}

/** One more run ends well, the next has nothing to do, everything is as the migrations say, and every row is there once. */
async function proveWhole(): Promise<void> {
  await leasesEnd();
  const last = await dw(up, { cwd });
  expect(`${last.code} ${last.stderr.match(/DW-[\s\S]*/)?.[0] ?? ""}`).toBe("0 ");
  expect(JSON.parse((await dw([...up, "--json"], { cwd })).stdout)).toMatchObject({ steps: [], alreadyApplied: STATES.length });
  expect(await dw(["migrate", "verify", "--env", "test"], { cwd })).toMatchObject({ code: 0, stdout: expect.stringContaining("no drift") });
  const [row] =
    (await server.fake.run("SELECT count(*) AS n, count(DISTINCT id) AS ids, sum(value) AS total FROM shop.readings", ROOT)) ?? [];
  expect(row).toEqual({ n: "30", ids: "30", total: "4350" });
}

test("killed at random instants, migrations of StarRocks end where one run would have, with every row", async () => {
  const instant = randomFrom(seed());
  await begun();
  const began = Date.now();
  await proveWhole();
  const whole = (Date.now() - began) / 3;
  await begun();
  let finished = 0;
  for (let kills = 0; kills < KILLS; ) {
    const run = await killedAfter(instant() * whole, [bin, ...up, "--cwd", cwd]);
    await leasesEnd();
    if (run.signal === "SIGKILL") kills++;
    else {
      expect(`${run.code} ${run.stderr.match(/DW-[\s\S]*/)?.[0] ?? ""}`).toBe("0 ");
      await proveWhole();
      await begun();
      finished++;
    }
  }
  await proveWhole();
  process.stderr.write(`${KILLS} kills; ${finished} targets were finished in between\n`);
});

test("of eight runs at once one works, and the others wait or exit 4", async () => {
  await begun();
  const impatient = Array.from({ length: 4 }, () => dw(["migrate", "--env", "test", "--json"], { cwd }));
  const patient = Array.from({ length: 4 }, () => dw([...up, "--json"], { cwd }));
  const [first, second] = [await Promise.all(impatient), await Promise.all(patient)];
  expect(first.filter(({ code }) => code !== 0 && code !== 4).map(({ stdout, stderr }) => [stdout, stderr])).toEqual([]);
  expect(second.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  const worked = [...first, ...second].filter(({ code, stdout }) => code === 0 && JSON.parse(stdout).steps.length > 0);
  expect(worked).toHaveLength(1);
  await proveWhole();
});

const TROUBLES = [
  { does: "refuse", at: /^INSERT INTO .*WITH LABEL/, code: 1064, message: "No space left on device", letter: "DW-ENGINE-REFUSED" },
  { does: "refuse", at: /SWAP WITH/, code: 5203, message: "Access denied; you need ALTER", letter: "DW-PERMISSION" },
  { does: "cancel-job", at: /MODIFY COLUMN/, message: "disk is full", letter: "DW-ENGINE-REFUSED" },
  { does: "lose-connection", at: /^INSERT INTO .*WITH LABEL/, letter: "DW-CONNECT" },
  { does: "lose-connection", at: /SWAP WITH/, letter: "DW-CONNECT" },
  { does: "lose-statement", at: /MODIFY COLUMN/, letter: "DW-CONNECT" },
] as const;

test.each(TROUBLES)("$does at $at: a clear state, and the next run goes on", async ({ letter, ...trouble }) => {
  await begun();
  server.fake.misbehaviours.push(trouble);
  const run = await dw(up, { cwd });
  expect(run.stderr).toContain(letter);
  const status = await dw(["migrate", "status", "--env", "test"], { cwd });
  expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining("interrupted") });
  await proveWhole();
});
