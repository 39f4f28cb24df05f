import type { CanonicalSql } from "../../core/fingerprint.js";
import type { LogicalType } from "../../core/types.js";
import { quoting } from "../../engines/hive/dialect.js";

/** Hive's way of writing canonical values; engines/duckdb/canonical.ts writes the same texts. */
export const hiveCanonical: CanonicalSql = {
  ident: quoting.ident,
  text: canonicalText,
  bounds,
  sum: (value) => `sum(CAST(${value} AS DECIMAL(38,${DIGITS})))`,
  asText,
  md5: (text) => `md5(${text})`,
  // A sum of BIGINT would run over without a word.
  half: (md5, position) => `CAST(conv(substr(${md5}, ${position}, 15), 16, 10) AS DECIMAL(38,0))`,
  prefix: (text, length) => `substr(${text}, 1, ${length})`,
  fence: "",
};

/** Digits after the point that a sum keeps; trailing zeros do not matter to whoever compares. */
const DIGITS = 12;

/** Floats have no exact text that both engines write alike; nested values have none at all. */
export function hashesInHive({ kind }: LogicalType): boolean {
  return kind !== "float" && kind !== "list" && kind !== "map" && kind !== "struct";
}

function asText(value: string): string {
  return `CAST(${value} AS STRING)`;
}

function canonicalText(type: LogicalType, value: string): string | undefined {
  switch (type.kind) {
    case "boolean":
      return `CASE WHEN ${value} THEN 'true' WHEN NOT ${value} THEN 'false' END`;
    case "int":
    case "text":
      return type.kind === "text" && type.padded ? `rtrim(${asText(value)})` : asText(value);
    case "decimal":
      return withoutZeros(asText(value), type.scale);
    case "binary":
      return `lower(hex(${value}))`;
    case "date":
      return asText(`datediff(${value}, DATE '1970-01-01')`);
    case "timestamp":
      return asText(microseconds(value));
    default:
      return undefined;
  }
}

function withoutZeros(text: string, scale: number): string {
  return scale === 0 ? text : `CASE WHEN instr(${text}, '.') > 0 THEN regexp_replace(${text}, '[.]?0+$', '') ELSE ${text} END`;
}

/** Since 1970, from the parts of the wall-clock time: functions of epochs would bring in the session's zone. */
function microseconds(value: string): string {
  const text = asText(value);
  const days = `CAST(datediff(to_date(${value}), DATE '1970-01-01') AS BIGINT) * 86400000000`;
  const clock = `(CAST(hour(${value}) AS BIGINT) * 3600 + minute(${value}) * 60 + CAST(substr(${text}, 18, 2) AS INT)) * 1000000`;
  return `(${days} + ${clock} + CAST(rpad(substr(${text}, 21, 6), 6, '0') AS INT))`;
}

function bounds(type: LogicalType, value: string): { min: string; max: string } | undefined {
  if (!["int", "decimal", "date", "timestamp"].includes(type.kind)) return undefined;
  const [min, max] = ["min", "max"].map((aggregate) => canonicalText(type, `${aggregate}(${value})`));
  return min === undefined || max === undefined ? undefined : { min, max };
}
