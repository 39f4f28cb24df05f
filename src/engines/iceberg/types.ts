import type { TypeMapping } from "../../core/loss.js";
import type { Column } from "../../core/model.js";
import { impossible, lossy, mappedBy, nullableMembers, plain, type TypeMappings, widened } from "../../core/type-mapping.js";
import type { LogicalType, Nested } from "../../core/types.js";

const DECIMAL_MAX = 38;

const mappings: TypeMappings = {
  boolean: () => plain("BOOLEAN"),
  int: ({ bits, unsigned }) => int(bits + (unsigned ? 1 : 0)),
  float: ({ bits }) => plain(bits === 32 ? "FLOAT" : "DOUBLE"),
  decimal: ({ precision, scale }) =>
    precision <= DECIMAL_MAX ? plain(`DECIMAL(${precision}, ${scale})`) : impossible(`decimals have at most ${DECIMAL_MAX} digits`),
  text: ({ max }) => (max === undefined ? plain("STRING") : widened("STRING", "has no length: longer texts are accepted too")),
  binary: ({ max }) => (max === undefined ? plain("BINARY") : widened("BINARY", "has no length in Spark: other lengths are accepted too")),
  date: () => plain("DATE"),
  time: () => widened("STRING", "Spark has no TIME: kept as text HH:MM:SS.ffffff"),
  timestamp: ({ precision, zoned }) => {
    const native = zoned ? "TIMESTAMP" : "TIMESTAMP_NTZ";
    return precision > 6 ? lossy(native, "keeps microseconds: the last digits are cut off") : plain(native);
  },
  interval: () => impossible("there is no INTERVAL"),
  uuid: () => widened("STRING", "Spark has no UUID: kept as text in lower case"),
  json: () => widened("STRING", "kept as text, other texts are accepted too"),
  enum: () => widened("STRING", "there is no ENUM: other texts are accepted too"),
  list: ({ element }) => nested([element], ([native]) => `ARRAY<${native}>`),
  map: ({ key, value }) => nested([{ type: key, nullable: true }, value], ([k, v]) => `MAP<${k}, ${v}>`),
  struct: ({ fields }) =>
    nested(
      fields.map((field) => ({ ...field, nullable: true })),
      (natives) => `STRUCT<${fields.map((field, index) => structField(field, natives[index] ?? "")).join(", ")}>`,
    ),
  native: ({ engine, type }) => (engine === "iceberg" ? plain(type) : impossible(`${type} is a type of ${engine}`)),
};

/** How Iceberg holds a logical type when Spark makes the table. Source: the Iceberg manual, "Spark type to Iceberg type". */
export function mapType(type: LogicalType, _column?: Column): TypeMapping {
  return mappedBy(mappings, type);
}

function int(bits: number): TypeMapping {
  if (bits === 32) return plain("INT");
  if (bits < 32) return widened("INT", "there are no smaller integers");
  if (bits === 64) return plain("BIGINT");
  if (bits === 33) return widened("BIGINT", "there are no unsigned integers: a wider type is used");
  if (bits === 65) return widened("DECIMAL(20, 0)", "there are no unsigned integers: a wider type is used");
  return lossy("DECIMAL(38, 0)", "no integer is wide enough: values of more than 38 digits are refused");
}

function nested(members: readonly Nested[], build: (natives: readonly string[]) => string): TypeMapping {
  return nullableMembers(members, mapType, build);
}

function structField({ name, nullable }: { readonly name: string; readonly nullable: boolean }, native: string): string {
  return `\`${name.replaceAll("`", "``")}\`: ${native}${nullable ? "" : " NOT NULL"}`;
}
