import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPg } from "../../src/connections/pg.js";
import { startPostgres } from "../live/postgres.js";
import { type Ended, killedAfter, type LoadJob, loadWorker, openProxy, randomFrom, seed, start } from "./harness.js";

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));
const server = await startPostgres();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-faults-"));
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Fifty over the three targets; a night run asks for more. */
const KILLS = Number(process.env.FAULT_KILLS ?? 17);

type Where = Pick<LoadJob, "target" | "path" | "connection">;

const places: readonly (readonly [string, () => Where | undefined, LoadJob["format"], string])[] = [
  ["embedded TimescaleDB", () => ({ target: "pglite", path: join(folder, "pglite") }), "iceberg", "i02_v2_days"],
  ["a PostgreSQL server", () => server && { target: "postgres", connection: server.connection }, "paimon", "p19_large_pk"],
  ["DuckDB", () => ({ target: "duckdb", path: join(folder, "warehouse.duckdb") }), "iceberg", "i05_position_deletes"],
];

const job = (where: Where, format: LoadJob["format"], fixture: string, table: string): string[] => [
  loadWorker,
  JSON.stringify({
    ...where,
    format,
    fixture: join(fixtures, format, fixture, "table"),
    table,
    parts: 20,
    scratch: join(folder, "scratch"),
  } satisfies LoadJob),
];

const expectedRows = async (format: string, fixture: string): Promise<string> =>
  String((JSON.parse(await readFile(join(fixtures, format, fixture, "expected.json"), "utf8")) as { rows: number }).rows);

function expectEqual(ended: Ended, rows: string): void {
  expect(`${ended.code} ${ended.signal} ${ended.stderr}`).toBe("0 null ");
  expect(JSON.parse(ended.stdout)).toMatchObject({ verdict: "equal", findings: [], rows: { source: rows, target: rows, before: "0" } });
}

test.each(places)("killed at random instants and run again, %s has every row once", async (_, place, format, fixture) => {
  const where = place();
  if (where === undefined) return;
  const rows = await expectedRows(format, fixture);
  const random = randomFrom(seed());
  const before = Date.now();
  expectEqual(await start(job(where, format, fixture, "whole")).ended, rows);
  const whole = Date.now() - before;
  let round = 0;
  let finished = 0;
  for (let kills = 0; kills < KILLS; ) {
    const ended = await killedAfter(random() * whole, job(where, format, fixture, `round_${round}`));
    if (ended.signal === "SIGKILL") kills++;
    else {
      expectEqual(ended, rows);
      finished++;
      round++;
    }
  }
  expectEqual(await start(job(where, format, fixture, `round_${round}`)).ended, rows);
  process.stderr.write(`${KILLS} kills; ${finished} runs had finished before theirs; one whole run takes ${whole} ms\n`);
});

test.runIf(server)("connections that are lost in the middle of COPY cost a retry, never a row", async () => {
  if (server === undefined) return;
  const rows = await expectedRows("paimon", "p19_large_pk");
  const random = randomFrom(seed());
  const proxy = await openProxy(server.port);
  proxy.cutAfter(() => 2_000 + random() * 60_000);
  const where: Where = { target: "postgres", connection: { ...server.connection, port: proxy.port } };
  let losses = 0;
  for (;;) {
    const ended = await start(job(where, "paimon", "p19_large_pk", "lossy")).ended;
    if (ended.code === 0) {
      expectEqual(ended, rows);
      break;
    }
    expect([3, ended.stderr]).toEqual([ended.code, ended.stderr]); // unreachable: a scheduler may run it again
    losses++;
    if (losses > 20) proxy.cutAfter(() => Number.POSITIVE_INFINITY);
  }
  await proxy.close();
  const pg = await openPg(server.connection, undefined);
  const [row] = await pg.query("SELECT count(*) AS n, count(DISTINCT t::text) AS d FROM lossy t");
  await pg.close();
  expect(row).toMatchObject({ n: rows });
});
