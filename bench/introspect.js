/*
 * A thousand tables: how long introspection and planning take on a local PostgreSQL, and how that compares with pg_dump of the
 * same schema, the peer that everybody has.
 *
 *   npm run build && node bench/introspect.js postgres://user@host:port/database [--tables 1000] [--rounds 3]
 *
 * Makes the schema `dw_bench` there, and drops it again.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { openPg } from "../dist/connections/pg.js";
import { buildPlan } from "../dist/core/build-plan.js";
import { catalogFor, catalogOf } from "../dist/core/catalog.js";
import { postgres } from "../dist/engines/postgres/index.js";
import { livePostgres } from "../dist/engines/postgres/live.js";
import { defineTable, t } from "../dist/index.js";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { tables: { type: "string", default: "1000" }, rounds: { type: "string", default: "3" } },
});
const at = new URL(positionals[0] ?? "postgres://postgres@127.0.0.1:5432/postgres");
const count = Number(options.tables);

const models = (more) =>
  Array.from({ length: count }, (_, number) =>
    defineTable(`t${number}`, {
      grain: "one row per id",
      columns: {
        id: t.bigint("key"),
        at: t.instant("when").defaultNow(),
        kind: t.enum(["a", "b"], "kind").default("a"),
        paid: t.decimal(18, 4, "money").nullable(),
        ...Object.fromEntries(Array.from({ length: 10 }, (_, column) => [`c${column}`, t.text("text").nullable()])),
        ...(number % 10 === 0 ? more : {}),
      },
      key: ["id"],
      on: { postgres: { schema: "dw_bench", indexes: [{ columns: ["at"], where: `paid > ${number % 50}` }] } },
    }),
  );

function wanted(list) {
  const context = { warehouse: "bench", models: new Map(list.map((model) => [model.name, model])) };
  return catalogFor(catalogOf("bench", postgres.resolve(list, context).objects.map(postgres.normalize)), "local");
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
async function timed(work) {
  const seconds = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    const began = performance.now();
    await work();
    seconds.push((performance.now() - began) / 1000);
  }
  return median(seconds);
}

const connection = { kind: "postgres", host: at.hostname, port: Number(at.port), user: at.username, database: at.pathname.slice(1) };
const pg = await openPg(connection, at.password || undefined);
const session = await pg.session();
await session.query("DROP SCHEMA IF EXISTS dw_bench CASCADE");
const [before, after] = [wanted(models({})), wanted(models({ extra: t.text("later").nullable() }))];
await session.transaction(async () => {
  for (const { text } of buildPlan(catalogOf("bench", []), before, () => postgres).statements) await session.query(text);
});
let statements = 0;
const ours = await timed(async () => {
  const { catalog } = await livePostgres.introspect(session, "bench", before);
  const live = catalogOf("bench", catalog.objects.filter(({ name }) => name[0] === "dw_bench").map(postgres.normalize));
  if (buildPlan(live, before, () => postgres).statements.length > 0) throw new Error("what was applied reads back differently");
  statements = buildPlan(live, after, () => postgres).statements.length;
});
const peer = await timed(() => {
  const { status, stderr } = spawnSync("pg_dump", ["--schema-only", "--schema=dw_bench", at.href], { stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(String(stderr));
});
await session.query("DROP SCHEMA dw_bench CASCADE");
await session.close();
await pg.close();
process.stdout.write(
  `${count} tables: introspect and plan twice (${statements} statements) ${ours.toFixed(2)} s; pg_dump --schema-only ${peer.toFixed(2)} s; ratio ${(ours / peer).toFixed(2)}\n`,
);
