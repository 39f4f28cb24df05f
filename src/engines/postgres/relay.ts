import { emptyFingerprint, type Fingerprint, type FingerprintColumn, fingerprintQuery, readFingerprint } from "../../core/fingerprint.js";
import type { Pg, PgSession } from "../../core/session.js";
import type { Chunk, RelayedColumn, RelaySource } from "../../core/source.js";
import type { LoadedChunk, LoadIdentity, RelayedChunk } from "../../core/target.js";
import { postgresCanonical } from "./canonical.js";
import { recordChunk, recordedChunk, settleChunk } from "./ledger.js";

/*
 * From one PostgreSQL server into another: what COPY writes there in binary form, COPY takes here, and nobody in between
 * looks at a value. Both ends must mean the same by the bytes: only types that PostgreSQL itself brings travel so, and only
 * where both columns have the same one. The rows are hashed afterwards, by the source's own SQL.
 */

const { ident } = postgresCanonical;

/** Without what is written as a number of the server's catalog, or after its locale. */
const RELAYED_TYPES = `SELECT a.attname::text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped AND t.typnamespace = 'pg_catalog'::regnamespace
    AND t.typname !~ '^_?(reg|money|aclitem|oid|xid|cid|tid)'`;

/** Types of the columns that can travel as they are. The canonical SQL needs PostgreSQL 14; embedded, COPY has no stream. */
export async function relayedTypes({ server, query }: Pg, schema: string, table: string): Promise<ReadonlyMap<string, string>> {
  if (server.embedded || Number.parseInt(server.version, 10) < 14) return new Map();
  const rows = await query(RELAYED_TYPES, [schema, table]);
  return new Map(rows.map((row) => [String(row.name), String(row.type)]));
}

/** `inSnapshot` runs work on a session that sees the source's snapshot; `pages` is the predicate that a chunk is, where it is not the whole table. */
export function relaySource(
  types: ReadonlyMap<string, string>,
  relation: string,
  pages: (chunk: Chunk) => string | undefined,
  inSnapshot: <Item>(work: (session: PgSession) => AsyncIterable<Item>) => AsyncIterable<Item>,
): RelaySource {
  const from = (chunk: Chunk): string => {
    const only = pages(chunk);
    return `${relation}${only === undefined ? "" : ` WHERE ${only}`}`;
  };
  return {
    types,
    rows: (chunk, columns) => {
      const select = `SELECT ${columns.map(ident).join(", ")} FROM ${from(chunk)}`;
      return inSnapshot((session) => session.copyOut(`COPY (${select}) TO STDOUT (FORMAT binary)`));
    },
    fingerprint: async (chunk, columns) => {
      const sql = fingerprintQuery(postgresCanonical, columns, `(${renamed(columns)} FROM ${from(chunk)}) AS chunk`);
      for await (const row of inSnapshot((session) => only(session.query(sql)))) return readFingerprint(columns, row[0] ?? {});
      throw new Error("an aggregate has a row");
    },
  };
}

const renamed = (columns: readonly RelayedColumn[]): string =>
  `SELECT ${columns.map(({ from, name }) => `${ident(from)} AS ${ident(name)}`).join(", ")}`;

async function* only<Item>(item: Promise<Item>): AsyncGenerator<Item> {
  yield await item;
}

export interface RelayPlace {
  /** Quoted. */
  readonly relation: string;
  /** As the ledger has it. */
  readonly name: string;
  readonly identity: LoadIdentity;
  readonly columns: readonly FingerprintColumn[];
}

/** Rows and ledger row in one transaction, as every chunk; the ledger has no more than the count until the chunk is settled. */
export async function relayChunk(
  session: PgSession,
  to: RelayPlace,
  { chunk, columns, rows }: RelayedChunk,
  signal: AbortSignal,
): Promise<LoadedChunk> {
  const { backfill } = to.identity;
  const loaded = { chunk: chunk.id, title: chunk.title, fingerprint: counted(to.columns, "0") };
  const copied = await session.transaction(async () => {
    if (!(await recordChunk(session, backfill, to.name, loaded))) return undefined;
    const copy = `COPY ${to.relation} (${columns.map(ident).join(", ")}) FROM STDIN (FORMAT binary)`;
    const count = await session.copyIn(copy, stoppable(rows(), signal));
    await settleChunk(session, backfill, to.name, chunk.id, counted(to.columns, String(count)));
    return count;
  });
  if (copied !== undefined) return { ...loaded, fingerprint: counted(to.columns, String(copied)), loadedAt: new Date().toISOString() };
  return recordedChunk(session, backfill, to.name, chunk.id);
}

const counted = (columns: readonly FingerprintColumn[], rows: string): Fingerprint => ({
  ...emptyFingerprint(columns),
  rows,
  countedOnly: true,
});

async function* stoppable(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    signal.throwIfAborted();
    yield piece;
  }
}
