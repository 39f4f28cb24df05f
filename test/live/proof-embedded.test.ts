import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { openPglite } from "../../src/connections/pglite.js";
import type { Model } from "../../src/core/model.js";
import type { Pg, PgSession } from "../../src/core/session.js";
import { postgres } from "../../src/engines/postgres/index.js";
import { livePostgres } from "../../src/engines/postgres/live.js";
import { timescale } from "../../src/engines/timescale/index.js";
import { liveTimescale } from "../../src/engines/timescale/live.js";
import { prove } from "./proof-loop.js";
import { declaredPairs, objectPairs, partitionPairs, rebuildPairs, tablePairs, timescalePairs } from "./proof-pairs.js";

const folder = mkdtempSync(join(tmpdir(), "dw-proof-"));
let pg: Pg;
let session: PgSession;

beforeAll(async () => {
  pg = await openPglite(join(folder, "db"));
  session = await pg.session();
}, 300_000);

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
  ...rebuildPairs(),
  ...declaredPairs("timescale", hypertable, { columnstore: { segmentBy: ["id"], orderBy: ["at"] } }),
];

describe("on embedded TimescaleDB, what was planned is what is there, and then there is nothing to do", () => {
  for (const pair of onTimescale) test(pair.name, () => prove({ engine: timescale, live: liveTimescale, session }, pair).then(() => {}));
});

describe("on embedded PostgreSQL, what was planned is what is there, and then there is nothing to do", () => {
  const pairs = [
    ...tablePairs("postgres", {}, false),
    ...objectPairs("postgres", {}),
    ...partitionPairs(),
    ...declaredPairs("postgres", {}),
  ];
  for (const pair of pairs) test(pair.name, () => prove({ engine: postgres, live: livePostgres, session }, pair).then(() => {}));
});

test("the iot warehouse is made, reads back equal, and answers what its dashboard asks", async () => {
  const root = join(import.meta.dirname, "../../models/iot");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts") && file !== "shared.ts");
  const models: Model[] = [];
  for (const file of files.sort()) models.push(...Object.values((await import(join(root, file))) as Record<string, Model>));
  const own = models.filter((model) => "on" in model && model.model !== "check" && "timescale" in model.on);
  const stage = { engine: timescale, live: liveTimescale, session };
  await prove(stage, {
    from: own,
    to: own,
    seed: [
      `INSERT INTO pipeline_kpi (time, batch_id, ingest_latency_ms, queue_latency_ms, process_latency_ms, store_latency_ms)
       SELECT now() - n * interval '1 minute', gen_random_uuid(), n, 2 * n, 3 * n, 4 * n FROM generate_series(1, 9) n`,
    ],
    expected: [
      "SELECT string_agg(stage || ' ' || batches || ' ' || p50_ms || ' ' || max_ms, ', ') FROM get_pipeline_latency_stats('1 hour')",
      "ingest 9 5 9, queue 9 10 18, process 9 15 27, store 9 20 36, total 9 50 90",
    ],
  });
});
