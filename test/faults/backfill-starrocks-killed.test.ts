import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SourceColumn } from "../../src/core/source.js";
import { transitType } from "../../src/core/transit.js";
import { mapType } from "../../src/engines/starrocks/types.js";
import { jsonLine } from "../../src/formats/jsonl.js";
import { openSource } from "../../src/sources/index.js";
import { type FakeServer, startFakeStarrocks } from "../live/starrocks-fake/server.js";
import type { LoadTrouble } from "../live/starrocks-fake/stream-load.js";
import { differing, microseconds } from "../support/kept-rows.js";
import { fixtures, lakeCases } from "../support/lake-cases.js";
import { type Ended, killedAfter, type LoadJob, loadWorker, randomFrom, seed, start, WORKING } from "./harness.js";

/*
 * Loads into StarRocks that are killed at random instants while it misbehaves at random, and run again: every row is there once,
 * or the run stops with DW-LOAD-UNKNOWN, which in a table that nobody else writes to it never has to. FAULT_KILLS=14 kills so
 * often for each kind of table.
 */

const KILLS = Number(process.env.FAULT_KILLS ?? 3);
const PARTS = 6;
let server: FakeServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-killed-"));
  server = await startFakeStarrocks();
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Kind {
  readonly title: string;
  readonly format: "iceberg" | "paimon";
  readonly fixture: string;
  readonly key: string;
  /** Aggregate function by column; the others of an AGGREGATE table are replaced. */
  readonly sums?: readonly string[];
  readonly large?: true;
}

const kinds: readonly Kind[] = [
  { title: "a DUPLICATE table, one request a chunk", format: "paimon", fixture: "p01_ods_append_dt_hr", key: "DUPLICATE" },
  { title: "a DUPLICATE table, in two phases", format: "iceberg", fixture: "i05_position_deletes", key: "DUPLICATE", large: true },
  { title: "a PRIMARY KEY table", format: "paimon", fixture: "p03_pk_uncompacted", key: "PRIMARY" },
  { title: "an AGGREGATE table", format: "paimon", fixture: "p03_pk_uncompacted", key: "AGGREGATE", sums: ["quantity", "amount"] },
];

async function makeTable(table: string, { key, sums }: Kind, columns: readonly SourceColumn[]): Promise<void> {
  const list = columns.map(({ name, type }, index) => {
    const aggregate = key === "AGGREGATE" && index > 0 ? (sums?.includes(name) ? "SUM" : "REPLACE") : "";
    return `\`${name}\` ${mapType(type).native} ${aggregate} ${index === 0 ? "NOT NULL" : "NULL"}`;
  });
  await server.fake.run("CREATE DATABASE IF NOT EXISTS lake", { id: 0, database: undefined });
  await server.fake.run(
    `CREATE TABLE lake.${table} (${list.join(", ")}) ${key} KEY (\`${columns[0]?.name}\`) DISTRIBUTED BY HASH (\`${columns[0]?.name}\`) BUCKETS 2 PROPERTIES ("replication_num" = "1")`,
    { id: 0, database: undefined },
  );
}

const troubles: readonly LoadTrouble[] = [
  ...(["lose-load-answer", "lose-load", "publish-timeout", "dead-node", "label-running", "too-many-versions", "forget-label"] as const).map(
    (does) => ({ does, at: /^dw_/ }),
  ),
  ...(["lose-step", "lose-step-answer", "restart-backend"] as const).map((does) => ({ does, at: /dw_/ })),
];

const argsOf = (job: LoadJob): string[] => [loadWorker, JSON.stringify(job)];

test.each(kinds)("killed while it loads into $title: every row is there once", { timeout: 900_000 }, async (kind) => {
  const { format, fixture, large } = kind;
  const source = `${format}:${join(fixtures, format, fixture, "table")}`;
  const wanted = lakeCases(format).find(({ name }) => name === fixture);
  const opened = await openSource(source, { at: {}, cwd: "/" });
  const random = randomFrom(seed());
  let [round, killed, stopped, made] = [0, 0, 0, ""];

  const job = async (): Promise<LoadJob> => {
    const table = `t${round}`;
    if (made !== table) await makeTable(table, kind, opened.columns);
    made = table;
    return {
      ...{ target: "starrocks", source, table, parts: PARTS, scratch: join(folder, "scratch"), ...(large && { large }) },
      connection: { host: "127.0.0.1", port: server.port, user: "root" },
      http: { host: "127.0.0.1", port: server.httpPort, user: "root" },
    };
  };
  const whole = async (ended: Ended): Promise<void> => {
    expect(`${ended.code} ${ended.stderr}`).toBe("0 ");
    expect(JSON.parse(ended.stdout.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({ verdict: "equal", findings: [] });
    const casts = opened.columns.map(({ name, type }) => `CAST("${name}" AS ${transitType(type)}) AS "${name}"`);
    const query = (relation: string): string => `SELECT ${jsonLine(opened.columns)} FROM (SELECT ${casts.join(", ")} FROM ${relation})`;
    const found = differing(
      await server.fake.rowsOf(["lake", `t${round}`], query),
      wanted?.expected ?? "",
      wanted?.columns ?? [],
      microseconds,
    );
    expect(found).toEqual({ rows: found.rows, extra: [], missing: [] });
    server.fake.reset();
    server.fake.misbehaviours.length = 0;
    round++;
  };
  const begun = Date.now();
  await whole(await start(argsOf(await job())).ended);
  let span = (Date.now() - begun) / 2; // about half of it is starting
  while (killed < KILLS) {
    for (let one = 0; one < 2; one++)
      server.fake.misbehaviours.push(troubles[Math.floor(random() * troubles.length)] ?? { does: "lose-load", at: /^dw_/ });
    const ended = await killedAfter(random() * span, argsOf(await job()), killed % 5 === 4 ? undefined : WORKING);
    if (ended.signal === "SIGKILL") killed++;
    else if (ended.code === 3)
      stopped++; // unreachable: a scheduler runs it again
    else {
      await whole(ended);
      span = Math.max(span * 0.7, 100);
    }
  }
  server.fake.misbehaviours.length = 0;
  await whole(await start(argsOf(await job())).ended);
  await opened.close();
  process.stderr.write(`${kind.title}: ${killed} kills, ${round} tables, ${stopped} runs stopped as unreachable\n`);
});
