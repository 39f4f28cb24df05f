import { createHash } from "node:crypto";
import { DwError, isDwError } from "../../core/errors.js";
import { emptyFingerprint, type Fingerprint, type FingerprintColumn, rowHash } from "../../core/fingerprint.js";
import { ledgerConflict, resetRefused, rowsMoved, tableMissing } from "../../core/ledger-letters.js";
import { measuresOf } from "../../core/measures.js";
import type { DuckDbConnection } from "../../core/session.js";
import type { DuckDbSession } from "../../core/source.js";
import type {
  Apply,
  LoadableChunk,
  LoadedChunk,
  LoadIdentity,
  LoadSession,
  Mending,
  MergeRule,
  Staging,
  TargetColumn,
  TargetTable,
} from "../../core/target.js";
import { logicalType } from "../../core/transit.js";
import type { EngineName } from "../../core/types.js";
import { duckdbCanonical } from "./canonical.js";

export interface DuckdbTargetOptions {
  readonly engine: EngineName;
  /** Qualified name, outermost part first. */
  readonly name: readonly string[];
  /** What the table's kind does to rows of one key (StarRocks table kinds, emulated). */
  readonly merge: MergeRule;
  /** Another connection to the same database. */
  readonly connect: () => Promise<DuckDbConnection>;
  /** Quoted name of the table that takes the rows in the target's place until they are published. */
  readonly staged?: string;
}

const { ident } = duckdbCanonical;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const LAYOUT = [
  "CREATE SCHEMA IF NOT EXISTS dw_state",
  `CREATE TABLE IF NOT EXISTS dw_state.backfills (
    backfill VARCHAR NOT NULL, target VARCHAR NOT NULL, source VARCHAR NOT NULL, digest VARCHAR NOT NULL, baseline VARCHAR NOT NULL,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (backfill, target))`,
  `CREATE TABLE IF NOT EXISTS dw_state.chunks (
    backfill VARCHAR NOT NULL, target VARCHAR NOT NULL, chunk VARCHAR NOT NULL, title VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL,
    loaded_at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (backfill, target, chunk))`,
  `CREATE TABLE IF NOT EXISTS dw_state.quarantine (
    backfill VARCHAR NOT NULL, target VARCHAR NOT NULL, chunk VARCHAR NOT NULL, reason VARCHAR NOT NULL, "row" VARCHAR NOT NULL,
    rejected_at TIMESTAMPTZ NOT NULL DEFAULT now())`,
];

/** A table in the DuckDB database on which the chunks are read as well: rows and ledger row are one transaction. */
export async function duckdbTarget(options: DuckdbTargetOptions): Promise<TargetTable> {
  const db = await options.connect();
  const home = options.name.map(ident).join(".");
  const relation = options.staged ?? home;
  const name = options.name.join(".");
  return {
    title: name,
    engine: options.engine,
    ...(options.engine !== "duckdb" && { emulatedBy: "duckdb" }),
    merge: options.merge,
    route: "DuckDB reads and inserts",
    lanes: 1, // DuckDB itself uses every core for one INSERT … SELECT
    columns: () => liveColumns(db, options.name),
    start: async (identity, columns) => {
      for (const statement of LAYOUT) await db.run(statement);
      const before = await claim(db, name, identity, async () => {
        if (options.staged !== undefined) await makeStaged(db, options.staged, home, options.merge);
        return takeFingerprint(db, columns, home);
      });
      const baseline = options.staged === undefined ? before : emptyFingerprint(columns);
      return loadSession(db, { ...options, title: name, relation, identity, columns }, baseline);
    },
    ledger: async (backfill) => {
      if (!(await hasLedger(db))) return undefined;
      const [row] = await ledgerRow(db, backfill, name);
      if (row === undefined) return undefined;
      return {
        identity: { backfill, source: row.source, digest: row.digest },
        startedAt: row.started_at,
        baseline: JSON.parse(row.baseline) as Fingerprint, // written by `claim`
        chunks: await loadedChunks(db, backfill, name),
      };
    },
    reset: (backfill, empty) => reset(db, backfill, name, home, empty),
    quarantined: async (backfill) => {
      const [row] = await db.rows<{ n: string }>(`SELECT count(*)::VARCHAR AS n FROM dw_state.quarantine WHERE ${where(backfill, name)}`);
      return row?.n ?? "0";
    },
    ...measuresOf(duckdbCanonical, (sql) => db.rows(sql), relation),
    ...(options.merge.merge !== "aggregate" && {
      mend: (backfill: string, columns: readonly FingerprintColumn[], mending: Mending) =>
        mendTable(db, { backfill, title: name, relation, merge: options.merge, columns }, mending),
    }),
    ...(options.merge.merge === "append" && {
      applies: async (apply: "replace" | { readonly upsert: readonly string[] }) =>
        apply === "replace" || isKeyed(db, options.name, apply.upsert),
    }),
    reader: options.connect,
    // Rows of one key that are added up cannot be audited before they are.
    ...(options.staged === undefined &&
      options.merge.merge !== "aggregate" && { staging: (backfill: string) => staging(db, options, backfill) }),
    close: () => db.close(),
  };
}

