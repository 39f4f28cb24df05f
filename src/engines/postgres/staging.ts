import { createHash } from "node:crypto";
import type { Pg, PgSession } from "../../core/session.js";
import type { TargetColumn } from "../../core/target.js";
import { postgresCanonical } from "./canonical.js";
import { inSession, loadedChunks, readLedger } from "./ledger.js";

/*
 * Write, audit, publish. The staging table lies in dw_state and has the target's defaults, constraints and indexes. It is made
 * by the commit that begins the backfill and goes by the commit that publishes its rows: a ledger without one is published.
 */

const { ident } = postgresCanonical;

/** Names in PostgreSQL end at 63 bytes: a hash is always the same length. */
export function stagedName(backfill: string, target: string): readonly [string, string] {
  const digest = createHash("sha256")
    .update(JSON.stringify([backfill, target]), "utf8")
    .digest("hex");
  return ["dw_state", `staged_${digest.slice(0, 32)}`];
}

/** All names quoted. */
export async function makeStaged(session: PgSession, staged: string, home: string): Promise<void> {
  await session.query(`DROP TABLE IF EXISTS ${staged}`);
  await session.query(
    `CREATE TABLE ${staged} (LIKE ${home} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING IDENTITY INCLUDING CONSTRAINTS INCLUDING INDEXES)`,
  );
}

export async function isStaged(pg: Pg, backfill: string, target: string, staged: string): Promise<boolean> {
  if ((await readLedger(pg, backfill, target)) === undefined) return true;
  const [found] = await pg.query("SELECT to_regclass($1)::text AS found", [staged]);
  return typeof found?.found === "string";
}

export interface Publication {
  readonly backfill: string;
  readonly target: string;
  /** Quoted. */
  readonly staged: string;
  /** Quoted. */
  readonly home: string;
  readonly columns: readonly TargetColumn[];
}

/** Columns that no chunk brought get their defaults anew: an identity column continues the target's own sequence. */
export async function publishStaged(pg: Pg, { backfill, target, staged, home, columns }: Publication): Promise<void> {
  const [chunk] = await loadedChunks(pg, backfill, target);
  const brought = new Set(chunk?.fingerprint.columns.map(({ name }) => name));
  const names = columns
    .filter(({ name, writable }) => writable && brought.has(name))
    .map(({ name }) => ident(name))
    .join(", ");
  await inSession(pg, async (session) => {
    if (names !== "") await session.query(`INSERT INTO ${home} (${names}) SELECT ${names} FROM ${staged}`);
    await session.query(`DROP TABLE ${staged}`);
  });
}
