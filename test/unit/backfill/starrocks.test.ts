import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openMysqlServer } from "../../../src/connections/mysql.js";
import { type FingerprintColumn, fingerprintQuery, readFingerprint } from "../../../src/core/fingerprint.js";
import type { Mysql } from "../../../src/core/session.js";
import type { LoadableChunk, TargetTable } from "../../../src/core/target.js";
import { duckdbCanonical } from "../../../src/engines/duckdb/canonical.js";
import { starrocksTarget } from "../../../src/engines/starrocks/load.js";
import { openDatabase, type Reader } from "../../backfill/duckdb.js";
import { type FakeServer, startFakeStarrocks } from "../../live/starrocks-fake/server.js";
import type { LoadTrouble } from "../../live/starrocks-fake/stream-load.js";

/* Loads into the fake, whose front end redirects, whose backend takes labels once and whose rows DuckDB keeps. */

let server: FakeServer;
let mysql: Mysql;
let db: Reader;
let target: TargetTable;

beforeAll(async () => {
  server = await startFakeStarrocks([{ user: "loader", password: "se:cret" }]);
  mysql = await openMysqlServer("starrocks", { host: "127.0.0.1", port: server.port, user: "loader", password: "se:cret" });
  db = await (await openDatabase()).connect();
}, 60_000);
afterAll(async () => {
  await db.close();
  await mysql.close();
  await server.stop();
});

const http = (password = "se:cret") => ({ host: "127.0.0.1", port: server.httpPort, user: "loader", password });
const open = (password?: string): Promise<TargetTable> =>
  starrocksTarget({ http: http(password), connect: () => mysql.session(), name: ["shop", "orders"], pause: 1 });

async function table(kind: string): Promise<void> {
  server.fake.reset();
  server.fake.misbehaviours.length = 0;
  await mysql.query("CREATE DATABASE shop");
  await mysql.query(
    `CREATE TABLE shop.orders (id BIGINT NOT NULL, day DATE NULL, at DATETIME NULL, paid DECIMAL(18, 4) NULL, note STRING NULL, raw VARBINARY NULL, ok BOOLEAN NULL, \`wörd\` STRING NULL) ${kind} KEY (id) DISTRIBUTED BY HASH (id) BUCKETS 2 PROPERTIES ("replication_num" = "1")`.replace(
      " at ",
      " `at` ",
    ),
  );
  target = await open();
}

beforeEach(() => table("DUPLICATE"));

const SELECT = (from: number, to: number): string =>
  `SELECT CAST(i AS BIGINT) AS id, DATE '2024-01-01' + CAST(i AS INTEGER) AS day, TIMESTAMP '1969-12-31 23:59:59.999999' + INTERVAL (i) HOUR AS "at",
     CAST(i AS DECIMAL(18,4)) / 8 AS paid,
     CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN chr(92) || 'N' WHEN 3 THEN 'a' || chr(1) || 'b' || chr(2) || chr(10) WHEN 4 THEN 'h00' ELSE 'é😀 "x"' END AS note,
     CASE WHEN i % 2 = 0 THEN unhex('00ff01') END AS raw, i % 3 = 0 AS ok, '𝒳' || i AS "wörd"
   FROM range(${from}, ${to}) AS numbers(i)`;

async function chunk(id: string, from: number, to: number): Promise<LoadableChunk> {
  const columns = await hashed();
  const sql = SELECT(from, to).replace("CAST(i AS DECIMAL(18,4)) / 8", "CAST(i / 8 AS DECIMAL(18,4))");
  const [row] = await db.rows(fingerprintQuery(duckdbCanonical, columns, `(${sql})`));
  return { chunk: { id, title: id, bytes: 1 } as never, db, sql, fingerprint: readFingerprint(columns, row ?? {}) };
}

async function hashed(): Promise<FingerprintColumn[]> {
  return (await target.columns([])).map(({ name, type }) => ({ name, type }));
}

const identity = { backfill: "history", source: "iceberg:/x@1", digest: "d" };
const { signal } = new AbortController();
const count = async (): Promise<string | null | undefined> => (await mysql.query("SELECT count(*) AS n FROM shop.orders"))[0]?.n;

