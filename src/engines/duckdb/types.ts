import type { LossLevel, TypeMapping } from "../../core/loss.js";
import type { Column } from "../../core/model.js";
import type { LogicalType, Nested } from "../../core/types.js";
import { quoting } from "./dialect.js";

const DECIMAL_MAX = 38;

const plain = (native: string): TypeMapping => ({ native, level: "lossless", note: "" });
const widened = (native: string, note: string): TypeMapping => ({ native, level: "widened", note });
const lossy = (native: string, note: string): TypeMapping => ({ native, level: "lossy", note });
const impossible = (note: string): TypeMapping => ({ native: "", level: "impossible", note });

type Mappings = { readonly [Kind in LogicalType["kind"]]: (type: Extract<LogicalType, { kind: Kind }>) => TypeMapping };

const SIGNED = { 8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT", 128: "HUGEINT" } as const;

const mappings: Mappings = {
  boolean: () => plain("BOOLEAN"),
  int: ({ bits, unsigned }) => plain(unsigned ? `U${SIGNED[bits]}` : SIGNED[bits]),
  float: ({ bits }) => plain(bits === 32 ? "FLOAT" : "DOUBLE"),
  decimal: ({ precision, scale }) =>
    precision <= DECIMAL_MAX ? plain(`DECIMAL(${precision},${scale})`) : impossible(`decimals have at most ${DECIMAL_MAX} digits`),
  text: ({ max }) => (max === undefined ? plain("VARCHAR") : widened("VARCHAR", "lengths are not enforced")),
  binary: ({ max }) => (max === undefined ? plain("BLOB") : widened("BLOB", "lengths are not enforced")),
  date: () => plain("DATE"),
  time: ({ precision }) => (precision > 6 ? lossy("TIME", "keeps microseconds: the last digits are cut off") : plain("TIME")),
  timestamp,
  interval: () => plain("INTERVAL"),
  uuid: () => plain("UUID"),
  json: () => plain("JSON"),
  enum: ({ values }) => plain(`ENUM(${values.map(quoting.literal).join(", ")})`),
  list: ({ element }) => nested([element], ([native]) => `${native}[]`),
  map: ({ key, value }) => nested([{ type: key, nullable: true }, value], ([k, v]) => `MAP(${k}, ${v})`),
  struct: ({ fields }) =>
    nested(fields, (natives) => `STRUCT(${fields.map(({ name }, i) => `${quoting.ident(name)} ${natives[i]}`).join(", ")})`),
  native: ({ engine, type }) => (engine === "duckdb" ? plain(type) : impossible(`${type} is a type of ${engine}`)),
};

/** How DuckDB holds a logical type. Source: DuckDB manual, "Data types". */
export function mapType(type: LogicalType, _column?: Column): TypeMapping {
  return (mappings[type.kind] as (type: LogicalType) => TypeMapping)(type); // each entry takes exactly its kind
}

function timestamp({ precision, zoned }: { readonly precision: number; readonly zoned: boolean }): TypeMapping {
  if (!zoned) return plain(precision > 6 ? "TIMESTAMP_NS" : "TIMESTAMP");
  return precision > 6 ? lossy("TIMESTAMPTZ", "keeps microseconds: the last digits are cut off") : plain("TIMESTAMPTZ");
}

const LEVELS: readonly LossLevel[] = ["lossless", "widened", "lossy", "impossible"];

function nested(members: readonly Nested[], build: (natives: readonly string[]) => string): TypeMapping {
  const mapped = members.map((member) => mapType(member.type));
  const all = members.every((member) => member.nullable) ? mapped : [...mapped, widened("", "members may be NULL")];
  const level = all.reduce<LossLevel>((worst, { level }) => (LEVELS.indexOf(level) > LEVELS.indexOf(worst) ? level : worst), "lossless");
  const note = [...new Set(all.map(({ note }) => note).filter((note) => note !== ""))].join("; ");
  return { native: level === "impossible" ? "" : build(mapped.map(({ native }) => native)), level, note };
}

const SCALARS: Readonly<Record<string, LogicalType>> = {
  BOOLEAN: { kind: "boolean" },
  TINYINT: { kind: "int", bits: 8 },
  SMALLINT: { kind: "int", bits: 16 },
  INTEGER: { kind: "int", bits: 32 },
  BIGINT: { kind: "int", bits: 64 },
  HUGEINT: { kind: "int", bits: 128 },
  UTINYINT: { kind: "int", bits: 8, unsigned: true },
  USMALLINT: { kind: "int", bits: 16, unsigned: true },
  UINTEGER: { kind: "int", bits: 32, unsigned: true },
  UBIGINT: { kind: "int", bits: 64, unsigned: true },
  UHUGEINT: { kind: "int", bits: 128, unsigned: true },
  FLOAT: { kind: "float", bits: 32 },
  DOUBLE: { kind: "float", bits: 64 },
  VARCHAR: { kind: "text" },
  BLOB: { kind: "binary" },
  DATE: { kind: "date" },
  TIME: { kind: "time", precision: 6 },
  TIMESTAMP: { kind: "timestamp", precision: 6, zoned: false },
  TIMESTAMP_S: { kind: "timestamp", precision: 0, zoned: false },
  TIMESTAMP_MS: { kind: "timestamp", precision: 3, zoned: false },
  TIMESTAMP_NS: { kind: "timestamp", precision: 9, zoned: false },
  "TIMESTAMP WITH TIME ZONE": { kind: "timestamp", precision: 6, zoned: true },
  TIMESTAMPTZ: { kind: "timestamp", precision: 6, zoned: true },
  INTERVAL: { kind: "interval" },
  UUID: { kind: "uuid" },
  JSON: { kind: "json" },
};

/** The logical type of a DuckDB type text, as `duckdb_columns()` prints it; what has none stays native. */
export function fromNative(text: string): LogicalType {
  const reader: Reader = { tokens: text.match(/"(?:[^"]|"")*"|'(?:[^']|'')*'|[A-Za-z_][A-Za-z0-9_]*|\d+|[(),[\]]/g) ?? [], at: 0 };
  const type = readType(reader);
  return type && reader.at === reader.tokens.length ? type : { kind: "native", engine: "duckdb", type: text };
}

interface Reader {
  readonly tokens: readonly string[];
  at: number;
}

function take(reader: Reader, token: string): boolean {
  if (reader.tokens[reader.at]?.toUpperCase() !== token) return false;
  reader.at++;
  return true;
}

function readType(reader: Reader): LogicalType | undefined {
  let type = readPlain(reader);
  while (type && take(reader, "[")) {
    // T[n], an array of fixed size, has no logical type.
    if (!take(reader, "]")) return undefined;
    type = { kind: "list", element: { type, nullable: true } };
  }
  return type;
}

function readPlain(reader: Reader): LogicalType | undefined {
  const word = reader.tokens[reader.at++]?.toUpperCase();
  if (word === undefined) return undefined;
  if (word === "TIMESTAMP" && take(reader, "WITH")) return take(reader, "TIME") && take(reader, "ZONE") ? SCALARS.TIMESTAMPTZ : undefined;
  const compound = COMPOUNDS[word];
  if (compound) return take(reader, "(") ? compound(reader) : undefined;
  return SCALARS[word];
}

const COMPOUNDS: Readonly<Record<string, (reader: Reader) => LogicalType | undefined>> = {
  DECIMAL: (reader) => {
    const precision = Number(reader.tokens[reader.at++]);
    const scale = take(reader, ",") ? Number(reader.tokens[reader.at++]) : 0;
    return take(reader, ")") ? { kind: "decimal", precision, scale } : undefined;
  },
  MAP: (reader) => {
    const key = readType(reader);
    const value = take(reader, ",") ? readType(reader) : undefined;
    return key && value && take(reader, ")") ? { kind: "map", key, value: { type: value, nullable: true } } : undefined;
  },
  STRUCT: (reader) => {
    const fields: { name: string; type: LogicalType; nullable: boolean }[] = [];
    do {
      const name = reader.tokens[reader.at++];
      const type = readType(reader);
      if (name === undefined || !type) return undefined;
      fields.push({ name: name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name, type, nullable: true });
    } while (take(reader, ","));
    return take(reader, ")") ? { kind: "struct", fields } : undefined;
  },
  ENUM: (reader) => {
    const values: string[] = [];
    do values.push((reader.tokens[reader.at++] ?? "''").slice(1, -1).replaceAll("''", "'"));
    while (take(reader, ","));
    return take(reader, ")") ? { kind: "enum", values } : undefined;
  },
};
