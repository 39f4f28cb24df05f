import type { CanonicalSql } from "../../core/fingerprint.js";
import type { LogicalType } from "../../core/types.js";

/*
 * StarRocks's way of writing canonical values; engines/duckdb/canonical.ts writes the same texts. `||` joins texts only in
 * sessions with PIPES_AS_CONCAT, which load.ts sets.
 */
export const starrocksCanonical: CanonicalSql = {
  ident: (name) => `\`${name.replaceAll("`", "``")}\``,
  text: canonicalText,
  bounds,
  sum: (value) => `sum(${value})`,
  asText: varchar,
  length: (text) => `char_length(${text})`, // length() counts bytes here
  md5: (text) => `md5(${text})`,
  // LARGEINT, because a sum of BIGINTs is a BIGINT and would overflow.
  half: (md5, position) => `CAST(conv(substr(${md5}, ${position}, 15), 16, 10) AS LARGEINT)`,
  fence: "",
};

/** Types whose text another engine can write too: the leaves of JSON have none here. */
export function hashes(type: LogicalType): boolean {
  switch (type.kind) {
    case "json":
    case "interval":
    case "native":
      return false;
    case "list":
      return hashes(type.element.type);
    case "map":
      return hashes(type.key) && hashes(type.value.type);
    case "struct":
      return type.fields.every((field) => hashes(field.type));
    default:
      return true;
  }
}

function varchar(value: string): string {
  return `CAST(${value} AS VARCHAR)`;
}

/** `depth` counts the lambdas around a value: a parameter must not hide another. */
function canonicalText(type: LogicalType, value: string, depth = 0): string | undefined {
  switch (type.kind) {
    case "boolean":
      return `CASE WHEN ${value} THEN 'true' WHEN NOT ${value} THEN 'false' END`;
    case "int":
    case "uuid":
    case "enum":
      return varchar(value);
    case "text":
      return type.padded ? `rtrim(${value}, ' ')` : varchar(value);
    case "float":
      return floatBits(type.bits === 64 ? value : `CAST(${value} AS DOUBLE)`);
    case "decimal":
      return type.scale === 0 ? varchar(value) : `rtrim(rtrim(${varchar(value)}, '0'), '.')`;
    case "binary":
      return `lower(hex(${value}))`;
    case "date":
      return varchar(`days_diff(${value}, '1970-01-01')`);
    case "timestamp":
      return varchar(`microseconds_diff(${value}, '1970-01-01 00:00:00')`);
    case "list":
      return listText(type.element.type, value, depth);
    case "map":
      return mapText(type, value, depth);
    case "struct":
      return structText(type, value, depth);
    default:
      return undefined;
  }
}

/**
 * The bits of a double as an integer, by arithmetic that is exact in IEEE 754: no function of the engine shows them, and no two
 * engines print a double alike. log2 may be rounded up to the next integer, which the comparison takes back.
 */
function floatBits(value: string): string {
  const size = `abs(${value})`;
  const rounded = `least(floor(log2(${size})), 1023)`;
  const exponent = `(${rounded} - CASE WHEN ${size} < pow(2, ${rounded}) THEN 1 ELSE 0 END)`;
  const normal = `CAST(${size} / pow(2, ${exponent} - 52) AS BIGINT) + CAST(${exponent} + 1022 AS BIGINT) * ${2n ** 52n}`;
  const subnormal = `CAST(${size} * pow(2, 537) * pow(2, 537) AS BIGINT)`; // 2^1074 itself is no double
  const magnitude = `CASE WHEN ${size} < pow(2, -1022) THEN ${subnormal} ELSE ${normal} END`;
  const sign = `CASE WHEN left(${varchar(value)}, 1) = '-' THEN -${2n ** 63n - 1n} - 1 ELSE 0 END`;
  return `CASE WHEN ${value} IS NOT NULL THEN ${varchar(`${sign} + ${magnitude}`)} END`;
}

function listText(element: LogicalType, value: string, depth: number): string | undefined {
  const name = `e${depth}`;
  const text = canonicalText(element, name, depth + 1);
  return text && `'[' || array_join(array_map(${name} -> ${member(text, name)}, ${value}), ',') || ']'`;
}

function mapText(type: Extract<LogicalType, { kind: "map" }>, value: string, depth: number): string | undefined {
  const [key, of] = [`k${depth}`, `v${depth}`];
  const [keyText, valueText] = [canonicalText(type.key, key, depth + 1), canonicalText(type.value.type, of, depth + 1)];
  if (keyText === undefined || valueText === undefined) return undefined;
  const entry = `${member(keyText, key)} || '=' || ${member(valueText, of)}`;
  const entries = `array_map((${key}, ${of}) -> ${entry}, map_keys(${value}), map_values(${value}))`;
  return `CASE WHEN ${value} IS NOT NULL THEN '<' || array_join(array_sort(${entries}), ',') || '>' END`;
}

function structText({ fields }: Extract<LogicalType, { kind: "struct" }>, value: string, depth: number): string | undefined {
  const texts = fields.map(({ name, type }) => {
    const field = `${value}.${starrocksCanonical.ident(name)}`;
    const text = canonicalText(type, field, depth);
    return text && member(text, field);
  });
  return texts.includes(undefined) ? undefined : `CASE WHEN ${value} IS NOT NULL THEN '{' || ${texts.join(" || ',' || ")} || '}' END`;
}

function member(text: string, value: string): string {
  return `CASE WHEN ${value} IS NULL THEN '~' ELSE ${varchar(`char_length(${text})`)} || ':' || ${text} END`;
}

/** Long texts are cut: a bound is a landmark for people, the hash covers the rest. */
const BOUND_CHARACTERS = 200;

function bounds(type: LogicalType, value: string): { min: string; max: string } | undefined {
  switch (type.kind) {
    case "int":
    case "decimal":
    case "date":
    case "timestamp":
      return both((aggregate) => canonicalText(type, `${aggregate}(${value})`) ?? "NULL");
    case "float":
      return both((aggregate) => varchar(`${aggregate}(${type.bits === 64 ? value : `CAST(${value} AS DOUBLE)`})`));
    case "text":
    case "uuid":
    case "enum":
      return both((aggregate) => `left(${aggregate}(${value}), ${BOUND_CHARACTERS})`);
    default:
      return undefined;
  }
}

function both(of: (aggregate: "min" | "max") => string): { min: string; max: string } {
  return { min: of("min"), max: of("max") };
}
