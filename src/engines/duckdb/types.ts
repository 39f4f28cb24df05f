import type { TypeMapping } from "../../core/loss.js";
import type { Column } from "../../core/model.js";
import { logicalType } from "../../core/transit.js";
import { impossible, lossy, mappedBy, nullableMembers, plain, type TypeMappings, widened } from "../../core/type-mapping.js";
import type { LogicalType, Nested } from "../../core/types.js";
import { quoting } from "./dialect.js";

const DECIMAL_MAX = 38;

const SIGNED = { 8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT", 128: "HUGEINT" } as const;

const mappings: TypeMappings = {
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
  return mappedBy(mappings, type);
}

function timestamp({ precision, zoned }: { readonly precision: number; readonly zoned: boolean }): TypeMapping {
  if (!zoned) return plain(precision > 6 ? "TIMESTAMP_NS" : "TIMESTAMP");
  return precision > 6 ? lossy("TIMESTAMPTZ", "keeps microseconds: the last digits are cut off") : plain("TIMESTAMPTZ");
}

function nested(members: readonly Nested[], build: (natives: readonly string[]) => string): TypeMapping {
  return nullableMembers(members, mapType, build);
}

/** The logical type of a DuckDB type text, as `duckdb_columns()` prints it; what has none stays native, such as T[3]. */
export function fromNative(text: string): LogicalType {
  return /\[\d+\]/.test(text) ? { kind: "native", engine: "duckdb", type: text } : logicalType(text);
}
