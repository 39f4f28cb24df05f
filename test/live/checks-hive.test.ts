import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CheckOutcome } from "../../src/app/check/run.js";
import { checkSlot } from "../../src/app/check/slot.js";
import { openHive } from "../../src/connections/hive.js";
import { quoting as hiveQuoting } from "../../src/engines/hive/dialect.js";
import { plant, type TruthCase, type TruthEngine, truth, verdicts } from "../support/check-truth.js";
import { startHive } from "./hive.js";

/*
 * Hive takes seconds for each query: the checks of a table are asked together, as `dw check` does, and of each kind one with
 * each outcome.
 */
const hive = await startHive();
const closers: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const close of closers) await close();
});

describe.skipIf(hive === undefined)("on hive", () => {
  const asked = truth.filter(({ past, spec, not }) => past === undefined && !spec.where?.includes("no_such") && !not?.includes("hive"));
  const kinds = new Map(asked.map((one) => [`${one.spec.check} ${one.outcome}`, one]).reverse() as [string, TruthCase][]);
  const cases = asked.filter((one) => kinds.get(`${one.spec.check} ${one.outcome}`) === one);
  const outcomes = new Map<(typeof truth)[number], CheckOutcome>();

  beforeAll(async () => {
    if (!hive) return;
    const server = await openHive(hive.connection, undefined);
    closers.push(server.close, hive.stop);
    // Its map joins would start a process of Hadoop's own, which this server has none of.
    const session = async () => {
      const opened = await server.session();
      await opened.query("SET hive.auto.convert.join=false");
      return opened;
    };
    const words = { DATETIME: "TIMESTAMP", INSTANT: "TIMESTAMP", NAN: "cast('NaN' as double)", offsets: false };
    for (const sql of plant(words)) await server.query(sql.replaceAll("NUMERIC(", "DECIMAL("));
    const engine: TruthEngine = {
      name: "hive",
      slot: checkSlot("hive", { kind: "hive", hive: { ...server, session } }),
      quoting: hiveQuoting,
    };
    for (const model of new Set(cases.map((one) => one.model))) {
      const own = cases.filter((one) => one.model === model);
      const said = await verdicts(
        engine,
        own.map(({ spec }) => spec),
        model,
        [],
        0,
      );
      for (const [index, outcome] of said.entries()) {
        const one = own[index];
        if (one) outcomes.set(one, outcome);
      }
    }
  }, 600_000);

  for (const one of cases) {
    test(`${one.title}: ${one.outcome}`, () => {
      expect(outcomes.get(one)).toMatchObject({ outcome: one.outcome, message: expect.stringContaining(one.message) });
    });
  }
});
