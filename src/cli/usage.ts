import type { Config } from "@oclif/core/config";
import { DwError } from "../core/errors.js";
import { nearest } from "../core/nearest.js";

/** oclif's own refusals (unknown flags, missing arguments, unknown commands) as a letter. */
export function usageLetter(error: Error, argv: readonly string[], config: Config): DwError {
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
  const flag = /^Parsing (--\S+)/.exec(what)?.[1];
  const sentence = flag === undefined ? what.trim().replace(/:$/, "") : `${flag} cannot be read`;
  return new DwError("DW-USAGE", {
    what: /[.!?]$/.test(sentence) ? sentence : `${sentence}.`,
    why: rest.length > 0 ? rest.map((line) => line.trim()).join("\n") : `${command} cannot be called like this.`,
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
