import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { loadState, type StreamLoadAnswer, type StreamLoadServer, streamLoad } from "../../connections/stream-load.js";
import { DwError, isDwError } from "../../core/errors.js";
import {
  bucketQuery,
  bucketRowsQuery,
  type Fingerprint,
  type FingerprintColumn,
  fingerprintQuery,
  readFingerprint,
} from "../../core/fingerprint.js";
import { ledgerConflict, resetRefused, tableMissing } from "../../core/ledger-letters.js";
import type { MysqlSession } from "../../core/session.js";
import type { LoadableChunk, LoadIdentity, LoadSession, MergeRule, TargetColumn, TargetTable } from "../../core/target.js";
import type { TableBody } from "./body.js";
import { hashes, starrocksCanonical } from "./canonical.js";
import { tableBody } from "./definition.js";
import { starrocks } from "./dialect.js";
import { whatArrived } from "./load-doubt.js";
import { type Attempt, forget, type Ledger, ledgerOf, openLedger } from "./load-ledger.js";
import { rowsHeaders, rowsQuery } from "./load-rows.js";
import { readShown } from "./shown.js";
import { fromNative } from "./types.js";

/*
 * One chunk is one Stream Load with a label that follows from the chunk, and the engine takes a label once. Before it is sent
 * the ledger says so. A lost answer is resolved by asking for the label; when the engine has forgotten it (three days), by
 * counting: what the table holds beyond the chunks that are known to be there. Where neither proves anything the run stops.
 */

export interface StarrocksTargetOptions {
  readonly http: StreamLoadServer;
  readonly connect: () => Promise<MysqlSession>;
  readonly name: readonly [database: string, table: string];
  /** As the table's kind says when absent. */
  readonly merge?: MergeRule;
  /** How often a label is asked for. Milliseconds. */
  readonly pause?: number;
}

const { sql, id } = starrocks;
const LANES = 2;
/** A load that is neither done nor gone after this is somebody's matter. Milliseconds. */
const PATIENCE = 600_000;

/** A table of StarRocks. Aggregate tables are refused when a load starts: a chunk that came twice could not be told. */
export async function starrocksTarget(options: StarrocksTargetOptions): Promise<TargetTable> {
  const db = await options.connect();
  // The canonical texts are joined by ||, which is OR otherwise.
  await db.query("SET sql_mode = 'ONLY_FULL_GROUP_BY,PIPES_AS_CONCAT'");
  const title = options.name.join(".");
  const merge = options.merge ?? mergeRule(await definition(db, options.name));
  const relation = id(...options.name).text;
  const fingerprint = async (columns: readonly FingerprintColumn[]): Promise<Fingerprint> => {
    const [row] = await db.query(fingerprintQuery(starrocksCanonical, columns, relation));
    return readFingerprint(columns, row ?? {});
  };
  return {
    title,
    engine: "starrocks",
    merge,
    lanes: LANES,
    hashes,
    columns: async () => columnsOf(await definition(db, options.name)),
    start: async (identity, columns) => {
      if (merge.merge === "aggregate") throw aggregateRefused(title);
      const ledger = await openLedger(db, identity, title, () => fingerprint(columns), ledgerConflict);
      const destination: Destination = { ...options, merge, title, identity, columns, ledger };
      await settle(destination, () => fingerprint(columns));
      return loadSession(destination);
    },
    ledger: (backfill) => ledgerOf(db, backfill, title),
    reset: async (backfill, empty) => {
      const entry = await ledgerOf(db, backfill, title);
      const [row] = await db.query(`SELECT count(*) AS n FROM ${relation}`);
      if (!empty && entry !== undefined && entry.chunks.length > 0 && row?.n !== "0") throw resetRefused(backfill, title);
      if (empty) await db.query(`TRUNCATE TABLE ${relation}`);
      await forget(db, backfill, title);
    },
    fingerprint,
    buckets: async (columns, digits) =>
      (await db.query(bucketQuery(starrocksCanonical, columns, relation, digits))).map((row) => ({
        bucket: row.bucket ?? "",
        rows: row.total ?? "0",
        hash: row.hash_a ?? "0",
      })),
    hashedRows: async (columns, label, buckets, limit) =>
      (await db.query(bucketRowsQuery(starrocksCanonical, columns, relation, label, buckets, limit))).map((row) => ({
        hash: row.row_hash ?? "",
        label: row.label ?? "",
      })),
    close: () => db.close(),
  };
}