test("rows arrive as they are, through the redirect, and both engines compute the same fingerprint", async () => {
  const session = await target.start(identity, await hashed());
  const first = await chunk("one", 0, 50);
  await session.load(first, signal);
  expect(await target.fingerprint(await hashed())).toEqual(first.fingerprint);
  expect((await session.loaded()).map(({ chunk: id }) => id)).toEqual(["one"]);
  const redirected = (await target.ledger("history"))?.chunks;
  expect(redirected).toHaveLength(1);
});

test("a wrong password is said, and nothing is sent", async () => {
  const wrong = await open("wrong");
  const session = await wrong.start(identity, await hashed());
  await expect(session.load(await chunk("one", 0, 5), signal)).rejects.toMatchObject({ code: "DW-AUTH" });
  expect(await count()).toBe("0");
});

const TROUBLES: readonly Pick<LoadTrouble, "does">[] = [
  { does: "lose-load-answer" },
  { does: "lose-load" },
  { does: "publish-timeout" },
  { does: "dead-node" },
  { does: "label-running" },
  { does: "too-many-versions" },
  { does: "no-continue" },
];

describe.each(["DUPLICATE", "PRIMARY"])("%s KEY", (kind) => {
  test.each(TROUBLES)("$does: the rows are there once", async ({ does }) => {
    await table(kind);
    server.fake.misbehaviours.push({ does, at: /^dw_/ } as LoadTrouble);
    const session = await target.start(identity, await hashed());
    const only = await chunk("one", 0, 20);
    await session.load(only, signal);
    expect(await target.fingerprint(await hashed())).toEqual(only.fingerprint);
  });
});

test("rows that the engine filters stop the load, and none of the chunk is kept", async () => {
  server.fake.misbehaviours.push({ does: "filter-rows", at: /^dw_/ });
  const session = await target.start(identity, await hashed());
  await expect(session.load(await chunk("one", 0, 5), signal)).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
  expect(await count()).toBe("0");
  await session.load(await chunk("one", 0, 5), signal);
  expect(await count()).toBe("5");
});

describe("a run that died after it had sent a chunk", () => {
  /** The rows are there or not, the ledger says only that they were sent. */
  async function died(arrived: boolean): Promise<LoadableChunk> {
    const session = await target.start(identity, await hashed());
    await session.load(await chunk("before", 100, 120), signal);
    const lost = await chunk("lost", 0, 20);
    await session.load(lost, signal);
    await mysql.query("UPDATE `dw_state`.`chunk` SET state = 'sent' WHERE chunk = 'lost'");
    if (!arrived) await mysql.query("DELETE FROM shop.orders WHERE id < 100");
    return lost;
  }

  test("is told by the label that the rows are there", async () => {
    await died(true);
    expect((await (await target.start(identity, await hashed())).loaded()).map(({ chunk: id }) => id)).toEqual(["before", "lost"]);
  });

  test("counts and hashes the table when the label is forgotten: complete", async () => {
    await died(true);
    server.fake.rows.labels.clear();
    expect((await (await target.start(identity, await hashed())).loaded()).map(({ chunk: id }) => id)).toEqual(["before", "lost"]);
    expect(await count()).toBe("40");
  });

  test("counts and hashes the table when the label is forgotten: empty, so that it is loaded", async () => {
    const lost = await died(false);
    server.fake.rows.labels.clear();
    const session = await target.start(identity, await hashed());
    expect((await session.loaded()).map(({ chunk: id }) => id)).toEqual(["before"]);
    await session.load(lost, signal);
    expect(await count()).toBe("40");
  });

  test("stops where nothing can be proved", async () => {
    await died(true);
    server.fake.rows.labels.clear();
    await mysql.query("DELETE FROM shop.orders WHERE id = 3");
    await expect(target.start(identity, await hashed())).rejects.toMatchObject({
      code: "DW-LOAD-UNKNOWN",
      what: expect.stringContaining("lost"),
    });
  });
});

test("another mapping under the same name is refused, and a reset starts over", async () => {
  const session = await target.start(identity, await hashed());
  await session.load(await chunk("one", 0, 5), signal);
  await expect(target.start({ ...identity, digest: "other" }, await hashed())).rejects.toMatchObject({ code: "DW-LEDGER-CONFLICT" });
  await expect(target.reset("history", false)).rejects.toMatchObject({ code: "DW-LEDGER-CONFLICT" });
  await target.reset("history", true);
  expect([await count(), await target.ledger("history")]).toEqual(["0", undefined]);
});