// ------------------------------------------------------------------------------------------------ staging

/** The staging table goes by the commit that publishes its rows: a ledger without one is published. */
function staging(db: DuckDbSession, options: DuckdbTargetOptions, backfill: string): Staging {
  const title = options.name.join(".");
  const name = stagedName(backfill, title);
  const staged = name.map(ident).join(".");
  return {
    name,
    table: () => duckdbTarget({ ...options, staged }),
    isOpen: async () => {
      if (!(await hasLedger(db)) || (await ledgerRow(db, backfill, title)).length === 0) return true;
      return isThere(db, name);
    },
    publish: async () => {
      const [chunk] = await loadedChunks(db, backfill, title);
      const columns = (chunk?.fingerprint.columns ?? []).map((column) => column.name);
      await inTransaction(db, async () => {
        const rows = `SELECT ${columns.map(ident).join(", ")} FROM ${staged}`;
        if (columns.length > 0) await db.run(insertStatement(columns, rows, options.name.map(ident).join("."), options.merge));
        await db.run(`DROP TABLE ${staged}`);
      });
    },
  };
}

function stagedName(backfill: string, target: string): readonly [string, string] {
  const digest = createHash("sha256")
    .update(JSON.stringify([backfill, target]), "utf8")
    .digest("hex");
  return ["dw_state", `staged_${digest.slice(0, 32)}`];
}

async function isThere(db: DuckDbSession, [schema, table]: readonly [string, string]): Promise<boolean> {
  const rows = await db.rows(
    `SELECT 1 AS one FROM duckdb_tables() WHERE schema_name = ${literal(schema)} AND table_name = ${literal(table)}`,
  );
  return rows.length > 0;
}

async function makeStaged(db: DuckDbSession, staged: string, home: string, merge: MergeRule): Promise<void> {
  await db.run(`CREATE OR REPLACE TABLE ${staged} AS SELECT * FROM ${home} LIMIT 0`);
  if (merge.merge === "upsert") await db.run(`ALTER TABLE ${staged} ADD PRIMARY KEY (${merge.key.map(ident).join(", ")})`);
}

// ------------------------------------------------------------------------------------------------ columns, fingerprints, ledger

interface ColumnRow extends Record<string, unknown> {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly has_default: boolean;
}

async function liveColumns(db: DuckDbSession, name: readonly string[]): Promise<TargetColumn[]> {
  const [schema, table] = name.length > 1 ? name : ["main", ...name];
  const rows = await db.rows<ColumnRow>(
    `SELECT column_name AS name, data_type AS type, is_nullable AS nullable, column_default IS NOT NULL AS has_default
     FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = ${literal(schema ?? "main")}
       AND table_name = ${literal(table ?? "")} ORDER BY column_index`,
  );
  if (rows.length === 0) throw tableMissing(name.join("."));
  return rows.map((row) => ({
    name: row.name,
    type: logicalType(row.type),
    nullable: row.nullable,
    writable: true,
    hasDefault: row.has_default,
  }));
}

