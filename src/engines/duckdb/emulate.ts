import { type Catalog, type CatalogObject, catalogOf, compareText, displayName } from "../../core/catalog.js";
import type { Introspected, LiveEngine } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import { type Json, stableJson } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import type { StatementBody } from "../../core/plan.js";
import type { DuckDbSession } from "../../core/source.js";
import type { Sql } from "../../core/sql.js";
import type { StarrocksAction } from "../starrocks/actions.js";
import { type ColumnBody, qualifiedName, type StarrocksObject, starrocksObject } from "../starrocks/body.js";
import { isClusterObject } from "../starrocks/cluster/body.js";
import { mapType as mapToStarrocks } from "../starrocks/types.js";
import { duckdb } from "./dialect.js";
import {
  columnDefault,
  columnType,
  createQuery,
  createTable,
  dropRelation,
  isStored,
  partitionRows,
  type Query,
  rebuildTable,
  refreshQuery,
  refuse,
  type Table,
} from "./emulate-table.js";
import { execute } from "./execute.js";
import { fromNative } from "./types.js";

const { sql, id, lit } = duckdb;

/*
 * The embedded profile's StarRocks: the same operations that a plan has for StarRocks, executed by DuckDB. Physical options
 * have no effect here; the full StarRocks object is kept in dw_state.dw_catalog beside the rows, so that introspection answers
 * with StarRocks objects, checked against the tables and columns that DuckDB really has.
 */

/** What the emulation does differently, for people. Whatever is neither the same nor listed here is refused. */
export const differences: readonly string[] = [
  "Nothing is scheduled: asynchronous materialized views are views and never stale; manual ones are tables and refreshed on request.",
  "PRIMARY KEY, UNIQUE and AGGREGATE tables merge rows when dw loads them; other writers see a primary key.",
  "Key columns of UNIQUE and AGGREGATE tables cannot be NULL.",
  "Partitions, buckets, indexes, compression, replication and other properties are kept and shown, without effect; nothing expires.",
  "VARCHAR lengths are not enforced.",
  "External catalogs, storage volumes, resource groups, loads, roles and users are kept and shown, without effect.",
  "A column that is added stands last in SELECT *.",
  "One process at a time; schema changes are immediate and transactional, where StarRocks runs jobs.",
];

const LAYOUT: readonly Sql[] = [
  sql`CREATE SCHEMA IF NOT EXISTS dw_state`,
  sql`CREATE TABLE IF NOT EXISTS dw_state.dw_catalog (slot VARCHAR NOT NULL, id VARCHAR NOT NULL, object VARCHAR NOT NULL)`,
];

/** DuckDB's statements for an operation on a StarRocks object, the last ones recording the object. Throws DW-EMULATION-UNSUPPORTED. */
export function generate(operation: Operation): readonly StatementBody[] {
  const statements = isClusterObject(operation.object)
    ? [...LAYOUT, ...record(operation)]
    : [...(makesDatabase(operation) ? LAYOUT : []), ...actions(operation), ...record(operation)];
  return statements.map(({ text }) => ({ text, hazards: [], transactional: true }));
}

/** Every object depends on its database, so that the first of them brings the catalog's table. */
function makesDatabase({ op, object }: Operation): boolean {
  return op === "create-object" && object.kind === "database";
}

function actions(operation: Operation): readonly Sql[] {
  const object = starrocksObject(operation.object);
  switch (operation.op) {
    case "create-object":
      return create(object);
    case "drop-object":
      return [dropRelation(object)];
    case "replace-object":
      return [dropRelation(starrocksObject(operation.from)), ...create(object)];
    case "rename-object":
      return rename(starrocksObject(operation.from), object);
    case "rebuild-object":
      return rebuild(starrocksObject(operation.from), object);
    case "engine-action":
      return object.kind === "table" ? act(object, operation.action as StarrocksAction) : []; // starrocks/rules.ts made it
    case "set-comment":
      return []; // kept in dw_catalog
    default:
      return object.kind === "table" ? alter(object, operation) : [];
  }
}

function create(object: StarrocksObject): Sql[] {
  if (object.kind === "database") return [sql`CREATE SCHEMA IF NOT EXISTS ${id(...qualifiedName(object))}`];
  return [object.kind === "table" ? createTable(object) : createQuery(object)];
}

function rename(from: StarrocksObject, to: StarrocksObject): Sql[] {
  const [database, name = ""] = qualifiedName(to);
  if (from.kind === "database" || qualifiedName(from)[0] !== database)
    throw refuse(to, "it moves to another database", "DuckDB cannot move it");
  const stored = from.kind === "table" || isStored(from);
  const target = id(...qualifiedName(from));
  return [stored ? sql`ALTER TABLE ${target} RENAME TO ${id(name)}` : sql`ALTER VIEW ${target} RENAME TO ${id(name)}`];
}

function rebuild(from: StarrocksObject, to: StarrocksObject): Sql[] {
  if (from.kind === "table" && to.kind === "table") return rebuildTable(from, to);
  return [dropRelation(from), ...create(to)];
}

