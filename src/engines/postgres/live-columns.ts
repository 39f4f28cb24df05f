import { DwError } from "../../core/errors.js";
import type { Pg } from "../../core/session.js";
import type { TargetColumn } from "../../core/target.js";
import type { LogicalType, TimePrecision } from "../../core/types.js";

/*
 * Columns of a live table, for loading and reading. Introspection for migrations keeps the server's own type texts; here
 * only what values look like matters.
 */

const COLUMNS = `SELECT a.attname::text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
    a.attgenerated <> '' OR a.attidentity = 'a' AS computed, a.atthasdef OR a.attidentity <> '' AS has_default,
    (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder)::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = a.atttypid) AS labels,
    pg_catalog.col_description(a.attrelid, a.attnum) AS comment
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`;

/** Throws DW-TABLE-MISSING. */
export async function tableColumns(pg: Pg, schema: string, table: string): Promise<TargetColumn[]> {
  const rows = await pg.query(COLUMNS, [schema, table]);
  if (rows.length === 0) throw tableMissing(schema, table);
  return rows.map((row) => ({
    name: String(row.name),
    type: row.labels === null ? typeOfColumn(String(row.type)) : { kind: "enum", values: JSON.parse(String(row.labels)) as string[] }, // json_agg of names
    nullable: row.required !== true,
    writable: row.computed !== true,
    hasDefault: row.has_default === true,
    ...(typeof row.comment === "string" && { comment: row.comment }),
  }));
}

function tableMissing(schema: string, table: string): DwError {
  return new DwError("DW-TABLE-MISSING", {
    what: `There is no table ${schema}.${table} in the database.`,
    why: "A backfill loads into a table that the migrations made; it makes none of its own.",
    fix: "Run `dw migrate up` for this environment, or correct the name.",
  });
}

const SIMPLE: Readonly<Record<string, LogicalType>> = {
  boolean: { kind: "boolean" },
  smallint: { kind: "int", bits: 16 },
  integer: { kind: "int", bits: 32 },
  bigint: { kind: "int", bits: 64 },
  real: { kind: "float", bits: 32 },
  "double precision": { kind: "float", bits: 64 },
  text: { kind: "text" },
  "character varying": { kind: "text" },
  bytea: { kind: "binary" },
  date: { kind: "date" },
  interval: { kind: "interval" },
  uuid: { kind: "uuid" },
  json: { kind: "json" },
  jsonb: { kind: "json" },
};

const PATTERNS: readonly (readonly [RegExp, (...digits: number[]) => LogicalType])[] = [
  [/^numeric\((\d+),(\d+)\)$/, (precision = 0, scale = 0) => ({ kind: "decimal", precision, scale })],
  [/^character varying\((\d+)\)$/, (max = 0) => ({ kind: "text", max })],
  [/^character\((\d+)\)$/, (max = 0) => ({ kind: "text", max, padded: true })],
  [/^time(?:\((\d)\))? without time zone$/, (digits = 6) => ({ kind: "time", precision: precisionOf(digits) })],
  [/^timestamp(?:\((\d)\))? without time zone$/, (digits = 6) => ({ kind: "timestamp", precision: precisionOf(digits), zoned: false })],
  [/^timestamp(?:\((\d)\))? with time zone$/, (digits = 6) => ({ kind: "timestamp", precision: precisionOf(digits), zoned: true })],
];

const precisionOf = (digits: number): TimePrecision => digits as TimePrecision; // one digit of the server's 0 to 6

/** What `format_type` says, as a logical type; what it cannot say is native to PostgreSQL. */
export function typeOfColumn(text: string): LogicalType {
  if (text.endsWith("[]")) return { kind: "list", element: { type: typeOfColumn(text.slice(0, -2)), nullable: true } };
  const simple = Object.hasOwn(SIMPLE, text) ? SIMPLE[text] : undefined;
  if (simple !== undefined) return simple;
  for (const [pattern, build] of PATTERNS) {
    const match = pattern.exec(text);
    if (match !== null) return build(...(match.slice(1).map((digits) => (digits === undefined ? undefined : Number(digits))) as number[])); // absent digits take the default
  }
  return { kind: "native", engine: "postgres", type: text };
}