/** Has the table a primary key of exactly these columns? */
async function isKeyed(db: DuckDbSession, name: readonly string[], key: readonly string[]): Promise<boolean> {
  const [schema, table] = name.length > 1 ? name : ["main", ...name];
  const rows = await db.rows<{ same: boolean }>(
    `SELECT list_sort(constraint_column_names) = list_sort([${key.map(literal).join(", ")}]::VARCHAR[]) AS same FROM duckdb_constraints()
     WHERE constraint_type = 'PRIMARY KEY' AND database_name = current_database() AND schema_name = ${literal(schema ?? "main")} AND table_name = ${literal(table ?? "")}`,
  );
  return rows.some(({ same }) => same);
}

async function takeFingerprint(db: DuckDbSession, columns: readonly FingerprintColumn[], relation: string): Promise<Fingerprint> {
  return measuresOf(duckdbCanonical, (sql) => db.rows(sql), relation).fingerprint(columns);
}

async function hasLedger(db: DuckDbSession): Promise<boolean> {
  const rows = await db.rows("SELECT 1 AS one FROM duckdb_tables() WHERE schema_name = 'dw_state' AND table_name = 'chunks'");
  return rows.length > 0;
}

interface LedgerRow extends Record<string, unknown> {
  readonly source: string;
  readonly digest: string;
  readonly baseline: string;
  readonly started_at: string;
}

const where = (backfill: string, target: string): string => `backfill = ${literal(backfill)} AND target = ${literal(target)}`;
const iso = (column: string): string => `strftime(timezone('UTC', ${column}), '%Y-%m-%dT%H:%M:%S.%gZ')`;

function ledgerRow(db: DuckDbSession, backfill: string, target: string): Promise<LedgerRow[]> {
  return db.rows<LedgerRow>(
    `SELECT source, digest, baseline, ${iso("started_at")} AS started_at FROM dw_state.backfills WHERE ${where(backfill, target)}`,
  );
}

async function claim(
  db: DuckDbSession,
  target: string,
  identity: LoadIdentity,
  baseline: () => Promise<Fingerprint>,
): Promise<Fingerprint> {
  const [row] = await ledgerRow(db, identity.backfill, target);
  if (row?.digest === identity.digest) return JSON.parse(row.baseline) as Fingerprint; // written below
  if (row !== undefined) {
    if ((await loadedChunks(db, identity.backfill, target)).length > 0) throw ledgerConflict(identity, target, row.source);
    // A first try that loaded nothing binds nobody: the corrected mapping takes its place.
    await db.run(`DELETE FROM dw_state.backfills WHERE ${where(identity.backfill, target)}`);
  }
  const taken = await baseline();
  const values = [identity.backfill, target, identity.source, identity.digest, JSON.stringify(taken)].map(literal).join(", ");
  await db.run(`INSERT INTO dw_state.backfills (backfill, target, source, digest, baseline) VALUES (${values})`);
  return taken;
}

async function loadedChunks(db: DuckDbSession, backfill: string, target: string): Promise<LoadedChunk[]> {
  const rows = await db.rows<{ chunk: string; title: string; fingerprint: string; loaded_at: string }>(
    `SELECT chunk, title, fingerprint, ${iso("loaded_at")} AS loaded_at FROM dw_state.chunks WHERE ${where(backfill, target)} ORDER BY chunk`,
  );
  return rows.map((row) => ({
    chunk: row.chunk,
    title: row.title,
    fingerprint: JSON.parse(row.fingerprint) as Fingerprint, // written by `load`
    loadedAt: row.loaded_at,
  }));
}

interface Destination extends DuckdbTargetOptions {
  readonly title: string;
  readonly relation: string;
  readonly identity: LoadIdentity;
  readonly columns: readonly FingerprintColumn[];
}

