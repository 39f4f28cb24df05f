import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import { DwError } from "../core/errors.js";

/*
 * Stream Load: PUT /api/DATABASE/TABLE/_stream_load at a front end, which answers with a redirect to a backend. The body is
 * only sent after `100 Continue`, so that it goes over the wire once, to the node that wants it; credentials go along, which
 * HTTP clients do not do by themselves when a redirect leads to another host. Source: the StarRocks manual, "STREAM LOAD".
 */

export interface StreamLoadServer {
  readonly host: string;
  readonly port: number;
  readonly tls?: boolean;
  readonly user: string;
  readonly password?: string;
}

export interface StreamLoad {
  readonly database: string;
  readonly table: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Asked for once a node wants the rows. After a loss: rows that nobody asked for cannot have arrived. */
  readonly body: () => AsyncIterable<Uint8Array>;
}

/** What a node answers to a load. */
export interface StreamLoadAnswer {
  readonly status: string;
  readonly message: string;
  /** Of the load that holds the label, when `status` is `Label Already Exists`. */
  readonly existing?: string;
}

const REDIRECTS = 3;
/** A node that sends no `100 Continue` by then gets the body all the same (RFC 9110, 10.1.1). Milliseconds. */
const CONTINUE_AFTER = 3_000;
/** A connection on which nothing moves for so long is lost; a node answers within the load's own timeout. Milliseconds. */
const SILENCE = 660_000;

/** Throws DW-CONNECT when no answer came (the load may have happened), DW-AUTH, DW-ENGINE-REFUSED for an answer that is none of a load. */
export async function streamLoad(server: StreamLoadServer, load: StreamLoad, signal: AbortSignal): Promise<StreamLoadAnswer> {
  const path = `/api/${encodeURIComponent(load.database)}/${encodeURIComponent(load.table)}/_stream_load`;
  return followed(server, path, { method: "PUT", headers: load.headers, body: load.body }, signal);
}

export type TransactionStep = "begin" | "load" | "prepare" | "commit" | "rollback";

/**
 * One step of the transaction interface (StarRocks manual, "Stream Load transaction interface"; from 2.4). The label is the
 * transaction: rows of several `load` steps become visible together, and what was prepared outlives nodes that restart.
 */
export async function transactionStep(
  server: StreamLoadServer,
  step: TransactionStep,
  { database, table, headers, body }: Omit<StreamLoad, "body"> & Partial<Pick<StreamLoad, "body">>,
  signal: AbortSignal,
): Promise<StreamLoadAnswer> {
  const method = body ? "PUT" : "POST";
  return followed(
    server,
    `/api/transaction/${step}`,
    { method, headers: { ...headers, db: database, table }, ...(body && { body }) },
    signal,
  );
}

interface Request {
  readonly method: "PUT" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: () => AsyncIterable<Uint8Array>;
}

async function followed(server: StreamLoadServer, path: string, request: Request, signal: AbortSignal): Promise<StreamLoadAnswer> {
  let at = new URL(path, baseOf(server));
  for (let hop = 0; hop <= REDIRECTS; hop++) {
    const asked = send(at, server, request, signal);
    try {
      const answer = await asked.answer;
      const { statusCode = 0, headers } = answer;
      if (statusCode < 300 || statusCode >= 400 || headers.location === undefined)
        return readAnswer(at, statusCode, await received(at, answer));
      answer.resume();
      at = new URL(headers.location, at);
    } finally {
      await asked.end();
    }
  }
  throw refused(at, "The front end redirects in a circle.");
}

/** VISIBLE, COMMITTED, PREPARED, PREPARE, ABORTED, or UNKNOWN for a label that the front end does not know (any more). */
export async function loadState(server: StreamLoadServer, database: string, label: string, signal: AbortSignal): Promise<string> {
  const at = new URL(`/api/${encodeURIComponent(database)}/get_load_state`, baseOf(server));
  at.searchParams.set("label", label);
  const answer = await ask(at, server, "GET", {}, signal);
  const body = await received(at, answer);
  if (answer.statusCode === 401) throw unauthorized(at);
  const { state } = parsed(at, body);
  return typeof state === "string" ? state : "UNKNOWN";
}

