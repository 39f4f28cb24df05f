import { compareText } from "../../core/catalog.js";
import type { AnyCheck } from "../../core/check-spec.js";
import type { Json, JsonObject } from "../../core/json.js";
import type { Column, Columns, FunctionModel, Model, ObjectModel, SqlBodies, SqlBody, SqlReference } from "../../core/model.js";
import { checkPiece } from "./checks.js";
import { columnPiece } from "./column.js";
import { array, layOut, literal, member, object, type Piece, quoted } from "./literal.js";

/*
 * A model as a file that an author could have written: the way back from model/define.ts. Loading the text gives the model
 * again; what a person knows and no engine keeps (layer, owner, grain) is left for them to add.
 */

export type Printable = Extract<
  Model,
  { readonly model: "table" | "view" | "materialized-view" | "topic" | "function" | "source" | "object" }
>;

const DEFINE: Readonly<Record<Exclude<Printable["model"], "object">, string>> = {
  table: "defineTable",
  view: "defineView",
  "materialized-view": "defineMaterializedView",
  topic: "defineTopic",
  function: "defineFunction",
  source: "defineSource",
};

export interface PrintOptions {
  /** The package that models are imported from. */
  readonly from: string;
  /** Import path of another model's file, as seen from this one. */
  readonly fileOf: (model: string) => string;
  /** Lines of a comment above the definition. */
  readonly notes?: readonly string[];
}

interface Printing {
  /** Names imported from the package. */
  readonly called: Set<string>;
  /** Other models, by name, as the constants that the file calls them. */
  readonly models: Map<string, string>;
}

/** The text of a model's file, its newline included. */
export function modelFile(model: Printable, { from, fileOf, notes = [] }: PrintOptions): string {
  const define = model.model === "object" ? objectFunction(model) : DEFINE[model.model];
  const printing: Printing = { called: new Set([define]), models: constants(model) };
  const lines = members(model, printing).map((each) => `  ${layOut(each, 2)},\n`);
  const text = `${define}(${quoted(model.name)}, {\n${lines.join("")}})`;
  const imports = [
    `import { ${[...printing.called].sort(compareText).join(", ")} } from ${quoted(from)};`,
    ...[...printing.models].map(([name, constant]) => `import ${constant} from ${quoted(fileOf(name))};`),
  ];
  const comment = notes.length === 0 ? "" : `/*\n${notes.map((note) => ` * ${commentText(note)}\n`).join("")} */\n`;
  return `${imports.join("\n")}\n\n${comment}export default ${text};\n`;
}

function commentText(text: string): string {
  return text.replaceAll("*/", "*\\/").replace(/\s+/g, " ");
}

/** Objects that exist are imported from PostgreSQL alone: enum types and roles (model/postgres-objects.ts). */
function objectFunction({ on }: ObjectModel): string {
  return Object.values(on).some((options) => options?.object === "enum") ? "defineEnum" : "definePostgresRole";
}

function objectDefinition(model: ObjectModel): JsonObject {
  const { comment, on } = model;
  const [[slot = "postgres", options = {}] = []] = Object.entries(on);
  const { object: _, values, memberOf, grants, ...own } = options;
  const described = comment === undefined ? {} : { comment };
  if (objectFunction(model) === "defineEnum") return { ...described, values: values ?? [], on: { [slot]: own } };
  const named = (list: Json | undefined): JsonObject[] => (Array.isArray(list) ? list.map((name) => ({ name })) : []);
  return {
    ...described,
    ...(slot !== "postgres" && { on: [slot] }),
    ...own,
    ...(named(memberOf).length > 0 && { memberOf: named(memberOf) }),
    ...(Array.isArray(grants) && grants.length > 0 && { grants: grants.map(grantDefinition) }),
  };
}

function grantDefinition(grant: Json): Json {
  const { privileges = [], on, ...rest } = grant as { readonly on: JsonObject } & JsonObject; // as the engine's import writes it
  return { privileges, on: on.model === undefined ? on : { name: on.model }, ...rest };
}

function members(model: Printable, printing: Printing): Piece[] {
  if (model.model === "object")
    return Object.entries(objectDefinition(model)).map(([key, value]) => member(key, literal(value, printing.called)));
  const { name: _name, model: _kind, origin: _origin, ...said } = model;
  return Object.entries(said).flatMap(([key, value]) =>
    key === "col" || value === undefined ? [] : [memberOf(key, value, model, printing)],
  );
}

