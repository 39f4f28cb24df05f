import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { MysqlAnswer, MysqlSession } from "../../../src/core/session.js";
import { takeStarrocksLock } from "../../../src/state/starrocks-lock.js";

interface Recorded {
  readonly statements: readonly {
    readonly concurrently?: readonly {
      readonly sql: string;
      readonly result: { readonly ok?: true; readonly error?: { code: number; sqlState: string; message: string } };
    }[];
  }[];
}

const file = (name: string): Recorded =>
  JSON.parse(readFileSync(new URL(`../../fixtures/starrocks/${name}.json`, import.meta.url), "utf8")) as Recorded;
const rounds = file("mig-mutex").statements.flatMap((statement) => (statement.concurrently ? [statement.concurrently] : []));
const races = rounds.filter((round) => round.every(({ sql }) => /^CREATE TABLE lock_/.test(sql)));

/** The two ways in which the recorded front end said «you lost». */
const losses = races.flatMap((round) => round.flatMap(({ result }) => result.error ?? []));

interface Table {
  readonly comment: string;
  row?: { owner: string; since: number; expires: number; released: boolean; connections: string };
}

/** What a front end answers to the lock's statements; its refusals are the recorded ones. */
class FrontEnd {
  now = Date.UTC(2026, 10, 21, 10, 0, 0);
  readonly tables = new Map<string, Table>();
  readonly killed: number[] = [];
  #refusals = 0;

  session(before: (sql: string) => Promise<void> = async () => {}): MysqlSession {
    const ask = async (sql: string): Promise<MysqlAnswer> => {
      await before(sql);
      return this.#answer(sql);
    };
    return {
      ask,
      query: async (sql) => {
        const answer = await ask(sql);
        if (!answer.ok) throw new Error(answer.message);
        return answer.rows;
      },
      close: async () => {},
    };
  }

  #answer(sql: string): MysqlAnswer {
    const [, name = ""] = /`dw_state`\.`(\w+)`/.exec(sql) ?? [];
    const rows = (...found: Record<string, string | null>[]): MysqlAnswer => ({ ok: true, rows: found });
    if (sql.startsWith("SHOW TABLES")) return rows(...[...this.tables.keys()].map((table) => ({ Tables_in_dw_state: table })));
    if (sql.startsWith("SELECT CAST(utc_timestamp")) return rows({ now: this.#time(this.now) });
    if (sql.startsWith("CREATE TABLE")) return this.#create(name, sql);
    if (sql.startsWith("DROP TABLE")) return this.tables.delete(name) ? rows() : rows();
    if (sql.startsWith("KILL")) return this.killed.push(Number(sql.slice(5))) ? rows() : rows();
    if (sql.startsWith("SELECT TABLE_COMMENT"))
      return rows({ comment: this.tables.get(/TABLE_NAME = '(\w+)'/.exec(sql)?.[1] ?? "")?.comment ?? null });
    const table = this.tables.get(name);
    if (!table)
      return {
        ok: false,
        code: 5502,
        sqlState: "42602",
        message: `Getting analyzing error. Detail message: Unknown table 'dw_state.${name}'.`,
      };
    if (sql.startsWith("INSERT")) {
      const [, owner = "", since = "", seconds = "", released, connections = ""] =
        /VALUES \(0, '(.*?)', '(.*?)', .*INTERVAL (\d+) SECOND\), (TRUE|FALSE), '(.*)'\)/.exec(sql) ?? [];
      table.row = {
        owner,
        since: Date.parse(`${since.replace(" ", "T")}Z`),
        expires: this.now + Number(seconds) * 1000,
        released: released === "TRUE",
        connections,
      };
      return rows();
    }
    const { row } = table;
    if (!row) return rows();
    const bit = (value: boolean): string => (value ? "1" : "0");
    return rows({
      owner: row.owner,
      since: this.#time(row.since),
      released: bit(row.released),
      expired: bit(row.expires <= this.now),
      connections: row.connections,
    });
  }

