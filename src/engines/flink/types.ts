import type { TypeMapping } from "../../core/loss.js";
import type { Column } from "../../core/model.js";
import { combinedMapping, impossible, lossy, mappedBy, plain, type TypeMappings, widened } from "../../core/type-mapping.js";
import type { LogicalType, Nested } from "../../core/types.js";
import { quoting } from "./dialect.js";

const DECIMAL_MAX = 38;

const SIGNED = { 8: "TINYINT", 16: "SMALLINT", 32: "INT", 64: "BIGINT", 128: "" } as const;
const UNSIGNED = { 8: "SMALLINT", 16: "INT", 32: "BIGINT", 64: "DECIMAL(20, 0)", 128: "" } as const;

const mappings: TypeMappings = {
  boolean: () => plain("BOOLEAN"),
  int: ({ bits, unsigned }) => {
    if (bits === 128) return lossy("DECIMAL(38, 0)", "no integer is wide enough: values of more than 38 digits become NULL");
    return unsigned ? widened(UNSIGNED[bits], "there are no unsigned integers: a wider type is used") : plain(SIGNED[bits]);
  },
  float: ({ bits }) => plain(bits === 32 ? "FLOAT" : "DOUBLE"),
  decimal: ({ precision, scale }) =>
    precision <= DECIMAL_MAX ? plain(`DECIMAL(${precision}, ${scale})`) : impossible(`decimals have at most ${DECIMAL_MAX} digits`),
  text: ({ max, padded }) => plain(max === undefined ? "STRING" : `${padded ? "CHAR" : "VARCHAR"}(${max})`),
  binary: ({ max, fixed }) => plain(max === undefined ? "BYTES" : `${fixed ? "BINARY" : "VARBINARY"}(${max})`),
  date: () => plain("DATE"),
  // TIME(9) is accepted, and held as milliseconds of the day.
  time: ({ precision }) =>
    precision <= 3 ? plain(`TIME(${precision})`) : lossy("TIME(3)", "keeps milliseconds: the last digits are cut off"),
  timestamp: ({ precision, zoned }) => plain(`${zoned ? "TIMESTAMP_LTZ" : "TIMESTAMP"}(${precision})`),
  interval: () => impossible("there is no INTERVAL for columns of tables"),
  uuid: () => widened("STRING", "there is no UUID: kept as text in lower case"),
  json: () => widened("STRING", "there is no JSON: kept as text, other texts are accepted too"),
  enum: () => widened("STRING", "there is no ENUM: other texts are accepted too"),
  list: ({ element }) => nested([element], ([native]) => `ARRAY<${native}>`),
  map: ({ key, value }) => nested([{ type: key, nullable: false }, value], ([k, v]) => `MAP<${k}, ${v}>`),
  struct: ({ fields }) =>
    nested(fields, (natives) => `ROW<${fields.map(({ name }, index) => `${quoting.ident(name)} ${natives[index]}`).join(", ")}>`),
  native: ({ engine, type }) => (engine === "flink" || engine === "paimon" ? plain(type) : impossible(`${type} is a type of ${engine}`)),
};

/** How Flink SQL, and Paimon through it, holds a logical type. Source: the Flink manual, "Data Types". */
export function mapType(type: LogicalType, _column?: Column): TypeMapping {
  return mappedBy(mappings, type);
}

function nested(members: readonly Nested[], build: (natives: readonly string[]) => string): TypeMapping {
  const natives = (texts: readonly string[]): string[] =>
    texts.map((text, index) => (members[index]?.nullable ? text : `${text} NOT NULL`));
  return combinedMapping(
    members.map((member) => mapType(member.type)),
    (texts) => build(natives(texts)),
  );
}
