import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkSlot } from "../../src/app/check/slot.js";
import { openMysqlServer } from "../../src/connections/mysql.js";
import { openPg } from "../../src/connections/pg.js";
import { quoting as postgresQuoting } from "../../src/engines/postgres/dialect.js";
import { quoting as starrocksQuoting } from "../../src/engines/starrocks/dialect.js";
import { plant, type TruthEngine, truth, verdicts } from "../support/check-truth.js";
import { startMariadb } from "./mariadb.js";
import { startPostgres } from "./postgres.js";

/* The truth table on servers: the same rows and verdicts as inside the process (test/unit/checks). */

const [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);
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
});

afterAll(async () => {
  for (const close of closers) await close();
});

for (const [name, server] of [["postgres", postgres] as const, ["mysql", mariadb] as const]) {
  describe.skipIf(server === undefined)(`on ${name}`, () => {
    for (const { title, spec, outcome, message, model, past, not } of truth) {
      test.skipIf(not?.includes(name))(`${title}: ${outcome}`, async () => {
        const engine = engines.get(name);
        const [verdict] = engine ? await verdicts(engine, [spec], model, past) : [];
        expect(verdict).toMatchObject({ outcome, message: expect.stringContaining(message) });
      });
    }
  });
}