/** What is about columns happens to them; layout is kept in dw_catalog. A partition that goes takes its rows along. */
function act(object: Table, action: StarrocksAction): Sql[] {
  switch (action.action) {
    case "alter-columns":
      return action.changes.flatMap((change) => alter(object, { ...change, object } as ColumnOperation)); // the shared operations' shapes
    case "alter-fields":
      return [retypeColumn(object, action.to)];
    case "drop-partition":
      return [sql`DELETE FROM ${id(...qualifiedName(object))} WHERE ${partitionRows(object, action.partition)}`];
    default:
      return [];
  }
}

type ColumnOperation = Extract<
  Operation,
  { op: "add-column" | "drop-column" | "rename-column" | "retype-column" | "set-nullable" | "set-default" }
>;

function alter(object: Table, operation: ColumnOperation): Sql[] {
  const table = id(...qualifiedName(object));
  switch (operation.op) {
    case "add-column":
      return addColumn(object, operation.column as ColumnBody); // columns of StarRocks bodies are ColumnBody
    case "drop-column":
      return [sql`ALTER TABLE ${table} DROP COLUMN ${id(String(operation.column.name))}`];
    case "rename-column":
      return [sql`ALTER TABLE ${table} RENAME COLUMN ${id(operation.from)} TO ${id(operation.to)}`];
    case "retype-column":
      return retype(object, operation.to as ColumnBody); // as above
    case "set-nullable":
      return [setNullable(table, operation.column, operation.nullable)];
    case "set-default":
      return [setDefault(object, operation.column)];
  }
}

/** DuckDB adds no column with a constraint: NOT NULL follows once the default has filled the rows. */
function addColumn(object: Table, column: ColumnBody): Sql[] {
  const table = id(...qualifiedName(object));
  const value = columnDefault(object, column);
  const clause = sql`${id(column.name)} ${columnType(object, column)}`;
  const add = sql`ALTER TABLE ${table} ADD COLUMN ${value ? sql`${clause} DEFAULT ${value}` : clause}`;
  return column.nullable ? [add] : [add, setNullable(table, column.name, false)];
}

function retype(object: Table, column: ColumnBody): Sql[] {
  // The type of a key column cannot be altered under its constraint.
  if (object.body.table !== "duplicate" && object.body.key.includes(column.name)) return rebuildTable(object, object);
  return [retypeColumn(object, column), setNullable(id(...qualifiedName(object)), column.name, column.nullable)];
}

function retypeColumn(object: Table, column: ColumnBody): Sql {
  return sql`ALTER TABLE ${id(...qualifiedName(object))} ALTER COLUMN ${id(column.name)} TYPE ${columnType(object, column)}`;
}

function setNullable(table: Sql, column: string, nullable: boolean): Sql {
  return nullable
    ? sql`ALTER TABLE ${table} ALTER COLUMN ${id(column)} DROP NOT NULL`
    : sql`ALTER TABLE ${table} ALTER COLUMN ${id(column)} SET NOT NULL`;
}

function setDefault(object: Table, name: string): Sql {
  const table = id(...qualifiedName(object));
  const column = object.body.columns.find((candidate) => candidate.name === name);
  const value = column && columnDefault(object, column);
  return value
    ? sql`ALTER TABLE ${table} ALTER COLUMN ${id(name)} SET DEFAULT ${value}`
    : sql`ALTER TABLE ${table} ALTER COLUMN ${id(name)} DROP DEFAULT`;
}

function record(operation: Operation): Sql[] {
  const { object } = operation;
  const before =
    operation.op === "rename-object" || operation.op === "replace-object" || operation.op === "rebuild-object" ? operation.from : object;
  const forget = [...new Set([before.id, object.id])].map(
    (name) => sql`DELETE FROM dw_state.dw_catalog WHERE slot = ${lit(object.slot)} AND id = ${lit(name)}`,
  );
  if (operation.op === "drop-object") return forget;
  const text = stableJson(object as unknown as Json); // a catalog object is JSON by construction
  return [...forget, sql`INSERT INTO dw_state.dw_catalog VALUES (${lit(object.slot)}, ${lit(object.id)}, ${lit(text)})`];
}

/** Refreshes manual materialized views, in the order given. */
export function refresh(objects: readonly CatalogObject[]): readonly StatementBody[] {
  const queries = objects
    .map(starrocksObject)
    .filter((object): object is Query => object.kind === "view" || object.kind === "materialized-view");
  return queries.flatMap(refreshQuery).map(({ text }) => ({ text, hazards: [], transactional: true }));
}

interface LiveColumn extends Record<string, unknown> {
  readonly schema_name: string;
  readonly table_name: string;
  readonly column_name: string;
  readonly data_type: string;
  readonly is_nullable: boolean;
}