test("after a reset the same rows are loaded again, although the engine still knows their labels", async () => {
  await (await target.start(identity, await hashed())).load(await chunk("one", 0, 5), signal);
  await target.reset("history", true);
  await (await target.start(identity, await hashed())).load(await chunk("one", 0, 5), signal);
  expect(await count()).toBe("5");
});

test("a reset that died on the way lets nobody load until it is repeated", async () => {
  await (await target.start(identity, await hashed())).load(await chunk("one", 0, 5), signal);
  server.fake.misbehaviours.push({ does: "lose-connection", at: /^TRUNCATE/ });
  await expect(target.reset("history", true)).rejects.toMatchObject({ errorClass: "unreachable" });
  await expect(target.start(identity, await hashed())).rejects.toMatchObject({ code: "DW-LEDGER-CONFLICT" });
  await target.reset("history", true);
  await (await target.start(identity, await hashed())).load(await chunk("one", 0, 5), signal);
  expect(await count()).toBe("5");
});

test("a connection that is lost between two statements is opened again", async () => {
  const session = await target.start(identity, await hashed());
  server.fake.misbehaviours.push({ does: "lose-statement", at: /dw_state.*sent/ });
  await expect(session.load(await chunk("one", 0, 5), signal)).rejects.toMatchObject({ errorClass: "unreachable" });
  await session.load(await chunk("one", 0, 5), signal);
  expect(await count()).toBe("5");
});

test("a chunk without rows is loaded without asking an engine that refuses it", async () => {
  const session = await target.start(identity, await hashed());
  await session.load(await chunk("none", 0, 0), signal);
  expect((await session.loaded()).map(({ chunk: id }) => id)).toEqual(["none"]);
});

test("a load that somebody cancelled stops the run, and the next one loads it", async () => {
  server.fake.misbehaviours.push({ does: "cancel-load", at: /^dw_/ });
  const session = await target.start(identity, await hashed());
  await expect(session.load(await chunk("one", 0, 5), signal)).rejects.toMatchObject({ code: "DW-ENGINE-REFUSED", why: /cancelled/ });
  await session.load(await chunk("one", 0, 5), signal);
  expect(await count()).toBe("5");
});

describe("an answer is lost and its label forgotten while the run goes on", () => {
  const lose = (): void =>
    void server.fake.misbehaviours.push({ does: "lose-load-answer", at: /^dw_/ }, { does: "forget-label", at: /^dw_/ });

  test("the table is counted: the rows are there, and not sent again", async () => {
    lose();
    const session = await target.start(identity, await hashed());
    const only = await chunk("one", 0, 20);
    await session.load(only, signal);
    expect(await target.fingerprint(await hashed())).toEqual(only.fingerprint);
  });

  test("somebody else wrote in between: the run stops and says what to do, and so does the next one", async () => {
    const session = await target.start(identity, await hashed());
    await session.load(await chunk("before", 100, 120), signal);
    lose();
    await mysql.query("DELETE FROM shop.orders WHERE id = 101");
    const letter = { code: "DW-LOAD-UNKNOWN", what: expect.stringContaining("one"), fix: expect.stringContaining("reset --empty") };
    await expect(session.load(await chunk("one", 0, 20), signal)).rejects.toMatchObject(letter);
    await expect(target.start(identity, await hashed())).rejects.toMatchObject(letter);
  });
});

