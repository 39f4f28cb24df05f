import { once } from "node:events";
import type { ErrorClass } from "../core/codes.js";
import type { Conversation } from "../core/conversation.js";
import { Redactor } from "../core/redactor.js";

/*
 * What one run of dw has exactly one of: its streams, its secrets, its signal, its outcome. oclif makes the command
 * objects, so this lives beside them and not inside.
 */

export const logLevels = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Thrown out of a stream that nobody reads any more (`dw cat … | head`): the run ends, quietly and well. */
export class NobodyReads extends Error {}

class Session {
  readonly redactor = new Redactor();
  readonly found = new Set<ErrorClass>();
  level: LogLevel = "info";
  color = process.stdout.isTTY === true && !process.env.NO_COLOR;
  stderrColor = process.stderr.isTTY === true && !process.env.NO_COLOR;

  readonly #abort = new AbortController();
  #signalTaken = false;
  #progressShown = false;
  #stdoutClosed = false;

  readonly conversation: Conversation = {
    say: (line) => this.#log("info", line),
    warn: (line) => this.#log("warn", `warning: ${line}`),
    debug: (line) => this.#log("debug", line),
    progress: (line) => this.#progress(line),
  };

  /** Fires on SIGINT and SIGTERM. Whoever takes it promises to stop soon; until somebody does, the signals end the process. */
  get signal(): AbortSignal {
    this.#signalTaken = true;
    return this.#abort.signal;
  }

  /** Which signal asked us to stop, if one did. */
  interruption: "interrupted" | "terminated" | undefined;

  listen(): void {
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      this.#stdoutClosed = true;
    });
    process.on("SIGINT", () => this.#stop("interrupted", 130));
    process.on("SIGTERM", () => this.#stop("terminated", 143));
  }

  #stop(by: "interrupted" | "terminated", code: number): void {
    if (this.interruption !== undefined || !this.#signalTaken) process.exit(code);
    this.interruption = by;
    this.conversation.warn("stopping after the statement in hand; once more stops at once.");
    this.#abort.abort(new Error("interrupted"));
  }

  /** Writes an answer; waits while the reader is slow, and ignores one that has gone. */
  async write(text: string | Uint8Array): Promise<void> {
    if (this.#stdoutClosed) return;
    this.#endProgress();
    if (!process.stdout.write(text)) await Promise.race([once(process.stdout, "drain"), once(process.stdout, "close")]).catch(ignore);
  }

  /** As write, for streams that are worth ending early: throws NobodyReads. */
  async stream(text: string | Uint8Array): Promise<void> {
    await this.write(text);
    if (this.#stdoutClosed) throw new NobodyReads();
  }

  /** Text for the person: secrets masked, whatever the level. */
  tell(text: string): void {
    this.#endProgress();
    process.stderr.write(`${this.redactor.redact(text)}\n`);
  }

  #log(level: LogLevel, line: string): void {
    if (logLevels.indexOf(level) <= logLevels.indexOf(this.level)) this.tell(line);
  }

  #progress(line: string): void {
    if (process.stderr.isTTY !== true || logLevels.indexOf(this.level) < logLevels.indexOf("info")) return;
    const width = process.stderr.columns ?? 80;
    process.stderr.write(`\r\u001b[2K${this.redactor.redact(line).slice(0, width - 1)}`);
    this.#progressShown = true;
  }

  #endProgress(): void {
    if (!this.#progressShown) return;
    process.stderr.write("\r\u001b[2K");
    this.#progressShown = false;
  }
}

function ignore(): void {}

export const session = new Session();
