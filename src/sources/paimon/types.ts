import type { LogicalType, TimePrecision } from "../../core/types.js";
import { damaged } from "./letters.js";

/*
 * Paimon's types as schema-N spells them (Paimon, "Specification / Schema" and "Data Types"): an atomic type is a string
 * such as `DECIMAL(18, 4) NOT NULL`, a nested one an object. Nested ROW fields carry ids of their own, by which they
 * survive renames.
 */

export type PaimonType =
  | { readonly kind: "atomic"; readonly logical: LogicalType }
  /** A VECTOR is an array of always the same length. */
  | { readonly kind: "array"; readonly element: Slot }
  /** A MULTISET is a map from its element to a count. */
  | { readonly kind: "map"; readonly key: Slot; readonly value: Slot; readonly multiset: boolean }
  | { readonly kind: "row"; readonly fields: readonly PaimonField[] }
  /** Whatever comes after the types of 1.4: named, never read. */
  | { readonly kind: "foreign"; readonly text: string };

export interface Slot {
  readonly type: PaimonType;
  readonly nullable: boolean;
}

export interface PaimonField extends Slot {
  readonly id: number;
  readonly name: string;
  readonly description?: string;
}

/** Far deeper than a table, far shallower than the stack. */
const MAX_DEPTH = 64;

export function parseSlot(json: unknown, file: string, depth = 0): Slot {
  if (depth > MAX_DEPTH) throw damaged(file, `A type is nested deeper than ${MAX_DEPTH} levels.`);
  if (typeof json === "string") return atomic(json, file);
  if (!isObject(json) || typeof json.type !== "string") throw damaged(file, "A type is neither a text nor an object with a type.");
  const { name, nullable } = nullability(json.type);
  const inner = (member: unknown): Slot => parseSlot(member, file, depth + 1);
  switch (name) {
    case "ARRAY":
    case "VECTOR":
      return { nullable, type: { kind: "array", element: inner(json.element) } };
    case "MAP":
      return { nullable, type: { kind: "map", key: inner(json.key), value: inner(json.value), multiset: false } };
    case "MULTISET":
      return { nullable, type: { kind: "map", key: inner(json.element), value: MULTIPLICITY, multiset: true } };
    case "ROW":
      return { nullable, type: { kind: "row", fields: parseFields(json.fields, file, depth + 1) } };
    default:
      return { nullable, type: { kind: "foreign", text: name } };
  }
}

export function parseFields(json: unknown, file: string, depth = 0): readonly PaimonField[] {
  if (!Array.isArray(json)) throw damaged(file, "The fields are not a list.");
  const names = new Set<string>();
  return json.map((entry: unknown): PaimonField => {
    if (!isObject(entry) || typeof entry.name !== "string" || !Number.isInteger(entry.id)) {
      throw damaged(file, "A field lacks its id or its name.");
    }
    if (names.has(entry.name)) throw damaged(file, `The field ${entry.name} is there twice.`);
    names.add(entry.name);
    const described = typeof entry.description === "string" && entry.description !== "" ? { description: entry.description } : {};
    return { id: Number(entry.id), name: entry.name, ...parseSlot(entry.type, file, depth), ...described };
  });
}

const MULTIPLICITY: Slot = { nullable: false, type: { kind: "atomic", logical: { kind: "int", bits: 32 } } };

function nullability(text: string): { readonly name: string; readonly nullable: boolean } {
  const name = text.trim().toUpperCase().replace(/\s+/g, " ");
  if (name.endsWith(" NOT NULL")) return { name: name.slice(0, -" NOT NULL".length), nullable: false };
  return { name: name.endsWith(" NULL") ? name.slice(0, -" NULL".length) : name, nullable: true };
}

/** `NAME`, `NAME(1)`, `NAME(1, 2)`, and words after it. */
const ATOMIC = /^([A-Z_]+)(?: ?\( ?(\d{1,10}) ?(?:, ?(\d{1,10}) ?)?\))?((?: [A-Z]+)*)$/;

function atomic(text: string, file: string): Slot {
  const { name, nullable } = nullability(text);
  const parts = ATOMIC.exec(name);
  const foreign: Slot = { nullable, type: { kind: "foreign", text: name } };
  if (parts === null) return foreign;
  const numbers = { first: whole(parts[2]), second: whole(parts[3]) };
  const logical = atomics[`${parts[1]}${parts[4]}`]?.(numbers);
  if (logical === undefined) return foreign;
  if (logical === "invalid") throw damaged(file, `The type ${name} has a length or precision out of range.`);
  return { nullable, type: { kind: "atomic", logical } };
}

