import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { FakeStarrocks } from "./fake.js";
import { Refusal } from "./refusal.js";
import type { FakeUser } from "./server.js";

/*
 * Stream Load as the manual describes it: a front end that redirects (307) to a backend before it reads the body, a backend
 * that takes a label once, answers with Status, Message and ExistingJobStatus, and keeps the rows (rows.ts); and its transaction
 * interface (begin, load, prepare, commit, rollback), as the front end's TransactionLoadAction and the back end's
 * transaction_mgr.cpp answer it. It goes wrong on command, for the load whose label fits.
 */

export type LoadTrouble = {
  readonly does: /** Rows are there, and the connection breaks instead of answering. */
    | "lose-load-answer"
    /** The connection breaks while the rows are sent; nothing is kept. */
    | "lose-load"
    | "publish-timeout"
    /** The redirect leads to a backend that is gone. */
    | "dead-node"
    /** Somebody's request with this label is on its way; it ends when it was asked for. */
    | "label-running"
    | "filter-rows"
    /** Compaction is behind: nothing is kept, later it would be. */
    | "too-many-versions"
    | "cancel-load"
    /** No `100 Continue` is sent: the backend waits for the body. */
    | "no-continue"
    /** The transaction's state is evicted as soon as the load has ended, as when a database holds many. */
    | "forget-label"
    /** Fit `begin LABEL`, `load LABEL` …: the connection breaks before, or after, the step was done. */
    | "lose-step"
    | "lose-step-answer"
    /** The backend restarts and knows its transactions no more; what was prepared is the front end's. Fits as above. */
    | "restart-backend";
  readonly at: RegExp;
};

export async function startStreamLoad(
  fake: FakeStarrocks,
  users: readonly FakeUser[],
): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> {
  const server: Server = createServer();
  server.on("checkContinue", (asked: IncomingMessage, answer: ServerResponse) => void serve(fake, users, asked, answer));
  server.on("request", (asked: IncomingMessage, answer: ServerResponse) => void serve(fake, users, asked, answer));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { port: typeof address === "object" && address ? address.port : 0, stop };
}

async function serve(fake: FakeStarrocks, users: readonly FakeUser[], asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  asked.on("error", () => {}); // a client that is gone is no concern of the server
  const at = new URL(asked.url ?? "/", "http://fake");
  const [, backend, , database = "", table = "", verb] =
    /^(\/be)?(\/api)\/([^/]+)\/([^/]+)(?:\/(\w+))?$/.exec(decodeURIComponent(at.pathname)) ?? [];
  if (!isKnown(users, asked)) return json(answer, 401, { Status: "FAILED", Message: "Access denied" });
  if (table === "get_load_state") return json(answer, 200, { state: stateOf(fake, database, at.searchParams.get("label") ?? "") });
  const label = String(asked.headers.label ?? "");
  if (database === "transaction") return transaction(fake, { step: table, label, asked, answer }, backend !== undefined);
  if (verb !== "_stream_load") return json(answer, 404, {});
  if (!backend) return redirect(fake, label, asked, answer);
  if (!fake.take("no-continue", label)) answer.writeContinue();
  await load(fake, { database, table, label }, asked, answer);
}

function redirect(fake: FakeStarrocks, label: string, asked: IncomingMessage, answer: ServerResponse): void {
  const dead = fake.take("dead-node", label) ? "http://127.0.0.1:1" : `http://${asked.headers.host}`;
  answer.writeHead(307, { location: `${dead}/be${asked.url}`, connection: "close" }).end();
}

function isKnown(users: readonly FakeUser[], { headers }: IncomingMessage): boolean {
  return users.some(({ user, password }) => headers.authorization === `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`);
}

function stateOf(fake: FakeStarrocks, database: string, label: string): string {
  const key = `${database}\0${label}`;
  const state = fake.rows.labels.get(key) ?? "UNKNOWN";
  // Asking is what makes time pass.
  if (state === "COMMITTED") fake.rows.labels.set(key, "VISIBLE");
  if (state === "PREPARE" && !fake.rows.transactions.has(key)) fake.rows.labels.set(key, "ABORTED");
  return state;
}

interface Load {
  readonly database: string;
  readonly table: string;
  readonly label: string;
}

const EXISTING = { VISIBLE: "FINISHED", COMMITTED: "FINISHED", PREPARE: "RUNNING", PREPARED: "RUNNING", ABORTED: "CANCELLED" } as const;

async function load(fake: FakeStarrocks, { database, table, label }: Load, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { labels } = fake.rows;
  const key = `${database}\0${label}`;
  if (fake.take("label-running", label)) labels.set(key, "PREPARE");
  const state = labels.get(key);
  if (state !== undefined && state !== "ABORTED") {
    await received(asked); // a backend reads what comes, and throws it away
    return json(answer, 200, {
      Status: "Label Already Exists",
      ExistingJobStatus: EXISTING[state],
      Message: `Label [${label}] has already been used.`,
    });
  }
  if (fake.take("lose-load", label)) {
    asked.once("data", () => asked.socket.destroy());
    return;
  }
  const body = await received(asked);
  if (body === undefined) return; // nobody is there any more
  labels.set(key, "PREPARE");
  const failure = await failureOf(fake, label, () => fake.load([database, table], asked.headers, body));
  if (failure !== undefined) {
    labels.set(key, "ABORTED");
    return json(answer, 200, { Status: "Fail", Message: failure });
  }
  labels.set(key, "VISIBLE");
  const isLost = fake.take("lose-load-answer", label);
  const isLate = fake.take("publish-timeout", label);
  if (isLate) labels.set(key, "COMMITTED");
  if (fake.take("forget-label", label)) labels.delete(key);
  if (isLost) asked.socket.destroy();
  else if (isLate) json(answer, 200, { Status: "Publish Timeout", Message: "Publish timeout. The data will be visible after a while" });
  else json(answer, 200, { Status: "Success", Message: "OK", Label: label });
}

