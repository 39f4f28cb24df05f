import type { CanonicalSql } from "../../core/fingerprint.js";
import type { LogicalType } from "../../core/types.js";
import { jsonHash } from "./json-hash.js";

/** PostgreSQL's way (14 and later) of writing canonical values; engines/duckdb/canonical.ts writes the same texts. */
export const postgresCanonical: CanonicalSql = {
  ident: (name) => `"${name.replaceAll('"', '""')}"`,
  text: canonicalText,
  bounds,
  sum: (value) => `sum(${value})`,
  asText: text,
  // convert_to: the same bytes are hashed whatever encoding the database has.
  md5: (value) => `md5(convert_to(${value}, 'UTF8'))`,
  half: (md5, position) => `('x0' || substr(${md5}, ${position}, 15))::bit(64)::bigint`,
  fence: " OFFSET 0",
};

function text(value: string): string {
  return `(${value})::text`;
}

function canonicalText(type: LogicalType, value: string): string | undefined {
  switch (type.kind) {
    case "boolean":
    case "int":
    case "uuid":
    case "enum":
      return text(value);
    case "text":
      return type.padded ? `rtrim(${text(value)}, ' ')` : text(value);
    case "float":
      return `CASE WHEN ${value} = 'NaN' THEN 'NaN' ELSE ${text(`('x' || encode(float8send((${value})::float8), 'hex'))::bit(64)::bigint`)} END`;
    case "decimal":
      return type.scale === 0 ? text(value) : text(`trim_scale(${value})`);
    case "binary":
      return `encode(${value}, 'hex')`;
    case "date":
      return finite(value, `${value} - date '1970-01-01'`);
    case "time":
      return microseconds(value);
    case "timestamp":
      return `CASE WHEN isfinite(${value}) THEN ${microseconds(value)} ELSE ${text(value)} END`;
    case "json":
      return jsonHash(value);
    case "map":
    case "struct":
      return text(value);
    case "list":
      return listText(type.element.type, value);
    case "interval":
    case "native":
      return undefined;
  }
}

function finite(value: string, number: string): string {
  return `CASE WHEN isfinite(${value}) THEN ${text(number)} ELSE ${text(value)} END`;
}

function microseconds(value: string): string {
  return text(`(extract(epoch from ${value}) * 1000000)::bigint`);
}

function listText(element: LogicalType, value: string): string | undefined {
  if (element.kind === "json") return `CASE WHEN ${value} IS NOT NULL THEN ${jsonHash(`to_jsonb(${value})`)} END`;
  const item = canonicalText(element, "element");
  if (item === undefined) return undefined;
  const framed = `CASE WHEN element IS NULL THEN '~' ELSE ${text(`length(${item})`)} || ':' || ${item} END`;
  const joined = `coalesce(string_agg(${framed}, ',' ORDER BY place), '')`;
  const list = `(SELECT '[' || ${joined} || ']' FROM unnest(${value}) WITH ORDINALITY AS items(element, place))`;
  return `CASE WHEN ${value} IS NULL THEN NULL ELSE ${list} END`;
}

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
      return both((aggregate) => text(`(${aggregate}(${value}) FILTER (WHERE ${value} <> 'NaN'))::float8`));
    case "text":
    case "enum":
    case "uuid":
      // Binary order: the database's collation is a matter of taste and of its operating system.
      return both((aggregate) => `${aggregate}(left(${canonicalText(type, value)}, ${BOUND_CHARACTERS}) COLLATE "C")`);
    default:
      return undefined;
  }
}

function both(aggregate: (name: "min" | "max") => string | undefined): { min: string; max: string } | undefined {
  const [min, max] = [aggregate("min"), aggregate("max")];
  return min === undefined || max === undefined ? undefined : { min, max };
}
