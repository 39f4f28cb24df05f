import type { TypeMapping } from "../../core/loss.js";
import type { Column } from "../../core/model.js";
import { impossible, lossy, mappedBy, nullableMembers, plain, type TypeMappings, widened } from "../../core/type-mapping.js";
import type { LogicalType, Nested, StructField } from "../../core/types.js";

/** UTF-8 needs up to four bytes a character, and VARCHAR(n) counts bytes. */
const BYTES_PER_CHARACTER = 4;
const VARCHAR_MAX = 1_048_576;
const CHAR_MAX = 255;
/** What STRING is to the engine. */
const STRING_BYTES = 65_533;
const DECIMAL_MAX = 38;
/** From StarRocks 4.0. */
const DECIMAL256_MAX = 76;
const UUID_LENGTH = 36;

const SIGNED = { 8: "tinyint", 16: "smallint", 32: "int", 64: "bigint", 128: "largeint" } as const;
const UNSIGNED = { 8: "smallint", 16: "int", 32: "bigint", 64: "largeint", 128: "" } as const;

const mappings: TypeMappings = {
  boolean: () => plain("boolean"),
  int: ({ bits, unsigned }) => (unsigned ? unsignedInt(bits) : plain(SIGNED[bits])),
  float: ({ bits }) => plain(bits === 32 ? "float" : "double"),
  decimal: ({ precision, scale }) => decimal(precision, scale),
  text,
  binary: ({ max, fixed }) =>
    fixed ? widened(`varbinary(${max})`, "shorter values are accepted too") : plain(max === undefined ? "varbinary" : `varbinary(${max})`),
  date: () => plain("date"),
  time: ({ precision }) =>
    widened(`varchar(${precision === 0 ? 8 : 9 + precision})`, "there is no TIME for columns: kept as text HH:MM:SS.ffffff"),
  timestamp,
  interval: () => impossible("there is no INTERVAL for columns"),
  uuid: () => widened(`varchar(${UUID_LENGTH})`, "there is no UUID: kept as text in lower case"),
  json: () => plain("json"),
  enum: ({ values }) => widened(`varchar(${longestInBytes(values)})`, "there is no ENUM: other texts are accepted too"),
  list: ({ element }) => nested([element], ([native]) => `array<${native}>`),
  map: ({ key, value }) => nested([{ type: key, nullable: true }, value], ([k, v]) => `map<${k},${v}>`),
  struct: ({ fields }) =>
    nested(fields, (natives) => `struct<${fields.map((field, i) => `${fieldName(field)} ${natives[i]}`).join(", ")}>`),
  native: ({ engine, type }) => (engine === "starrocks" ? plain(foldType(type)) : impossible(`${type} is a type of ${engine}`)),
};

/** How StarRocks holds a logical type. Source: the StarRocks manual, "Data types", and the recorded answers. */
export function mapType(type: LogicalType, _column?: Column): TypeMapping {
  return mappedBy(mappings, type);
}

function unsignedInt(bits: keyof typeof UNSIGNED): TypeMapping {
  const native = UNSIGNED[bits];
  return native === ""
    ? impossible("no integer is wide enough")
    : widened(native, "there are no unsigned integers: a wider signed one is used");
}

function decimal(precision: number, scale: number): TypeMapping {
  const native = `decimal(${precision}, ${scale})`;
  if (precision <= DECIMAL_MAX) return plain(native);
  if (precision <= DECIMAL256_MAX) return { native, level: "lossless", note: "more than 38 digits need StarRocks 4.0" };
  return impossible(`decimals have at most ${DECIMAL256_MAX} digits`);
}

function text({ max, padded }: { readonly max?: number; readonly padded?: true }): TypeMapping {
  if (max === undefined)
    return { native: `varchar(${STRING_BYTES})`, level: "lossless", note: `values longer than ${STRING_BYTES} bytes are refused` };
  const bytes = max * BYTES_PER_CHARACTER;
  const counted = `counts bytes: room for ${max} characters of up to ${BYTES_PER_CHARACTER} bytes`;
  if (padded && bytes <= CHAR_MAX) return widened(`char(${bytes})`, counted);
  if (bytes <= VARCHAR_MAX) return widened(`varchar(${bytes})`, counted);
  return { native: `varchar(${VARCHAR_MAX})`, level: "lossless", note: `values longer than ${VARCHAR_MAX} bytes are refused` };
}

