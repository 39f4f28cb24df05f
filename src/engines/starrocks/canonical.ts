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

/** Types whose text another engine can write too. The bits of a float, and the leaves of JSON and nested types, have none here. */
export function hashes({ kind }: LogicalType): boolean {
  return !["float", "json", "list", "map", "struct", "interval", "native"].includes(kind);
}

function varchar(value: string): string {
  return `CAST(${value} AS VARCHAR)`;
}

function canonicalText(type: LogicalType, value: string): string | undefined {
  switch (type.kind) {
    case "boolean":
      return `CASE WHEN ${value} THEN 'true' WHEN NOT ${value} THEN 'false' END`;
    case "int":
    case "uuid":
    case "enum":
      return varchar(value);
    case "text":
      return type.padded ? `rtrim(${value}, ' ')` : varchar(value);
    case "decimal":
      return type.scale === 0 ? varchar(value) : `rtrim(rtrim(${varchar(value)}, '0'), '.')`;
    case "binary":
      return `lower(hex(${value}))`;
    case "date":
      return varchar(`days_diff(${value}, '1970-01-01')`);
    case "timestamp":
      return varchar(`microseconds_diff(${value}, '1970-01-01 00:00:00')`);
    default:
      return undefined;
  }
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
