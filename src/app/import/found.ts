import { basename, resolve } from "node:path";
import type { OpenConnection } from "../../connections/open.js";
import { type Catalog, type CatalogObject, catalogOf, displayName, type ObjectId, objectId } from "../../core/catalog.js";
import type { Introspected } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type { HiveSession, PgSession } from "../../core/session.js";
import type { EngineName } from "../../core/types.js";
import { viewColumnTypes } from "../../engines/starrocks/view-types.js";
import { readDdl } from "../diff-ddl.js";
import type { Unsaid } from "./models.js";

/** Objects that exist, as an engine shows them or a file defines them. */
export interface Found {
  readonly objects: readonly CatalogObject[];
  /** What is there and has no place in a catalog. */
  readonly unmodelled: readonly Unsaid[];
  /** Native types of the columns of views, where the engine was asked. */
  readonly viewColumnTypes?: ViewColumnTypes;
  /** The same objects in the words of a catalog: a server spells expressions in its own way, and can tell what is the same. */
  readonly inWordsOf?: (wanted: Catalog) => Promise<Catalog>;
}

type ViewColumnTypes = ReadonlyMap<ObjectId, ReadonlyMap<string, string>>;

/** Objects of a file with CREATE statements. Throws as readDdl. */
export async function foundInFile(file: string, engine: string | undefined, from: { cwd: string; warehouse: string }): Promise<Found> {
  const unmodelled: Unsaid[] = [];
  const { text, catalog } = await readDdl(resolve(from.cwd, file), engine, from.warehouse, (line, statement) => {
    unmodelled.push({ name: `${basename(file)}:${line}`, what: `no model says what this does: ${statement.slice(0, 120)}` });
  });
  return { objects: catalog.objects, unmodelled, viewColumnTypes: viewColumnTypes(text, catalog.objects, from.warehouse) };
}

export interface Place {
  /** The connection's name in dw.config.ts, for letters. */
  readonly connection: string;
  /** Nothing for all of it, `SCHEMA` or `DATABASE`, or with a dot and one object in it. */
  readonly rest: string;
  readonly engine?: string;
  readonly warehouse: string;
}

/** Objects of a live database. Throws DW-USAGE for a place that has none, DW-CONNECTION-UNSUPPORTED for a kind without objects. */
export async function foundLive(open: OpenConnection, place: Place): Promise<Found> {
  const { catalog, unmodelled, viewColumnTypes } = await lookAt(open, place, catalogOf(place.warehouse, []));
  const isMeant = ({ name, kind }: CatalogObject): boolean => {
    const full = name.join(".");
    const holds = (kind === "database" || kind === "schema") && place.rest.startsWith(`${full}.`);
    return place.rest === "" || full === place.rest || full.startsWith(`${place.rest}.`) || holds;
  };
  const objects = catalog.objects.filter(isMeant);
  if (objects.length === 0) throw nothingThere(place);
  return {
    objects,
    unmodelled: unmodelled.filter((each) => !place.rest || `${each.name}.`.startsWith(`${place.rest}.`)),
    ...(viewColumnTypes && { viewColumnTypes }),
    inWordsOf: async (wanted) => (await lookAt(open, place, wanted)).catalog,
  };
}

type Looked = Introspected & { readonly viewColumnTypes?: ViewColumnTypes };

async function lookAt(open: OpenConnection, place: Place, known: Catalog): Promise<Looked> {
  if (open.kind === "pg") return lookAtPostgres(open, place, known);
  if (open.kind === "duckdb") return lookAtDuckdb(open, place, known);
  if (open.kind === "mysql" && open.server === "starrocks") return lookAtStarrocks(open, place, known);
  if (open.kind === "hive") return lookAtHive(open, place, known);
  if (open.kind === "kafka") {
    const { introspect } = await import("../../engines/kafka/introspect.js");
    return introspect(open.kafka, place.warehouse, known);
  }
  throw new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `dw does not import from ${place.connection}.`,
    why: `A connection of kind ${open.kind} holds nothing that an engine of dw could make again.`,
    fix: "Name one of its tables to import it as a source: CONNECTION:TABLE.",
  });
}

async function lookAtPostgres({ pg }: OpenConnection & { kind: "pg" }, { engine, warehouse }: Place, known: Catalog): Promise<Looked> {
  const slot: EngineName = engine === "postgres" || (engine === undefined && pg.server.timescale === undefined) ? "postgres" : "timescale";
  const live =
    slot === "timescale"
      ? (await import("../../engines/timescale/live.js")).liveTimescale
      : (await import("../../engines/postgres/live.js")).livePostgres;
  const session = await pg.session();
  try {
    const introspected = await live.introspect(session, warehouse, catalogOf(warehouse, together(known, await rolesHere(session, slot))));
    const rows = await session.query<Record<"schema" | "view" | "column" | "type", string>>(
      `SELECT n.nspname AS schema, c.relname AS view, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('v', 'm') AND a.attnum > 0 AND NOT a.attisdropped`,
    );
    return { ...introspected, viewColumnTypes: typesOf(introspected, rows) };
  } finally {
    await session.close();
  }
}

/** A server has everybody's roles: those that have rights in this database are meant. */
async function rolesHere(session: PgSession, slot: EngineName): Promise<CatalogObject[]> {
  const { rolesWithRights } = await import("../../engines/postgres/live-roles.js");
  return (await rolesWithRights(session)).map((name) => container(slot, "role", name, {}));
}

