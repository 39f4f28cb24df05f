import { tableMissing } from "../../core/ledger-letters.js";
import type { Pg } from "../../core/session.js";
import type { TargetColumn } from "../../core/target.js";
import { logicalType } from "./types.js";

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
  if (rows.length === 0) throw tableMissing(`${schema}.${table}`);
  return rows.map((row) => ({
    name: String(row.name),
    type: row.labels === null ? logicalType(String(row.type)) : { kind: "enum", values: JSON.parse(String(row.labels)) as string[] }, // json_agg of names
    nullable: row.required !== true,
    writable: row.computed !== true,
    hasDefault: row.has_default === true,
    ...(typeof row.comment === "string" && { comment: row.comment }),
  }));
}

const SERVER_TYPES = `SELECT a.attname::text AS name, t.typname::text AS type
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped
    AND (t.typnamespace = 'pg_catalog'::regnamespace OR t.typtype = 'e')`;

/** Names in pg_type of columns whose type is the server's own or an enum: `int8`, `_text`. */
export async function serverTypes(pg: Pg, schema: string, table: string): Promise<ReadonlyMap<string, string>> {
  const rows = await pg.query(SERVER_TYPES, [schema, table]);
  return new Map(rows.map((row) => [String(row.name), String(row.type)]));
}
