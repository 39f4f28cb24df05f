import { setTimeout as sleep } from "node:timers/promises";
import { loadState, type StreamLoadAnswer, type StreamLoadServer, streamLoad, transactionStep } from "../../connections/stream-load.js";
import { type DwError, isDwError } from "../../core/errors.js";
import type { LoadableChunk } from "../../core/target.js";
import { isPassing, loadRefused, tooBusy, undecided } from "./load-letters.js";
import { type LoadColumn, rowsHeaders, rowsQuery } from "./load-rows.js";

/*
 * One chunk on its way into a table, until the engine says that its rows are visible. The label's state is asked before
 * anything is sent and after each answer, lost or not: what to do follows from it alone. Source: the manual's "STREAM LOAD" and
 * "Stream Load transaction interface", and the front end's TransactionWithoutChannelHandler.
 */

export interface Place {
  readonly http: StreamLoadServer;
  readonly name: readonly [database: string, table: string];
  readonly title: string;
  /** How often a label is asked for. Milliseconds. */
  readonly pause: number;
}

export interface Sending extends Place {
  readonly label: string;
  readonly columns: readonly LoadColumn[];
  /** In two phases: rows are prepared, this is awaited, then they are committed. Absent: in one request. */
  readonly committing?: () => Promise<void>;
  /** Rows may have arrived and the engine knows the label no more: whether they did. Throws DW-LOAD-UNKNOWN. */
  readonly resolve: () => Promise<boolean>;
}

/** What this process knows of a label beyond what the engine says: outlives the attempts of one chunk. */
export interface Memory {
  /** Rows were sent that become visible without another word from here. */
  mayArrive: boolean;
}

/** A load that is neither done nor gone after this is somebody's matter. Milliseconds. */
const PATIENCE = 600_000;
/** Losses in a row that are not announced to whoever waits. */
const LOSSES = 4;
const SLOWEST = 4;

type Outcome = "visible" | "ask" | StreamLoadAnswer;

/** Resolves when the rows are visible. Throws DW-CONNECT, DW-TIMEOUT, DW-VALUE-REFUSED, DW-ENGINE-REFUSED, DW-LOAD-UNKNOWN. */
export async function untilVisible(to: Sending, rows: LoadableChunk, memory: Memory, signal: AbortSignal): Promise<void> {
  const until = Date.now() + PATIENCE;
  let failure: StreamLoadAnswer | undefined;
  for (let losses = 0, slower = 0; ; ) {
    const state = await loadState(to.http, to.name[0], to.label, signal);
    if (state === "VISIBLE" || (await isThere(to, state, memory))) return;
    stopUnlessPassing(to, state, failure, until);
    const outcome = await step(to, state, rows, memory, signal).catch(lost);
    if (outcome === "visible") return;
    const isLoss = isDwError(outcome);
    losses = isLoss ? losses + 1 : 0;
    if (isLoss && losses >= LOSSES) throw outcome;
    failure = typeof outcome === "string" || isLoss ? undefined : outcome;
    slower = outcome === "ask" ? 0 : Math.min(slower + 1, SLOWEST);
    await sleep(to.pause * 2 ** slower, undefined, { signal });
  }
}

/** A label that is gone says that nothing of it will come, unless it came before and was forgotten. */
async function isThere(to: Sending, state: string, memory: Memory): Promise<boolean> {
  if (!isGone(state)) return false;
  const is = state === "UNKNOWN" && memory.mayArrive && (await to.resolve());
  memory.mayArrive = false;
  return is;
}

function stopUnlessPassing({ title, label }: Sending, state: string, failure: StreamLoadAnswer | undefined, until: number): void {
  if (failure && isGone(state) && !isPassing(failure.message)) throw loadRefused(title, failure.status, failure.message);
  if (Date.now() >= until) throw failure ? tooBusy(title, failure.message) : undecided(title, label, state);
}

const isGone = (state: string): boolean => state === "ABORTED" || state === "UNKNOWN";

function lost(error: unknown): DwError {
  if (isDwError(error) && error.errorClass === "unreachable") return error;
  throw error;
}

function step(to: Sending, state: string, rows: LoadableChunk, memory: Memory, signal: AbortSignal): Promise<Outcome> {
  if (isGone(state)) return to.committing ? prepared(to, rows, signal) : sent(to, rows, memory, signal);
  return to.committing ? ended(to, state, to.committing, memory, signal) : Promise.resolve("ask");
}

