import { doubleQuoted } from "../../core/double-quotes.js";
import { DwError } from "../../core/errors.js";
import type { Pg, PgSession } from "../../core/session.js";
import type { Upkeep, UpkeepPolicy, ValueRange } from "../../core/target.js";

/*
 * What TimescaleDB does to a hypertable by itself: policies that drop or compress chunks while history arrives, and
 * continuous aggregates that do not see it. What is paused, and that a refresh is owed, is recorded before it happens, in the
 * same database: a run that died is tidied up by the next one.
 */

export interface Hypertable {
  readonly schema: string;
  readonly table: string;
}

const LAYOUT = `CREATE TABLE IF NOT EXISTS dw_state.upkeep (
  target text NOT NULL, backfill text NOT NULL, job int NOT NULL, what text NOT NULL,
  since timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (target, backfill, job))`;

/** A job number that no policy has: the row says that aggregates are to be refreshed. */
const REFRESH = 0;

export function hypertableUpkeep(pg: Pg, hypertable: Hypertable): Upkeep {
  const target = `${hypertable.schema}.${hypertable.table}`;
  return {
    policies: () => livePolicies(pg, hypertable),
    pause: (backfill, policies) => inTransaction(pg, (session) => pause(session, target, backfill, policies)),
    restore: (backfill) => restore(pg, target, backfill),
    oweRefresh: (backfill) =>
      inTransaction(pg, async (session) => {
        await prepare(session);
        await claim(session, target, backfill, REFRESH, "refresh of continuous aggregates");
      }),
    owesRefresh: async (backfill) => {
      if (!(await isPrepared(pg))) return false;
      const rows = await pg.query(`SELECT 1 FROM dw_state.upkeep WHERE target = $1 AND backfill = $2 AND job = ${REFRESH}`, [
        target,
        backfill,
      ]);
      return rows.length > 0;
    },
    refresh: async (backfill, ranges) => {
      const names = await refreshAggregates(pg, hypertable, ranges);
      await pg.query(`DELETE FROM dw_state.upkeep WHERE target = $1 AND backfill = $2 AND job = ${REFRESH}`, [target, backfill]);
      return names;
    },
  };
}

const POLICIES = `SELECT job_id AS job, proc_name AS proc, config ->> 'drop_after' AS drop_after, config ->> 'compress_after' AS compress_after,
    CASE WHEN config ->> 'drop_after' !~ '^[0-9]+$' THEN
      (extract(epoch from now() - (config ->> 'drop_after')::interval) * 1000000)::bigint::text END AS keeps_from
  FROM timescaledb_information.jobs
  WHERE hypertable_schema = $1 AND hypertable_name = $2 AND proc_name IN ('policy_retention', 'policy_compression') AND scheduled
  ORDER BY job_id`;

async function livePolicies(pg: Pg, { schema, table }: Hypertable): Promise<UpkeepPolicy[]> {
  const rows = await pg.query(POLICIES, [schema, table]);
  const [dimension] = await pg.query(
    "SELECT column_name AS name FROM timescaledb_information.dimensions WHERE hypertable_schema = $1 AND hypertable_name = $2 ORDER BY dimension_number LIMIT 1",
    [schema, table],
  );
  return rows.map((row) => ({
    id: String(row.job),
    what: row.proc === "policy_retention" ? `retention (${row.drop_after})` : `columnstore after ${row.compress_after}`,
    ...(row.proc === "policy_retention" && {
      drops: { column: String(dimension?.name ?? ""), before: typeof row.keeps_from === "string" ? row.keeps_from : null },
    }),
  }));
}

/** The ledger's schema exists once a backfill has begun; whoever pauses before that makes it. */
async function prepare(session: PgSession): Promise<void> {
  await session.query("SELECT pg_advisory_xact_lock(hashtext('dw_state.layout'))");
  await session.query("CREATE SCHEMA IF NOT EXISTS dw_state");
  await session.query(LAYOUT);
}

async function isPrepared(pg: Pg): Promise<boolean> {
  const [row] = await pg.query("SELECT to_regclass('dw_state.upkeep')::text AS found");
  return typeof row?.found === "string";
}

async function claim(session: PgSession, target: string, backfill: string, job: number, what: string): Promise<void> {
  await session.query("INSERT INTO dw_state.upkeep (target, backfill, job, what) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", [
    target,
    backfill,
    job,
    what,
  ]);
}

async function pause(session: PgSession, target: string, backfill: string, policies: readonly UpkeepPolicy[]): Promise<void> {
  await prepare(session);
  // Paused by another backfill into this table: both must have ended before it runs again.
  const others = await session.query(`SELECT DISTINCT job, what FROM dw_state.upkeep WHERE target = $1 AND job <> ${REFRESH}`, [target]);
  const wanted = new Map([
    ...policies.map(({ id, what }) => [Number(id), what] as const),
    ...others.map(({ job, what }) => [Number(job), String(what)] as const),
  ]);
  for (const [job, what] of wanted) {
    await claim(session, target, backfill, job, what);
    await session.query("SELECT alter_job($1::int, scheduled => false, if_exists => true)", [job]);
  }
}

