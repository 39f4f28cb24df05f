import { type CatalogObject, catalogOf, compareText, displayName } from "../../core/catalog.js";
import type { Introspected, LiveEngine } from "../../core/engine.js";
import type { DuckDbSession } from "../../core/source.js";
import { duckdb } from "./dialect.js";
import type { EmulatedEngine, FoundColumns, Query, RecordedColumn, Shape, Table } from "./emulated.js";
import { fromNative } from "./types.js";

/* The objects that an emulation has made, as they really are: what DuckDB lacks is absent, what differs shows. */

interface LiveColumn extends Record<string, unknown> {
  readonly schema_name: string;
  readonly table_name: string;
  readonly column_name: string;
  readonly data_type: string;
  readonly is_nullable: boolean;
}

interface Live {
  readonly relations: ReadonlyMap<string, readonly LiveColumn[]>;
  readonly schemas: ReadonlySet<string>;
}

interface Recorded {
  readonly object: CatalogObject;
  readonly shape: Shape;
}

export function introspectWith(engine: EmulatedEngine): LiveEngine<DuckDbSession>["introspect"] {
  return async (db, warehouse) => {
    const recorded = (await recordedObjects(db, engine)).map((object): Recorded => ({ object, shape: engine.shape(object) }));
    const live = await look(db);
    const found = recorded.flatMap((one) => asItIs(engine, one, live) ?? []);
    return { catalog: catalogOf(warehouse, found), unmodelled: strangers(engine, live, recorded) };
  };
}

async function recordedObjects(db: DuckDbSession, { slot }: EmulatedEngine): Promise<CatalogObject[]> {
  const tables = await db.rows("SELECT 1 AS found FROM duckdb_tables() WHERE schema_name = 'dw_state' AND table_name = 'dw_catalog'");
  if (tables.length === 0) return [];
  const own = duckdb.sql`SELECT object FROM dw_state.dw_catalog WHERE slot = ${duckdb.lit(slot)} ORDER BY id`;
  const rows = await db.rows<{ object: string }>(own.text);
  return rows.map((row) => JSON.parse(row.object) as CatalogObject); // written by `record`
}

async function look(db: DuckDbSession): Promise<Live> {
  const columns = await db.rows<LiveColumn>(
    "SELECT schema_name, table_name, column_name, data_type, is_nullable FROM duckdb_columns() WHERE NOT internal ORDER BY schema_name, table_name, column_index",
  );
  const schemas = await db.rows<{ schema_name: string }>(
    "SELECT DISTINCT schema_name FROM duckdb_schemas() WHERE database_name = current_database()",
  );
  return { relations: byRelation(columns), schemas: new Set(schemas.map((row) => row.schema_name)) };
}

function byRelation(columns: readonly LiveColumn[]): Map<string, LiveColumn[]> {
  const relations = new Map<string, LiveColumn[]>();
  for (const column of columns) {
    const key = displayName([column.schema_name, column.table_name]);
    relations.set(key, [...(relations.get(key) ?? []), column]);
  }
  return relations;
}

function asItIs(engine: EmulatedEngine, { object, shape }: Recorded, live: Live): CatalogObject | undefined {
  if (shape.kind === "record") return object;
  if (shape.kind === "database") return live.schemas.has(shape.name[0] ?? "") ? object : undefined;
  const columns = live.relations.get(displayName(shape.name));
  if (!columns) return undefined;
  return shape.kind === "table" ? engine.asFound(object, foundColumns(engine, shape, columns)) : queryAsItIs(object, shape, columns);
}

function queryAsItIs(object: CatalogObject, { columns, stored }: Query, live: readonly LiveColumn[]): CatalogObject {
  const same = (stored?.columns ?? columns).join("\0") === live.map((column) => column.column_name).join("\0");
  return same
    ? object
    : { ...object, body: { ...object.body, columns: live.map((column) => ({ name: column.column_name, comment: "" })) } };
}

function foundColumns(engine: EmulatedEngine, table: Table, live: readonly LiveColumn[]): FoundColumns {
  const found = new Map(live.map((column) => [column.column_name, column]));
  const made = new Map(table.columns.map((column) => [column.name, column]));
  const patched = <Column extends RecordedColumn>(column: Column): Column[] => {
    const real = found.get(column.name);
    const wanted = made.get(column.name);
    if (!real || !wanted) return [];
    const forced = table.key.includes(column.name); // a primary key makes its columns NOT NULL here, whatever the engine says
    const otherType = JSON.stringify(fromNative(wanted.type.text)) !== JSON.stringify(fromNative(real.data_type));
    const otherNulls = !forced && real.is_nullable !== wanted.nullable;
    return [{ ...column, ...(otherType && { type: nativeType(engine, real) }), ...(otherNulls && { nullable: real.is_nullable }) }];
  };
  return {
    patch: (columns) => columns.flatMap(patched),
    strange: live
      .filter((column) => !made.has(column.column_name))
      .map((column) => ({ name: column.column_name, type: nativeType(engine, column), nullable: column.is_nullable, comment: "" })),
  };
}

function nativeType({ mapType }: EmulatedEngine, column: LiveColumn): string {
  const { native, level } = mapType(fromNative(column.data_type));
  return level === "impossible" ? `duckdb ${column.data_type}` : native;
}

/** Relations in our databases that dw did not make: reported, never touched. */
function strangers({ given }: EmulatedEngine, live: Live, recorded: readonly Recorded[]): Introspected["unmodelled"] {
  const named = recorded.flatMap(({ shape }) => (shape.kind === "record" ? [] : [shape]));
  const ours = new Set(named.map(({ name }) => displayName(name)));
  const databases = new Set([...given, ...named.flatMap(({ kind, name }) => (kind === "database" ? name : []))]);
  return [...live.relations]
    .filter(([name, columns]) => !ours.has(name) && databases.has(columns[0]?.schema_name ?? ""))
    .map(([name]) => ({ name, what: "a table or view in DuckDB that dw did not make" }))
    .sort((a, b) => compareText(a.name, b.name));
}