/** The StarRocks objects that this file emulates, as they really are: what DuckDB lacks is absent, what differs shows. */
async function introspect(db: DuckDbSession, warehouse: string, _wanted: Catalog): Promise<Introspected> {
  const all = await recorded(db);
  const objects = all.filter((object) => !isClusterObject(object)).map(starrocksObject);
  const columns = await db.rows<LiveColumn>(
    "SELECT schema_name, table_name, column_name, data_type, is_nullable FROM duckdb_columns() WHERE NOT internal ORDER BY schema_name, table_name, column_index",
  );
  const schemas = await db.rows<{ schema_name: string }>(
    "SELECT DISTINCT schema_name FROM duckdb_schemas() WHERE database_name = current_database()",
  );
  const live = { relations: byRelation(columns), schemas: new Set(schemas.map((row) => row.schema_name)) };
  const found = objects.flatMap((object) => asItIs(object, live) ?? []);
  const databases = objects.flatMap((object) => (object.kind === "database" ? [...qualifiedName(object)] : []));
  return { catalog: catalogOf(warehouse, [...found, ...all.filter(isClusterObject)]), unmodelled: strangers(live, objects, databases) };
}

async function recorded(db: DuckDbSession): Promise<CatalogObject[]> {
  const tables = await db.rows("SELECT 1 AS found FROM duckdb_tables() WHERE schema_name = 'dw_state' AND table_name = 'dw_catalog'");
  if (tables.length === 0) return [];
  const rows = await db.rows<{ object: string }>("SELECT object FROM dw_state.dw_catalog WHERE slot = 'starrocks' ORDER BY id");
  return rows.map((row) => JSON.parse(row.object) as CatalogObject); // written by `record`
}

interface Live {
  readonly relations: ReadonlyMap<string, readonly LiveColumn[]>;
  readonly schemas: ReadonlySet<string>;
}

function byRelation(columns: readonly LiveColumn[]): Map<string, LiveColumn[]> {
  const relations = new Map<string, LiveColumn[]>();
  for (const column of columns) {
    const key = displayName([column.schema_name, column.table_name]);
    relations.set(key, [...(relations.get(key) ?? []), column]);
  }
  return relations;
}

function asItIs(object: StarrocksObject, live: Live): CatalogObject | undefined {
  if (object.kind === "database")
    return live.schemas.has(object.name[0] ?? "") || live.schemas.has(qualifiedName(object)[0]) ? object : undefined;
  const columns = live.relations.get(displayName(qualifiedName(object)));
  if (!columns) return undefined;
  if (object.kind === "table") return { ...object, body: { ...object.body, columns: tableColumns(object, columns) } };
  const same = object.body.columns.map(({ name }) => name).join("\0") === columns.map((column) => column.column_name).join("\0");
  return same
    ? object
    : { ...object, body: { ...object.body, columns: columns.map((column) => ({ name: column.column_name, comment: "" })) } };
}

/** Recorded columns that exist, with DuckDB's type and nullability where they are not what was recorded, then unknown ones. */
function tableColumns(object: Table, live: readonly LiveColumn[]): ColumnBody[] {
  const found = new Map(live.map((column) => [column.column_name, column]));
  const known = object.body.columns.flatMap((column) => {
    const real = found.get(column.name);
    found.delete(column.name);
    return real ? [{ ...column, ...realType(object, column, real), nullable: realNullable(object, column, real) }] : [];
  });
  const unknown = [...found.values()].map(
    (column): ColumnBody => ({ name: column.column_name, type: starrocksType(column), nullable: column.is_nullable, comment: "" }),
  );
  return [...known, ...unknown];
}

function realType(object: Table, column: ColumnBody, real: LiveColumn): { type: string } {
  const expected = JSON.stringify(fromNative(columnType(object, column).text));
  return { type: JSON.stringify(fromNative(real.data_type)) === expected ? column.type : starrocksType(real) };
}

/** A primary key makes its columns NOT NULL here, whatever StarRocks says. */
function realNullable(object: Table, column: ColumnBody, real: LiveColumn): boolean {
  const forced = object.body.table !== "duplicate" && object.body.key.includes(column.name);
  return forced ? column.nullable : real.is_nullable;
}

function starrocksType(column: LiveColumn): string {
  const { native, level } = mapToStarrocks(fromNative(column.data_type));
  return level === "impossible" ? `duckdb ${column.data_type}` : native;
}

/** Relations in our databases that dw did not make: reported, never touched. */
function strangers(live: Live, objects: readonly StarrocksObject[], databases: readonly string[]): Introspected["unmodelled"] {
  const ours = new Set(objects.map((object) => displayName(qualifiedName(object))));
  return [...live.relations]
    .filter(([name, columns]) => !ours.has(name) && databases.includes(columns[0]?.schema_name ?? ""))
    .map(([name]) => ({ name, what: "a table or view in DuckDB that dw did not make" }))
    .sort((a, b) => compareText(a.name, b.name));
}

/** The emulated slot as app/ sees an engine that is live; `generate` takes the place of the StarRocks engine's. */
export const emulation: LiveEngine<DuckDbSession> & { readonly generate: typeof generate; readonly differences: typeof differences } = {
  generate,
  introspect,
  execute,
  differences,
};

/** For slots that have no emulation yet. */
export function refuseSlot(slot: string): DwError {
  return new DwError("DW-EMULATION-UNSUPPORTED", {
    what: `The embedded profile does not emulate ${slot}.`,
    why: "DuckDB has nothing that behaves like it.",
    fix: `Bind the slot ${slot} to a connection in dw.config.ts.`,
  });
}
