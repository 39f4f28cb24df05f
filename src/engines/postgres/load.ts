import { rm } from "node:fs/promises";
import { join } from "node:path";
import { sqlStateOf } from "../../connections/pg-errors.js";
import { DwError, isDwError } from "../../core/errors.js";
import { emptyFingerprint, type Fingerprint, type FingerprintColumn } from "../../core/fingerprint.js";
import { measuresOf } from "../../core/measures.js";
import type { Pg, PgSession } from "../../core/session.js";
import type { LoadableChunk, LoadedChunk, LoadIdentity, LoadSession, TargetColumn, TargetTable } from "../../core/target.js";
import { GONE, giveWay, isUniqueBy, makeLike, ROWS, readBack, upsert } from "./apply.js";
import { postgresCanonical } from "./canonical.js";
import { type CopyForm, copyForm } from "./copy-form.js";
import { copyBytes, fileBytes } from "./copy-text.js";
import {
  claimLedger,
  countQuarantined,
  loadedChunks,
  prepareLedger,
  readLedger,
  recordChunk,
  recordedChunk,
  resetLedger,
  settleChunk,
  supersede,
} from "./ledger.js";
import { serverTypes, tableColumns } from "./live-columns.js";
import { mendTable } from "./mend.js";
import { relayChunk, relayedTypes } from "./relay.js";
import { isStaged, makeStaged, publishStaged, stagedName } from "./staging.js";

export interface PgTargetOptions {
  readonly engine: "postgres" | "timescale";
  readonly schema: string;
  readonly table: string;
  /** Columns whose values never stand in a message. */
  readonly pii: ReadonlySet<string>;
  /** A folder for chunk files; whoever made it removes it. */
  readonly scratch: string;
  /** Quoted name of the table that takes the rows in the target's place until they are published. */
  readonly staged?: string;
}

const SERVER_LANES = 3;

/** DuckDB, which writes the chunk files, quotes names in the same way. */
const ident = postgresCanonical.ident;

/** A table of PostgreSQL or TimescaleDB, on a server or embedded: rows and ledger row are one transaction. */
export function pgTarget(pg: Pg, options: PgTargetOptions): TargetTable {
  const name = `${options.schema}.${options.table}`;
  const home = `${ident(options.schema)}.${ident(options.table)}`;
  const relation = options.staged ?? home;
  const query = (sql: string) => pg.query(sql);
  return {
    title: name,
    engine: options.engine,
    merge: { merge: "append" },
    lanes: pg.server.embedded ? 1 : SERVER_LANES,
    columns: () => tableColumns(pg, options.schema, options.table),
    start: async (identity, columns) => {
      await prepareLedger(pg);
      const before = await claimLedger(pg, name, identity, async (session) => {
        if (options.staged !== undefined) await makeStaged(session, options.staged, home);
        return measuresOf(postgresCanonical, (sql) => session.query(sql), home).fingerprint(columns);
      });
      const baseline = options.staged === undefined ? before : emptyFingerprint(columns);
      return loadSession(pg, { ...options, name, relation, identity, columns, ...(await formsOf(pg, options, columns)) }, baseline);
    },
    ledger: (backfill) => readLedger(pg, backfill, name),
    reset: (backfill, empty) => resetLedger(pg, backfill, name, home, empty, stagedName(backfill, name)),
    quarantined: (backfill) => countQuarantined(pg, backfill, name),
    ...measuresOf(postgresCanonical, query, relation),
    mend: async (backfill, columns, mending, signal) => {
      const { form } = await formsOf(pg, options, columns);
      await mendTable(pg, { backfill, name, relation, columns, form, scratch: options.scratch }, mending, signal).catch(
        (error: unknown) => {
          throw signal.aborted ? signal.reason : refusal(error, { ...options, name });
        },
      );
    },
    applies: async (apply) => apply === "replace" || isUniqueBy(pg, home, apply.upsert),
    ...(options.staged === undefined && {
      staging: (backfill: string) => {
        const staged = stagedName(backfill, name);
        const relation = staged.map(ident).join(".");
        return {
          name: staged,
          table: async () => pgTarget(pg, { ...options, staged: relation }),
          isOpen: () => isStaged(pg, backfill, name, relation),
          publish: async () => {
            const columns = await tableColumns(pg, options.schema, options.table);
            await publishStaged(pg, { backfill, target: name, staged: relation, home, columns }).catch((error: unknown) => {
              throw refusal(error, { ...options, name });
            });
          },
        };
      },
    }),
    settle: (backfill, chunk, fingerprint) => settleChunk(pg, backfill, name, chunk, fingerprint),
    relayedTypes: () => relayedTypes(pg, options.schema, options.table),
    close: async () => {}, // the connection belongs to whoever opened it
  };
}

