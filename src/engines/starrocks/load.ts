import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { StreamLoadServer } from "../../connections/stream-load.js";
import { emptyFingerprint, type Fingerprint, type FingerprintColumn } from "../../core/fingerprint.js";
import { ledgerConflict, resetRefused, tableMissing } from "../../core/ledger-letters.js";
import { type Measures, measuresOf } from "../../core/measures.js";
import type { MysqlSession } from "../../core/session.js";
import type { LoadableChunk, LoadIdentity, LoadSession, MergeRule, Staging, TargetColumn, TargetTable } from "../../core/target.js";
import type { TableBody } from "./body.js";
import { hashes, starrocksCanonical } from "./canonical.js";
import { tableBody } from "./definition.js";
import { starrocks } from "./dialect.js";
import { historyPartitions } from "./history-partitions.js";
import { lastingSession } from "./lasting-session.js";
import { isRepeatable, whatArrived } from "./load-doubt.js";
import { type Attempt, type Ledger, ledgerOf, openLedger, resetLedger } from "./load-ledger.js";
import { unknownLoad } from "./load-letters.js";
import { type Memory, type Place, type Sending, settledState, untilVisible } from "./load-send.js";
import { tableUpkeep } from "./load-upkeep.js";
import { readShown } from "./shown.js";
import { dropStaged, isStaged, makeStaged, type StagedName, stagedName, stagingOf } from "./staging.js";
import { fromNative } from "./types.js";

/*
 * One chunk is one load with a label that follows from the chunk, and the engine takes a label once, as long as it remembers
 * it: three days, and fewer once a database holds many (label_keep_max_num ignores their age). The ledger says what is about to
 * happen before it happens. What became of a load whose answer was lost is asked by its label; when the engine has forgotten
 * that, the table is counted and hashed: what it holds beyond the chunks that are known to be there. Where neither proves
 * anything the run stops. Aggregate tables take chunks in two phases, so that a run can only die in doubt while it commits.
 */

export interface StarrocksTargetOptions {
  readonly http: StreamLoadServer;
  readonly connect: () => Promise<MysqlSession>;
  readonly name: readonly [database: string, table: string];
  /** As the table's kind says when absent. */
  readonly merge?: MergeRule;
  /** How often a label is asked for. Milliseconds. */
  readonly pause?: number;
  /** Chunks go into this table instead, which the ledger's first row makes. */
  readonly staged?: StagedName;
}

const { sql, id } = starrocks;
const LANES = 2;
const PAUSE = 500;
/** Chunks of this size are sent in two phases, where a lost answer costs no second sending. Bytes in the source. */
const LARGE = 64 * 1024 ** 2;

