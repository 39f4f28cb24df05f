import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exitClasses } from "../../src/app/check/exit.js";
import { type CheckTask, runChecks } from "../../src/app/check/run.js";
import { checkSlot } from "../../src/app/check/slot.js";
import { compileChecks } from "../../src/checks/compile.js";
import { openMysqlServer } from "../../src/connections/mysql.js";
import { openPg } from "../../src/connections/pg.js";
import type { AnyCheck } from "../../src/core/check-spec.js";
import { quoting as postgresQuoting } from "../../src/engines/postgres/dialect.js";
import { quoting as starrocksQuoting } from "../../src/engines/starrocks/dialect.js";
import { notNull, number, rowCount } from "../../src/index.js";
import { now, plant, readings, type TruthCase, type TruthEngine, truth, verdicts } from "../support/check-truth.js";
import { startMariadb } from "./mariadb.js";
import { startPostgres } from "./postgres.js";

/* The truth table on servers: the same rows and verdicts as inside the process (test/unit/checks). */

const [postgres, mariadb, binary] = await Promise.all([startPostgres(), startMariadb(), startMariadb()]);
const engines = new Map<string, TruthEngine>();
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  if (postgres) {
    const pg = await openPg(postgres.connection, undefined);
    for (const sql of plant({ DATETIME: "TIMESTAMP", INSTANT: "TIMESTAMPTZ", NAN: "'NaN'", offsets: true })) await pg.query(sql);
    engines.set("postgres", {
      name: "postgres",
      slot: checkSlot("postgres", { kind: "pg", pg, embedded: false }),
      quoting: postgresQuoting,
    });
    closers.push(pg.close, postgres.stop);
  }
  if (mariadb) {
    const mysql = await openMysqlServer("mysql", { ...mariadb, host: "127.0.0.1" });
    for (const sql of plant({ DATETIME: "DATETIME", INSTANT: "DATETIME(6)", NAN: "NULL", offsets: false })) await mysql.query(sql);
    engines.set("mysql", { name: "mysql", slot: checkSlot("mysql", { kind: "mysql", mysql, server: "mysql" }), quoting: starrocksQuoting });
    closers.push(mysql.close, mariadb.stop);
  }
  if (binary) {
    // No StarRocks runs here: its SQL is read by a server of the same family that compares texts byte by byte, as StarRocks does.
    const mysql = await openMysqlServer("mysql", { ...binary, host: "127.0.0.1" });
    for (const sql of [...likeStarrocks, ...plant({ DATETIME: "DATETIME", INSTANT: "DATETIME(6)", NAN: "NULL", offsets: false })])
      await mysql.query(sql);
    const slot = checkSlot("starrocks", { kind: "mysql", mysql, server: "starrocks" });
    const query: typeof slot.query = (sql, terms) => slot.query(inMariadbsWords(sql), terms);
    engines.set("starrocks", { name: "starrocks", slot: { ...slot, query }, quoting: starrocksQuoting });
    closers.push(mysql.close, binary.stop);
  }
});

const likeStarrocks = [
  "ALTER DATABASE w COLLATE utf8mb4_bin",
  "CREATE FUNCTION milliseconds_diff(a DATETIME(6), b DATETIME(6)) RETURNS BIGINT DETERMINISTIC RETURN TIMESTAMPDIFF(MICROSECOND, b, a) DIV 1000",
];

/** Types of CAST are called otherwise. */
function inMariadbsWords(sql: string): string {
  return sql.replaceAll(" as varchar)", " as char)").replaceAll(" as bigint)", " as signed)");
}

/** MariaDB has no aggregate of StarRocks's name. */
function needsPercentile({ spec }: TruthCase): boolean {
  return (
    (spec.check === "statistic" && spec.of === "quantile") ||
    (spec.check === "latency" && Object.keys(spec.within).some((name) => name !== "max"))
  );
}

afterAll(async () => {
  for (const close of closers) await close();
});

for (const [name, server] of [["postgres", postgres] as const, ["mysql", mariadb] as const, ["starrocks", binary] as const]) {
  describe.skipIf(server === undefined)(`on ${name}`, () => {
    for (const one of truth) {
      const { title, spec, outcome, message, model, past, not } = one;
      const apart = not?.includes(name === "starrocks" ? "mysql" : name) || (name === "starrocks" && needsPercentile(one));
      test.skipIf(apart)(`${title}: ${outcome}`, async () => {
        const engine = engines.get(name);
        const [verdict] = engine ? await verdicts(engine, [spec], model, past) : [];
        expect(verdict).toMatchObject({ outcome, message: expect.stringContaining(message) });
      });
    }
  });
}

