import type { PgSession } from "../../core/session.js";

/*
 * What a server's own catalog says, one query a kind of thing (PostgreSQL manual, part VII, System Catalogs). Names are
 * always qualified in the texts that the server writes, because search_path is pg_catalog while they are read.
 */

export interface LiveColumn {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly comment: string | null;
  /** Default or generating expression, as the server writes it. */
  readonly expression: string | null;
  readonly generated: boolean;
  readonly identity: boolean;
}

export interface LiveIndex {
  readonly name: string;
  readonly unique: boolean;
  readonly method: string;
  readonly where: string | null;
  /** Null: an expression, an included column or an order of nulls that bodies do not have. */
  readonly columns: readonly ({ readonly column: string; readonly order: "asc" | "desc" } | null)[];
}

export interface LiveConstraint {
  readonly name: string;
  readonly type: "p" | "f" | "c" | "x";
  readonly columns: readonly string[];
  readonly table: readonly string[] | null;
  readonly to: readonly string[] | null;
  /** Expression of a check. */
  readonly expression: string | null;
}

export interface LivePartition {
  readonly oid: number;
  readonly parent: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: "r" | "p" | "f";
  readonly bounds: string;
  readonly key: LivePartitionKey | null;
  /** Indexes that only this partition has. */
  readonly indexes: readonly string[];
}

export interface LivePartitionKey {
  readonly strategy: "r" | "l" | "h";
  /** Null: an expression, an operator class or a collation of its own. */
  readonly columns: readonly (string | null)[];
}

export interface LiveRelation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** r table, p partitioned table, v view, m materialized view, f foreign table. */
  readonly kind: "r" | "p" | "v" | "m" | "f";
  readonly comment: string | null;
  readonly definition: string | null;
  readonly columns: readonly LiveColumn[];
  readonly indexes: readonly LiveIndex[];
  readonly constraints: readonly LiveConstraint[];
  readonly partitionKey: LivePartitionKey | null;
  /** Of all levels. */
  readonly partitions: readonly LivePartition[];
  /** Things on it that bodies do not have: triggers, row security, rules. */
  readonly extras: readonly string[];
}

export interface LiveFunction {
  readonly schema: string;
  readonly name: string;
  readonly comment: string | null;
  readonly language: string;
  readonly volatility: "i" | "s" | "v";
  readonly source: string;
  readonly arguments: readonly { readonly name: string; readonly type: string }[];
  /** Null unless it returns TABLE (…). */
  readonly table: readonly { readonly name: string; readonly type: string }[] | null;
  readonly returns: string;
  /** It has what bodies do not: defaults, OUT or VARIADIC parameters, SET, SECURITY DEFINER, a SQL-standard body, no plain function. */
  readonly special: boolean;
}

export interface LiveEnum {
  readonly schema: string;
  readonly name: string;
  readonly comment: string | null;
  readonly values: readonly string[] | null;
}

export interface LiveSchema {
  readonly name: string;
  readonly comment: string | null;
}

/** Schemas that belong to the server, to TimescaleDB or to dw itself (state, and both sides of a rebuild). */
export const FOREIGN_SCHEMAS = `n.nspname !~ '^(pg_|_?timescaledb_|toolkit_experimental$|information_schema$|dw_state$)' AND n.nspname !~ '_dw_(shadow|held)$'`;

const NOT_OF_AN_EXTENSION = (catalog: string): string =>
  `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${catalog}'::regclass AND e.objid = o.oid AND e.deptype = 'e')`;

const partitionKey = (relation: string): string => `(
    SELECT jsonb_build_object('strategy', t.partstrat, 'columns', (
      SELECT jsonb_agg(CASE WHEN p.opcdefault AND t.partcollation[k.place - 1] = coalesce(a.attcollation, 0) THEN a.attname END ORDER BY k.place)
      FROM unnest(t.partattrs::int2[]) WITH ORDINALITY k(attnum, place)
      LEFT JOIN pg_attribute a ON a.attrelid = t.partrelid AND a.attnum = k.attnum AND k.attnum > 0
      LEFT JOIN pg_opclass p ON p.oid = t.partclass[k.place - 1]))
    FROM pg_partitioned_table t WHERE t.partrelid = ${relation})`;

