/** MD5 of the leaves of a json or jsonb value, NULL for NULL; engines/duckdb/json-hash.ts says what they are. */
export function jsonHash(value: string): string {
  const leaf = `path || '=' || ${leafValue}`;
  const members = `SELECT '.' || key AS step, value AS member FROM jsonb_each(CASE jsonb_typeof(node) WHEN 'object' THEN node ELSE '{}' END)
    UNION ALL SELECT '[' || (place - 1)::text || ']', member
    FROM jsonb_array_elements(CASE jsonb_typeof(node) WHEN 'array' THEN node ELSE '[]' END) WITH ORDINALITY AS items(member, place)`;
  const tree = `WITH RECURSIVE tree(path, node) AS (SELECT '$'::text, (${value})::jsonb
    UNION ALL SELECT path || step, member FROM tree CROSS JOIN LATERAL (${members}) AS members) SELECT ${leaf} AS leaf FROM tree`;
  const leaves = `(SELECT ${md5(`string_agg(length(leaf)::text || ':' || leaf, ',' ORDER BY leaf COLLATE "C")`)} FROM (${tree}) AS leaves)`;
  return `CASE WHEN position('\\u0000' IN (${value})::text) > 0 THEN ${md5(`(${value})::text`)} WHEN ${value} IS NOT NULL THEN ${leaves} END`;
}

const md5 = (text: string): string => `md5(convert_to(${text}, 'UTF8'))`;

const number = "(node::text)::numeric";

const numberText = `CASE
  WHEN ${number} = 0 THEN '0'
  WHEN abs(${number}) > 1.7976931348623157e308 THEN 'big'
  WHEN abs(${number}) < 1e-300 THEN 'tiny'
  WHEN abs(${number}) < 1e19 AND ${number} = trunc(${number}) THEN trunc(${number})::text
  ELSE 'f' || ('x' || encode(float8send(${number}::float8), 'hex'))::bit(64)::bigint::text END`;

const leafValue = `CASE jsonb_typeof(node)
  WHEN 'object' THEN '{' WHEN 'array' THEN '[' WHEN 'null' THEN '-'
  WHEN 'boolean' THEN node::text WHEN 'string' THEN '"' || (node #>> '{}')
  ELSE ${numberText} END`;