function baseOf({ host, port, tls }: StreamLoadServer): string {
  return `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function headersOf({ user, password = "" }: StreamLoadServer): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

function ask(
  at: URL,
  server: StreamLoadServer,
  method: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const start = at.protocol === "https:" ? httpsRequest : httpRequest;
    const asking = start(at, { method, headers: { ...headersOf(server), ...headers }, signal }, resolve);
    asking.once("error", (cause) => reject(signal.aborted ? signal.reason : lost(at, cause)));
    asking.end();
  });
}

interface Sent {
  /** The first answer: a redirect comes before anything of the body was sent. */
  readonly answer: Promise<IncomingMessage>;
  /** Nothing of the body is read any more when this resolves: a node may answer before it has taken all of it. */
  readonly end: () => Promise<void>;
}

function send(at: URL, server: StreamLoadServer, { method, headers, body }: Request, signal: AbortSignal): Sent {
  const start = at.protocol === "https:" ? httpsRequest : httpRequest;
  const expecting = body ? { Expect: "100-continue", "Transfer-Encoding": "chunked" } : { "Content-Length": "0" };
  const asking = start(at, { method, headers: { ...headersOf(server), ...headers, ...expecting }, signal });
  let sending: Promise<void> | undefined;
  let waiting: NodeJS.Timeout | undefined;
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    const fail = (cause: unknown): void => reject(signal.aborted ? signal.reason : cause instanceof DwError ? cause : lost(at, cause));
    const begin = (): void => {
      if (body && !asking.destroyed) sending ??= write(asking, body()).catch(fail);
    };
    asking.once("response", resolve);
    asking.on("error", fail);
    asking.setTimeout(SILENCE, () => asking.destroy(new Error(`nothing was heard for ${SILENCE / 1000} s`)));
    if (body === undefined) return;
    asking.once("continue", begin);
    const wait = (): void => {
      waiting = setTimeout(begin, CONTINUE_AFTER);
    };
    asking.once("socket", (socket) => (socket.connecting ? socket.once("connect", wait) : wait()));
  });
  if (body)
    asking.flushHeaders(); // as UTF-8, which is what StarRocks reads
  else asking.end();
  return {
    answer,
    end: async () => {
      clearTimeout(waiting);
      asking.destroy();
      await sending;
    },
  };
}

async function write(asking: ClientRequest, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of body) {
    if (asking.destroyed) return;
    if (!asking.write(piece)) await writable(asking);
  }
  asking.end();
}

/** Resolves when there is room again, and when there will never be. */
async function writable(asking: ClientRequest): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      asking.off("drain", done).off("close", done);
      resolve();
    };
    asking.on("drain", done).on("close", done);
  });
}

async function received(at: URL, answer: IncomingMessage): Promise<string> {
  try {
    return await text(answer);
  } catch (cause) {
    throw lost(at, cause);
  }
}

function readAnswer(at: URL, statusCode: number, body: string): StreamLoadAnswer {
  if (statusCode === 401 || statusCode === 403) throw unauthorized(at);
  const { Status: status, Message: message, ExistingJobStatus: existing } = parsed(at, body);
  if (typeof status !== "string") throw refused(at, `${statusCode}: ${body.slice(0, 500)}`);
  return { status, message: typeof message === "string" ? message : "", ...(typeof existing === "string" && { existing }) };
}

function parsed(at: URL, body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}; // members are looked at one by one
  } catch (cause) {
    throw refused(at, body.slice(0, 500), cause);
  }
}

function lost(at: URL, cause: unknown): DwError {
  return new DwError("DW-CONNECT", {
    what: `${at.host} did not answer a Stream Load.`,
    why: cause instanceof Error ? cause.message : String(cause),
    fix: "Whether the rows arrived is asked by their label before anything is sent again. Check httpPort and that the backends are reachable from here.",
    cause,
  });
}

function unauthorized(at: URL): DwError {
  return new DwError("DW-AUTH", {
    what: `${at.host} refuses user and password for Stream Load.`,
    why: "The HTTP port wants the same account as the MySQL port, with INSERT on the table.",
    fix: "Correct user and password of the connection, or grant INSERT.",
  });
}

function refused(at: URL, why: string, cause?: unknown): DwError {
  return new DwError("DW-ENGINE-REFUSED", {
    what: `${at.host} answered a Stream Load with something else.`,
    why,
    fix: "Check that httpPort is the front end's HTTP port (8030).",
    ...(cause !== undefined && { cause }),
  });
}