/** What a table of this kind does to rows of one key. */
export function mergeRule({ table, key, columns }: TableBody): MergeRule {
  if (table === "duplicate") return { merge: "append" };
  if (table !== "aggregate") return { merge: "upsert", key };
  const functions = columns.flatMap((column) => (column.aggregate === undefined ? [] : [[column.name, column.aggregate] as const]));
  return { merge: "aggregate", key, functions: Object.fromEntries(functions) };
}

async function definition(db: MysqlSession, [database, table]: readonly [string, string]): Promise<TableBody> {
  const answer = await db.ask(sql`SHOW CREATE TABLE ${id(database, table)}`.text);
  const shown = answer.ok ? readShown(answer.rows[0]?.["Create Table"] ?? "") : undefined;
  if (shown?.statement.statement !== "create-table") throw tableMissing(`${database}.${table}`);
  return tableBody(shown.statement, database);
}

function columnsOf({ columns }: TableBody): TargetColumn[] {
  return columns.map((column) => ({
    name: column.name,
    type: fromNative(column.type),
    nullable: column.nullable,
    writable: column.generated === undefined,
    hasDefault: column.default !== undefined || column.autoIncrement === true,
  }));
}

// ------------------------------------------------------------------------------------------------ loads

interface Destination extends StarrocksTargetOptions {
  readonly merge: MergeRule;
  readonly title: string;
  readonly identity: LoadIdentity;
  readonly columns: readonly FingerprintColumn[];
  readonly ledger: Ledger;
}

function loadSession(to: Destination): LoadSession {
  const { ledger } = to;
  return {
    baseline: ledger.baseline,
    loaded: () => ledger.loaded(),
    load: async (rows, signal) => {
      signal.throwIfAborted();
      const { chunk, fingerprint } = rows;
      const attempt: Attempt = { chunk: chunk.id, title: chunk.title, fingerprint, label: labelOf(to, chunk.id) };
      await ledger.sending(attempt);
      await untilVisible(to, attempt.label, () => send(to, rows, attempt.label, signal), signal);
      return ledger.arrived(attempt);
    },
    close: async () => {}, // the session is the target's
  };
}

/** The same chunk of the same backfill has the same label in every run. */
function labelOf({ identity, title }: Destination, chunk: string): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([identity.backfill, identity.digest, title, chunk]), "utf8")
    .digest("hex");
  return `dw_${digest.slice(0, 40)}`;
}

function send(to: Destination, rows: LoadableChunk, label: string, signal: AbortSignal): Promise<StreamLoadAnswer> {
  const [database, table] = to.name;
  const { columns } = to;
  const headers = { ...rowsHeaders(columns), label, timeout: String(PATIENCE / 1000) };
  return streamLoad(
    to.http,
    { database, table, headers, body: () => bytes(rows.db.strings(rowsQuery(columns, rows.sql), signal)) },
    signal,
  );
}

async function* bytes(lines: AsyncIterable<readonly (string | null)[]>): AsyncIterable<Uint8Array> {
  for await (const batch of lines) yield Buffer.from(batch.join(""), "utf8");
}

/** Sends until the engine says that the rows of this label are there. A lost answer is not sent again before the label was asked for. */
async function untilVisible(to: Destination, label: string, attempt: () => Promise<StreamLoadAnswer>, signal: AbortSignal): Promise<void> {
  const until = Date.now() + PATIENCE;
  const [database] = to.name;
  for (;;) {
    const state = await loadState(to.http, database, label, signal);
    if (state === "VISIBLE" || state === "COMMITTED") return;
    if (state === "ABORTED" || state === "UNKNOWN") {
      const answer = await attempt().catch((error: unknown) => {
        if (isDwError(error) && error.errorClass === "unreachable" && Date.now() < until) return undefined;
        throw error;
      });
      if (answer && isDone(answer)) return;
      if (answer && !isOpen(answer)) throw failed(to, answer);
    }
    if (Date.now() >= until) throw undecided(to, label, state);
    await sleep(to.pause ?? 500, undefined, { signal });
  }
}

