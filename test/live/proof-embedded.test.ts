import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { openPglite } from "../../src/connections/pglite.js";
import type { Pg, PgSession } from "../../src/core/session.js";
import { postgres } from "../../src/engines/postgres/index.js";
import { livePostgres } from "../../src/engines/postgres/live.js";
import { timescale } from "../../src/engines/timescale/index.js";
import { liveTimescale } from "../../src/engines/timescale/live.js";
import { prove } from "./proof-loop.js";
import { objectPairs, tablePairs, timescalePairs } from "./proof-pairs.js";

const folder = mkdtempSync(join(tmpdir(), "dw-proof-"));
let pg: Pg;
let session: PgSession;

beforeAll(async () => {
  pg = await openPglite(join(folder, "db"));
  session = await pg.session();
}, 60_000);

afterAll(async () => {
  await pg.close();
  rmSync(folder, { recursive: true });
});

const hypertable = { timeColumn: "at", chunkInterval: "1 day" };
const onTimescale = [
  ...tablePairs("timescale", {}, false),
  ...tablePairs("timescale", hypertable, true),
  ...objectPairs("timescale", hypertable),
  ...timescalePairs(),
];

describe("on embedded TimescaleDB, what was planned is what is there, and then there is nothing to do", () => {
  for (const pair of onTimescale) test(pair.name, () => prove({ engine: timescale, live: liveTimescale, session }, pair).then(() => {}));
});

describe("on embedded PostgreSQL, what was planned is what is there, and then there is nothing to do", () => {
  const pairs = [...tablePairs("postgres", {}, false), ...objectPairs("postgres", {})];
  for (const pair of pairs) test(pair.name, () => prove({ engine: postgres, live: livePostgres, session }, pair).then(() => {}));
});