const PARTITIONS = `(
    SELECT coalesce(jsonb_agg(jsonb_build_object(
      'oid', r.oid::int8, 'parent', tree.parentrelid::oid::int8, 'schema', rn.nspname, 'name', r.relname, 'kind', r.relkind,
      'bounds', pg_get_expr(r.relpartbound, r.oid), 'key', ${partitionKey("r.oid")},
      'indexes', (SELECT coalesce(jsonb_agg(i.relname ORDER BY i.relname), '[]') FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
        WHERE x.indrelid = r.oid AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.oid))) ORDER BY r.relname), '[]')
    FROM pg_partition_tree(o.oid) tree JOIN pg_class r ON r.oid = tree.relid JOIN pg_namespace rn ON rn.oid = r.relnamespace
    WHERE o.relkind = 'p' AND tree.level > 0)`;

/** Columns, indexes and constraints of the relation \`o\`. Also used for scratch relations and hypertables behind aggregates. */
export const RELATION = `
SELECT o.oid::int8 AS oid, n.nspname AS schema, o.relname AS name, o.relkind AS kind,
  obj_description(o.oid, 'pg_class') AS comment,
  CASE WHEN o.relkind IN ('v', 'm') THEN pg_get_viewdef(o.oid) END AS definition,
  coalesce((
    SELECT jsonb_agg(jsonb_build_object(
      'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'nullable', NOT a.attnotnull,
      'comment', col_description(o.oid, a.attnum), 'expression', pg_get_expr(d.adbin, d.adrelid),
      'generated', a.attgenerated <> '', 'identity', a.attidentity <> '') ORDER BY a.attnum)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS columns,
  coalesce((
    SELECT jsonb_agg(jsonb_build_object(
      'name', i.relname, 'unique', x.indisunique, 'method', am.amname, 'where', pg_get_expr(x.indpred, x.indrelid),
      'columns', (
        SELECT jsonb_agg(
          CASE WHEN x.indkey[k] = 0 OR k >= x.indnkeyatts OR (am.amname = 'btree' AND x.indoption[k] NOT IN (0, 3)) THEN NULL
          ELSE jsonb_build_object('column', a.attname, 'order', CASE x.indoption[k] & 1 WHEN 1 THEN 'desc' ELSE 'asc' END) END ORDER BY k)
        FROM generate_series(0, x.indnatts - 1) k LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[k])
      ) ORDER BY i.relname)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am am ON am.oid = i.relam
    WHERE x.indrelid = o.oid AND NOT x.indisprimary AND x.indislive), '[]') AS indexes,
  coalesce((
    SELECT jsonb_agg(jsonb_build_object(
      'name', c.conname, 'type', c.contype,
      'columns', (SELECT coalesce(jsonb_agg(a.attname ORDER BY k.place), '[]') FROM unnest(c.conkey) WITH ORDINALITY k(attnum, place)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum),
      'table', (SELECT jsonb_build_array(fn.nspname, f.relname) FROM pg_class f JOIN pg_namespace fn ON fn.oid = f.relnamespace WHERE f.oid = c.confrelid),
      'to', (SELECT jsonb_agg(a.attname ORDER BY k.place) FROM unnest(c.confkey) WITH ORDINALITY k(attnum, place)
        JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum),
      'expression', CASE WHEN c.contype = 'c' THEN pg_get_expr(c.conbin, c.conrelid) END) ORDER BY c.conname)
    FROM pg_constraint c WHERE c.conrelid = o.oid AND c.contype IN ('p', 'f', 'c', 'x') AND c.conparentid = 0), '[]') AS constraints,
  ${partitionKey("o.oid")} AS "partitionKey", ${PARTITIONS} AS partitions,
  (SELECT coalesce(jsonb_agg('trigger ' || t.tgname ORDER BY t.tgname), '[]') FROM pg_trigger t
    WHERE t.tgrelid = o.oid AND NOT t.tgisinternal AND t.tgname NOT IN ('ts_insert_blocker', 'ts_cagg_invalidation_trigger', 'dw_note', 'dw_no_truncate'))
  || CASE WHEN o.relrowsecurity THEN '["row security"]'::jsonb ELSE '[]' END
  || CASE WHEN o.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = o.oid) THEN '["inheritance"]'::jsonb ELSE '[]' END AS extras
FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace`;

