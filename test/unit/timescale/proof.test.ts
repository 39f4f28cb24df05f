import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { openPglite } from "../../../src/connections/pglite.js";
import type { Pg, PgSession } from "../../../src/core/session.js";
import { timescale } from "../../../src/engines/timescale/index.js";
import { liveTimescale } from "../../../src/engines/timescale/live.js";
import { prove } from "../../live/proof-loop.js";
import { objectPairs, tablePairs, timescalePairs } from "../../live/proof-pairs.js";

/** A sample that is quick; test/live/proof-embedded.test.ts runs all of them. */
const SAMPLE = new Set([
  "timescale hypertable: several things change at once",
  "timescale hypertable: every type",
  "timescale hypertable: hostile names",
  "timescale hypertable: a table is renamed with its key and indexes",
  "timescale hypertable: an enum gets a value",
  "timescale: a view's query changes",
  "timescale: a function's body changes",
  "timescale: a hypertable becomes a plain table",
  "timescale: a columnstore goes",
  "timescale: retention changes",
  "timescale: an aggregate gets a column",
  "timescale: a refresh policy changes",
]);

const folder = mkdtempSync(join(tmpdir(), "dw-proof-"));
const hypertable = { timeColumn: "at", chunkInterval: "1 day" };
let pg: Pg;
let session: PgSession;

beforeAll(async () => {
  pg = await openPglite(join(folder, "db"));
  session = await pg.session();
}, 300_000); // opening the database takes long on a busy machine

afterAll(async () => {
  await pg.close();
  rmSync(folder, { recursive: true });
});

describe("what was planned is what is there, and then there is nothing to do", () => {
  const pairs = [...tablePairs("timescale", hypertable, true), ...objectPairs("timescale", hypertable), ...timescalePairs()];
  for (const pair of pairs.filter(({ name }) => SAMPLE.has(name))) {
    test(pair.name, () => prove({ engine: timescale, live: liveTimescale, session }, pair).then(() => {}));
  }
});
