import type { CanonicalSql } from "../../core/fingerprint.js";
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
    case "struct":
      return varchar(`to_json(${value})`);
    case "interval":
    case "native":
      return undefined;
  }
}

function finite(value: string, number: string): string {
  return `CASE WHEN isfinite(${value}) THEN ${varchar(number)} ELSE ${varchar(value)} END`;
}

function listText(element: LogicalType, value: string): string | undefined {
  // A lambda holds no subquery, which the leaves of JSON need: such a list is one JSON.
  if (element.kind === "json") return `CASE WHEN ${value} IS NOT NULL THEN ${jsonHash(`to_json(${value})`)} END`;
  const text = canonicalText(element, "element");
  if (text === undefined) return undefined;
  const framed = `CASE WHEN element IS NULL THEN '~' ELSE length(${text}) || ':' || ${text} END`;
  return `'[' || array_to_string(list_transform(${value}, lambda element: ${framed}), ',') || ']'`;
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