interface Destination extends PgTargetOptions {
  readonly name: string;
  readonly relation: string;
  readonly identity: LoadIdentity;
  /** Those that are loaded. */
  readonly columns: readonly FingerprintColumn[];
  readonly form: CopyForm;
  /** For keys alone: they are few. */
  readonly keyForm: (key: readonly string[]) => CopyForm;
}

async function formsOf(
  pg: Pg,
  { schema, table }: PgTargetOptions,
  columns: readonly FingerprintColumn[],
): Promise<Pick<Destination, "form" | "keyForm">> {
  const live = await tableColumns(pg, schema, table);
  const liveColumn = (name: string): TargetColumn => {
    const column = live.find((candidate) => candidate.name === name);
    if (column === undefined) throw new Error(`${schema}.${table} has no column ${name}`);
    return column;
  };
  const types = pg.server.embedded ? undefined : await serverTypes(pg, schema, table);
  return {
    form: copyForm(
      columns.map(({ name }) => liveColumn(name)),
      types,
    ),
    keyForm: (key) => copyForm(key.map(liveColumn), undefined),
  };
}

function loadSession(pg: Pg, to: Destination, baseline: LoadSession["baseline"]): LoadSession {
  const idle: PgSession[] = [];
  const discard = async (session: PgSession): Promise<void> => session.close();
  const onSession = async (work: (session: PgSession) => Promise<LoadedChunk>): Promise<LoadedChunk> => {
    const session = idle.pop() ?? (await pg.session());
    try {
      const loaded = await work(session);
      // PGlite's sessions take turns on one connection: holding one back would hold up everybody else.
      if (pg.server.embedded) await discard(session);
      else idle.push(session);
      return loaded;
    } catch (error) {
      await discard(session);
      throw error;
    }
  };
  return {
    baseline,
    loaded: () => loadedChunks(pg, to.identity.backfill, to.name),
    load: async (rows, signal) => {
      const file = join(to.scratch, `${rows.chunk.id}.csv`);
      try {
        await to.form.prepare(rows, file);
        if (rows.rejected !== undefined) await writeRejected(rows, rows.rejected, to, rejectedFile(file));
        const gone = goneOf(rows);
        if (gone !== undefined) await to.keyForm(gone.key).prepare({ ...rows, sql: gone.sql }, goneFile(file));
        signal.throwIfAborted();
        return await onSession((session) => copyChunk(session, pg.server.embedded, to, rows, file, signal));
      } finally {
        await rm(file, { force: true });
        await rm(rejectedFile(file), { force: true });
        await rm(goneFile(file), { force: true });
      }
    },
    relay: (rows, signal) =>
      onSession((session) =>
        relayChunk(session, to, rows, signal).catch((error: unknown) => {
          throw signal.aborted ? signal.reason : refusal(error, to);
        }),
      ),
    close: async () => {
      for (const session of idle.splice(0)) await discard(session);
    },
  };
}

const rejectedFile = (file: string): string => `${file}.rejected`;
const goneFile = (file: string): string => `${file}.gone`;

function goneOf({ apply }: LoadableChunk): { readonly key: readonly string[]; readonly sql: string } | undefined {
  return apply?.apply === "upsert" && apply.gone !== undefined ? { key: apply.key, sql: apply.gone } : undefined;
}

async function writeRejected({ db, chunk }: LoadableChunk, sql: string, { identity, name }: Destination, file: string): Promise<void> {
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  const place = [identity.backfill, name, chunk.id].map(text).join(", ");
  await db.run(
    `COPY (SELECT ${place}, reason, "row" FROM (${sql}) AS rejected) TO ${text(file)} (FORMAT csv, HEADER false, NULLSTR '', FORCE_QUOTE *)`,
  );
}

const COPY_REJECTED = 'COPY dw_state.quarantine (backfill, target, chunk, reason, "row") FROM STDIN (FORMAT csv)';

