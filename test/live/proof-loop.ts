import { expect } from "vitest";
import { buildPlan } from "../../src/core/build-plan.js";
import { type Catalog, type CatalogObject, catalogFor as catalogIn, catalogOf } from "../../src/core/catalog.js";
import type { Rename } from "../../src/core/change.js";
import { diff } from "../../src/core/diff.js";
import type { Engine, LiveEngine } from "../../src/core/engine.js";
import type { Model } from "../../src/core/model.js";
import type { StatementBody } from "../../src/core/plan.js";
import type { PgSession } from "../../src/core/session.js";

import { executeTogether } from "../../src/engines/postgres/execute.js";

/*
 * The proof: what a plan did is what it said. Models A are made and read back equal, changed to B and read back equal; then
 * nothing is left to do, and rows that the plan did not give up are still there.
 */

export interface Stage {
  readonly engine: Engine;
  readonly live: LiveEngine<PgSession>;
  readonly session: PgSession;
}

export interface Pair {
  readonly from: readonly Model[];
  readonly to: readonly Model[];
  readonly renames?: readonly Rename[];
  /** Statements that fill A. */
  readonly seed?: readonly string[];
  /** A query and its only value after the change. */
  readonly expected?: readonly [string, unknown];
  /** The way from B to A is planned and executed too, and the query's value is this one then. */
  readonly back?: unknown;
}

export function catalogFor(engine: Engine, models: readonly Model[]): Catalog {
  const context = { warehouse: "proof", models: new Map(models.map((model) => [model.name, model])) };
  return catalogIn(catalogOf("proof", engine.resolve(models, context).objects.map(engine.normalize)), "local");
}

export function planFor(engine: Engine, from: Catalog, to: Catalog, renames: readonly Rename[] = []): StatementBody[] {
  return [...buildPlan(from, to, () => engine, renames).statements];
}

/** As a migration does: neighbours that may share a transaction do, the others run alone. */
async function apply({ live, session }: Stage, statements: readonly StatementBody[]): Promise<void> {
  const { signal } = new AbortController();
  let together: StatementBody[] = [];
  const flush = async (): Promise<void> => {
    await executeTogether(session, together, signal);
    together = [];
  };
  for (const statement of statements) {
    if (statement.transactional) together.push(statement);
    else {
      await flush();
      await live.execute(session, statement, signal);
    }
  }
  await flush();
}

/** The live objects, ours and foreign, as they compare with `wanted`. */
export async function look({ engine, live, session }: Stage, wanted: Catalog): Promise<Catalog> {
  const { catalog } = await live.introspect(session, "proof", wanted);
  return catalogOf("proof", catalog.objects.map(engine.normalize).map(withoutModel));
}

function withoutModel({ model: _, ...object }: CatalogObject): CatalogObject {
  return object;
}

async function isNow(stage: Stage, wanted: Catalog): Promise<void> {
  const live = await look(stage, wanted);
  const changes = diff(wanted, live);
  expect(
    changes.map((change) => (change.change === "altered" ? { id: change.id, facts: change.facts } : { id: change.id, is: change.change })),
  ).toEqual([]);
  expect(planFor(stage.engine, live, wanted)).toEqual([]);
}

const DROPS: Readonly<Record<string, readonly string[]>> = {
  r: ["TABLE"],
  p: ["TABLE"],
  v: ["VIEW", "MATERIALIZED VIEW"], // a continuous aggregate looks like a view
  m: ["MATERIALIZED VIEW"],
};

/** Empties the database, so that one failed proof does not fail the next. */
async function clear(session: PgSession): Promise<void> {
  const relations = await session.query<{ name: string; kind: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relkind AS kind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname !~ '^(pg_|_?timescaledb_|information_schema)'
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
     UNION ALL SELECT p.oid::regprocedure::text, 'f' FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')`,
  );
  for (const { name, kind } of relations) {
    for (const word of DROPS[kind] ?? ["FUNCTION"]) await session.query(`DROP ${word} IF EXISTS ${name} CASCADE`).catch(() => {});
  }
  const schemas = await session.query<{ name: string }>(
    "SELECT quote_ident(nspname) AS name FROM pg_namespace WHERE nspname ~ '_dw_(shadow|held)$'",
  );
  for (const { name } of schemas) await session.query(`DROP SCHEMA ${name} CASCADE`);
  const types = await session.query<{ name: string }>(
    "SELECT oid::regtype::text AS name FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace",
  );
  for (const { name } of types) await session.query(`DROP TYPE ${name} CASCADE`);
  const roles = await session.query<{ name: string }>("SELECT quote_ident(rolname) AS name FROM pg_roles WHERE rolname LIKE 'dw%test%'");
  for (const { name } of roles) await session.query(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
}

function reversed(rename: Rename): Rename {
  return rename.rename === "object" ? { ...rename, id: rename.to, to: rename.id } : { ...rename, from: rename.to, to: rename.from };
}

export async function prove(stage: Stage, pair: Pair): Promise<readonly StatementBody[]> {
  const [none, a, b] = [catalogOf("proof", []), catalogFor(stage.engine, pair.from), catalogFor(stage.engine, pair.to)];
  await clear(stage.session);
  await apply(stage, planFor(stage.engine, none, a));
  await isNow(stage, a);
  // As a migration runs them: on a server its own jobs may hold what they need.
  const { signal } = new AbortController();
  for (const text of pair.seed ?? []) await stage.live.execute(stage.session, { text, hazards: [], transactional: false }, signal);
  const plan = planFor(stage.engine, a, b, pair.renames);
  await apply(stage, plan);
  await isNow(stage, b);
  if (pair.expected) {
    const [row] = await stage.session.query(pair.expected[0]);
    expect(Object.values(row ?? {})[0]).toEqual(pair.expected[1]);
  }
  if (pair.expected && pair.back !== undefined) {
    await apply(stage, planFor(stage.engine, b, a, (pair.renames ?? []).map(reversed)));
    await isNow(stage, a);
    const [row] = await stage.session.query(pair.expected[0]);
    expect(Object.values(row ?? {})[0]).toEqual(pair.back);
  }
  await apply(stage, planFor(stage.engine, pair.back === undefined ? b : a, none));
  await isNow(stage, none);
  return plan;
}