interface Numbers {
  readonly first: number | undefined;
  readonly second: number | undefined;
}

/** Character types without a bound of their own are this long (`VARCHAR(2147483647)` is STRING). */
const UNBOUNDED = 2_147_483_647;

const atomics: Readonly<Record<string, (numbers: Numbers) => LogicalType | "invalid">> = {
  BOOLEAN: () => ({ kind: "boolean" }),
  TINYINT: () => ({ kind: "int", bits: 8 }),
  SMALLINT: () => ({ kind: "int", bits: 16 }),
  INT: () => ({ kind: "int", bits: 32 }),
  INTEGER: () => ({ kind: "int", bits: 32 }),
  BIGINT: () => ({ kind: "int", bits: 64 }),
  FLOAT: () => ({ kind: "float", bits: 32 }),
  DOUBLE: () => ({ kind: "float", bits: 64 }),
  "DOUBLE PRECISION": () => ({ kind: "float", bits: 64 }),
  DECIMAL: decimal,
  NUMERIC: decimal,
  DEC: decimal,
  CHAR: ({ first = 1 }) => ({ kind: "text", max: first, padded: true }),
  VARCHAR: ({ first = 1 }) => (first === UNBOUNDED ? { kind: "text" } : { kind: "text", max: first }),
  STRING: () => ({ kind: "text" }),
  BINARY: ({ first = 1 }) => ({ kind: "binary", max: first, fixed: true }),
  VARBINARY: ({ first = 1 }) => (first === UNBOUNDED ? { kind: "binary" } : { kind: "binary", max: first }),
  BYTES: () => ({ kind: "binary" }),
  DATE: () => ({ kind: "date" }),
  TIME: ({ first = 0 }) => (isPrecision(first) ? { kind: "time", precision: first } : "invalid"),
  "TIME WITHOUT TIME ZONE": ({ first = 0 }) => (isPrecision(first) ? { kind: "time", precision: first } : "invalid"),
  TIMESTAMP: (numbers) => timestamp(numbers, false),
  "TIMESTAMP WITHOUT TIME ZONE": (numbers) => timestamp(numbers, false),
  "TIMESTAMP WITH LOCAL TIME ZONE": (numbers) => timestamp(numbers, true),
  TIMESTAMP_LTZ: (numbers) => timestamp(numbers, true),
  VARIANT: () => ({ kind: "json" }),
  BLOB: () => ({ kind: "binary" }),
};

function decimal({ first = 10, second = 0 }: Numbers): LogicalType | "invalid" {
  return first < 1 || first > 38 || second > first ? "invalid" : { kind: "decimal", precision: first, scale: second };
}

function timestamp({ first = 6 }: Numbers, zoned: boolean): LogicalType | "invalid" {
  return isPrecision(first) ? { kind: "timestamp", precision: first, zoned } : "invalid";
}

function isPrecision(value: number): value is TimePrecision {
  return value >= 0 && value <= 9;
}

function whole(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The type in dw's own words; a multiset is a map to its counts, a foreign type keeps Paimon's name. */
export function logicalType(type: PaimonType): LogicalType {
  switch (type.kind) {
    case "atomic":
      return type.logical;
    case "array":
      return { kind: "list", element: nested(type.element) };
    case "map":
      return { kind: "map", key: logicalType(type.key.type), value: nested(type.value) };
    case "row":
      return { kind: "struct", fields: type.fields.map((field) => ({ name: field.name, ...nested(field) })) };
    case "foreign":
      return { kind: "native", engine: "paimon", type: type.text };
  }
}

function nested(slot: Slot): { readonly type: LogicalType; readonly nullable: boolean } {
  return { type: logicalType(slot.type), nullable: slot.nullable };
}

/** Names of the foreign types in a type, nested ones included. */
export function foreignTypes(type: PaimonType): readonly string[] {
  switch (type.kind) {
    case "atomic":
      return [];
    case "array":
      return foreignTypes(type.element.type);
    case "map":
      return [...foreignTypes(type.key.type), ...foreignTypes(type.value.type)];
    case "row":
      return type.fields.flatMap((field) => foreignTypes(field.type));
    case "foreign":
      return [type.text];
  }
}