describe("in two phases", () => {
  const large = async (id: string, from: number, to: number): Promise<LoadableChunk> => {
    const one = await chunk(id, from, to);
    return { ...one, chunk: { ...one.chunk, bytes: 2 ** 30 } };
  };
  const steps = ["begin", "load", "prepare", "commit"];
  const troubles = [
    ...steps.flatMap((step) => [`lose-step ${step}`, `lose-step-answer ${step}`]),
    ...[
      "restart-backend load",
      "restart-backend prepare",
      "restart-backend commit",
      "too-many-versions",
      "publish-timeout",
      "dead-node begin",
    ],
  ];

  test.each(troubles)("%s: the rows are there once", async (trouble) => {
    const [does = "", step] = trouble.split(" ");
    server.fake.misbehaviours.push({ does, at: step ? new RegExp(`^${step} `) : /^dw_/ } as LoadTrouble);
    const session = await target.start(identity, await hashed());
    const only = await large("one", 0, 20);
    await session.load(only, signal);
    expect(server.fake.misbehaviours).toEqual([]);
    expect(await target.fingerprint(await hashed())).toEqual(only.fingerprint);
  });

  test("what a run prepared before it died is committed by the next one, without being sent again", async () => {
    const session = await target.start(identity, await hashed());
    server.fake.misbehaviours.push({ does: "lose-step", at: /^commit / });
    const dying = new AbortController();
    const load = session.load(await large("one", 0, 20), dying.signal);
    while (server.fake.misbehaviours.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    dying.abort(new Error("killed"));
    await expect(load).rejects.toThrow();
    const [, loads] = [await target.start(identity, await hashed()), await target.ledger("history")];
    expect(loads?.chunks.map(({ chunk: id }) => id)).toEqual(["one"]);
    expect(await count()).toBe("20");
  });

  test("a transaction that died before its rows were prepared is no doubt, even when its label is forgotten", async () => {
    const session = await target.start(identity, await hashed());
    const dying = new AbortController();
    server.fake.misbehaviours.push({ does: "lose-step", at: /^prepare / });
    const load = session.load(await large("one", 0, 20), dying.signal);
    while (server.fake.misbehaviours.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    dying.abort(new Error("killed"));
    await expect(load).rejects.toThrow();
    for (const one of [server.fake.rows.labels, server.fake.rows.transactions]) one.clear();
    await mysql.query("INSERT INTO shop.orders (id) VALUES (999)"); // counting would not help
    const next = await target.start(identity, await hashed());
    await next.load(await large("one", 0, 20), signal);
    expect(await count()).toBe("21");
  });
});

describe("an aggregate table, in which rows that came twice would be added up", () => {
  const SALES =
    "SELECT CAST(i % 3 AS BIGINT) AS id, CAST(i AS BIGINT) AS n, CAST(i / 4 AS DECIMAL(10,2)) AS paid FROM range(0, 10) AS numbers(i)";
  const sums = async () => (await mysql.query("SELECT count(*) AS keys, sum(n) AS n, sum(paid) AS paid FROM shop.orders"))[0];

  async function sales(columns = "n BIGINT SUM NULL, paid DECIMAL(10, 2) SUM NULL"): Promise<LoadableChunk> {
    server.fake.reset();
    server.fake.misbehaviours.length = 0;
    await mysql.query("CREATE DATABASE shop");
    await mysql.query(
      `CREATE TABLE shop.orders (id BIGINT NOT NULL, ${columns}) AGGREGATE KEY (id) DISTRIBUTED BY HASH (id) BUCKETS 2 PROPERTIES ("replication_num" = "1")`,
    );
    target = await open();
    const [row] = await db.rows(fingerprintQuery(duckdbCanonical, await hashed(), `(${SALES})`));
    return {
      chunk: { id: "one", title: "one", bytes: 1 } as never,
      db,
      sql: SALES,
      fingerprint: readFingerprint(await hashed(), row ?? {}),
    };
  }
  const once = { keys: "3", n: "45", paid: "11.25" };

  test.each(["lose-step-answer commit", "lose-step commit", "lose-step-answer load", "restart-backend commit"])(
    "%s: added up once",
    async (trouble) => {
      const only = await sales();
      const [does = "", step] = trouble.split(" ");
      server.fake.misbehaviours.push({ does, at: new RegExp(`^${step} `) } as LoadTrouble);
      const session = await target.start(identity, await hashed());
      await session.load(only, signal);
      expect(await sums()).toEqual(once);
    },
  );

  const forgotten = [
    { does: "lose-step-answer", at: /^commit / },
    { does: "forget-label", at: /^dw_/ },
  ] as const;

  test("the commit's answer is lost and its label forgotten: the sums tell", async () => {
    const only = await sales();
    server.fake.misbehaviours.push(...forgotten);
    const session = await target.start(identity, await hashed());
    await session.load(only, signal);
    expect(await sums()).toEqual(once);
  });

  test("where no exact sum can tell, the run stops", async () => {
    const only = await sales("n BIGINT SUM NULL, paid DECIMAL(10, 2) MAX NULL");
    server.fake.misbehaviours.push(...forgotten);
    const session = await target.start(identity, await hashed());
    await mysql.query("INSERT INTO shop.orders VALUES (7, 1000, 0)");
    await expect(session.load(only, signal)).rejects.toMatchObject({
      code: "DW-LOAD-UNKNOWN",
      why: expect.stringContaining("SUM columns"),
    });
  });
});
