import type { TypeMapping } from "../../core/loss.js";
import type { Column } from "../../core/model.js";
import { impossible, lossy, mappedBy, nullableMembers, plain, type TypeMappings, widened } from "../../core/type-mapping.js";
import { type LogicalType, type Nested, type StructField, typeText } from "../../core/types.js";

const DECIMAL_MAX = 38;
const VARCHAR_MAX = 65_535;
const CHAR_MAX = 255;

const SIGNED = { 8: "tinyint", 16: "smallint", 32: "int", 64: "bigint", 128: "" } as const;
const UNSIGNED = { 8: "smallint", 16: "int", 32: "bigint", 64: "decimal(20,0)", 128: "" } as const;

const mappings: TypeMappings = {
  boolean: () => plain("boolean"),
  int: ({ bits, unsigned }) => int(bits, unsigned === true),
  float: ({ bits }) => plain(bits === 32 ? "float" : "double"),
  decimal: ({ precision, scale }) =>
    precision <= DECIMAL_MAX ? plain(`decimal(${precision},${scale})`) : impossible(`decimals have at most ${DECIMAL_MAX} digits`),
  text,
  binary: ({ max }) => (max === undefined ? plain("binary") : widened("binary", "has no length: other lengths are accepted too")),
  date: () => plain("date"),
  time: () => widened("string", "there is no TIME: kept as text HH:MM:SS.ffffff"),
  // TIMESTAMP WITH LOCAL TIME ZONE depends on the session's zone and is missing in some formats; UTC by contract instead.
  timestamp: ({ zoned }) => (zoned ? widened("timestamp", "keeps no zone: instants are stored in UTC") : plain("timestamp")),
  interval: () => impossible("there is no INTERVAL for columns"),
  uuid: () => widened("string", "there is no UUID: kept as text in lower case"),
  json: () => widened("string", "there is no JSON: kept as text, other texts are accepted too"),
  enum: () => widened("string", "there is no ENUM: other texts are accepted too"),
  list: ({ element }) => nested([element], ([native]) => `array<${native}>`),
  map: ({ key, value }) => nested([{ type: key, nullable: true }, value], ([k, v]) => `map<${k},${v}>`),
  struct: ({ fields }) =>
    nested(fields, (natives) => `struct<${fields.map((field, index) => `${fieldName(field)}:${natives[index]}`).join(",")}>`),
  native: ({ engine, type }) => (engine === "hive" ? plain(type) : impossible(`${type} is a type of ${engine}`)),
};

/**
 * How Hive holds a logical type. Source: the Hive language manual, "Hive Data Types". A type that the model sets with
 * `.as("hive", …)` is judged as well: narrower than the logical type is lossy.
 */
export function mapType(type: LogicalType, column?: Column): TypeMapping {
  const own = column?.as?.hive;
  return own === undefined ? mapped(type) : judged(own, type);
}

function mapped(type: LogicalType): TypeMapping {
  return mappedBy(mappings, type);
}

function int(bits: keyof typeof SIGNED, unsigned: boolean): TypeMapping {
  if (bits === 128) return lossy("decimal(38,0)", "no integer is wide enough: values of more than 38 digits become NULL");
  return unsigned ? widened(UNSIGNED[bits], "there are no unsigned integers: a wider type is used") : plain(SIGNED[bits]);
}

function text({ max, padded }: { readonly max?: number; readonly padded?: true }): TypeMapping {
  if (max === undefined) return plain("string");
  if (padded && max <= CHAR_MAX) return plain(`char(${max})`);
  return max <= VARCHAR_MAX ? plain(`varchar(${max})`) : widened("string", "longer texts are accepted too");
}

function nested(members: readonly Nested[], build: (natives: readonly string[]) => string): TypeMapping {
  return nullableMembers(members, mapped, build);
}

function fieldName({ name }: StructField): string {
  return /^[a-z_][a-z0-9_]*$/i.test(name) ? name : `\`${name.replaceAll("`", "``")}\``;
}

const INTEGER_BITS: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, int: 32, integer: 32, bigint: 64 };