/** Policies of this backfill that nobody else keeps paused run again; the jobs are read back as the proof. */
async function restore(pg: Pg, target: string, backfill: string): Promise<readonly string[]> {
  if (!(await isPrepared(pg))) return [];
  return inTransaction(pg, async (session) => {
    await session.query("SELECT pg_advisory_xact_lock(hashtext('dw_state.layout'))");
    const mine = await session.query(
      `DELETE FROM dw_state.upkeep WHERE target = $1 AND backfill = $2 AND job <> ${REFRESH} RETURNING job, what`,
      [target, backfill],
    );
    const restored: string[] = [];
    for (const { job, what } of mine) {
      const others = await session.query("SELECT 1 FROM dw_state.upkeep WHERE target = $1 AND job = $2", [target, Number(job)]);
      if (others.length > 0) continue;
      await session.query("SELECT alter_job($1::int, scheduled => true, if_exists => true)", [Number(job)]);
      const [now] = await session.query("SELECT scheduled FROM timescaledb_information.jobs WHERE job_id = $1", [Number(job)]);
      if (now !== undefined && now.scheduled !== true) throw stillPaused(target, String(what), Number(job));
      restored.push(String(what));
    }
    return restored;
  });
}

function stillPaused(target: string, what: string, job: number): DwError {
  return new DwError("DW-POLICY-PAUSED", {
    what: `The policy ${what} of ${target} (job ${job}) was paused for a backfill and does not run again.`,
    why: "alter_job(scheduled => true) was accepted, and the job is still not scheduled.",
    fix: `Look at it with SELECT * FROM timescaledb_information.jobs WHERE job_id = ${job}, and schedule it by hand.`,
  });
}

/** Aggregates over the hypertable and over each other, those below first, with the width of their buckets. */
const AGGREGATES = `WITH RECURSIVE above AS (
    SELECT a.mat_hypertable_id AS id, a.user_view_schema AS schema, a.user_view_name AS name, 1 AS depth
    FROM _timescaledb_catalog.continuous_agg a JOIN _timescaledb_catalog.hypertable h ON h.id = a.raw_hypertable_id
    WHERE h.schema_name = $1 AND h.table_name = $2
    UNION ALL SELECT a.mat_hypertable_id, a.user_view_schema, a.user_view_name, depth + 1
    FROM above JOIN _timescaledb_catalog.continuous_agg a ON a.raw_hypertable_id = above.id)
  SELECT above.schema::text, above.name::text, b.bucket_width::text AS width
  FROM above JOIN _timescaledb_catalog.continuous_aggs_bucket_function b ON b.mat_hypertable_id = above.id ORDER BY depth, 1, 2`;

/** A range says microseconds since 1970; a window that holds only a part of a bucket would leave the bucket as it is. */
const WINDOW = `SELECT (to_timestamp(0) + $1::bigint * interval '1 microsecond' - $3::interval)::text AS low,
  (to_timestamp(0) + $2::bigint * interval '1 microsecond' + $3::interval)::text AS high`;

async function refreshAggregates(pg: Pg, { schema, table }: Hypertable, ranges: readonly ValueRange[]): Promise<readonly string[]> {
  const aggregates = await pg.query(AGGREGATES, [schema, table]);
  for (const aggregate of aggregates) {
    const name = `${doubleQuoted(String(aggregate.schema))}.${doubleQuoted(String(aggregate.name))}`;
    for (const range of ranges) await refreshRange(pg, name, String(aggregate.width), range);
  }
  return aggregates.map(({ schema: inside, name }) => `${inside}.${name}`);
}

async function refreshRange(pg: Pg, name: string, width: string, { min, max }: ValueRange): Promise<void> {
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  if (/^\d+$/.test(width)) {
    await pg.query(`CALL refresh_continuous_aggregate(${text(name)}, ${BigInt(min) - BigInt(width)}, ${BigInt(max) + BigInt(width)})`);
    return;
  }
  const [window] = await pg.query(WINDOW, [min, max, width]);
  // A procedure that commits by itself: it takes no parameters and no transaction around it.
  await pg.query(`CALL refresh_continuous_aggregate(${text(name)}, ${text(String(window?.low))}, ${text(String(window?.high))})`);
}

async function inTransaction<Result>(pg: Pg, work: (session: PgSession) => Promise<Result>): Promise<Result> {
  const session = await pg.session();
  try {
    return await session.transaction(() => work(session));
  } finally {
    await session.close();
  }
}