function timestamp({ precision, zoned }: { readonly precision: number; readonly zoned: boolean }): TypeMapping {
  if (precision > 6) return lossy("datetime", "keeps microseconds: the last digits are cut off");
  // UTC by contract: the engine keeps no zone.
  return zoned ? widened("datetime", "keeps no zone: instants are stored in UTC") : plain("datetime");
}

function nested(members: readonly Nested[], build: (natives: readonly string[]) => string): TypeMapping {
  return nullableMembers(members, mapType, build);
}

function fieldName({ name }: StructField): string {
  return /^[a-z_][a-z0-9_]*$/i.test(name) ? name : `\`${name.replaceAll("`", "``")}\``;
}

function longestInBytes(values: readonly string[]): number {
  return Math.max(1, ...values.map((value) => new TextEncoder().encode(value).length));
}

/** A parsed type text. `name` is folded: `varchar`, `decimal`, `array`, …; `numbers` are what stood in parentheses. */
export interface TypeText {
  readonly name: string;
  readonly numbers: readonly number[];
  /** Members of array, map and struct; a struct's have names. */
  readonly members: readonly { readonly name?: string; readonly type: TypeText }[];
}

const ALIASES: Readonly<Record<string, string>> = {
  integer: "int",
  string: "varchar",
  text: "varchar",
  bool: "boolean",
  binary: "varbinary",
  numeric: "decimal",
  number: "decimal",
  decimalv2: "decimal",
  decimal32: "decimal",
  decimal64: "decimal",
  decimal128: "decimal",
  decimal256: "decimal",
};

/** Types whose width in SHOW CREATE TABLE says nothing: `int(11)`. */
const WIDTH_IS_DISPLAY = new Set(["tinyint", "smallint", "int", "bigint", "largeint", "boolean"]);

