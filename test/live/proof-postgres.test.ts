import { afterAll, beforeAll, describe, test } from "vitest";
import { openPg } from "../../src/connections/pg.js";
import type { Pg, PgSession } from "../../src/core/session.js";
import { postgres } from "../../src/engines/postgres/index.js";
import { livePostgres } from "../../src/engines/postgres/live.js";
import { timescale } from "../../src/engines/timescale/index.js";
import { liveTimescale } from "../../src/engines/timescale/live.js";
import { startPostgres, type TestServer } from "./postgres.js";
import { prove } from "./proof-loop.js";
import { declaredPairs, objectPairs, partitionPairs, rebuildPairs, tablePairs, timescalePairs } from "./proof-pairs.js";

/*
 * The same proof on a server: PostgreSQL started here, or any other with DW_TEST_TIMESCALE=postgres://user@host:port/database,
 * where the TimescaleDB pairs run too. That database is emptied.
 */

const external = process.env.DW_TEST_TIMESCALE === undefined ? undefined : new URL(process.env.DW_TEST_TIMESCALE);
const server: TestServer | undefined = external ? undefined : await startPostgres();
let pg: Pg;
let session: PgSession;

beforeAll(async () => {
  if (external) {
    const { hostname: host, port, username: user, pathname, password } = external;
    const connection = { kind: "postgres", host, port: Number(port), user, database: pathname.slice(1) } as const;
    pg = await openPg(connection, password || undefined);
  } else if (server) pg = await openPg(server.connection, undefined);
  else return;
  session = await pg.session();
});

afterAll(async () => {
  await session?.close();
  await pg?.close();
  await server?.stop();
});

describe.skipIf(!external && !server)("on a PostgreSQL server, what was planned is what is there, and then there is nothing to do", () => {
  for (const pair of [
    ...tablePairs("postgres", {}, false),
    ...objectPairs("postgres", {}),
    ...partitionPairs(),
    ...declaredPairs("postgres", {}),
  ]) {
    test(pair.name, () => prove({ engine: postgres, live: livePostgres, session }, pair).then(() => {}));
  }
});

// No registry has a TimescaleDB server: its pairs run embedded (proof-embedded.test.ts), and here where one is named.
if (external) {
  describe("on a TimescaleDB server, what was planned is what is there, and then there is nothing to do", () => {
    const hypertable = { timeColumn: "at", chunkInterval: "1 day" };
    const pairs = [
      ...tablePairs("timescale", hypertable, true),
      ...objectPairs("timescale", hypertable),
      ...timescalePairs(),
      ...rebuildPairs(),
      ...declaredPairs("timescale", hypertable, { columnstore: { segmentBy: ["id"], orderBy: ["at"] } }),
    ];
    for (const pair of pairs) test(pair.name, () => prove({ engine: timescale, live: liveTimescale, session }, pair).then(() => {}));
  });
} else test.skip("on a TimescaleDB server: DW_TEST_TIMESCALE names none", () => {});
