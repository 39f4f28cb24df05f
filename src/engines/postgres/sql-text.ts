import { DwError } from "../../core/errors.js";
import type { Model, SqlBodies, SqlBody, SqlReference } from "../../core/model.js";
import { modelPlace } from "../../core/model-place.js";
import type { Dialect } from "../../core/types.js";
import { id } from "./dialect.js";

export interface RenderedBody {
  readonly text: string;
  /** Names of the models that the text refers to. */
  readonly models: readonly string[];
}

/** The body in the first of the dialects that the model has. Throws DW-MODEL-INVALID when it has none. */
export function bodyIn(model: Model, bodies: SqlBodies, dialects: readonly Dialect[]): SqlBody {
  for (const dialect of dialects) {
    const body = bodies[dialect];
    if (body !== undefined) return body;
  }
  throw new DwError("DW-MODEL-INVALID", {
    what: `${modelPlace(model)} has no SQL for ${dialects[0]}.`,
    why: `It names ${dialects[0]} in \`on\`, and dw does not translate SQL between dialects.`,
    fix: `Write the body with sql.${dialects[0]}\`…\`.`,
  });
}

/** A body as SQL text: references become quoted names, lines lose the indentation that they share. */
export function renderBody(model: Model, body: SqlBody, nameOf: (name: string) => readonly string[] | undefined): RenderedBody {
  const models = new Set<string>();
  const reference = (part: SqlReference): string => {
    models.add(part.model);
    if (part.ref === "column") return id(part.column).text;
    const name = nameOf(part.model);
    if (name === undefined) throw unknownReference(model, part.model, body.dialect);
    return id(...name).text;
  };
  const text = body.parts.map((part) => (typeof part === "string" ? part : reference(part))).join("");
  return { text: dedented(text), models: [...models].sort() };
}

function unknownReference(model: Model, target: string, dialect: Dialect): DwError {
  return new DwError("DW-MODEL-INVALID", {
    what: `${modelPlace(model)} refers to ${target}, which is not on ${dialect}.`,
    why: "A SQL body can only read what the same engine holds.",
    fix: `Put ${target} on ${dialect} too, or read another model.`,
  });
}

/** Without blank lines at both ends, spaces at line ends, a final semicolon and common indentation. */
function dedented(text: string): string {
  const lines = text
    .replace(/\r\n?/g, "\n")
    .replace(/;\s*$/, "")
    .split("\n")
    .map((line) => line.trimEnd());
  while (lines[0] === "") lines.shift();
  while (lines.at(-1) === "") lines.pop();
  // The first line often stands right behind the opening backtick and has no indentation of its own.
  const indents = lines
    .filter((line, index) => line !== "" && (index > 0 || /^\s/.test(line)))
    .map((line) => line.length - line.trimStart().length);
  const shared = indents.length === 0 ? 0 : Math.min(...indents);
  return lines.map((line, index) => (index === 0 && !/^\s/.test(line) ? line : line.slice(shared))).join("\n");
}
