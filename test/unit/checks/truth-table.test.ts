import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkSlot } from "../../../src/app/check/slot.js";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import { openPglite } from "../../../src/connections/pglite.js";
import { quoting as duckdbQuoting } from "../../../src/engines/duckdb/dialect.js";
import { quoting as postgresQuoting } from "../../../src/engines/postgres/dialect.js";
import { acceptedValues, noRows, notNull, rowCount } from "../../../src/index.js";
import { plant, type TruthEngine, truth, verdicts } from "../../support/check-truth.js";

/* The same planted rows in each engine: the same verdict has to come out. */

const folder = mkdtempSync(join(tmpdir(), "dw-truth-"));
const engines = new Map<string, TruthEngine>();
const closers: (() => Promise<void>)[] = [];

const words = { DATETIME: "TIMESTAMP", INSTANT: "TIMESTAMP WITH TIME ZONE", NAN: "'NaN'", offsets: true };

beforeAll(async () => {
  const duckdb = await openDuckDb({});
  const session = await duckdb.session();
  for (const sql of plant(words)) await session.run(sql);
  closers.push(session.close, duckdb.close);
  engines.set("duckdb", { name: "duckdb", slot: checkSlot("duckdb", { kind: "duckdb", duckdb, embedded: true }), quoting: duckdbQuoting });
  const pg = await openPglite(join(folder, "pg"));
  for (const sql of plant(words)) await pg.query(sql);
  closers.push(pg.close);
  engines.set("postgres", { name: "postgres", slot: checkSlot("postgres", { kind: "pg", pg, embedded: true }), quoting: postgresQuoting });
}, 120_000);

afterAll(async () => {
  for (const close of closers) await close();
  rmSync(folder, { recursive: true, force: true });
});

function engineOf(name: string): TruthEngine {
  const engine = engines.get(name);
  if (!engine) throw new Error(`no ${name}`);
  return engine;
}

for (const name of ["duckdb", "postgres"]) {
  describe(`on ${name}`, () => {
    for (const { title, spec, outcome, message, model, past, not } of truth) {
      if (not?.includes(name)) continue;
      test(`${title}: ${outcome}`, async () => {
        const [verdict] = await verdicts(engineOf(name), [spec], model, past);
        expect(verdict).toMatchObject({ outcome, message: expect.stringContaining(message) });
      });
    }

    test("one bad predicate leaves only its own check open", async () => {
      const checks = [notNull("id"), notNull("id", { where: "no_such_column > 1" }), rowCount({ min: 1 })];
      const outcomes = await verdicts(engineOf(name), checks);
      expect(outcomes.map((shown) => shown.outcome)).toEqual(["fail", "not-evaluated", "pass"]);
    });

    test("a failure shows the rows, with personal data masked", async () => {
      const [verdict] = await verdicts(engineOf(name), [notNull("email")]);
      expect(verdict?.sample).toEqual({ columns: ["id", "email"], rows: [["2", null]] });
      const [masked] = await verdicts(engineOf(name), [acceptedValues("email", ["a@x.fr"])]);
      expect(masked?.sample?.rows.map((row) => row[0])).toEqual(["***", "***"]);
    });

    test("a query of one's own cannot show personal data under another name", async () => {
      const [verdict] = await verdicts(engineOf(name), [noRows("SELECT id, email AS contact FROM readings WHERE id = 1")]);
      expect(verdict?.sample).toEqual({ columns: ["id", "contact"], rows: [["1", "***"]] });
    });

    test("a suppressed violation stays visible, with the reason; after its last day it counts again", async () => {
      const known = notNull("id", { suppress: { until: "2024-06-01", reason: "the feed is being replaced" } });
      const over = notNull("id", { suppress: { until: "2024-05-31", reason: "the feed is being replaced" } });
      const [suppressed, counting] = await verdicts(engineOf(name), [known, over]);
      expect(suppressed).toMatchObject({ outcome: "fail", suppressed: { reason: "the feed is being replaced" } });
      expect(counting).toMatchObject({ outcome: "fail", suppressed: null });
    });
  });
}
