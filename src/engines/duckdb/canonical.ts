import type { CanonicalSql } from "../../core/fingerprint.js";
import { entryKey, entryValue } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";
import { jsonHash } from "./json-hash.js";

/** DuckDB's way of writing canonical values; engines/postgres/canonical.ts writes the same texts. */
export const duckdbCanonical: CanonicalSql = {
  ident: (name) => `"${name.replaceAll('"', '""')}"`,
  text: canonicalText,
  bounds,
  sum: (value) => `sum(${value})`,
  asText: varchar,
  md5: (text) => `md5(${text})`,
  half: (md5, position) => `CAST('0x' || substr(${md5}, ${position}, 15) AS BIGINT)`,
  fence: "",
};

function varchar(value: string): string {
  return `CAST(${value} AS VARCHAR)`;
}

function canonicalText(type: LogicalType, value: string): string | undefined {
  switch (type.kind) {
    case "boolean":
    case "int":
    case "uuid":
    case "enum":
      return varchar(value);
    case "json":
      return jsonHash(value);
    case "text":
      return type.padded ? `rtrim(${value}, ' ')` : varchar(value);
    case "float":
      // The bits of the double are exact where two engines print differently; every NaN is one NaN.
      return `CASE WHEN isnan(${value}) THEN 'NaN' ELSE ${varchar(`CAST(CAST(CAST(${value} AS DOUBLE) AS BIT) AS BIGINT)`)} END`;
    case "decimal":
      return type.scale === 0 ? varchar(value) : `rtrim(rtrim(${varchar(value)}, '0'), '.')`;
    case "binary":
      return `lower(hex(${value}))`;
    case "date":
      return finite(value, `date_diff('day', DATE '1970-01-01', ${value})`);
    case "time":
      return varchar(`date_diff('microsecond', TIME '00:00:00', ${value})`);
    case "timestamp":
      return finite(value, `epoch_us(${value})`);
    case "list":
      return listText(type.element.type, value);
    case "map":
      return mapText(type, value);
    case "struct":
      return structText(type, value);
    case "interval":
    case "native":
      return undefined;
  }
}

function finite(value: string, number: string): string {
  return `CASE WHEN isfinite(${value}) THEN ${varchar(number)} ELSE ${varchar(value)} END`;
}

function listText(element: LogicalType, value: string): string | undefined {
  if (holdsJson(element)) return jsonOf(value);
  const text = canonicalText(element, "element");
  if (text === undefined) return undefined;
  return `'[' || array_to_string(list_transform(${value}, lambda element: ${member(text, "element")}), ',') || ']'`;
}

/** Entries in the order of their texts: a map has none of its own. */
function mapText({ key, value: { type } }: Extract<LogicalType, { kind: "map" }>, value: string): string | undefined {
  if (holdsJson(key) || holdsJson(type)) return jsonOf(value);
  const [keyText, valueText] = [canonicalText(key, entryKey("entry")), canonicalText(type, entryValue("entry"))];
  if (keyText === undefined || valueText === undefined) return undefined;
  const entry = `${member(keyText, entryKey("entry"))} || '=' || ${member(valueText, entryValue("entry"))}`;
  const entries = `array_to_string(list_sort(list_transform(map_entries(${value}), lambda entry: ${entry})), ',')`;
  return `CASE WHEN ${value} IS NOT NULL THEN '<' || ${entries} || '>' END`; // NULL has no entries here, and not NULL ones
}

function structText({ fields }: Extract<LogicalType, { kind: "struct" }>, value: string): string | undefined {
  if (fields.some(({ type }) => holdsJson(type))) return jsonOf(value);
  const texts = fields.map(({ name, type }) => {
    const field = `struct_extract(${value}, '${name.replaceAll("'", "''")}')`;
    const text = canonicalText(type, field);
    return text && member(text, field);
  });
  return texts.includes(undefined) ? undefined : `CASE WHEN ${value} IS NOT NULL THEN '{' || ${texts.join(" || ',' || ")} || '}' END`;
}

/** A text inside of others: framed by its length, so that no two values share a text. */
function member(text: string, value: string): string {
  return `CASE WHEN ${value} IS NULL THEN '~' ELSE length(${text}) || ':' || ${text} END`;
}

/** A lambda holds no subquery, which the leaves of JSON need: what holds JSON is one JSON. */
const jsonOf = (value: string): string => `CASE WHEN ${value} IS NOT NULL THEN ${jsonHash(`to_json(${value})`)} END`;

function holdsJson(type: LogicalType): boolean {
  switch (type.kind) {
    case "json":
      return true;
    case "list":
      return holdsJson(type.element.type);
    case "map":
      return holdsJson(type.key) || holdsJson(type.value.type);
    case "struct":
      return type.fields.some((field) => holdsJson(field.type));
    default:
      return false;
  }
}

/** Long texts are cut: a bound is a landmark for people, the hash covers the rest. */
const BOUND_CHARACTERS = 200;

function bounds(type: LogicalType, value: string): { min: string; max: string } | undefined {
  switch (type.kind) {
    case "int":
    case "decimal":
    case "date":
    case "time":
    case "timestamp":
      return both((aggregate) => canonicalText(type, `${aggregate}(${value})`));
    case "float":
      return both((aggregate) => floatBound(`${aggregate}(${value}) FILTER (WHERE NOT isnan(${value}))`));
    case "text":
    case "enum":
    case "uuid":
      return both((aggregate) => `${aggregate}(left(${canonicalText(type, value)}, ${BOUND_CHARACTERS}))`);
    default:
      return undefined;
  }
}

function floatBound(value: string): string {
  return `CASE WHEN isinf(${value}) THEN CASE WHEN ${value} > 0 THEN 'Infinity' ELSE '-Infinity' END ELSE ${varchar(`CAST(${value} AS DOUBLE)`)} END`;
}

function both(aggregate: (name: "min" | "max") => string | undefined): { min: string; max: string } | undefined {
  const [min, max] = [aggregate("min"), aggregate("max")];
  return min === undefined || max === undefined ? undefined : { min, max };
}
