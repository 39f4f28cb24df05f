import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Config } from "@oclif/core/config";
import { CLIError, ExitError } from "@oclif/core/errors";
import { run } from "@oclif/core/run";
import { settings } from "@oclif/core/settings";
import { exitCodes } from "../core/codes.js";
import { DwError, isDwError } from "../core/errors.js";
import { letterText } from "../present/letter.js";
import { classOf, exitCode, worst } from "./exit-code.js";
import { NobodyReads, session } from "./session.js";
import { usageLetter } from "./usage.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const version: string = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
/** Milliseconds that open handles may live on after the work is done. */
const lingering = 3_000;
const issues = "https://www.npmjs.com/package/dwright";

/** Runs the command line and sets the exit code. Never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  session.listen();
  process.on("uncaughtException", (error) => die(error, argv));
  process.on("unhandledRejection", (error) => die(error, argv));
  settings.enableAutoTranspile = false; // what runs is what was built and tested
  try {
    const config = await Config.load({ root });
    await run([...argv], config).catch((error) => fail(error, argv, config));
    if (session.interruption !== undefined) session.found.add(session.interruption);
    process.exitCode = exitCode(session.found);
    // A driver that keeps a socket open must not keep a scheduler waiting. Unreferenced: it never delays an end by itself.
    setTimeout(() => process.exit(), lingering).unref();
  } catch (error) {
    die(error, argv);
  }
}

async function fail(error: unknown, argv: readonly string[], config: Config): Promise<void> {
  if (error instanceof NobodyReads) return;
  if (error instanceof ExitError && error.oclif.exit === 0) return;
  if (session.interruption !== undefined) return report([interruption(session.interruption)], argv);
  if (error instanceof CLIError) return report([usageLetter(error, argv, config)], argv);
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  await report(errors, argv);
}

async function report(errors: readonly unknown[], argv: readonly string[]): Promise<void> {
  for (const error of errors) session.found.add(classOf(error));
  if (asJson(argv)) await session.write(`${JSON.stringify(errorJson(errors), null, 2)}\n`);
  else for (const error of errors.filter(isDwError)) session.tell(letterText(error, { color: session.stderrColor, width: 80 }));
  for (const bug of errors.filter((error) => !isDwError(error))) session.tell(bugText(bug));
}

/** `error` is the one that decides the exit code; `errors` has all, when there are several. */
function errorJson(errors: readonly unknown[]): object {
  const letters = errors.map(letterJson);
  const decisive = worst(errors.map(classOf));
  const error = letters[errors.findIndex((candidate) => classOf(candidate) === decisive)];
  return letters.length > 1 ? { error, errors: letters } : { error };
}

function letterJson(error: unknown): object {
  const letter = isDwError(error) ? error : bugLetter(error);
  const masked = (text: string) => session.redactor.redact(text);
  return { code: letter.code, what: masked(letter.what), why: masked(letter.why), fix: masked(letter.fix) };
}

function bugLetter(error: unknown): DwError {
  return new DwError("DW-BUG", {
    what: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    why: "This is a mistake in dw, not in your project.",
    fix: `Report it with the stack on stderr at ${issues}.`,
  });
}

function bugText(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const cause = error instanceof Error && error.cause !== undefined ? `\ncaused by: ${causeText(error.cause)}` : "";
  return [
    "DW-BUG This is a mistake in dw, not in your project.",
    `${stack}${cause}`,
    `dw ${version}, Node ${process.version}, ${process.platform} ${process.arch}`,
    `Please report it at ${issues} with the lines above.`,
  ].join("\n");
}

function causeText(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

function interruption(by: "interrupted" | "terminated"): DwError {
  return new DwError(by === "interrupted" ? "DW-INTERRUPTED" : "DW-TERMINATED", {
    what: "The run was stopped before it was done.",
    why: by === "interrupted" ? "Somebody pressed Ctrl-C (SIGINT)." : "The process was asked to end (SIGTERM).",
    fix: "What was finished is kept and recorded; the same command goes on from there.",
  });
}

/** Read from the words themselves, because the error may be that the flags did not parse. */
function asJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  const flags = end === -1 ? argv : argv.slice(0, end);
  return flags.some((word, at) => word === "--json" || word === "--format=json" || (word === "--format" && flags[at + 1] === "json"));
}

/** For errors that nobody could catch: says the same as `report`, synchronously, and ends the process. */
function die(error: unknown, argv: readonly string[]): never {
  if (asJson(argv)) process.stdout.write(`${JSON.stringify(errorJson([error]), null, 2)}\n`);
  session.tell(bugText(error));
  process.exit(exitCodes.bug);
}
