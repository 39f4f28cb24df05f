import type { AnyCheck } from "../../core/check-spec.js";
import type { Json, JsonObject } from "../../core/json.js";
import { call, literal, member, object, type Piece } from "./literal.js";

/** How a kind is written: the function, and the keys that are its arguments; a list stands for one object of those keys. */
type Written = readonly [name: string, ...args: readonly (string | readonly string[])[]];

/** Kinds that an import makes. checks/define.ts has the functions. */
const WRITTEN: Readonly<Partial<Record<AnyCheck["check"], Written>>> = {
  "not-null": ["notNull", "column"],
  unique: ["unique", "columns"],
  "accepted-values": ["acceptedValues", "column", "values"],
  pattern: ["pattern", "column", "matches"],
  length: ["textLength", "column", ["min", "max"]],
  range: ["range", "column", ["min", "max"]],
  "row-count": ["rowCount", ["min", "max"]],
};

/** A check as an author writes it: `range("paid", { min: 0 }, { severity: "warn" })`. Other kinds stand as their data. */
export function checkPiece(check: AnyCheck, called: Set<string>): Piece {
  const said = check as unknown as Readonly<Record<string, Json>>; // a check is JSON; the interfaces lack the index signature
  const written = WRITTEN[check.check];
  if (!written) return literal(said, called);
  const [name, ...args] = written;
  called.add(name);
  const used = new Set(["check", ...args.flat()]);
  const options = Object.entries(said).filter(([key]) => !used.has(key));
  return call(name, [...args.map((arg) => argument(said, arg, called)), ...(options.length > 0 ? [entriesPiece(options, called)] : [])]);
}

function argument(said: JsonObject, arg: string | readonly string[], called: Set<string>): Piece {
  if (typeof arg === "string") return literal(said[arg] ?? null, called);
  return entriesPiece(
    arg.flatMap((key) => (said[key] === undefined ? [] : [[key, said[key]] as const])),
    called,
  );
}

function entriesPiece(entries: readonly (readonly [string, Json])[], called: Set<string>): Piece {
  return object(entries.map(([key, value]) => member(key, literal(value, called))));
}
