import type { Column } from "../core/model.js";
import type { LogicalType } from "../core/types.js";

/**
 * Why a message is not as the model says; undefined when it is. Values are JSON objects in the encoding of DESIGN §7, in which
 * wide integers and decimals may be numbers, too: producers write them so. A tombstone (NULL) says that a key is gone, and is none.
 */
export function messageFault(value: Uint8Array | null, columns: Readonly<Record<string, Column>>): string | undefined {
  if (value === null) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(value));
  } catch {
    return "it is no JSON";
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return "it is no JSON object";
  const fields = parsed as Readonly<Record<string, unknown>>; // a JSON object
  for (const [name, column] of Object.entries(columns)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined || field === null) {
      if (!column.nullable) return `${name} is missing`;
    } else if (!holds(field, column.type)) return `${name} is ${Array.isArray(field) ? "an array" : typeof field}`;
  }
  const unknown = Object.keys(fields).find((name) => !Object.hasOwn(columns, name));
  return unknown === undefined ? undefined : `${unknown} is not in the model`;
}

type Holds = (value: unknown) => boolean;

const isText: Holds = (value) => typeof value === "string";
const isObject: Holds = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isNumeral: Holds = (value) => typeof value === "number" || (typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value));
const isInteger: Holds = (value) => (typeof value === "number" ? Number.isInteger(value) : /^-?\d+$/.test(String(value)) && isText(value));
const isFloat: Holds = (value) => typeof value === "number" || value === "NaN" || value === "Infinity" || value === "-Infinity";

/** Times as text, or as the epoch numbers that producers write. */
const isTime: Holds = (value) =>
  typeof value === "number" ||
  (isText(value) && /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?$/.test(String(value)));

const kinds: Readonly<Record<Exclude<LogicalType["kind"], "enum" | "list">, Holds>> = {
  boolean: (value) => typeof value === "boolean",
  int: isInteger,
  float: isFloat,
  decimal: isNumeral,
  text: isText,
  binary: isText,
  date: isTime,
  time: isText,
  timestamp: isTime,
  interval: isText,
  uuid: (value) => isText(value) && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(String(value)),
  json: () => true,
  map: (value) => Array.isArray(value) || isObject(value),
  struct: isObject,
  native: () => true,
};

function holds(value: unknown, type: LogicalType): boolean {
  if (type.kind === "enum") return typeof value === "string" && type.values.includes(value);
  if (type.kind === "list")
    return Array.isArray(value) && value.every((each) => (each === null ? type.element.nullable : holds(each, type.element.type)));
  return kinds[type.kind](value);
}
