import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/* Servers that tests start: a process, a log, and an end. */

export interface StartedServer {
  readonly stop: () => Promise<void>;
}

export interface ServerProcess {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly log: string;
  readonly isReady: (log: string) => Promise<boolean> | boolean;
  /** A minute when absent. */
  readonly patienceMs?: number;
}

/** Starts it and waits until it is ready. Throws with the end of its log when it is not. */
export async function startServer({ command, args, env, cwd, log, isReady, patienceMs = 60_000 }: ServerProcess): Promise<StartedServer> {
  const out = openSync(log, "w");
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", out, out] });
  closeSync(out);
  let missing: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", (error) => {
      missing = error; // there is no such program: it never closes
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    if (isRunning(child)) child.kill();
    await ended;
  };
  for (const until = Date.now() + patienceMs; Date.now() < until && missing === undefined && isRunning(child); ) {
    if (await isReady(await readFile(log, "utf8"))) return { stop };
    await sleep(100);
  }
  await stop();
  if (missing !== undefined) throw missing;
  throw new Error(`${command} did not start:\n${(await readFile(log, "utf8")).slice(-2000)}`);
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** The first of so many free ports in a row. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 20_000);
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(first + index)));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports in a row`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