/** The body, once all of it is there. */
async function received(asked: IncomingMessage): Promise<string | undefined> {
  const body = await text(asked).catch(() => undefined);
  return asked.complete ? body : undefined;
}

const FAILURES = {
  "filter-rows": "too many filtered rows",
  "too-many-versions": "Too many versions. tablet_id: 10007, version_count: 1001, limit: 1000, replica_state: 0",
  "cancel-load": "Cancelled by user: the load was cancelled",
} as const;

async function failureOf(fake: FakeStarrocks, label: string, work: () => Promise<void>): Promise<string | undefined> {
  for (const does of ["filter-rows", "too-many-versions", "cancel-load"] as const) if (fake.take(does, label)) return FAILURES[does];
  try {
    await work();
    return undefined;
  } catch (error) {
    return error instanceof Refusal ? error.message : String(error);
  }
}

// ------------------------------------------------------------------------------------------------ transactions

interface Step {
  readonly step: string;
  readonly label: string;
  readonly database: string;
  /** Of the fake's maps. */
  readonly key: string;
  readonly asked: IncomingMessage;
  readonly answer: ServerResponse;
}

async function transaction(fake: FakeStarrocks, asking: Omit<Step, "database" | "key">, isBackend: boolean): Promise<void> {
  const { step, label, asked, answer } = asking;
  const database = String(asked.headers.db);
  const words = `${step} ${label}`;
  if (fake.take("restart-backend", words)) fake.rows.transactions.clear();
  if (fake.take("lose-step", words)) return void asked.socket.destroy();
  const one = { ...asking, database, key: `${database}\0${label}` };
  const said = (await byFrontEnd(fake, one)) ?? (isBackend ? await byBackend(fake, one) : undefined);
  if (said === undefined) return isBackend ? undefined : redirect(fake, words, asked, answer);
  if (fake.take("lose-step-answer", words)) asked.socket.destroy();
  else json(answer, 200, said);
}

/** What is prepared or committed is the front end's: it answers without a backend. */
async function byFrontEnd(fake: FakeStarrocks, { step, label, key }: Step): Promise<object | undefined> {
  const { labels } = fake.rows;
  const state = labels.get(key);
  if (step === "commit" && (state === "VISIBLE" || state === "COMMITTED"))
    return { Status: "OK", Message: `Transaction has already committed, label is ${label}` };
  if (state !== "PREPARED" || (step !== "commit" && step !== "rollback")) return undefined;
  const failure = step === "rollback" ? "" : await failureOf(fake, label, () => fake.commit(key));
  const isLate = failure === undefined && fake.take("publish-timeout", label);
  labels.set(key, failure !== undefined ? "ABORTED" : isLate ? "COMMITTED" : "VISIBLE");
  if (step === "commit" && fake.take("forget-label", label)) labels.delete(key);
  return failure ? { Status: "FAILED", Message: failure } : { Status: "OK", Label: label };
}

/** Nothing when nobody waits for an answer any more. */
async function byBackend(fake: FakeStarrocks, { step, label, key, database, asked, answer }: Step): Promise<object | undefined> {
  const { labels, transactions } = fake.rows;
  if (step === "begin") {
    const state = labels.get(key);
    if (state !== undefined && state !== "ABORTED")
      return { Status: "LABEL_ALREADY_EXISTS", ExistingJobStatus: EXISTING[state], Message: `Label [${label}] has already been used.` };
    labels.set(key, "PREPARE");
    transactions.set(key, { name: [database, String(asked.headers.table)], loads: [] });
    return { Status: "OK", Label: label, TxnId: 1 };
  }
  if (step === "load") answer.writeContinue();
  const body = await received(asked);
  const open = transactions.get(key);
  if (!open) return { Status: "TXN_NOT_EXISTS", Message: `transaction with label ${label} not exists` };
  if (body === undefined) return undefined;
  if (step === "load") {
    open.loads.push({ headers: asked.headers, body });
    return { Status: "OK", Label: label };
  }
  transactions.delete(key);
  const failure = step === "rollback" ? undefined : await failureOf(fake, label, () => fake.prepare(key, open));
  labels.set(key, step === "rollback" || failure !== undefined ? "ABORTED" : "PREPARED");
  return failure === undefined ? { Status: "OK", Label: label } : { Status: "INTERNAL_ERROR", Message: failure };
}

function json(answer: ServerResponse, code: number, body: object): void {
  answer.writeHead(code, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(body));
}