function loadSession(db: DuckDbSession, to: Destination, baseline: Fingerprint): LoadSession {
  const { backfill } = to.identity;
  return {
    baseline,
    loaded: () => loadedChunks(db, backfill, to.title),
    load: async (rows, signal) => {
      signal.throwIfAborted();
      const { chunk, fingerprint } = rows;
      const values = [backfill, to.title, chunk.id, chunk.title, JSON.stringify(fingerprint)].map(literal).join(", ");
      await inTransaction(rows.db, async () => {
        await rows.db.run(`INSERT INTO dw_state.chunks (backfill, target, chunk, title, fingerprint) VALUES (${values})`);
        await supersede(rows, to);
        await putRows(rows, to);
        if (rows.rejected !== undefined) await rows.db.run(setAside(rows.rejected, to, chunk.id));
      });
      return { chunk: chunk.id, title: chunk.title, fingerprint, loadedAt: new Date().toISOString() };
    },
    close: async () => {}, // the connections are the reader's
  };
}

async function supersede({ db, supersedes = [] }: LoadableChunk, { identity, title }: Destination): Promise<void> {
  if (supersedes.length === 0) return;
  const list = supersedes.map(literal).join(", ");
  for (const table of ["quarantine", "chunks"])
    await db.run(`DELETE FROM dw_state.${table} WHERE ${where(identity.backfill, title)} AND chunk IN (${list})`);
}

/** Adds the rows, or lets them meet those that are there; what met is read back before the commit. */
async function putRows(rows: LoadableChunk, to: Destination): Promise<void> {
  const { db, apply, sql } = rows;
  const columns = to.columns.map((column) => column.name);
  if (apply === undefined) return db.run(insertStatement(columns, sql, to.relation, to.merge));
  if (apply.apply === "replace") {
    await db.run(`DELETE FROM ${to.relation} WHERE ${inRange(apply)}`);
    await db.run(insertStatement(columns, sql, to.relation, to.merge));
    return readBack(db, rows, to, `(SELECT * FROM ${to.relation} WHERE ${inRange(apply)}) AS there`);
  }
  await db.run(`CREATE OR REPLACE TEMPORARY TABLE dw_rows AS ${sql}`);
  const same = (other: string): string => apply.key.map((name) => `t.${ident(name)} = ${other}.${ident(name)}`).join(" AND ");
  if (apply.gone !== undefined) await db.run(`DELETE FROM ${to.relation} AS t USING (${apply.gone}) AS gone WHERE ${same("gone")}`);
  await db.run(upsertStatement(columns, apply.key, to.relation));
  await readBack(db, rows, to, `(SELECT t.* FROM ${to.relation} AS t JOIN temp.main.dw_rows AS r ON ${same("r")}) AS there`);
  await db.run("DROP TABLE temp.main.dw_rows");
}

/** Columns that the backfill does not load keep what they have. */
function upsertStatement(columns: readonly string[], key: readonly string[], relation: string): string {
  const names = columns.map(ident).join(", ");
  const rest = columns.filter((name) => !key.includes(name)).map((name) => `${ident(name)} = excluded.${ident(name)}`);
  const action = rest.length === 0 ? "NOTHING" : `UPDATE SET ${rest.join(", ")}`;
  return `INSERT INTO ${relation} (${names}) SELECT ${names} FROM temp.main.dw_rows ON CONFLICT (${key.map(ident).join(", ")}) DO ${action}`;
}

function inRange({ column, after, upTo }: Extract<Apply, { apply: "replace" }>): string {
  const top = `${ident(column)} <= ${literal(upTo)}`;
  return after === null ? top : `${ident(column)} > ${literal(after)} AND ${top}`;
}

async function readBack(db: DuckDbSession, { chunk, fingerprint }: LoadableChunk, to: Destination, there: string): Promise<void> {
  const found = await takeFingerprint(db, to.columns, there);
  if (found.rows === fingerprint.rows && found.hash.join() === fingerprint.hash.join()) return;
  throw new DwError("DW-RECONCILE-MISMATCH", {
    what: `Chunk ${chunk.title} was loaded, but ${to.title} does not give it back: ${fingerprint.rows} rows were expected, ${found.rows} found, or values differ.`,
    why: "A type or another writer changed them. The chunk was rolled back; the watermark stays.",
    fix: "Look at the table's column types and at who else writes to it; then run again.",
  });
}

