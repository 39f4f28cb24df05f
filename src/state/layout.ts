import type { Pg } from "../core/session.js";

/*
 * The tables of the state store in PostgreSQL. The layout has a version of its own, so that a newer dw brings an older
 * store up to date and an older dw refuses nothing it can still read: steps only add.
 */

/** Each member leads from the layout before it to the next; a released member is never edited. */
const steps: readonly (readonly string[])[] = [
  [
    `CREATE TABLE dw_state.lock (
      environment text NOT NULL, name text NOT NULL, owner text NOT NULL, fence bigint NOT NULL,
      since timestamptz NOT NULL, expires timestamptz NOT NULL, PRIMARY KEY (environment, name))`,
    `CREATE TABLE dw_state.journal (
      seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, environment text NOT NULL, warehouse text NOT NULL,
      migration text NOT NULL, statement text NOT NULL, state text NOT NULL, at timestamptz NOT NULL, message text)`,
    "CREATE INDEX journal_of_migration ON dw_state.journal (environment, warehouse, migration, seq)",
    `CREATE TABLE dw_state.migration (
      environment text NOT NULL, warehouse text NOT NULL, id text NOT NULL, hash text NOT NULL,
      applied_at timestamptz NOT NULL, PRIMARY KEY (environment, warehouse, id))`,
    `CREATE TABLE dw_state.check_history (
      seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, environment text NOT NULL, run text NOT NULL,
      at timestamptz NOT NULL, warehouse text NOT NULL, model text NOT NULL, check_name text NOT NULL,
      outcome text NOT NULL, value jsonb, message text NOT NULL)`,
    "CREATE INDEX check_history_of_model ON dw_state.check_history (environment, warehouse, model, at DESC)",
    `CREATE TABLE dw_state.value (
      environment text NOT NULL, scope text NOT NULL, key text NOT NULL, value jsonb NOT NULL, at timestamptz NOT NULL,
      PRIMARY KEY (environment, scope, key))`,
  ],
  ["ALTER TABLE dw_state.check_history ADD COLUMN slot text"],
];

/** Creates the schema dw_state, or brings it up to date. Several processes may do so at once. */
export async function prepareLayout(pg: Pg): Promise<void> {
  if ((await layoutVersion(pg)) >= steps.length) return;
  const session = await pg.session();
  try {
    await session.transaction(async () => {
      // Bound to the transaction, not the session, so that it cannot strand behind a pooler; CREATE … IF NOT EXISTS alone races.
      await session.query("SELECT pg_advisory_xact_lock(hashtext('dw_state.layout'))");
      await session.query("CREATE SCHEMA IF NOT EXISTS dw_state");
      await session.query("CREATE TABLE IF NOT EXISTS dw_state.layout (version integer NOT NULL)");
      const [row] = await session.query<{ version: number | string }>("SELECT version FROM dw_state.layout");
      const have = row === undefined ? 0 : Number(row.version);
      for (const statement of steps.slice(have).flat()) await session.query(statement);
      if (row === undefined) await session.query("INSERT INTO dw_state.layout VALUES ($1)", [steps.length]);
      else if (have < steps.length) await session.query("UPDATE dw_state.layout SET version = $1", [steps.length]);
    });
  } finally {
    await session.close();
  }
}

async function layoutVersion(pg: Pg): Promise<number> {
  const [found] = await pg.query<{ found: unknown }>("SELECT to_regclass('dw_state.layout')::text AS found");
  if (typeof found?.found !== "string") return 0;
  const [row] = await pg.query<{ version: number | string }>("SELECT version FROM dw_state.layout");
  return row === undefined ? 0 : Number(row.version);
}