/** Keys whose values are no JSON, or are written in a shorter way. */
function memberOf(key: string, value: unknown, model: Printable, printing: Printing): Piece {
  if (key === "columns" || key === "arguments") return member(key, columnsPiece(value as Columns, printing));
  if (key === "query" || key === "body") return member(key, bodiesPiece(value as SqlBodies, printing));
  if (key === "returns") return member(key, returnsPiece((model as FunctionModel).returns, printing));
  if (key === "references") return member(key, referencesPiece(value as References, printing));
  if (key === "checks") return member(key, array((value as readonly AnyCheck[]).map((check) => checkPiece(check, printing.called))));
  return member(key, literal(value as Json, printing.called)); // what is left of a model is JSON
}

function columnsPiece(columns: Columns, { called, models }: Printing): Piece {
  called.add("t");
  const members = Object.entries(columns).map(([name, column]) => member(name, columnPiece(column, models)));
  return members.length === 0 ? "{}" : { open: "{", members, close: "}", isOpen: true };
}

function returnsPiece(returns: FunctionModel["returns"], printing: Printing): Piece {
  if ("table" in returns) return object([member("table", columnsPiece(returns.table, printing))]);
  printing.called.add("t");
  return columnPiece({ type: returns, comment: "", nullable: false } satisfies Column, printing.models);
}

type References = readonly JsonObject[];

/** By name: two tables may refer to each other, and two files cannot import each other. */
function referencesPiece(references: References, { called }: Printing): Piece {
  return { open: "[", members: references.map((reference) => literal(reference, called)), close: "]" };
}

function bodiesPiece(bodies: SqlBodies, printing: Printing): Piece {
  printing.called.add("sql");
  const parts = Object.entries(bodies).map(([dialect, body]) => member(dialect, sqlText(dialect, body, printing)));
  return { open: "{", members: parts, close: "}" };
}

function sqlText(dialect: string, { parts }: SqlBody, { models }: Printing): string {
  const text = parts.map((part) => (typeof part === "string" ? templateText(part) : hole(part, models))).join("");
  const lines = text.split("\n");
  return lines.length === 1
    ? `sql.${dialect}\`${text}\``
    : `sql.${dialect}\`\n${lines.map((line) => (line === "" ? "" : `      ${line}`)).join("\n")}\``;
}

function hole(part: SqlReference, models: Printing["models"]): string {
  const constant = models.get(part.model) ?? "";
  if (part.ref === "model") return `\${${constant}}`;
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(part.column)
    ? `\${${constant}.col.${part.column}}`
    : `\${${constant}.col[${quoted(part.column)}]}`;
}

function templateText(text: string): string {
  return text.replace(/\\|`|\$\{/g, (found) => `\\${found}`);
}

// ------------------------------------------------------------------------------------------------ other models

/** Constants for the models that a file refers to: camel case, none twice, and no name of the package's. */
function constants(model: Printable): Map<string, string> {
  const taken = new Set(["sql", "t", "hash", "hour", "day", "week", "month", "year", "values", "random", "perEnv"]);
  const found = new Map<string, string>();
  for (const name of referred(model)) {
    const plain = constantName(name);
    let constant = plain;
    for (let number = 2; taken.has(constant); number++) constant = `${plain}${number}`;
    taken.add(constant);
    found.set(name, constant);
  }
  return found;
}

function constantName(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const camel = words.map((word, index) => (index === 0 ? word.toLowerCase() : word.charAt(0).toUpperCase() + word.slice(1))).join("");
  return /^[a-z]/.test(camel) && !RESERVED.has(camel) ? camel : `model${camel}`;
}

/** Words that cannot name a constant. */
const RESERVED = new Set(
  "arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield".split(
    " ",
  ),
);

/** Declared types of columns, which are written as their models. */
function enumsOf(model: Printable): string[] {
  const result =
    model.model === "function" ? ("table" in model.returns ? Object.values(model.returns.table) : [{ type: model.returns }]) : [];
  const columns = [
    ...("columns" in model ? Object.values(model.columns ?? {}) : []),
    ...("arguments" in model ? Object.values(model.arguments) : []),
    ...result,
  ];
  return columns.flatMap(({ type }) => (type.kind === "enum" && type.type !== undefined ? [type.type] : []));
}

function referred(model: Printable): string[] {
  const bodies = "query" in model ? model.query : "body" in model ? model.body : {};
  const inSql = Object.values(bodies).flatMap(({ parts }) => parts.flatMap((part) => (typeof part === "string" ? [] : [part.model])));
  return [...new Set([...inSql, ...enumsOf(model)])].filter((name) => name !== model.name).sort(compareText);
}