interface MendedTable {
  readonly backfill: string;
  readonly title: string;
  readonly relation: string;
  readonly merge: MergeRule;
  readonly columns: readonly FingerprintColumn[];
}

/** The rows that come lie in temporary tables of a reader: what is done to the table is done on its connection. */
async function mendTable(db: DuckDbSession, to: MendedTable, { extra, missing }: Mending): Promise<void> {
  const names = to.columns.map((column) => column.name);
  const [reader] = missing.map((rows) => rows.db);
  const on = reader ?? db;
  const expected = [...extra.values()].reduce((sum, count) => sum + count, 0);
  await inTransaction(on, async () => {
    if (expected > 0) {
      const values = [...extra].map(([hash, count]) => `('${hash}', ${count})`).join(", ");
      const hashed = `SELECT rowid AS place, ${rowHash(duckdbCanonical, to.columns)} AS row_hash FROM ${to.relation}`;
      const numbered = `SELECT place, row_hash, row_number() OVER (PARTITION BY row_hash) AS copy FROM (${hashed}) AS hashed`;
      const places = `SELECT place FROM (${numbered}) AS numbered JOIN (VALUES ${values}) AS extra(hash, copies) ON hash = row_hash AND copy <= copies`;
      await on.run(`CREATE OR REPLACE TEMPORARY TABLE dw_extra AS ${places}`);
      const [found] = await on.rows<{ n: string }>("SELECT count(*) AS n FROM temp.main.dw_extra");
      if (String(found?.n) !== String(expected)) throw rowsMoved(to.title);
      await on.run(`DELETE FROM ${to.relation} WHERE rowid IN (SELECT place FROM temp.main.dw_extra)`);
    }
    for (const { sql, chunk, fingerprint } of missing) {
      await on.run(insertStatement(names, sql, to.relation, to.merge));
      const set = `fingerprint = ${literal(JSON.stringify(fingerprint))}, title = ${literal(chunk.title)}`;
      await on.run(`UPDATE dw_state.chunks SET ${set} WHERE ${where(to.backfill, to.title)} AND chunk = ${literal(chunk.id)}`);
    }
  });
}

function setAside(rejected: string, { identity, title }: Destination, chunk: string): string {
  const place = [identity.backfill, title, chunk].map(literal).join(", ");
  return `INSERT INTO dw_state.quarantine (backfill, target, chunk, reason, "row") SELECT ${place}, reason, "row" FROM (${rejected}) AS rejected`;
}

async function inTransaction(db: DuckDbSession, work: () => Promise<void>): Promise<void> {
  await db.run("BEGIN TRANSACTION");
  try {
    await work();
    await db.run("COMMIT");
  } catch (error) {
    await db.run("ROLLBACK").catch(() => {}); // a failed COMMIT has rolled back already
    throw keyConflict(error);
  }
}

/** DuckDB's sentence quotes the key, which may be anybody's: it stays unsaid. */
function keyConflict(error: unknown): unknown {
  if (!isDwError(error) || !/^Constraint Error: .*(?:duplicate|unique|primary) key/is.test(error.why)) return error;
  return new DwError("DW-LOAD-CONFLICT", {
    what: "The table holds a row with a key that the source has as well.",
    why: "Either the source has the key twice, or the table has rows from elsewhere. The chunk was rolled back; nothing of it was kept.",
    fix: "Leave the rows out with --where, map them to another key, or remove them from the target; then run again.",
    cause: error,
  });
}

function insertStatement(columns: readonly string[], sql: string, relation: string, merge: MergeRule): string {
  const names = columns.map(ident).join(", ");
  const plain = `INSERT INTO ${relation} (${names}) SELECT ${names} FROM (${sql}) AS mapped`;
  return merge.merge === "append" ? plain : mergeStatement(columns, sql, relation, merge);
}

