import { relative, sep } from "node:path";
import { DwError } from "../core/errors.js";

interface Place {
  /** Relative to the project. */
  readonly file: string;
  /** `12`, or `12:5` where the column is that of the author's text. */
  readonly position: string;
}

/** A model file that could not be loaded, as a letter with file and line. Letters that the file itself threw stay as they are. */
export function loadFailure(shown: string, file: string, root: string, error: unknown): DwError {
  if (error instanceof DwError) return error;
  const thrown = error instanceof Error ? error : new Error(String(error));
  const place = placeOf(thrown, root) ?? placeOf(thrown, file);
  const where = place ? `${place.file}:${place.position}` : shown;
  const imported = place !== undefined && place.file !== shown ? ` (imported by ${shown})` : "";
  return new DwError("DW-MODEL-LOAD", {
    what: `${where} could not be loaded${imported}.`,
    why: reason(thrown),
    fix: fixFor(thrown),
    cause: error,
  });
}

/**
 * The first line inside the project that a parser's message or the stack names. Compiling keeps lines and moves columns,
 * so that only a parser's column is worth printing.
 */
function placeOf(error: Error, root: string): Place | undefined {
  const start = root.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const places = new RegExp(`(${start}[^\\n:()]*):(\\d+):(\\d+)`, "g");
  const within = (text: string, position: (line: string, column: string) => string): Place | undefined => {
    for (const [, file = "", line = "", column = ""] of text.replaceAll("file://", "").matchAll(places)) {
      const inside = relative(root, file).split(sep).join("/");
      if (!inside.includes("node_modules/")) return { file: inside, position: position(line, column) };
    }
    return undefined;
  };
  return within(error.message, (line, column) => `${line}:${column}`) ?? within(error.stack ?? "", (line) => line);
}

function reason(error: Error): string {
  const [first = ""] = error.message
    .replace(/^ParseError: /, "")
    .trim()
    .split("\n");
  const kind = /^ParseError/.test(error.message) ? "SyntaxError" : error.name;
  return `${kind}: ${first.trim()}${/[.!?]\s*$/.test(first) ? "" : "."}`;
}

function fixFor(error: Error): string {
  if (/Cannot find (module|package)/.test(error.message)) return "Correct the path of the import, or install the package that it names.";
  if (/is not a function/.test(error.message) && /dwright/.test(error.message)) {
    return "The import from dwright does not exist in this version; `npx tsc --noEmit` names it.";
  }
  return "Correct the file; `npx tsc --noEmit` shows more than one mistake at a time.";
}
