/*
 * JSON as a set of leaves. Engines keep JSON in forms of their own (PostgreSQL's jsonb sorts keys and drops spaces), so that
 * texts differ where values are equal. Both sides write each member as its path and its value, sorted, each framed by its
 * length; engines/postgres/json-hash.ts writes the same texts.
 */

/** MD5 of the leaves of a value of type JSON, NULL for NULL. */
export function jsonHash(value: string): string {
  // Keys that differ only in what DuckDB's path does not quote (a dot) share a path; the containers' own leaves tell them apart.
  const leaf = `fullkey || '=' || ${leafValue}`;
  const leaves = `(SELECT md5(string_agg(length(leaf) || ':' || leaf, ',' ORDER BY leaf)) FROM (SELECT ${leaf} AS leaf FROM json_tree(${value})))`;
  return `CASE WHEN contains(CAST(${value} AS VARCHAR), '\\u0000') THEN md5(CAST(${value} AS VARCHAR)) WHEN ${value} IS NOT NULL THEN ${leaves} END`;
}

const number = "CAST(atom AS VARCHAR)";
const double = `TRY_CAST(${number} AS DOUBLE)`;

/** An integer by its digits, any other number by the bits of its double: jsonb keeps 1e2 as 100 and every further digit. */
const numberText = `CASE
  WHEN regexp_full_match(${number}, '-?[0-9]{1,19}') THEN if(${number} = '-0', '0', ${number})
  WHEN ${double} IS NULL OR isinf(${double}) THEN 'big'
  WHEN ${double} = 0 THEN '0'
  WHEN abs(${double}) < 1e-300 THEN 'tiny'
  WHEN abs(${double}) < 1e19 AND ${double} = trunc(${double}) THEN CAST(CAST(${double} AS HUGEINT) AS VARCHAR)
  ELSE 'f' || CAST(CAST(CAST(${double} AS BIT) AS BIGINT) AS VARCHAR) END`;

const leafValue = `CASE type
  WHEN 'OBJECT' THEN '{' WHEN 'ARRAY' THEN '[' WHEN 'NULL' THEN '-'
  WHEN 'BOOLEAN' THEN CAST(atom AS VARCHAR) WHEN 'VARCHAR' THEN '"' || (atom ->> '$')
  ELSE ${numberText} END`;