// ------------------------------------------------------------------------------------------------ one request

async function sent(to: Sending, rows: LoadableChunk, memory: Memory, signal: AbortSignal): Promise<Outcome> {
  const [database, table] = to.name;
  const body = (): AsyncIterable<Uint8Array> => {
    memory.mayArrive = true;
    return bytes(rows, to.columns, signal);
  };
  const answer = await streamLoad(to.http, { database, table, headers: headersOf(to), body }, signal);
  if (answer.status === "Success") return "visible";
  // Publish Timeout: committed, and visible soon. A label that exists: somebody's request is on its way, or was.
  return answer.status === "Publish Timeout" || answer.status === "Label Already Exists" ? "ask" : answer;
}

function headersOf({ columns, label }: Sending): Record<string, string> {
  return { ...rowsHeaders(columns), label, timeout: String(PATIENCE / 1000) };
}

async function* bytes({ db, sql }: LoadableChunk, columns: readonly LoadColumn[], signal: AbortSignal): AsyncIterable<Uint8Array> {
  for await (const batch of db.strings(rowsQuery(columns, sql), signal)) yield Buffer.from(batch.join(""), "utf8");
}

// ------------------------------------------------------------------------------------------------ two phases

/** One request of a transaction carries so much of a chunk: it is held in memory, so that it can be sent again to another node. */
const PART = 16 * 1024 ** 2;

/** The rows, ready to be committed: durable, visible to nobody, and gone after the transaction's time if nobody commits them. */
async function prepared(to: Sending, rows: LoadableChunk, signal: AbortSignal): Promise<Outcome> {
  const [database, table] = to.name;
  const headers = headersOf(to);
  const begun = await transactionStep(
    to.http,
    "begin",
    { database, table, headers: { label: to.label, timeout: headers.timeout ?? "" } },
    signal,
  );
  if (begun.status !== "OK") return isKnownLabel(begun) ? "ask" : begun;
  for await (const part of parts(bytes(rows, to.columns, signal))) {
    const answer = await transactionStep(to.http, "load", { database, table, headers, body: () => each(part) }, signal);
    if (answer.status !== "OK") {
      await rolledBack(to, signal);
      return answer;
    }
  }
  const answer = await transactionStep(to.http, "prepare", { database, table, headers: { label: to.label } }, signal);
  return answer.status === "OK" ? "ask" : answer;
}

const isKnownLabel = ({ status }: StreamLoadAnswer): boolean => /^label.already.exists$/i.test(status);

async function* parts(pieces: AsyncIterable<Uint8Array>): AsyncIterable<readonly Uint8Array[]> {
  let part: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    part.push(piece);
    size += piece.length;
    if (size < PART) continue;
    yield part;
    [part, size] = [[], 0];
  }
  if (part.length > 0) yield part;
}

async function* each(part: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* part;
}

/** Commits what is prepared and takes back what is not; what is committed only needs time. */
async function ended(
  to: Place & { readonly label: string },
  state: string,
  committing: () => Promise<void>,
  memory: Memory,
  signal: AbortSignal,
): Promise<Outcome> {
  if (state === "PREPARE") await rolledBack(to, signal);
  if (state !== "PREPARED") return "ask";
  await committing();
  memory.mayArrive = true;
  const [database, table] = to.name;
  const answer = await transactionStep(to.http, "commit", { database, table, headers: { label: to.label } }, signal);
  return answer.status === "OK" ? "ask" : answer;
}

/** Its answer is the label's next state. */
async function rolledBack(
  { http, name: [database, table], label }: Place & { readonly label: string },
  signal: AbortSignal,
): Promise<void> {
  await transactionStep(http, "rollback", { database, table, headers: { label } }, signal);
}

// ------------------------------------------------------------------------------------------------ what an earlier run left

/** VISIBLE, ABORTED or UNKNOWN: how a load ended that another process began. `committing` is given for loads in two phases. */
export async function settledState(
  to: Place,
  label: string,
  committing: (() => Promise<void>) | undefined,
  signal: AbortSignal,
): Promise<string> {
  const until = Date.now() + PATIENCE;
  for (;;) {
    const state = await loadState(to.http, to.name[0], label, signal);
    if (state === "VISIBLE" || isGone(state)) return state;
    if (Date.now() >= until) throw undecided(to.title, label, state);
    if (committing) await ended({ ...to, label }, state, committing, { mayArrive: true }, signal).catch(lost);
    await sleep(to.pause, undefined, { signal });
  }
}
