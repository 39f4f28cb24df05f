import { type ChildProcess, spawn } from "node:child_process";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/*
 * What goes wrong, on purpose: processes that are killed at random instants, connections that are cut, several runs at
 * once. Every random choice comes from a seed that is printed, so that a failure can be run again: FAULT_SEED=….
 */

export function seed(): number {
  const chosen = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31));
  process.stderr.write(`FAULT_SEED=${chosen}\n`);
  return chosen;
}

/** mulberry32: numbers in [0, 1), the same for the same seed everywhere. */
export function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** A Node process of its own. */
export function start(args: readonly string[], options: { readonly cwd?: string; readonly env?: Record<string, string> } = {}): Running {
  const child = spawn(process.execPath, [...args], {
    cwd: options.cwd ?? process.cwd(),
    env: { ...process.env, NO_COLOR: "1", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text) => {
    stdout += String(text);
  });
  child.stderr.on("data", (text) => {
    stderr += String(text);
  });
  const ended = new Promise<Ended>((resolve) => child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr })));
  return { child, ended };
}

/** Runs, and kills with SIGKILL after `ms` unless it has ended before. With `after`, the clock starts when stdout has that text. */
export async function killedAfter(ms: number, args: readonly string[], after?: string): Promise<Ended> {
  const { child, ended } = start(args);
  const clock = new AbortController();
  if (after !== undefined) await Promise.race([ended, said(child, after)]);
  await Promise.race([ended, sleep(ms, undefined, { signal: clock.signal }).catch(() => undefined)]);
  clock.abort();
  child.kill("SIGKILL");
  return ended;
}

function said(child: ChildProcess, text: string): Promise<void> {
  let heard = "";
  return new Promise((resolve) => {
    child.stdout?.on("data", (piece) => {
      heard += String(piece);
      if (heard.includes(text)) resolve();
    });
  });
}

/** The built dw, as a user runs it. */
export const dw = fileURLToPath(new URL("../../bin/run.js", import.meta.url));
export const loadWorker = fileURLToPath(new URL("load-worker.mjs", import.meta.url));

/** What load-worker.mjs is told. */
export interface LoadJob {
  readonly target: "pglite" | "postgres" | "duckdb" | "starrocks" | "parquet";
  /** Folder of PGlite, file of DuckDB, folder of folders of Parquet files. */
  readonly path?: string;
  readonly connection?: object;
  /** Where Stream Load is. */
  readonly http?: object;
  /** Chunks say that they are large. */
  readonly large?: boolean;
  /** A SOURCE; `postgres:TABLE` is a table of `from`. */
  readonly source: string;
  readonly from?: object;
  /** The table's own chunks, of one page each, instead of parts: only those can be relayed. */
  readonly relay?: boolean;
  readonly table: string;
  readonly parts: number;
  readonly scratch: string;
  /** Where the rows that the target holds in the end are written, as `dw cat` writes them. */
  readonly dump?: string;
}

/** Lines of load-worker.mjs: `working` when the ledger is about to be asked, one for each chunk's start and end, the verdict. */
export const WORKING = "working\n";

export interface Proxy {
  readonly port: number;
  /** Cuts every connection that is open now. */
  readonly cut: () => void;
  /** From now on each connection is cut after so many bytes from the client. */
  readonly cutAfter: (bytes: () => number) => void;
  readonly close: () => Promise<void>;
}

/** A TCP proxy on the loopback that can lose connections, as networks do: no goodbye, just a reset. */
export async function openProxy(to: number): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let limit: () => number = () => Number.POSITIVE_INFINITY;
  const server = createServer((client) => {
    const upstream = connect(to, "127.0.0.1");
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const lose = (): void => {
      pairs.delete(pair);
      client.resetAndDestroy();
      upstream.destroy();
    };
    let left = limit();
    client.on("data", (bytes) => {
      left -= bytes.length;
      if (left < 0) lose();
    });
    client.pipe(upstream);
    upstream.pipe(client);
    for (const socket of pair) socket.on("error", lose).on("close", lose);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the proxy has no port");
  const cut = (): void => {
    for (const [client, upstream] of pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  };
  return {
    port: address.port,
    cut,
    cutAfter: (bytes) => {
      limit = bytes;
    },
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