async function copyChunk(
  session: PgSession,
  embedded: boolean,
  to: Destination,
  rows: LoadableChunk,
  file: string,
  signal: AbortSignal,
): Promise<LoadedChunk> {
  const { chunk, fingerprint, apply } = rows;
  const { backfill } = to.identity;
  const loaded = { chunk: chunk.id, title: chunk.title, fingerprint };
  const put = async (relation: string, names: readonly string[], form: CopyForm, bytes: AsyncIterable<Uint8Array>): Promise<number> =>
    copyBytes(session, `COPY ${relation} (${names.map(ident).join(", ")}) FROM STDIN (FORMAT ${form.format})`, bytes, embedded);
  try {
    const done = await session.transaction(async () => {
      // The ledger row goes first: a second run of the same chunk waits here for our COMMIT, and then finds it done.
      if (!(await recordChunk(session, backfill, to.name, loaded))) return undefined;
      await supersede(session, backfill, to.name, rows.supersedes ?? []);
      const names = to.columns.map(({ name }) => name);
      const into = apply?.apply === "upsert" ? ROWS : to.relation;
      if (apply?.apply === "upsert") await makeLike(session, ROWS, to.relation, names);
      if (apply?.apply === "replace") await giveWay(session, to.relation, apply);
      const copied = await put(into, names, to.form, to.form.bytes(rows, file, signal));
      const arrived = await counted(session, to, rows, copied);
      const gone = goneOf(rows);
      if (gone !== undefined) {
        const form = to.keyForm(gone.key);
        await makeLike(session, GONE, to.relation, gone.key);
        await put(GONE, gone.key, form, form.bytes(rows, goneFile(file), signal));
      }
      const applied = { relation: to.relation, columns: to.columns, title: chunk.title };
      if (apply?.apply === "upsert") await upsert(session, applied, apply.key, gone !== undefined);
      if (apply !== undefined) await readBack(session, applied, apply, fingerprint, gone !== undefined);
      if (rows.rejected !== undefined) await copyBytes(session, COPY_REJECTED, fileBytes(rejectedFile(file), signal), embedded);
      return { ...loaded, fingerprint: arrived, loadedAt: new Date().toISOString() };
    });
    return done ?? (await recordedChunk(session, backfill, to.name, chunk.id));
  } catch (error) {
    throw signal.aborted ? signal.reason : refusal(error, to);
  }
}

/** The chunk's fingerprint, of which the rows that arrived are the number. */
async function counted(session: PgSession, to: Destination, { chunk, fingerprint }: LoadableChunk, copied: number): Promise<Fingerprint> {
  const rows = String(copied);
  if (rows === fingerprint.rows) return fingerprint;
  if (!fingerprint.countedOnly) throw changedMeanwhile(chunk.title, fingerprint.rows, copied);
  await settleChunk(session, to.identity.backfill, to.name, chunk.id, { ...fingerprint, rows });
  return { ...fingerprint, rows };
}

function changedMeanwhile(title: string, expected: string, copied: number): DwError {
  return new DwError("DW-RECONCILE-MISMATCH", {
    what: `Chunk ${title} had ${expected} rows when it was fingerprinted and ${copied} when it was copied.`,
    why: "The source changed in between; the chunk was rolled back.",
    fix: "Load from a snapshot that stays, or when nobody writes to the source.",
  });
}

/** `COPY t, line 3, column paid: "12x"`: what the server says about the place of a bad value. */
const COPY_PLACE = /COPY [^\n]*?, line \d+, column ([^:\n]+)(?:: ("[^\n]*"))?/;

/** The server's refusal of a value or a key, as a letter that shows no personal data. Other errors stay as they are. */
function refusal(error: unknown, to: Pick<Destination, "name" | "pii">): unknown {
  const state = sqlStateOf(error);
  if (!isDwError(error) || state === undefined) return error;
  if (state === "23505" || state === "23P01") return keyConflict(error, to);
  if (state.startsWith("22") || state === "23502" || state === "23514") return valueRefused(error, to);
  return error;
}

function keyConflict(error: DwError, to: Pick<Destination, "name" | "pii">): DwError {
  const detail = /Key \(([^)]*)\)=\(.*\) already exists/.exec(error.why)?.[0] ?? "A key exists already.";
  return new DwError("DW-LOAD-CONFLICT", {
    what: `${to.name} holds a row with a key that the source has as well${to.pii.size > 0 ? "" : `: ${detail}`}.`,
    why: "Either the source has the key twice, or the table has rows from elsewhere. The chunk was rolled back; nothing of it was kept.",
    fix: "Leave the rows out with --where, map them to another key, or remove them from the target; then run again.",
    cause: error,
  });
}

function valueRefused(error: DwError, to: Pick<Destination, "name" | "pii">): DwError {
  const [, column, sample] = COPY_PLACE.exec(error.why) ?? [];
  const cause = error.cause instanceof Error ? error.cause.message : error.what;
  // The server's sentence may quote the value, so that it stays unsaid as soon as any column is personal.
  const words = to.pii.size > 0 ? `(SQLSTATE ${sqlStateOf(error)})` : cause;
  const shown =
    sample === undefined || (column !== undefined && to.pii.has(column)) || to.pii.size > 0 ? "" : `, value ${sample.slice(0, 200)}`;
  return new DwError("DW-VALUE-REFUSED", {
    what: `${to.name} cannot hold a value${column === undefined ? "" : ` of column ${column}${shown}`}: ${words}.`,
    why: "dw does not change values to make them fit. The chunk was rolled back; nothing of it was kept.",
    fix: "Map the column with { sql } that makes the value fit, leave such rows out with --where, or widen the column.",
    cause: error,
  });
}