/** A type text as the engine folds it; undefined for text that is no type. */
export function parseType(text: string): TypeText | undefined {
  const tokens = text.match(/`(?:[^`]|``)*`|[A-Za-z_][A-Za-z0-9_]*|\d+|[<>(),:]/g) ?? [];
  if (bare(tokens.join("")) !== bare(text)) return undefined;
  const reader = { tokens, at: 0 };
  const type = readType(reader);
  return type && reader.at === tokens.length ? type : undefined;
}

const bare = (text: string): string => text.replace(/\s+/g, "");

interface Reader {
  readonly tokens: readonly string[];
  at: number;
}

function take(reader: Reader, token: string): boolean {
  if (reader.tokens[reader.at] !== token) return false;
  reader.at++;
  return true;
}

function readType(reader: Reader): TypeText | undefined {
  const word = reader.tokens[reader.at]?.toLowerCase();
  if (word === undefined || !/^[a-z_]/.test(word)) return undefined;
  reader.at++;
  if (word === "double" && reader.tokens[reader.at]?.toLowerCase() === "precision") reader.at++;
  if (take(reader, "<")) return readMembers(reader, word);
  const numbers = take(reader, "(") ? readNumbers(reader) : [];
  return numbers && foldScalar(word, numbers);
}

function readNumbers(reader: Reader): number[] | undefined {
  const numbers: number[] = [];
  do {
    const token = reader.tokens[reader.at++];
    if (token === undefined || !/^\d+$/.test(token)) return undefined;
    numbers.push(Number(token));
  } while (take(reader, ","));
  return take(reader, ")") ? numbers : undefined;
}

function readMembers(reader: Reader, name: string): TypeText | undefined {
  const members: { name?: string; type: TypeText }[] = [];
  do {
    const field = name === "struct" ? reader.tokens[reader.at++] : undefined;
    if (name === "struct") take(reader, ":");
    const type = readType(reader);
    if (!type || (name === "struct" && field === undefined)) return undefined;
    members.push(field === undefined ? { type } : { name: unquoted(field), type });
  } while (take(reader, ","));
  return take(reader, ">") ? { name, numbers: [], members } : undefined;
}

function unquoted(name: string): string {
  return name.startsWith("`") ? name.slice(1, -1).replaceAll("``", "`") : name;
}

function foldScalar(written: string, numbers: readonly number[]): TypeText {
  const name = ALIASES[written] ?? written;
  const scalar = (folded: readonly number[]): TypeText => ({ name, numbers: folded, members: [] });
  if (WIDTH_IS_DISPLAY.has(name)) return scalar([]);
  if (name === "decimal") return scalar([numbers[0] ?? 10, numbers[1] ?? 0]);
  if (written === "string" || written === "text") return scalar([STRING_BYTES]);
  // Recorded: VARCHAR, CHAR and VARCHAR(0) become length 1.
  if (name === "varchar" || name === "char") return scalar([Math.max(1, numbers[0] ?? 1)]);
  return scalar(numbers);
}

/** The type as bodies hold it: `INT(11)` → `int`, `STRING` → `varchar(65533)`. Text that is no known type is only lower-cased. */
export function foldType(text: string): string {
  const type = parseType(text);
  return type ? printType(type) : text.trim().toLowerCase();
}

export function printType({ name, numbers, members }: TypeText): string {
  if (members.length > 0) return `${name}<${members.map(printMember).join(name === "map" ? "," : ", ")}>`;
  return numbers.length === 0 ? name : `${name}(${numbers.join(", ")})`;
}

function printMember({ name, type }: { readonly name?: string; readonly type: TypeText }): string {
  return name === undefined ? printType(type) : `${fieldName({ name, type: { kind: "boolean" }, nullable: true })} ${printType(type)}`;
}

const LOWEST: Readonly<Record<string, string>> = {
  tinyint: "-128",
  smallint: "-32768",
  int: "-2147483648",
  bigint: "-9223372036854775808",
  largeint: "-170141183460469231731687303715884105728",
  datetime: "0000-01-01 00:00:00",
};

/** What the engine shows as the bound of a range partition that is open below. */
export function lowestBound(type: string): string {
  return LOWEST[type] ?? "0000-01-01";
}

const INT_BITS: Readonly<Record<string, 8 | 16 | 32 | 64 | 128>> = { tinyint: 8, smallint: 16, int: 32, bigint: 64, largeint: 128 };

const logical: Readonly<Record<string, (type: TypeText) => LogicalType | undefined>> = {
  boolean: () => ({ kind: "boolean" }),
  float: () => ({ kind: "float", bits: 32 }),
  double: () => ({ kind: "float", bits: 64 }),
  decimal: ({ numbers: [precision = 10, scale = 0] }) => ({ kind: "decimal", precision, scale }),
  // Bytes bound characters from above, so that every value of the column fits the logical type.
  varchar: ({ numbers: [max = 1] }) => (max === STRING_BYTES ? { kind: "text" } : { kind: "text", max }),
  char: ({ numbers: [max = 1] }) => ({ kind: "text", max, padded: true }),
  varbinary: ({ numbers: [max] }) => (max === undefined ? { kind: "binary" } : { kind: "binary", max }),
  date: () => ({ kind: "date" }),
  datetime: () => ({ kind: "timestamp", precision: 6, zoned: false }),
  json: () => ({ kind: "json" }),
  array: ({ members: [element] }) => element && listOf(toLogical(element.type)),
  map: ({ members: [key, value] }) => key && value && mapOf(toLogical(key.type), toLogical(value.type)),
  struct: ({ members }) => structOf(members),
};

function listOf(type: LogicalType | undefined): LogicalType | undefined {
  return type && { kind: "list", element: { type, nullable: true } };
}

function mapOf(key: LogicalType | undefined, type: LogicalType | undefined): LogicalType | undefined {
  return key && type && { kind: "map", key, value: { type, nullable: true } };
}

function structOf(members: TypeText["members"]): LogicalType | undefined {
  const fields = members.flatMap(({ name, type }) => {
    const member = toLogical(type);
    return name !== undefined && member ? [{ name, type: member, nullable: true }] : [];
  });
  return fields.length === members.length ? { kind: "struct", fields } : undefined;
}

function toLogical(type: TypeText): LogicalType | undefined {
  const bits = INT_BITS[type.name];
  if (bits) return { kind: "int", bits };
  return logical[type.name]?.(type);
}

/** The logical type of a column's type text; what has no logical type (HLL, BITMAP) stays native. */
export function fromNative(text: string): LogicalType {
  const type = parseType(text);
  return (type && toLogical(type)) ?? { kind: "native", engine: "starrocks", type: foldType(text) };
}