/** A table of StarRocks, of any kind. */
export async function starrocksTarget(options: StarrocksTargetOptions): Promise<TargetTable> {
  const db = lastingSession(async () => {
    const session = await options.connect();
    // The canonical texts are joined by ||, which is OR otherwise.
    await session.query("SET sql_mode = 'ONLY_FULL_GROUP_BY,PIPES_AS_CONCAT'");
    return session;
  });
  const title = options.name.join(".");
  const merge = options.merge ?? mergeRule(await definition(db, options.name));
  const { staged } = options;
  const relation = id(...(staged ?? options.name)).text;
  const measured = (of: string): Measures => measuresOf(starrocksCanonical, (sql) => db.query(sql), of);
  const measures = measured(relation);
  const { fingerprint } = measures;
  const home: Place = { http: options.http, name: options.name, title, pause: options.pause ?? PAUSE };
  const staging = (backfill: string): Staging =>
    stagingOf({
      ...{ db, backfill, home, merge, fingerprint },
      open: (name) => starrocksTarget({ ...options, merge, staged: name }),
      columns: async () =>
        columnsOf(await definition(db, options.name)).map(({ name, type }) => ({
          name,
          type,
          ...(!hashes(type) && { apart: true as const }),
        })),
    });
  return {
    title,
    engine: "starrocks",
    merge,
    route: `DuckDB reads, Stream Load sends (${merge.merge === "aggregate" ? "in two phases" : "large chunks in two phases"}, ${LANES} chunks at once)`,
    lanes: LANES,
    hashes,
    columns: async () => columnsOf(await definition(db, options.name)),
    start: async (identity, columns) => {
      const baseline = async (): Promise<Fingerprint> => {
        if (staged) await makeStaged(db, staged, await definition(db, options.name));
        return measured(id(...options.name).text).fingerprint(columns);
      };
      const opened = await openLedger(db, identity, title, baseline, ledgerConflict);
      const ledger = staged ? { ...opened, baseline: emptyFingerprint(columns) } : opened;
      const destination: Destination = {
        ...{ ...home, name: staged ?? options.name, merge, identity, columns, ledger },
        fingerprint: () => fingerprint(columns),
        makeRoom: (rows) => makeRoom(db, staged ?? options.name, rows),
      };
      await settle(destination);
      return loadSession(destination);
    },
    ledger: (backfill) => ledgerOf(db, backfill, title),
    reset: async (backfill, empty) => {
      const entry = await ledgerOf(db, backfill, title);
      const beside = stagedName(backfill, title);
      const isBeside = (await isStaged(db, beside)) && (await staging(backfill).isOpen());
      const [row] = await db.query(`SELECT count(*) AS n FROM ${relation}`);
      if (!empty && !isBeside && entry !== undefined && entry.chunks.length > 0 && row?.n !== "0") throw resetRefused(backfill, title);
      await resetLedger(db, backfill, title, empty ? async () => void (await db.query(`TRUNCATE TABLE ${relation}`)) : undefined);
      await dropStaged(db, beside); // the next backfill of this name would, too
    },
    ...measures,
    upkeep: tableUpkeep({ db, name: options.name, definition: () => definition(db, options.name) }),
    // Rows of one key that are added up cannot be audited before they are.
    ...(staged === undefined && merge.merge !== "aggregate" && { staging }),
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

interface Destination extends Place {
  readonly merge: MergeRule;
  readonly identity: LoadIdentity;
  readonly columns: readonly FingerprintColumn[];
  readonly ledger: Ledger;
  readonly fingerprint: () => Promise<Fingerprint>;
  /** Partitions for rows of days that the table has none for. */
  readonly makeRoom: (rows: Fingerprint) => Promise<void>;
}

function loadSession(to: Destination): LoadSession {
  const { ledger } = to;
  const memories = new Map<string, Memory>();
  let room: Promise<void> = Promise.resolve();
  return {
    baseline: ledger.baseline,
    loaded: () => ledger.loaded(),
    load: async (rows, signal) => {
      signal.throwIfAborted();
      const { chunk, fingerprint } = rows;
      const attempt: Attempt = { chunk: chunk.id, title: chunk.title, fingerprint, label: labelOf(to, chunk.id) };
      // A load without rows is an error to the engine ("No partitions have data available for loading").
      if (fingerprint.rows === "0") return ledger.arrived(attempt);
      room = room.catch(() => undefined).then(() => to.makeRoom(fingerprint)); // one after the other: each sees what is there
      await room;
      const memory = memories.get(attempt.label) ?? { mayArrive: false };
      memories.set(attempt.label, memory);
      const inPhases = isInPhases(to.merge, rows);
      // What was sent in one request before stays in doubt.
      if (!memory.mayArrive) await ledger.record(attempt, inPhases ? "begun" : "sent");
      await untilVisible(sending(to, attempt, inPhases), rows, memory, signal);
      return ledger.arrived(attempt);
    },
    close: async () => {}, // the session is the target's
  };
}

async function makeRoom(db: MysqlSession, name: readonly [string, string], rows: Fingerprint): Promise<void> {
  const statement = historyPartitions(name, await definition(db, name), rows);
  if (statement !== undefined) await db.query(statement);
}

function isInPhases(merge: MergeRule, { chunk }: LoadableChunk): boolean {
  return !isRepeatable(merge) && (merge.merge === "aggregate" || chunk.bytes >= LARGE);
}

function sending(to: Destination, attempt: Attempt, inPhases: boolean): Sending {
  return {
    ...to,
    label: attempt.label,
    ...(inPhases && { committing: () => to.ledger.record(attempt, "committing") }),
    resolve: async () => !isRepeatable(to.merge) && (await hasArrived(to, attempt)),
  };
}

/** The same chunk of the same backfill has the same label in every run, until it is reset. */
function labelOf({ identity, title, ledger }: Destination, chunk: string): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([identity.backfill, identity.digest, title, chunk, ledger.epoch]), "utf8")
    .digest("hex");
  return `dw_${digest.slice(0, 40)}`;
}

// ------------------------------------------------------------------------------------------------ doubts

/** What earlier runs began and never heard of. */
async function settle(to: Destination): Promise<void> {
  const { signal } = new AbortController();
  const doubts: Attempt[] = [];
  for (const attempt of await to.ledger.open()) {
    const committing = attempt.stage === "sent" ? undefined : () => to.ledger.record(attempt, "committing");
    const state = await settledState(to, attempt.label, committing, signal);
    if (state === "VISIBLE") await to.ledger.arrived(attempt);
    // Nobody has committed what was only begun.
    else if (state === "UNKNOWN" && attempt.stage !== "begun") doubts.push(attempt);
  }
  if (doubts.length === 0 || isRepeatable(to.merge)) return;
  const arrived = await explained(to, doubts);
  if (arrived === undefined) throw unexplained(to, doubts);
  for (const attempt of arrived) await to.ledger.arrived(attempt);
}

/** How often the table is looked at while other chunks are on their way into it. */
const LOOKS = 5;

/** A chunk of this run whose label is forgotten already. The others that are on their way may be there or not. */
async function hasArrived(to: Destination, attempt: Attempt): Promise<boolean> {
  for (let look = 1; ; look++) {
    const arrived = await explained(to, await to.ledger.open());
    if (arrived) return arrived.some(({ chunk }) => chunk === attempt.chunk);
    if (look === LOOKS) throw unexplained(to, [attempt]);
    await sleep(to.pause);
  }
}

async function explained<Chunk extends Attempt>(
  { merge, ledger, fingerprint }: Destination,
  doubts: readonly Chunk[],
): Promise<readonly Chunk[] | undefined> {
  const known = (await ledger.loaded()).map((chunk) => chunk.fingerprint);
  return whatArrived(merge, [ledger.baseline, ...known], doubts, await fingerprint());
}

function unexplained({ identity, title, merge }: Destination, doubts: readonly Attempt[]) {
  const why =
    merge.merge === "aggregate"
      ? "the sums of the table's SUM columns do not tell which of them it holds"
      : "the table holds other rows than any of them would explain";
  return unknownLoad(
    identity.backfill,
    title,
    doubts.map((doubt) => doubt.title),
    why,
  );
}