function isDone({ status, existing }: StreamLoadAnswer): boolean {
  return status === "Success" || (status === "Label Already Exists" && existing === "FINISHED");
}

/** Publish Timeout: committed, and visible soon. A label that exists and runs: somebody's request is on its way. */
function isOpen({ status }: StreamLoadAnswer): boolean {
  return status === "Publish Timeout" || status === "Label Already Exists";
}

// ------------------------------------------------------------------------------------------------ doubts

/** What earlier runs sent and never heard of. */
async function settle(to: Destination, fingerprint: () => Promise<Fingerprint>): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE);
  const doubts: Attempt[] = [];
  for (const attempt of await to.ledger.open()) {
    const state = await settledState(to, attempt.label, signal);
    if (state === "VISIBLE" || state === "COMMITTED") await to.ledger.arrived(attempt);
    else if (state === "UNKNOWN") doubts.push(attempt);
  }
  // A row that replaces the one with its key may come twice.
  if (doubts.length === 0 || to.merge.merge === "upsert") return;
  const known = (await to.ledger.loaded()).map((chunk) => chunk.fingerprint);
  const arrived = whatArrived([to.ledger.baseline, ...known], doubts, await fingerprint());
  if (arrived === undefined) throw unknown(to, doubts);
  for (const attempt of arrived) await to.ledger.arrived(attempt);
}

async function settledState(to: Destination, label: string, signal: AbortSignal): Promise<string> {
  for (;;) {
    const state = await loadState(to.http, to.name[0], label, signal);
    if (state !== "PREPARE" && state !== "PREPARED") return state;
    await sleep(to.pause ?? 500, undefined, { signal });
  }
}

// ------------------------------------------------------------------------------------------------ letters

function failed({ title }: Destination, { status, message }: StreamLoadAnswer): DwError {
  const isValue = /filtered|too many|quality|parse|null value/i.test(message);
  return new DwError(isValue ? "DW-VALUE-REFUSED" : "DW-ENGINE-REFUSED", {
    what: `StarRocks did not take a chunk for ${title}: ${status}.`,
    why: message === "" ? "It gives no reason." : message,
    fix: isValue
      ? "A value does not fit its column: correct the mapping, or widen the column. Nothing of the chunk was kept."
      : "Nothing of the chunk was kept. Correct what the reason names and run again.",
  });
}

function undecided({ title }: Destination, label: string, state: string): DwError {
  return new DwError("DW-TIMEOUT", {
    what: `The load ${label} into ${title} does not end: it is ${state}.`,
    why: "Its rows may still appear, so that the chunk is not sent a second time.",
    fix: "Look at SHOW LOAD and at the backends, and run the backfill again: it goes on with this chunk.",
  });
}

function unknown({ title, identity }: Destination, doubts: readonly Attempt[]): DwError {
  return new DwError("DW-LOAD-UNKNOWN", {
    what: `Whether these chunks of ${identity.backfill} are in ${title} cannot be told:\n${doubts.map((doubt) => `  ${doubt.title}`).join("\n")}`,
    why: "They were sent, the answer was lost, the engine has forgotten their labels, and the table holds other rows than any of them would explain.",
    fix: "Stop other writers and compare the chunk's rows by hand, or start over with `dw backfill reset --empty`.",
  });
}

function aggregateRefused(title: string): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `${title} is an AGGREGATE table, which this version of dw does not load.`,
    why: "Rows that arrive twice are added up, and no count could tell afterwards.",
    fix: "Load a DUPLICATE or PRIMARY KEY table and aggregate from it with INSERT … SELECT.",
  });
}