async function lookAtStarrocks({ mysql }: OpenConnection & { kind: "mysql" }, { rest, warehouse }: Place, known: Catalog): Promise<Looked> {
  const { liveStarrocks } = await import("../../engines/starrocks/live.js");
  const [only] = rest.split(".");
  const session = await mysql.session();
  try {
    const all = (await session.query("SHOW DATABASES")).map((row) => row.Database ?? "");
    const databases = all.filter((name) => !SYSTEM_DATABASES.has(name) && (!only || name === only));
    const wanted = databases.map((database) => container("starrocks", "database", database, { database, properties: {} }));
    const introspected = await liveStarrocks.introspect(session, warehouse, catalogOf(warehouse, together(known, wanted)));
    const types = await session.ask(
      "SELECT table_schema AS `schema`, table_name AS `view`, column_name AS `column`, column_type AS `type` FROM information_schema.columns",
    );
    return { ...introspected, viewColumnTypes: typesOf(introspected, types.ok ? types.rows : []) }; // who may not ask learns no types
  } finally {
    await session.close();
  }
}

const SYSTEM_DATABASES = new Set(["information_schema", "_statistics_", "sys"]);

async function lookAtHive({ hive }: OpenConnection & { kind: "hive" }, { rest, warehouse }: Place, known: Catalog): Promise<Looked> {
  const { liveHive } = await import("../../engines/hive/live.js");
  const [only] = rest.split(".");
  const session = await hive.session();
  try {
    const all = (await session.query("SHOW DATABASES")).map((row) => Object.values(row)[0] ?? "");
    const wanted = all.filter((name) => !only || name === only).map((name) => container("hive", "database", name, { database: name }));
    const introspected = await liveHive.introspect(session, warehouse, catalogOf(warehouse, together(known, wanted)));
    const types = new Map<ObjectId, ReadonlyMap<string, string>>();
    for (const { id, kind, name } of introspected.catalog.objects) {
      if (kind === "view" || kind === "materialized-view") types.set(id, await describedTypes(session, name));
    }
    return { ...introspected, viewColumnTypes: types };
  } finally {
    await session.close();
  }
}

/** DESCRIBE gives a row a column, and then remarks that begin with an empty row. */
async function describedTypes(session: HiveSession, name: readonly string[]): Promise<Map<string, string>> {
  const { hive } = await import("../../engines/hive/dialect.js");
  const rows = (await session.query(`DESCRIBE ${hive.id(...name).text}`)).map((row) => Object.values(row));
  const end = rows.findIndex(([column]) => !column || column.startsWith("#"));
  return new Map(rows.slice(0, end === -1 ? rows.length : end).map(([column, type]) => [column ?? "", type ?? ""]));
}

function container(slot: EngineName, kind: "database" | "schema" | "role", name: string, body: JsonObject): CatalogObject {
  return { slot, kind, id: objectId(slot, kind, [name]), name: [name], dependsOn: [], body };
}

async function lookAtDuckdb({ duckdb }: OpenConnection & { kind: "duckdb" }, { warehouse }: Place, known: Catalog): Promise<Looked> {
  const { duckdb: engine } = await import("../../engines/duckdb/index.js");
  const session = await duckdb.session();
  try {
    const schemas = await session.rows<{ name: string }>(
      "SELECT DISTINCT schema_name AS name FROM duckdb_schemas() WHERE database_name = current_database() AND NOT internal",
    );
    const wanted = ["main", ...schemas.map((row) => row.name)].map((schema) => container("duckdb", "schema", schema, { comment: "" }));
    const { catalog } = await engine.introspect(session, warehouse, catalogOf(warehouse, together(known, wanted))); // what dw did not make is meant here
    const rows = await session.rows<Record<"schema" | "view" | "column" | "type", string>>(
      "SELECT schema_name AS schema, table_name AS view, column_name AS column, data_type AS type FROM duckdb_columns() WHERE database_name = current_database()",
    );
    return { catalog, unmodelled: [], viewColumnTypes: typesOf({ catalog }, rows) };
  } finally {
    await session.close();
  }
}

/** Known objects, and the containers that are to be looked into. */
function together(known: Catalog, containers: readonly CatalogObject[]): CatalogObject[] {
  const ids = new Set(known.objects.map((object) => object.id));
  return [...known.objects, ...containers.filter((object) => !ids.has(object.id))];
}

type TypeRow = Readonly<Record<string, unknown>>;

function typesOf({ catalog }: Pick<Introspected, "catalog">, rows: readonly TypeRow[]): ViewColumnTypes {
  const byName = new Map(catalog.objects.map((object) => [displayName(object.name), object.id]));
  const types = new Map<ObjectId, Map<string, string>>();
  for (const { schema, view, column, type } of rows) {
    const id = byName.get(displayName([String(schema), String(view)]));
    if (id === undefined) continue;
    const columns = types.get(id) ?? new Map<string, string>();
    types.set(id, columns.set(String(column), String(type)));
  }
  return types;
}

function nothingThere({ connection, rest }: Place): DwError {
  return new DwError("DW-USAGE", {
    what: rest === "" ? `${connection} has no objects that dw can import.` : `${connection} has nothing called ${rest}.`,
    why: "After the connection's name stands nothing, a schema or database, or one object in it.",
    fix: rest === "" ? "Look at another database." : `Leave it out to import everything: dw import ${connection}:`,
  });
}
