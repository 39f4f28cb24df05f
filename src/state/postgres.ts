import type { Json } from "../core/json.js";
import type { Pg } from "../core/session.js";
import type { AppliedMigration, CheckRecord, JournalEntry, StatementState, StateStore } from "../core/state.js";
import { prepareLayout } from "./layout.js";
import { fenced, takeLease } from "./lease.js";

/** How long what is only history is kept, as PostgreSQL intervals. Applied migrations and named values are kept for ever. */
export const retention = { checks: "400 days", journal: "400 days" } as const;

export interface StateOptions {
  /** Several environments may share one store; each sees only its own rows. */
  readonly environment: string;
  readonly leaseMs?: number;
}

/** Long enough for a pause of the process, short enough that a killed run does not block the night. */
const LEASE_MS = 30_000;

const INSTANT = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;
const instant = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', ${INSTANT}) AS at`;

/**
 * Reads the lease row FOR SHARE in the same statement that writes: a takeover (an UPDATE of that row) waits until the write
 * is committed, and a write after a takeover finds no row and does nothing.
 */
const HELD = `held AS (SELECT 1 FROM dw_state.lock WHERE environment = $1 AND name = $2 AND fence = $3 FOR SHARE)`;

/** The state store in a PostgreSQL database or in PGlite. Creates its schema on demand; does not close `pg`. */
export async function postgresState(pg: Pg, options: StateOptions): Promise<StateStore> {
  await prepareLayout(pg);
  const { environment } = options;
  const terms = { environment, leaseMs: options.leaseMs ?? LEASE_MS };
  return {
    lock: (name, owner, waitMs) => takeLease(pg, terms, name, owner, waitMs),
    journal: (warehouse, migration) => journal(pg, environment, warehouse, migration),
    record: async (lease, entries) => {
      if (entries.length === 0) return;
      const written = await pg.query(
        `WITH ${HELD}
         INSERT INTO dw_state.journal (environment, warehouse, migration, statement, state, at, message)
         SELECT $1, entry ->> 'warehouse', entry ->> 'migration', entry ->> 'statement', entry ->> 'state', clock_timestamp(), entry ->> 'message'
         FROM held, jsonb_array_elements($4::jsonb) WITH ORDINALITY AS list (entry, place) ORDER BY place RETURNING seq`,
        [environment, lease.name, lease.fence, JSON.stringify(entries)],
      );
      if (written.length === 0) throw fenced(lease.name);
    },
    applied: (warehouse) => applied(pg, environment, warehouse),
    markApplied: async (lease, warehouse, migration) => {
      const written = await pg.query(
        `WITH ${HELD}
         INSERT INTO dw_state.migration (environment, warehouse, id, hash, applied_at)
         SELECT $1, $4, $5, $6, clock_timestamp() FROM held
         ON CONFLICT (environment, warehouse, id) DO UPDATE SET hash = excluded.hash RETURNING id`,
        [environment, lease.name, lease.fence, warehouse, migration.id, migration.hash],
      );
      if (written.length === 0) throw fenced(lease.name);
      await pruneJournal(pg, environment, warehouse);
    },
    unmarkApplied: async (lease, warehouse, id) => {
      const written = await pg.query(
        `WITH ${HELD},
         gone AS (DELETE FROM dw_state.migration WHERE environment = $1 AND warehouse = $4 AND id = $5 AND EXISTS (SELECT 1 FROM held)),
         forgotten AS (DELETE FROM dw_state.journal WHERE environment = $1 AND warehouse = $4 AND migration IN ($5, $5 || '/down') AND EXISTS (SELECT 1 FROM held))
         SELECT 1 AS one FROM held`,
        [environment, lease.name, lease.fence, warehouse, id],
      );
      if (written.length === 0) throw fenced(lease.name);
    },
    recordChecks: (records) => recordChecks(pg, environment, records),
    checkHistory: (filter) => checkHistory(pg, environment, filter),
    get: async (scope, key) => {
      const [row] = await pg.query<{ value: string }>(
        "SELECT value::text AS value FROM dw_state.value WHERE environment = $1 AND scope = $2 AND key = $3",
        [environment, scope, key],
      );
      return row === undefined ? undefined : json(row.value);
    },
    put: async (scope, key, value) => {
      await pg.query(
        `INSERT INTO dw_state.value (environment, scope, key, value, at) VALUES ($1, $2, $3, $4::jsonb, clock_timestamp())
         ON CONFLICT (environment, scope, key) DO UPDATE SET value = excluded.value, at = excluded.at`,
        [environment, scope, key, JSON.stringify(value)],
      );
    },
    close: async () => undefined,
  };
}

