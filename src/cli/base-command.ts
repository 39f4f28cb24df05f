import { Command } from "@oclif/core/command";
import * as Flags from "@oclif/core/flags";
import type { InferredArgs, InferredFlags } from "@oclif/core/interfaces";
import type { Connections, Project } from "../app/project.js";
import type { ErrorClass } from "../core/codes.js";
import type { Conversation } from "../core/conversation.js";
import type { ResolvedEnvironment } from "../core/environment.js";
import { DwError } from "../core/errors.js";
import type { Style } from "../present/letter.js";
import { environmentName } from "./environment-name.js";
import { logLevels, session } from "./session.js";

/*
 * What every command is built on. A command is a doorway: parse (done before run), call one use case in app/, show, return.
 *
 *   import * as Flags from "@oclif/core/flags";                  // Args likewise; "@oclif/core" itself loads all of oclif
 *
 *   export default class Lint extends DwCommand<typeof Lint> {
 *     static override summary = "Say which models an engine would refuse.";
 *     static override flags = { engine: Flags.string({ summary: "…" }) };
 *
 *     override async run(): Promise<void> {
 *       const { lint } = await import("../app/lint.js");          // heavy things only here: `--help` and completion load commands
 *       const findings = await lint(await this.project(), { engine: this.flags.engine, warehouse: this.flags.warehouse });
 *       await this.answer(findings, () => findingsTable(findings, this.style));
 *       if (findings.some(isError)) this.outcome("found");
 *     }
 *   }
 *
 * this.flags, this.args, this.words   what was typed; words are the free arguments of a command with `strict = false`
 * this.project()                      finds dw.config.ts upwards from --cwd, checks it; DW-CONFIG-MISSING, DW-CONFIG-INVALID
 * this.environment()                  --env, DW_ENV, or `local` on a terminal; DW-ENV-MISSING, DW-ENV-UNKNOWN.
 *                                     Commands that need none never call it. The answer must name it (`environment.name`).
 * this.connections()                  the environment's databases, opened when asked for: `.slot("timescale")`, `.state()`
 * this.answer(json, human)            the one answer, to stdout: `json` with --json or --format json, else `human`
 * this.stream(text)                   pieces of a long answer; waits for a slow reader, ends the run when nobody reads
 * this.conversation                   say, warn, debug, progress: all to stderr; hand it to the use case
 * this.signal                         aborts on SIGINT and SIGTERM; hand it on and stop soon (exit 130 / 143 is set for you)
 * this.outcome("found")               how it went, when it went less than well but is no error; the worst one is the exit code
 * this.closing(() => pool.close())    runs at the end, whatever happens, last opened first
 *
 * Throw DwError for what a user can act on, or an AggregateError of them for several; the printing is done in main.ts.
 */

/** `format` is left out: a command that offers more formats types its own, and the others have no use for it. */
type Parsed<T extends typeof Command> = InferredFlags<Omit<(typeof DwCommand)["baseFlags"], "format">> & InferredFlags<T["flags"]>;
type Arguments<T extends typeof Command> = InferredArgs<T["args"]>;

const shared = { helpGroup: "GLOBAL" } as const;

export abstract class DwCommand<T extends typeof Command> extends Command {
  static override baseFlags = {
    cwd: Flags.string({ ...shared, summary: "Folder to work in; dw.config.ts is looked for here and above.", helpValue: "DIR" }),
    config: Flags.string({ ...shared, summary: "Configuration file, instead of the dw.config.ts that is found.", helpValue: "FILE" }),
    env: Flags.string({
      ...shared,
      summary: "Environment of dw.config.ts; else DW_ENV; else, on a terminal only, local.",
      helpValue: "NAME",
    }),
    warehouse: Flags.string({ ...shared, summary: "Warehouse: a folder of models/.", helpValue: "NAME" }),
    json: Flags.boolean({ ...shared, summary: "Print one JSON value; the same as --format json." }),
    format: Flags.option({ options: ["text", "json"] as const })({ ...shared, summary: "How to print the answer.", default: "text" }),
    quiet: Flags.boolean({ ...shared, summary: "Say nothing on stderr but warnings and errors." }),
    "no-color": Flags.boolean({ ...shared, summary: "No colours (also: NO_COLOR=1)." }),
    "log-level": Flags.option({ options: logLevels })({ ...shared, summary: "How much to say on stderr.", default: "info" }),
  };

  protected flags!: Parsed<T>;
  protected args!: Arguments<T>;
  protected words!: readonly string[];
  readonly #closers: (() => Promise<void>)[] = [];
  #project: Promise<Project> | undefined;

  override async init(): Promise<void> {
    await super.init();
    const command = this.ctor as T;
    const parsed = await this.parse({
      flags: command.flags,
      baseFlags: DwCommand.baseFlags,
      args: command.args,
      strict: command.strict,
    });
    this.flags = parsed.flags as unknown as Parsed<T>; // parsed with exactly these definitions, which T alone knows
    this.args = parsed.args as Arguments<T>;
    this.words = parsed.argv as readonly string[]; // no argument of ours has a parser that gives anything else
    if (this.flags["no-color"]) session.color = session.stderrColor = false;
    session.level = this.flags.quiet ? "warn" : this.flags["log-level"];
  }

  protected get conversation(): Conversation {
    return session.conversation;
  }

  protected get signal(): AbortSignal {
    return session.signal;
  }

  protected get style(): Style {
    return { color: session.color, width: process.stdout.columns ?? 80 };
  }

  /** True when the answer must be one JSON value. */
  protected get wantsJson(): boolean {
    const { format } = this.flags as { readonly format?: unknown }; // every command has it, each with formats of its own
    return this.flags.json || format === "json";
  }

  protected project(): Promise<Project> {
    this.#project ??= this.#open();
    return this.#project;
  }

  async #open(): Promise<Project> {
    const { openProject } = await import("../app/project.js");
    const { cwd = process.cwd(), config } = this.flags;
    const project = await openProject({ cwd, ...(config !== undefined && { config }), redactor: session.redactor, variables: process.env });
    this.closing(() => project.close());
    return project;
  }

  /** The name only: for commands that print it without opening a project. */
  protected environmentName(): string {
    return environmentName(this.flags.env, process.env.DW_ENV, process.stdin.isTTY === true && process.stderr.isTTY === true);
  }

  protected async environment(): Promise<ResolvedEnvironment> {
    const name = this.environmentName();
    return (await this.project()).environment(name);
  }

  /** The environment's databases; each opens when it is asked for, all close with the command. */
  protected async connections(): Promise<Connections> {
    const environment = await this.environment();
    return (await this.project()).connect(environment);
  }

  protected async answer(json: unknown, human: string | (() => string)): Promise<void> {
    const text = this.wantsJson ? JSON.stringify(json, null, 2) : typeof human === "string" ? human : human();
    await session.write(text.endsWith("\n") || text === "" ? text : `${text}\n`);
  }

  protected stream(text: string | Uint8Array): Promise<void> {
    return session.stream(text);
  }

  protected outcome(outcome: ErrorClass): void {
    session.found.add(outcome);
  }

  protected closing(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  /** Errors go up unchanged: main.ts writes the letters. */
  override async catch(error: Error): Promise<never> {
    throw error;
  }

  override async finally(error: Error | undefined): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
    await super.finally(error);
  }

  /** A question needs a terminal; without one it is an error that names the flag that answers it. */
  protected refuseToAsk(question: string, flag: string): DwError {
    return new DwError("DW-INTERACTIVE", {
      what: question,
      why: "There is no terminal to ask on, and dw never waits for a key without one.",
      fix: `Answer with ${flag}.`,
    });
  }
}
