import { type Catalog, type CatalogObject, catalogOf, compareText, objectId } from "../../core/catalog.js";
import type { Introspected } from "../../core/engine.js";
import type { DuckDbSession } from "../../core/source.js";
import { type ColumnBody, type DuckdbObject, duckdbObject, type TableBody, type ViewBody } from "./body.js";
import { duckdb } from "./dialect.js";
import { createTable, createView } from "./rules.js";

/*
 * Expressions come back rewritten (`'0'` as `CAST('0' AS …)`, views reformatted). They are compared by DuckDB's own rewriting:
 * what is wanted is made in a scratch schema, read back and rolled back; where both read the same, the wanted text stands.
 */

const { sql, id, lit } = duckdb;
const SCRATCH = "dw_scratch";

interface Row extends Record<string, unknown> {
  readonly schema_name: string;
  readonly name: string;
}

interface ColumnRow extends Row {
  readonly column_name: string;
  readonly data_type: string;
  readonly is_nullable: boolean;
  readonly column_default: string | null;
  readonly comment: string | null;
  readonly generated: boolean;
}

interface Texts {
  /** Defaults and generated columns by column, as DuckDB prints them. */
  readonly columns: ReadonlyMap<string, ColumnRow>;
  readonly query: string | undefined;
}

export async function introspect(db: DuckDbSession, warehouse: string, wanted: Catalog): Promise<Introspected> {
  const ours = wanted.objects.filter((object) => object.slot === "duckdb").map(duckdbObject);
  const schemas = new Set(ours.map(({ name }) => name[0] ?? "main"));
  const objects = await relations(db, schemas);
  const found: CatalogObject[] = [];
  for (const object of objects) {
    const twin = ours.find(({ id: own }) => own === object.id);
    found.push(twin ? await inWantedWords(db, object, twin) : object);
  }
  const names = new Set(ours.map((object) => object.id));
  const unmodelled = objects
    .filter((object) => !names.has(object.id))
    .map(({ name, kind }) => ({ name: name.join("."), what: `a ${kind} that dw did not make` }));
  return { catalog: catalogOf(warehouse, [...(await schemaObjects(db, schemas)), ...found]), unmodelled };
}

async function schemaObjects(db: DuckDbSession, schemas: ReadonlySet<string>): Promise<CatalogObject[]> {
  const rows = await db.rows<{ schema_name: string }>(
    "SELECT DISTINCT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND NOT internal",
  );
  const live = rows.map((row) => row.schema_name).filter((schema) => schemas.has(schema) && schema !== "main");
  return live.map((schema) => ({
    slot: "duckdb",
    kind: "schema",
    id: objectId("duckdb", "schema", [schema]),
    name: [schema],
    dependsOn: [],
    body: { comment: "" },
  }));
}

async function relations(db: DuckDbSession, schemas: ReadonlySet<string>): Promise<DuckdbObject[]> {
  const tables = await db.rows<Row & { comment: string | null }>(
    "SELECT schema_name, table_name AS name, comment FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal",
  );
  const views = await db.rows<Row & { comment: string | null; sql: string }>(
    "SELECT schema_name, view_name AS name, comment, sql FROM duckdb_views() WHERE database_name = current_database() AND NOT internal",
  );
  const columns = await columnRows(db);
  const keys = await db.rows<Row & { columns: string }>(
    "SELECT schema_name, table_name AS name, to_json(constraint_column_names)::VARCHAR AS columns FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY' AND database_name = current_database()",
  );
  const here = <R extends Row>(rows: readonly R[]): R[] => rows.filter((row) => schemas.has(row.schema_name));
  const of = <R extends Row>(rows: readonly R[], row: Row): R[] =>
    rows.filter((one) => one.schema_name === row.schema_name && one.name === row.name);
  return [
    ...here(tables).map((row) => tableObject(row, of(columns, row), of(keys, row)[0]?.columns)),
    ...here(views).map((row) => viewObject(row, of(columns, row))),
  ].sort((a, b) => compareText(a.id, b.id));
}

function columnRows(db: DuckDbSession): Promise<ColumnRow[]> {
  return db.rows<ColumnRow>(
    `SELECT c.schema_name, c.table_name AS name, c.column_name, c.data_type, c.is_nullable, c.column_default, c.comment,
       coalesce(t.sql, '') LIKE '%GENERATED ALWAYS%' AND c.column_default IS NOT NULL AND contains(t.sql, 'GENERATED ALWAYS AS(' || c.column_default || ')') AS generated
     FROM duckdb_columns() AS c LEFT JOIN duckdb_tables() AS t ON t.table_oid = c.table_oid AND t.schema_name = c.schema_name AND t.database_name = c.database_name
     WHERE c.database_name = current_database() AND NOT c.internal ORDER BY c.schema_name, c.table_name, c.column_index`,
  );
}

