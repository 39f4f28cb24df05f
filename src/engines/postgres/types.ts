import type { TypeMapping } from "../../core/loss.js";
import { impossible, lossy, mappedBy, plain, type TypeMappings, widened } from "../../core/type-mapping.js";
import type { LogicalType, TimePrecision } from "../../core/types.js";

const MICROSECONDS = 6;
const MAX_VARCHAR = 10_485_760;
const MAX_NUMERIC_PRECISION = 1000;

/** Signed types are the next that hold every value; unsigned ones are one step wider. */
const INTEGERS: Readonly<Record<string, TypeMapping>> = {
  int8: widened("smallint", "PostgreSQL has no 8-bit integer"),
  int16: plain("smallint"),
  int32: plain("integer"),
  int64: plain("bigint"),
  int128: widened("numeric(39,0)", "PostgreSQL has no 128-bit integer; 39 digits hold every value"),
  uint8: widened("smallint", "PostgreSQL has no unsigned integers"),
  uint16: widened("integer", "PostgreSQL has no unsigned integers"),
  uint32: widened("bigint", "PostgreSQL has no unsigned integers"),
  uint64: widened("numeric(20,0)", "PostgreSQL has no unsigned integers"),
  uint128: widened("numeric(39,0)", "PostgreSQL has no unsigned integers"),
};

const mappings: TypeMappings = {
  boolean: () => plain("boolean"),
  int: ({ bits, unsigned }) => INTEGERS[`${unsigned ? "u" : ""}int${bits}`] ?? impossible(`no integer of ${bits} bits`),
  float: ({ bits }) => plain(bits === 32 ? "real" : "double precision"),
  decimal: ({ precision, scale }) =>
    precision <= MAX_NUMERIC_PRECISION
      ? plain(`numeric(${precision},${scale})`)
      : impossible(`numeric holds at most ${MAX_NUMERIC_PRECISION} digits`),
  // U+0000 cannot be stored in any text type; loading refuses such a value (DW-VALUE-REFUSED) rather than change it.
  text: ({ max, padded }) => {
    if (max === undefined) return plain("text");
    if (max > MAX_VARCHAR) return widened("text", `character varying ends at ${MAX_VARCHAR} characters`);
    return plain(padded ? `character(${max})` : `character varying(${max})`);
  },
  binary: ({ max }) => (max === undefined ? plain("bytea") : widened("bytea", `bytea does not limit the length to ${max}`)),
  date: () => plain("date"),
  time: ({ precision }) => timed("time", "without time zone", precision),
  timestamp: ({ precision, zoned }) => timed("timestamp", zoned ? "with time zone" : "without time zone", precision),
  interval: () => plain("interval"),
  uuid: () => plain("uuid"),
  // Equal as JSON; .as("postgres", "json") keeps the text with its spaces and doubled keys.
  json: () => plain("jsonb"),
  enum: () => widened("text", "a CHECK constraint keeps the values"),
  list: ({ element }) => {
    if (element.type.kind === "list") return widened("jsonb", "a PostgreSQL array of arrays must be rectangular, so it is kept as JSON");
    const inner = mapType(element.type);
    return inner.level === "impossible" ? inner : { ...inner, native: `${inner.native}[]` };
  },
  map: () => widened("jsonb", "kept as JSON"),
  struct: () => widened("jsonb", "kept as JSON"),
  native: ({ engine, type }) =>
    engine === "postgres" || engine === "timescale" ? plain(canonicalType(type)) : impossible(`${type} is a type of ${engine} only`),
};

function timed(name: string, zone: string, precision: TimePrecision): TypeMapping {
  if (precision > MICROSECONDS) return lossy(`${name} ${zone}`, `rounded from ${precision} to 6 digits after the second`);
  return plain(precision === MICROSECONDS ? `${name} ${zone}` : `${name}(${precision}) ${zone}`);
}

/** The logical type in PostgreSQL (manual, chapter 8), spelt as `format_type()` does. */
export function mapType(type: LogicalType): TypeMapping {
  return mappedBy(mappings, type);
}