/** The author's own type text against what the column holds. */
function judged(own: string, type: LogicalType): TypeMapping {
  const native = own.trim().toLowerCase();
  const natural = mapped(type).native;
  if (natural === native) return plain(native);
  const note = narrowing(native, type);
  if (note !== undefined) return lossy(native, note);
  return widened(native, `${own} is what the model asks for instead of ${natural === "" ? "nothing" : natural}`);
}

interface TypeText {
  readonly native: string;
  readonly name: string;
  readonly numbers: readonly number[];
}

type Narrowing = {
  readonly [Kind in LogicalType["kind"]]?: (own: TypeText, type: Extract<LogicalType, { kind: Kind }>) => string | undefined;
};

/** What is lost when the author's type holds less; kinds that are not here have no narrower type. */
const narrowings: Narrowing = {
  int: ({ name, native }, { bits, unsigned }) => narrowerInt(name, native, bits + (unsigned ? 1 : 0)),
  decimal: ({ name, native, numbers: [digits = 10, scale = 0] }, type) => {
    const room = name === "decimal" && digits - scale >= type.precision - type.scale && scale >= type.scale;
    return room || name === "string" ? undefined : `${native} has fewer digits than ${typeText(type)}: values are rounded or become NULL`;
  },
  float: ({ name, native }, { bits }) =>
    name === "double" || name === "string" || (bits === 32 && name === "float") ? undefined : `${native} rounds`,
  timestamp: ({ name }) => (name === "date" ? "the time of day is cut off" : undefined),
  text: ({ name, native, numbers: [length = 0] }, { max }) => {
    if (name !== "varchar" && name !== "char") return name === "string" ? undefined : `texts that are no ${native} become NULL`;
    return max !== undefined && length >= max ? undefined : `longer texts are cut at ${length} characters`;
  },
};

function narrowing(native: string, type: LogicalType): string | undefined {
  const [, name = native, numbers] = /^([a-z ]+?)\s*(?:\(([\d, ]+)\))?$/.exec(native) ?? [];
  const own: TypeText = { native, name, numbers: numbers === undefined ? [] : numbers.split(",").map(Number) };
  return (narrowings[type.kind] as ((own: TypeText, type: LogicalType) => string | undefined) | undefined)?.(own, type); // as in mapped()
}

function narrowerInt(name: string, native: string, bits: number): string | undefined {
  const has = INTEGER_BITS[name];
  if (has === undefined) return name === "string" || name === "decimal" ? undefined : `${native} does not hold every integer`;
  if (has >= bits) return undefined;
  return `${native} ends at ${(2n ** BigInt(has - 1) - 1n).toString()}: larger values become NULL or wrap around`;
}

const WIDENS: Readonly<Record<string, readonly string[]>> = {
  tinyint: ["smallint", "int", "bigint", "float", "double", "decimal", "string", "varchar"],
  smallint: ["int", "bigint", "float", "double", "decimal", "string", "varchar"],
  int: ["bigint", "double", "decimal", "string", "varchar"],
  bigint: ["decimal", "string", "varchar"],
  float: ["double", "string", "varchar"],
  double: ["string", "varchar"],
  decimal: ["string", "varchar"],
  date: ["string", "varchar"],
  timestamp: ["string", "varchar"],
  varchar: ["string"],
  char: ["string", "varchar"],
};

/** Whether CHANGE COLUMN takes the type without changing what old files say (Hive's implicit conversions). */
export function widensInPlace(from: string, to: string): boolean {
  const [, old = from, oldNumbers = ""] = /^([a-z]+)(?:\(([\d,]+)\))?$/.exec(from) ?? [];
  const [, now = to, nowNumbers = ""] = /^([a-z]+)(?:\(([\d,]+)\))?$/.exec(to) ?? [];
  const [a = 0, b = 0] = oldNumbers.split(",").map(Number);
  const [c = 0, d = 0] = nowNumbers.split(",").map(Number);
  if (old === now && old === "decimal") return d >= b && c - d >= a - b;
  if (old === now && old === "varchar") return c >= a;
  if (now === "varchar" || now === "decimal") return false; // whether it is wide enough depends on the values
  return WIDENS[old]?.includes(now) ?? false;
}
