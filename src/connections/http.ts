import { createReadStream } from "node:fs";
import { Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { DwError, isDwError } from "../core/errors.js";

/*
 * Requests to file servers. node:http and not fetch: redirects to other machines are followed by hand, and a body that ends
 * before its Content-Length must be an error, never a short read.
 */

/** How patient a client is. The defaults suit a busy server; tests are less patient. */
export interface Patience {
  /** Milliseconds of silence after which a request is given up. */
  readonly silence?: number;
  /** Waits between attempts, in milliseconds; one attempt more than waits. */
  readonly waits?: readonly number[];
  readonly signal?: AbortSignal;
}

export interface HttpQuestion extends Patience {
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE";
  readonly url: URL;
  /** A file of this machine that is the body. */
  readonly file?: { readonly path: string; readonly size: number };
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of the body that are accepted; more is DW-FILE-TOO-LARGE. */
  readonly limit: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const SILENCE = 30_000;
const WAITS = [200, 1000, 4000] as const;
/** Milliseconds for one answer in all: a server that trickles is not silent. */
const WHOLE_ANSWER = 300_000;

const agents = { "http:": new Agent({ keepAlive: true }), "https:": new SecureAgent({ keepAlive: true }) };

/** One request, whole answer, no redirect followed. DW-CONNECT, DW-TIMEOUT, DW-FILE-TOO-LARGE; an abort throws its reason. */
export function ask(question: HttpQuestion): Promise<HttpAnswer> {
  question.signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const { sent, give } = begun(question);
    const fail = (error: unknown): void => {
      give();
      sent.destroy();
      reject(question.signal?.aborted ? question.signal.reason : letter(question, error));
    };
    sent.once("error", fail);
    sent.once("response", (answer) => {
      collected(answer, question).then((body) => {
        give();
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body });
      }, fail);
    });
    if (question.file === undefined) sent.end();
    else pipeline(createReadStream(question.file.path), sent).catch(fail);
  });
}

/** `give` stops the clocks. */
function begun({ url, method, headers = {}, file, signal, silence = SILENCE }: HttpQuestion): { sent: ClientRequest; give: () => void } {
  const secure = url.protocol === "https:";
  const length = file && { "content-length": String(file.size), "content-type": "application/octet-stream" };
  const options = { method, headers: { ...headers, ...length }, agent: secure ? agents["https:"] : agents["http:"] };
  const sent = secure ? secureRequest(url, options) : plainRequest(url, options);
  const late = (): void => void sent.destroy(new Silent());
  const deadline = setTimeout(late, WHOLE_ANSWER);
  const abort = (): void => void sent.destroy(new Error("aborted"));
  sent.setTimeout(silence, () => unlessMoved(sent, late));
  signal?.addEventListener("abort", abort, { once: true });
  const give = (): void => {
    clearTimeout(deadline);
    signal?.removeEventListener("abort", abort);
  };
  return { sent, give };
}

/**
 * Where this process was held up for as long, the timer runs before what has come meanwhile is read: that was no silence of
 * the server. One turn of the event loop reads it.
 */
function unlessMoved({ socket }: ClientRequest, late: () => void): void {
  const state = (): string => `${socket?.connecting} ${socket?.bytesRead}`;
  const before = state();
  setImmediate(() => {
    if (state() === before) late();
  });
}

class Silent extends Error {}

async function collected(answer: IncomingMessage, question: HttpQuestion): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > question.limit) throw tooLong(question);
    pieces.push(piece);
  }
  if (!answer.complete) throw new Error("the answer ended before it was complete");
  return Buffer.concat(pieces);
}

/**
 * Tries again, after the waits, what failed because a server could not be reached or was busy (DW-CONNECT, DW-TIMEOUT);
 * the last failure is thrown as it is.
 */
export async function persistently<T>(attempt: () => Promise<T>, { waits = WAITS, signal }: Patience): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const wait = waits[failures];
      if (wait === undefined || !isDwError(error) || error.errorClass !== "unreachable") throw error;
      // Between half and all of the wait, so that many clients of a busy server do not come back at once.
      await sleep(wait * (0.5 + Math.random() / 2), undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}

/** An answer that says "later": worth another attempt. */
export function isBusy(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

export function unreachable(what: string, why: string, cause?: unknown): DwError {
  return new DwError("DW-CONNECT", { what, why, fix: "Check host, port, firewall and that the server runs, then run again.", cause });
}

function letter({ url, silence = SILENCE }: HttpQuestion, error: unknown): unknown {
  if (isDwError(error)) return error;
  if (error instanceof Silent) {
    return new DwError("DW-TIMEOUT", {
      what: `${url.host} did not answer in time.`,
      why: `Nothing came for ${silence / 1000} s, or the whole answer took more than ${WHOLE_ANSWER / 1000} s.`,
      fix: "Check that the server is well and the network fast enough, then run again.",
    });
  }
  const why = error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error);
  return unreachable(`${url.host} cannot be reached, or closed the connection.`, `${why}.`, error);
}

function tooLong({ url, limit }: HttpQuestion): DwError {
  return new DwError("DW-FILE-TOO-LARGE", {
    what: `${url.host} answered with more than ${limit} bytes.`,
    why: "That is more than was asked for, and an answer must not fill the memory.",
    fix: "Check that the address is the file server's own, and that it answers ranges.",
  });
}