const ALIASES: Readonly<Record<string, string>> = {
  bool: "boolean",
  int: "integer",
  int2: "smallint",
  int4: "integer",
  int8: "bigint",
  float: "double precision",
  float4: "real",
  float8: "double precision",
  decimal: "numeric",
  dec: "numeric",
  varchar: "character varying",
  char: "character",
  bpchar: "character",
  varbit: "bit varying",
};

/** An author's type text in the spelling of `format_type()`: `timestamptz(3)` is `timestamp(3) with time zone`. */
export function canonicalType(text: string): string {
  const trimmed = text.trim().replace(/\s+/g, " ");
  const array = /^(.*?)((?:\s*\[\s*\])+)$/.exec(trimmed);
  if (array?.[1] !== undefined) return `${canonicalType(array[1])}[]`; // PostgreSQL does not keep the number of dimensions
  const parts = /^([A-Za-z_][A-Za-z0-9_]*)\s*(\([^)]*\))?\s*(with time zone|without time zone)?$/i.exec(trimmed);
  if (parts?.[1] === undefined) return trimmed.includes('"') ? trimmed : trimmed.toLowerCase();
  const name = parts[1].toLowerCase();
  const length = (parts[2] ?? "").replace(/\s+/g, "");
  const temporal = /^(time|timestamp)(tz)?$/.exec(name);
  if (temporal?.[1] !== undefined) {
    const zone = temporal[2] ? "with time zone" : (parts[3]?.toLowerCase() ?? "without time zone");
    return `${temporal[1]}${length === "(6)" ? "" : length} ${zone}`;
  }
  const canonical = ALIASES[name] ?? name;
  if (canonical === "numeric" && /^\(\d+\)$/.test(length)) return `numeric${length.replace(")", ",0)")}`;
  if (canonical === "character" && length === "") return "character(1)";
  return canonical + length;
}

const LOGICAL: Readonly<Record<string, LogicalType>> = {
  boolean: { kind: "boolean" },
  smallint: { kind: "int", bits: 16 },
  integer: { kind: "int", bits: 32 },
  bigint: { kind: "int", bits: 64 },
  real: { kind: "float", bits: 32 },
  "double precision": { kind: "float", bits: 64 },
  text: { kind: "text" },
  "character varying": { kind: "text" },
  bytea: { kind: "binary" },
  date: { kind: "date" },
  "time without time zone": { kind: "time", precision: 6 },
  "timestamp without time zone": { kind: "timestamp", precision: 6, zoned: false },
  "timestamp with time zone": { kind: "timestamp", precision: 6, zoned: true },
  interval: { kind: "interval" },
  uuid: { kind: "uuid" },
  json: { kind: "json" },
  jsonb: { kind: "json" },
};

/** The logical type of a `format_type()` text; what has none (numeric without digits, geometry) stays native. */
export function logicalType(text: string): LogicalType {
  const type = canonicalType(text);
  const plain = LOGICAL[type];
  if (plain !== undefined) return plain;
  if (type.endsWith("[]")) return { kind: "list", element: { type: logicalType(type.slice(0, -2)), nullable: true } };
  const numbers = /^([a-z ]+)\((-?\d+)(?:,(-?\d+))?\)( with(?:out)? time zone)?$/.exec(type);
  return (numbers && sized(numbers[1] ?? "", Number(numbers[2]), numbers[3], numbers[4])) ?? { kind: "native", engine: "postgres", type };
}

function sized(name: string, first: number, second: string | undefined, zone: string | undefined): LogicalType | undefined {
  switch (name) {
    case "numeric": {
      const scale = Number(second ?? 0);
      return scale >= 0 && scale <= first ? { kind: "decimal", precision: first, scale } : undefined;
    }
    case "character varying":
      return { kind: "text", max: first };
    case "character":
      return { kind: "text", max: first, padded: true };
    case "time":
      return { kind: "time", precision: first as TimePrecision }; // PostgreSQL allows 0 to 6
    case "timestamp":
      return { kind: "timestamp", precision: first as TimePrecision, zoned: zone === " with time zone" };
    default:
      return undefined;
  }
}