function tableObject(row: Row & { readonly comment: string | null }, columns: readonly ColumnRow[], key: string | undefined): DuckdbObject {
  const name = [row.schema_name, row.name];
  const keyColumns = key === undefined ? [] : (JSON.parse(key) as string[]); // to_json of a list of names
  const body: TableBody = { columns: columns.map(columnBody), key: keyColumns, comment: row.comment ?? "" };
  return { slot: "duckdb", kind: "table", id: objectId("duckdb", "table", name), name, dependsOn: [], body };
}

function columnBody(row: ColumnRow): ColumnBody {
  const text = row.column_default;
  return {
    name: row.column_name,
    type: row.data_type,
    nullable: row.is_nullable,
    ...(text !== null && (row.generated ? { generated: text } : { default: text })),
    comment: row.comment ?? "",
  };
}

function viewObject(row: Row & { readonly comment: string | null; readonly sql: string }, columns: readonly ColumnRow[]): DuckdbObject {
  const name = [row.schema_name, row.name];
  const members = columns.map((column) => ({ name: column.column_name, comment: column.comment ?? "" }));
  const body: ViewBody = { columns: members, query: viewQuery(row.sql), comment: row.comment ?? "" };
  return { slot: "duckdb", kind: "view", id: objectId("duckdb", "view", name), name, dependsOn: [], body };
}

/** What follows `AS` of `CREATE VIEW name (columns) AS query;`. */
function viewQuery(text: string): string {
  const head =
    /^CREATE VIEW (?:"(?:[^"]|"")*"|[^\s."(])+(?:\.(?:"(?:[^"]|"")*"|[^\s."(])+)*\s*(?:\((?:"(?:[^"]|"")*"|[^")])*\)\s*)?AS\s+/i.exec(text);
  return text.slice(head?.[0].length ?? 0).replace(/;\s*$/, "");
}

/** The live object with wanted expressions where DuckDB makes the same of both. Its dependencies are the wanted ones: DuckDB records none. */
async function inWantedWords(db: DuckDbSession, live: DuckdbObject, wanted: DuckdbObject): Promise<CatalogObject> {
  const texts = await scratch(db, wanted);
  const envelope = { ...live, ...(wanted.model !== undefined && { model: wanted.model }), dependsOn: wanted.dependsOn };
  if (live.kind === "view" && wanted.kind === "view") {
    const same = texts?.query === live.body.query;
    return { ...envelope, body: { ...live.body, query: same ? wanted.body.query : live.body.query } };
  }
  if (live.kind !== "table" || wanted.kind !== "table" || !texts) return envelope;
  const columns = live.body.columns.map((column) => sameWords(column, wanted.body, texts));
  return { ...envelope, body: { ...live.body, columns } };
}

function sameWords(live: ColumnBody, wanted: TableBody, texts: Texts): ColumnBody {
  const column = wanted.columns.find(({ name }) => name === live.name);
  const made = texts.columns.get(live.name);
  if (!column || !made) return live;
  const type = made.data_type === live.type ? column.type : live.type;
  const text = live.default ?? live.generated;
  if (text === undefined || made.column_default !== text) return { ...live, type };
  const { default: _, generated: __, ...rest } = live;
  return {
    ...rest,
    type,
    ...(column.default !== undefined && { default: column.default }),
    ...(column.generated !== undefined && { generated: column.generated }),
  };
}

/** What DuckDB makes of a wanted object; undefined when it refuses it, which then shows as a difference. */
async function scratch(db: DuckDbSession, wanted: DuckdbObject): Promise<Texts | undefined> {
  if (wanted.kind === "schema") return undefined;
  const name = [SCRATCH, wanted.name.at(-1) ?? ""];
  await db.run("BEGIN TRANSACTION");
  try {
    await db.run(sql`CREATE SCHEMA ${id(SCRATCH)}`.text);
    await db.run((wanted.kind === "table" ? createTable(name, wanted.body) : createView(name, wanted.body)).text);
    const rows = (await columnRows(db)).filter((row) => row.schema_name === SCRATCH);
    const [view] = await db.rows<{ sql: string }>(`SELECT sql FROM duckdb_views() WHERE schema_name = ${lit(SCRATCH).text}`);
    return { columns: new Map(rows.map((row) => [row.column_name, row])), query: view && viewQuery(view.sql) };
  } catch {
    return undefined;
  } finally {
    await db.run("ROLLBACK");
  }
}
