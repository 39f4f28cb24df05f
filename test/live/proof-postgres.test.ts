import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPg } from "../../src/connections/pg.js";
import { catalogOf } from "../../src/core/catalog.js";
import type { Model } from "../../src/core/model.js";
import type { Pg, PgSession } from "../../src/core/session.js";
import { postgres } from "../../src/engines/postgres/index.js";
import { livePostgres } from "../../src/engines/postgres/live.js";
import { timescale } from "../../src/engines/timescale/index.js";
import { liveTimescale } from "../../src/engines/timescale/live.js";
import { defineMaterializedView, defineTable, t } from "../../src/index.js";
import { startPostgres, type TestServer } from "./postgres.js";
import { catalogFor, look, planFor, prove } from "./proof-loop.js";
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

test.skipIf(!server)(
  "a materialized view with a new query is computed beside the old one, which is read meanwhile and keeps its grants",
  async () => {
    const p = defineTable("p", { grain: "one row per id", key: ["id"], columns: { id: t.bigint("id") }, on: { postgres: {} } });
    const m = (query: string): Model =>
      defineMaterializedView("m", {
        grain: "one row per id",
        columns: { id: t.bigint("id"), n: t.int("n").nullable() },
        query: { postgres: { dialect: "postgres", parts: [`SELECT id, ${query} AS n FROM `, { ref: "model", model: "p" }] } },
        on: { postgres: { indexes: [{ columns: ["id"], unique: true }] } },
      });
    const [a, b] = [catalogFor(postgres, [p, m("1")]), catalogFor(postgres, [p, m("2")])];
    await session.query("DROP MATERIALIZED VIEW IF EXISTS m; DROP TABLE IF EXISTS p CASCADE; DROP ROLE IF EXISTS mv_reader");
    for (const { text } of planFor(postgres, catalogOf("proof", []), a)) await session.query(text);
    await session.query("CREATE ROLE mv_reader");
    await session.query("GRANT SELECT ON m TO mv_reader");
    await session.query("INSERT INTO p VALUES (7)");
    await session.query("REFRESH MATERIALIZED VIEW m");
    const texts = planFor(postgres, a, b).map(({ text }) => text);
    const gone = texts.findIndex((text) => text.startsWith("DROP MATERIALIZED VIEW"));
    expect(gone).toBeGreaterThan(texts.findIndex((text) => text.startsWith("CREATE MATERIALIZED VIEW")));
    await session.query("BEGIN");
    for (const text of texts.slice(0, gone)) await session.query(text);
    const value = (): Promise<unknown> => pg.query("SELECT n FROM m");
    expect(await value()).toEqual([{ n: 1 }]); // another session, while the new one is computed
    for (const text of texts.slice(gone)) await session.query(text);
    await session.query("COMMIT");
    expect(await value()).toEqual([{ n: 2 }]);
    expect(await session.query("SELECT has_table_privilege('mv_reader', 'm', 'SELECT') AS may")).toEqual([{ may: true }]);
    expect(planFor(postgres, await look({ engine: postgres, live: livePostgres, session }, b), b)).toEqual([]);
    await session.query("DROP MATERIALIZED VIEW m; DROP TABLE p; DROP ROLE mv_reader");
  },
);
