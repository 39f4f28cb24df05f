import type { Config, Errors } from "@oclif/core";
import { DwError } from "../core/errors.js";

/** oclif's own refusals (unknown flags, missing arguments, unknown commands) as a letter. */
export function usageLetter(error: InstanceType<typeof Errors.CLIError>, argv: readonly string[], config: Config): DwError {
  const unknown = /^command (.*) not found$/.exec(error.message);
  return unknown ? unknownCommand(unknown[1] ?? "", config) : wrongCall(error, argv, config);
}

function unknownCommand(id: string, config: Config): DwError {
  const typed = id.replaceAll(":", " ");
  const near = nearest(
    typed,
    config.commandIDs.map((known) => known.replaceAll(":", " ")),
  );
  return new DwError("DW-USAGE", {
    what: `There is no command \`dw ${typed}\`.`,
    why: near ? `The nearest one is \`dw ${near}\`.` : "No command has a name like that.",
    fix: "`dw --help` lists the commands.",
  });
}

function wrongCall(error: Error, argv: readonly string[], config: Config): DwError {
  const [what = "", ...rest] = error.message.split("\n").filter((line) => line !== "" && !line.startsWith("See more help"));
  const command = commandOf(argv, config);
  return new DwError("DW-USAGE", {
    what: /[.!?]$/.test(what) ? what : `${what}.`,
    why: rest.length > 0 ? rest.join("\n") : `${command} cannot be called like this.`,
    fix: `\`${command} --help\` shows how it is called.`,
    cause: error,
  });
}

/** The longest run of leading words that is a command: `migrate new orders` → `dw migrate new`. */
function commandOf(argv: readonly string[], config: Config): string {
  const flag = argv.findIndex((word) => word.startsWith("-"));
  const words = flag === -1 ? argv : argv.slice(0, flag);
  const longest = words.map((_, index) => words.slice(0, words.length - index)).find((some) => config.findCommand(some.join(":")));
  return ["dw", ...(longest ?? [])].join(" ");
}

/** The candidate that is a few typing mistakes away, if any. */
export function nearest(typed: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, mistakes: distance(typed, candidate) }))
    .sort((a, b) => a.mistakes - b.mistakes);
  const best = ranked[0];
  return best !== undefined && best.mistakes <= Math.max(1, Math.floor(typed.length / 3)) ? best.candidate : undefined;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