const RELATIONS = `${RELATION}
WHERE o.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT o.relispartition AND ${FOREIGN_SCHEMAS} AND ${NOT_OF_AN_EXTENSION("pg_class")}
ORDER BY n.nspname, o.relname`;

const FUNCTIONS = `
SELECT n.nspname AS schema, o.proname AS name, obj_description(o.oid, 'pg_proc') AS comment, l.lanname AS language,
  o.provolatile AS volatility, o.prosrc AS source,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('name', coalesce(p.name, ''), 'type', format_type(p.type, NULL)) ORDER BY p.place), '[]')
    FROM ROWS FROM (unnest(coalesce(o.proallargtypes, o.proargtypes::oid[])), unnest(o.proargmodes), unnest(o.proargnames))
      WITH ORDINALITY p(type, mode, name, place)
    WHERE p.mode IS NULL OR p.mode = 'i') AS arguments,
  (SELECT jsonb_agg(jsonb_build_object('name', p.name, 'type', format_type(p.type, NULL)) ORDER BY p.place)
    FROM ROWS FROM (unnest(o.proallargtypes), unnest(o.proargmodes), unnest(o.proargnames)) WITH ORDINALITY p(type, mode, name, place)
    WHERE p.mode = 't') AS "table",
  pg_get_function_result(o.oid) AS returns,
  (o.prokind <> 'f' OR o.pronargdefaults > 0 OR o.proconfig IS NOT NULL OR o.prosecdef OR o.provariadic <> 0
    OR o.proargmodes && ARRAY['o', 'b', 'v']::"char"[] OR l.lanname NOT IN ('sql', 'plpgsql') OR o.prosrc = '') AS special
FROM pg_proc o JOIN pg_namespace n ON n.oid = o.pronamespace JOIN pg_language l ON l.oid = o.prolang
WHERE ${FOREIGN_SCHEMAS} AND ${NOT_OF_AN_EXTENSION("pg_proc")}
ORDER BY n.nspname, o.proname, o.oid`;

const ENUMS = `
SELECT n.nspname AS schema, o.typname AS name, obj_description(o.oid, 'pg_type') AS comment,
  (SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = o.oid) AS values
FROM pg_type o JOIN pg_namespace n ON n.oid = o.typnamespace
WHERE o.typtype = 'e' AND ${FOREIGN_SCHEMAS} AND ${NOT_OF_AN_EXTENSION("pg_type")}
ORDER BY 1, 2`;

const SCHEMAS = `
SELECT n.nspname AS name, obj_description(n.oid, 'pg_namespace') AS comment
FROM pg_namespace n JOIN LATERAL (SELECT n.oid) o ON TRUE
WHERE ${FOREIGN_SCHEMAS} AND n.nspname <> 'public' AND ${NOT_OF_AN_EXTENSION("pg_namespace")}
ORDER BY n.nspname`;

/** Rows of a query as it wrote them: its jsonb columns are read, everything else is the session's text or number. */
export async function liveRows<Row>(session: PgSession, query: string): Promise<readonly Row[]> {
  const rows = await session.query<{ readonly row: string }>(`SELECT to_jsonb(answer)::text AS row FROM (${query}) answer`);
  return rows.map(({ row }) => JSON.parse(row) as Row); // the interfaces above name exactly what the queries select
}

export const liveRelations = (session: PgSession): Promise<readonly LiveRelation[]> => liveRows(session, RELATIONS);
export const liveFunctions = (session: PgSession): Promise<readonly LiveFunction[]> => liveRows(session, FUNCTIONS);
export const liveEnums = (session: PgSession): Promise<readonly LiveEnum[]> => liveRows(session, ENUMS);
export const liveSchemas = (session: PgSession): Promise<readonly LiveSchema[]> => liveRows(session, SCHEMAS);