/** One row a key: DuckDB refuses to touch a row twice in one statement. Rows of one chunk and key have no order: the last read wins. */
function mergeStatement(columns: readonly string[], sql: string, relation: string, merge: Exclude<MergeRule, { merge: "append" }>): string {
  const names = columns.map(ident).join(", ");
  const key = merge.key.map(ident).join(", ");
  if (merge.merge === "upsert") {
    const last = `SELECT ${names} FROM (SELECT *, row_number() OVER () AS dw_read FROM (${sql}) AS mapped) QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY dw_read DESC) = 1`;
    return `INSERT OR REPLACE INTO ${relation} (${names}) ${last}`;
  }
  const values = columns.filter((name) => !merge.key.includes(name));
  const folded = values.map((name) => `${fold(merge.functions[name], ident(name))} AS ${ident(name)}`);
  const select = `SELECT ${[key, ...folded].join(", ")} FROM (${sql}) AS mapped GROUP BY ${key}`;
  const updates = values.map((name) => `${ident(name)} = ${combine(merge.functions[name], ident(name))}`);
  return `INSERT INTO ${relation} AS kept (${[key, ...values.map(ident)].join(", ")}) ${select} ON CONFLICT (${key}) DO UPDATE SET ${updates.join(", ")}`;
}

/** Aggregate functions of StarRocks that merge pairwise; the others are refused before anything is loaded. */
const FOLDS: Readonly<Record<string, { readonly fold: (value: string) => string; readonly combine: (name: string) => string }>> = {
  SUM: { fold: (value) => `sum(${value})`, combine: (name) => `coalesce(kept.${name} + excluded.${name}, kept.${name}, excluded.${name})` },
  MIN: { fold: (value) => `min(${value})`, combine: (name) => `least(kept.${name}, excluded.${name})` },
  MAX: { fold: (value) => `max(${value})`, combine: (name) => `greatest(kept.${name}, excluded.${name})` },
  REPLACE: { fold: (value) => `last(${value})`, combine: (name) => `excluded.${name}` },
  REPLACE_IF_NOT_NULL: {
    fold: (value) => `last(${value}) FILTER (WHERE ${value} IS NOT NULL)`,
    combine: (name) => `coalesce(excluded.${name}, kept.${name})`,
  },
};

function folds(name: string | undefined): (typeof FOLDS)[string] {
  const found = name === undefined ? undefined : FOLDS[name.toUpperCase()];
  if (found !== undefined) return found;
  throw new DwError("DW-BACKFILL-MAPPING", {
    what: `The aggregate function ${name ?? "(none)"} cannot be applied while loading into the embedded emulation.`,
    why: "DuckDB has no such state: rows would merge differently than in StarRocks.",
    fix: "Load into StarRocks itself, or leave the column out.",
  });
}

const fold = (name: string | undefined, value: string): string => folds(name).fold(value);
const combine = (name: string | undefined, column: string): string => folds(name).combine(column);

async function reset(db: DuckDbSession, backfill: string, target: string, relation: string, empty: boolean): Promise<void> {
  for (const statement of LAYOUT) await db.run(statement);
  const staged = stagedName(backfill, target);
  const isStaged = await isThere(db, staged);
  await inTransaction(db, async () => {
    // What is staged still goes with the ledger: none of the table's rows are this backfill's then.
    if (isStaged) await db.run(`DROP TABLE ${staged.map(ident).join(".")}`);
    const rows = empty || isStaged ? [] : await db.rows(`SELECT 1 AS one FROM ${relation} LIMIT 1`);
    if (rows.length > 0) throw resetRefused(backfill, target);
    if (empty) await db.run(`DELETE FROM ${relation}`);
    for (const table of ["quarantine", "chunks", "backfills"])
      await db.run(`DELETE FROM dw_state.${table} WHERE ${where(backfill, target)}`);
  });
}