async function journal(pg: Pg, environment: string, warehouse: string, migration: string): Promise<readonly JournalEntry[]> {
  const rows = await pg.query<{ statement: string; state: StatementState; at: string; message: string | null }>(
    `SELECT statement, state, ${instant("at")}, message FROM dw_state.journal
     WHERE environment = $1 AND warehouse = $2 AND migration = $3 ORDER BY seq`,
    [environment, warehouse, migration],
  );
  return rows.map(({ message, ...row }) => ({ warehouse, migration, ...row, ...(message !== null && { message }) }));
}

async function applied(pg: Pg, environment: string, warehouse: string): Promise<readonly AppliedMigration[]> {
  const rows = await pg.query<{ id: string; hash: string; at: string }>(
    `SELECT id, hash, ${instant("applied_at")} FROM dw_state.migration WHERE environment = $1 AND warehouse = $2 ORDER BY id COLLATE "C"`,
    [environment, warehouse],
  );
  return rows.map((row) => ({ id: row.id, hash: row.hash, appliedAt: row.at }));
}

async function pruneJournal(pg: Pg, environment: string, warehouse: string): Promise<void> {
  await pg.query(
    `DELETE FROM dw_state.journal AS old USING dw_state.migration AS done
     WHERE old.environment = $1 AND old.warehouse = $2 AND old.at < now() - $3::interval
       AND done.environment = old.environment AND done.warehouse = old.warehouse AND done.id = old.migration`,
    [environment, warehouse, retention.journal],
  );
}

async function recordChecks(pg: Pg, environment: string, records: readonly CheckRecord[]): Promise<void> {
  if (records.length === 0) return;
  await pg.query(
    `INSERT INTO dw_state.check_history (environment, run, at, warehouse, model, slot, check_name, outcome, value, message)
     SELECT $1, entry ->> 'run', (entry ->> 'at')::timestamptz, entry ->> 'warehouse', entry ->> 'model', entry ->> 'slot', entry ->> 'check',
       entry ->> 'outcome', entry -> 'value', entry ->> 'message'
     FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS list (entry, place) ORDER BY place`,
    [environment, JSON.stringify(records)],
  );
  await pg.query("DELETE FROM dw_state.check_history WHERE environment = $1 AND at < now() - $2::interval", [
    environment,
    retention.checks,
  ]);
}

type HistoryFilter = Parameters<StateStore["checkHistory"]>[0];

/** Newest first. What older versions remembered has no slot, and belongs to every one. */
async function checkHistory(pg: Pg, environment: string, filter: HistoryFilter): Promise<readonly CheckRecord[]> {
  const rows = await pg.query<Record<keyof CheckRecord, string> & { readonly slot: string | null }>(
    `SELECT run, ${instant("at")}, warehouse, model, slot, check_name AS check, outcome, value::text AS value, message FROM dw_state.check_history
     WHERE environment = $1 AND warehouse = $2 AND ($3::text IS NULL OR model = $3) AND ($4::text IS NULL OR check_name = $4)
       AND ($5::text IS NULL OR coalesce(slot, $5) = $5) AND ($6::timestamptz IS NULL OR dw_state.check_history.at >= $6)
     ORDER BY dw_state.check_history.at DESC, seq DESC LIMIT $7`,
    [environment, filter.warehouse, filter.model ?? null, filter.check ?? null, filter.slot ?? null, filter.since ?? null, filter.limit],
  );
  return rows.map(({ slot, ...row }) => ({ ...row, ...(slot !== null && { slot }), value: json(row.value) }));
}

/** What this store wrote itself. */
function json(text: string | null): Json {
  return text === null ? null : (JSON.parse(text) as Json); // jsonb::text is JSON
}
