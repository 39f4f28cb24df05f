import { isHole } from "../../core/catalog.js";
import type { Json, JsonObject } from "../../core/json.js";
import { isJsonObject } from "../../core/json.js";

/*
 * JSON as the TypeScript that an author would write, wrapped where a line grows too long. A call such as `month("day")`
 * stands for the JSON that it makes; the names that were called are collected for the import line.
 */

const WIDTH = 120;

/** A piece of source text: on one line, or opened over several. */
export type Piece = string | Opened | Chain;

/** What stands between brackets, and opens into a line a member. */
interface Opened {
  readonly open: string;
  readonly members: readonly Piece[];
  readonly close: string;
  readonly before?: string;
  /** Never on one line, however short. */
  readonly isOpen?: true;
}

/** `t.text("…").nullable()`, which opens into a line a call. */
interface Chain {
  readonly start: string;
  readonly calls: readonly Piece[];
  readonly before?: string;
}

/** Source text of a piece that begins at `indent` and after `used` characters of its line. */
export function layOut(piece: Piece, indent = 0, used = 0): string {
  const flat = oneLine(piece);
  if (typeof piece === "string" || (!flat.includes("\n") && indent + used + flat.length <= WIDTH)) return flat;
  const inner = " ".repeat(indent + 2);
  if ("calls" in piece) return chainLines(piece, indent, inner);
  const { open, members, close, before = "" } = piece;
  const lines = members.map((member) => `${inner}${layOut(member, indent + 2)},\n`);
  return `${before}${open}\n${lines.join("")}${" ".repeat(indent)}${close}`;
}

/** A single call opens its own brackets; several stand below each other. */
function chainLines({ start, calls, before = "" }: Chain, indent: number, inner: string): string {
  const [only] = calls;
  if (calls.length === 1 && only !== undefined) return `${before}${start}${layOut(only, indent)}`;
  return `${before}${start}${calls.map((each) => `\n${inner}${layOut(each, indent + 2)}`).join("")}`;
}

function oneLine(piece: Piece): string {
  if (typeof piece === "string") return piece;
  if ("calls" in piece) return `${piece.before ?? ""}${piece.start}${piece.calls.map(oneLine).join("")}`;
  if (piece.isOpen) return "\n"; // too long for any line
  const { open, members, close, before = "" } = piece;
  const space = open.endsWith("{") && members.length > 0 ? " " : "";
  return `${before}${open}${space}${members.map(oneLine).join(", ")}${space}${close}`;
}

export function call(name: string, args: readonly Piece[]): Piece {
  return { open: `${name}(`, members: args, close: ")" };
}

/** `key: value`, where the value may open over several lines. */
export function member(key: string, value: Piece): Piece {
  const name = `${propertyName(key)}: `;
  return typeof value === "string" ? name + value : { ...value, before: name + (value.before ?? "") };
}

export function object(members: readonly Piece[]): Piece {
  return members.length === 0 ? "{}" : { open: "{", members, close: "}" };
}

export function array(members: readonly Piece[]): Piece {
  return { open: "[", members, close: "]" };
}

function propertyName(name: string): string {
  if (name === "__proto__") return '["__proto__"]'; // without brackets it would set the prototype
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : quoted(name);
}

/** A string literal. JSON's is one of JavaScript's; line separators are escaped for editors. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (found) => `\\u${found.charCodeAt(0).toString(16)}`);
}

/** A JSON value; layout words and holes as the calls that make them. */
export function literal(value: Json, called: Set<string>): Piece {
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return array(value.map((each: Json) => literal(each, called)));
  if (!isJsonObject(value)) return Object.is(value, -0) ? "-0" : String(value);
  return layoutCall(value, called) ?? object(Object.entries(value).map(([key, each]) => member(key, literal(each as Json, called))));
}

const TIME_UNITS = ["hour", "day", "week", "month", "year"];

/** `month("day")`, `values("a", "b")`, `hash(["a"], 8)`, `random()`, `perEnv({ … })`: see model/layout.ts and define.ts. */
function layoutCall(value: JsonObject, called: Set<string>): Piece | undefined {
  const using = (name: string, args: readonly (Json | undefined)[]): Piece => {
    called.add(name);
    return call(
      name,
      args.filter((arg) => arg !== undefined).map((arg) => literal(arg, called)),
    );
  };
  if (isHole(value)) return using("perEnv", [value.$env]);
  const { by, column, columns, unit, buckets, ...others } = value;
  if (Object.keys(others).length > 0) return undefined;
  if (by === "time" && typeof unit === "string" && TIME_UNITS.includes(unit)) return using(unit, [column]);
  if (by === "columns" && Array.isArray(columns)) return using("values", columns);
  if (by === "hash") return using("hash", [columns, buckets]);
  if (by === "random" && columns === undefined) return using("random", [buckets]);
  return undefined;
}