describe.skipIf(postgres === undefined)("a server that", () => {
  const slow = "SELECT count(*) FROM pg_sleep(20)";
  const task = (name: string, ...checks: AnyCheck[]): CheckTask => {
    const engine = engines.get("postgres");
    if (!engine) throw new Error("no server");
    const { ident, literal } = engine.quoting;
    const from = ident(name);
    const table = {
      dialect: engine.slot.dialect,
      model: name,
      from,
      columns: readings.columns,
      key: [],
      now,
      table: ident,
      ident,
      literal,
    };
    return { warehouse: "w", model: { ...readings, name }, slot: engine.slot, table, checks };
  };

  test("is too slow for a check leaves only that one open, and a scheduler may try again", async () => {
    const checks = [rowCount({ min: 1 }), number(slow, { min: 0 })];
    const outcomes = await runChecks([task("readings", ...checks)], { now, signal: new AbortController().signal, timeoutMs: 700 });
    expect(outcomes.map(({ outcome, code }) => [outcome, code])).toEqual([
      ["pass", null],
      ["not-evaluated", "DW-TIMEOUT"],
    ]);
    expect(exitClasses({ outcomes, scores: [] }, { failOn: "error" })).toEqual(["unreachable"]);
  });

  test("dies in the middle leaves what it was asked not evaluated, never passed", async () => {
    const pg = postgres && (await openPg(postgres.connection, undefined));
    const running = runChecks([task("readings", number(slow, { min: 0 }))], { now, signal: new AbortController().signal });
    while (
      !(await pg?.query("SELECT 1 AS one FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()"))?.length
    );
    await pg?.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()");
    const outcomes = await running;
    expect(outcomes).toMatchObject([{ outcome: "not-evaluated", code: "DW-CONNECT" }]);
    expect(exitClasses({ outcomes, scores: [] }, { failOn: "error" })).toEqual(["unreachable"]);
    await pg?.close();
  });

  test("denies a table says so for its checks: nothing is passed, and retrying will not help", async () => {
    const pg = postgres && (await openPg(postgres.connection, undefined));
    const { ident, literal } = postgresQuoting;
    const [{ me = "" } = {}] = (await pg?.query<{ me: string }>("SELECT current_user AS me")) ?? [];
    await pg?.query("CREATE ROLE reader_of_nothing");
    await pg?.query(`GRANT reader_of_nothing TO ${ident(me)}`);
    const query: CheckTask["slot"]["query"] = async (sql) => {
      const rows = (await pg?.query(`SET ROLE ${ident("reader_of_nothing")};\n${sql}`)) ?? [];
      return { columns: Object.keys(rows[0] ?? {}), rows: rows.map((row) => Object.values(row).map(String)) };
    };
    const denied = task("readings", rowCount({ min: 1 }), notNull("id", { where: `city = ${literal("Lyon")}` }));
    const outcomes = await runChecks([{ ...denied, slot: { ...denied.slot, query } }], { now, signal: new AbortController().signal });
    expect(outcomes.map(({ outcome, code, message }) => [outcome, code, message])).toEqual([
      ["not-evaluated", "DW-PERMISSION", expect.stringContaining("permission denied for table readings")],
      ["not-evaluated", "DW-PERMISSION", expect.stringContaining("permission denied for table readings")],
    ]);
    expect(exitClasses({ outcomes, scores: [] }, { failOn: "error" })).toEqual(["found"]);
    await pg?.close();
  });

  test("samples pages reads only those, and its statistics show it", async () => {
    const pg = postgres && (await openPg(postgres.connection, undefined));
    await pg?.query("CREATE TABLE wide AS SELECT i AS id, repeat('x', 500) AS city FROM generate_series(1, 40000) AS i");
    const sampled = task("wide", notNull("id", { sample: "5%" }));
    const read = async (stored: boolean): Promise<number> => {
      const table = { ...sampled.table, ...(stored && { stored: true as const }) };
      const [query] = compileChecks(sampled.checks, table).queries;
      const plan = (await pg?.query<{ plan: string }>(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${query?.sql}`)) ?? [];
      const [top] = Object.values(plan[0] ?? {}).map((value) => (typeof value === "string" ? JSON.parse(value) : value)) as [
        [{ Plan: Record<string, number> }], // PostgreSQL's own shape
      ];
      return (top[0].Plan["Shared Hit Blocks"] ?? 0) + (top[0].Plan["Shared Read Blocks"] ?? 0);
    };
    const [pages, rows] = [await read(true), await read(false)];
    expect(pages).toBeLessThan(rows / 5);
    await pg?.close();
  });

  test("lacks a table says so for its checks; the other tables are looked at", async () => {
    const tasks = [task("nowhere", rowCount({ min: 1 })), task("readings", rowCount({ min: 1 }))];
    const outcomes = await runChecks(tasks, { now, signal: new AbortController().signal });
    expect(outcomes.map(({ outcome, code }) => [outcome, code])).toEqual([
      ["not-evaluated", "DW-ENGINE-REFUSED"],
      ["pass", null],
    ]);
  });
});