  #create(name: string, sql: string): MysqlAnswer {
    if (this.tables.has(name)) {
      const loss = losses[this.#refusals++ % losses.length];
      return { ok: false, code: loss?.code ?? 0, sqlState: loss?.sqlState ?? "", message: loss?.message ?? "" };
    }
    this.tables.set(name, { comment: /COMMENT '(.*?)' DISTRIBUTED/.exec(sql)?.[1] ?? "" });
    return { ok: true, rows: [] };
  }

  #time(instant: number): string {
    return new Date(instant).toISOString().slice(0, 19).replace("T", " ");
  }
}

const terms = { database: "dw_state", environment: "prod", leaseMs: 60_000 };
const take = (db: MysqlSession, owner: string, connections: number[] = []) =>
  takeStarrocksLock(db, terms, "migrate ciapol", owner, 0, connections);

describe("the lock of StarRocks", () => {
  test("the recorded races had one winner, and the losers got one of two answers", () => {
    expect(races.length).toBe(4);
    expect(new Set(losses.map(({ code, sqlState }) => `${code}/${sqlState}`))).toEqual(new Set(["1050/42S01", "1005/HY000"]));
    for (const round of races) expect(round.filter(({ result }) => result.ok).length).toBe(1);
  });

  test("one of many takes it; the others are told who has it and since when", async () => {
    const server = new FrontEnd();
    const taken = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => take(server.session(), `run-${index}`)));
    const winners = taken.filter(({ status }) => status === "fulfilled");
    expect(winners.length).toBe(1);
    await expect(take(server.session(), "late")).rejects.toMatchObject({
      code: "DW-LOCKED",
      what: expect.stringMatching(/held by run-\d, since 2026-11-21T10:00:00Z/),
    });
  });

  test("a released lock is taken again under a higher fence", async () => {
    const server = new FrontEnd();
    const first = await take(server.session(), "first");
    await first.release();
    const second = await take(server.session(), "second");
    expect([first.fence, second.fence]).toEqual([1, 2]);
    expect(server.tables.size).toBe(1);
  });

  test("a holder that went silent is replaced, its connections are killed, and it finds out", async () => {
    const server = new FrontEnd();
    const first = await take(server.session(), "first", [41, 42]);
    server.now += 59_000;
    await expect(take(server.session(), "second")).rejects.toMatchObject({ code: "DW-LOCKED" });
    server.now += 2_000;
    const second = await take(server.session(), "second");
    expect(server.killed).toEqual([41, 42]);
    await expect(first.assertHeld()).rejects.toMatchObject({ code: "DW-FENCED" });
    await second.assertHeld();
  });

  test("a holder that says it lives keeps the lock", async () => {
    const server = new FrontEnd();
    const first = await take(server.session(), "first");
    server.now += 50_000;
    await first.assertHeld();
    server.now += 50_000;
    await expect(take(server.session(), "second")).rejects.toMatchObject({ code: "DW-LOCKED" });
  });

  test("a winner that died before its first row holds for one lease, by the engine's clock", async () => {
    const server = new FrontEnd();
    const dying = server.session(async (sql) => {
      if (sql.startsWith("INSERT")) throw new Error("connection lost");
    });
    await expect(take(dying, "first")).rejects.toThrow("connection lost");
    await expect(take(server.session(), "second")).rejects.toMatchObject({ code: "DW-LOCKED", what: expect.stringContaining("first") });
    server.now += 61_000;
    expect((await take(server.session(), "second")).fence).toBe(2);
  });

  test("a run that slept between its look and its CREATE does not win a number that was cleaned away", async () => {
    const server = new FrontEnd();
    const sleeper = server.session(async (sql) => {
      if (!sql.startsWith("CREATE") || server.tables.size > 0) return;
      await (await take(server.session(), "a")).release();
      await take(server.session(), "b");
    });
    await expect(take(sleeper, "sleeper")).rejects.toMatchObject({ code: "DW-LOCKED", what: expect.stringContaining("held by b") });
    expect(server.tables.size).toBe(1);
  });

  test("environments do not share locks, and owners may be called anything", async () => {
    const server = new FrontEnd();
    await take(server.session(), "a");
    const other = await takeStarrocksLock(server.session(), { ...terms, environment: "test" }, "migrate ciapol", "it's \\ me", 0);
    expect(other.fence).toBe(1);
  });
});
