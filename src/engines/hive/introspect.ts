import { type Catalog, type CatalogObject, catalogOf, compareText, objectId } from "../../core/catalog.js";
import type { Introspected } from "../../core/engine.js";
import { isDwError } from "../../core/errors.js";
import { isJsonObject, type Json, type JsonObject, sameJson } from "../../core/json.js";
import type { HiveSession } from "../../core/session.js";
import {
  type ColumnBody,
  type HiveObject,
  hiveObject,
  type MaterializedViewBody,
  qualifiedName,
  type TableBody,
  type ViewBody,
} from "./body.js";
import { type Described, described, formatAsDescribed } from "./described.js";
import { hive } from "./dialect.js";
import { normalize } from "./normalize.js";

const { sql, id } = hive;

type Unmodelled = Introspected["unmodelled"][number];

interface Looking {
  readonly session: HiveSession;
  /** What the models want, by kind and name as the metastore has it, normalised. */
  readonly wanted: ReadonlyMap<string, HiveObject>;
  readonly objects: CatalogObject[];
  readonly unmodelled: Unmodelled[];
}

/**
 * The live catalog of the databases that `wanted` lies in, from the metastore's own records. Properties that no model states
 * (statistics of other engines, notes of other tools) are not part of an object of ours, and are not touched.
 */
export async function introspect(session: HiveSession, warehouse: string, wanted: Catalog): Promise<Introspected> {
  const own = wanted.objects.filter(({ slot }) => slot === "hive").map((object) => hiveObject(normalize(object)));
  const byName = new Map(own.map((object) => [keyOf(object.kind, qualifiedName(object)), object]));
  const looking: Looking = { session, wanted: byName, objects: [], unmodelled: [] };
  await session.query("SET hive.ddl.output.format=text");
  const existing = new Set(firstColumn(await session.query("SHOW DATABASES")));
  for (const database of new Set(own.map((object) => lower(qualifiedName(object)[0])))) {
    if (existing.has(database)) await lookAtDatabase(looking, database);
  }
  return { catalog: catalogOf(warehouse, looking.objects), unmodelled: looking.unmodelled.sort((a, b) => compareText(a.name, b.name)) };
}

const lower = (name: string | undefined): string => (name ?? "").toLowerCase();

function keyOf(kind: string, name: readonly string[]): string {
  return [kind, ...name.map(lower)].join("\0");
}

function firstColumn(rows: readonly Readonly<Record<string, string | null>>[]): string[] {
  return rows.map((row) => Object.values(row)[0] ?? "");
}

/** The prefix of what a rebuild has made, beside the table that it will become. */
const OURS_BETWEEN = /__dw_(rebuild|old)$/;

async function lookAtDatabase(looking: Looking, database: string): Promise<void> {
  const { session } = looking;
  add(looking, "database", [database], { database });
  const named = async (words: string): Promise<string[]> => firstColumn(await session.query(`SHOW ${words} IN ${id(database).text}`));
  const names = new Set([...(await named("TABLES")), ...(await named("VIEWS")), ...(await named("MATERIALIZED VIEWS"))]);
  await session.query("SET hive.ddl.output.format=json");
  try {
    for (const name of [...names].sort(compareText)) if (!OURS_BETWEEN.test(name)) await lookAt(looking, [database, name]);
  } finally {
    await session.query("SET hive.ddl.output.format=text");
  }
}

type Name = readonly [database: string, name: string];

async function lookAt(looking: Looking, name: Name): Promise<void> {
  const found = await describe(looking, name);
  if (!found) return;
  const ours = looking.wanted.get(keyOf(found.type, name));
  if (found.type === "view") add(looking, "view", name, likeOurs(viewBody(found, name), ours));
  else if (found.type === "materialized-view") add(looking, "materialized-view", name, likeOurs(materializedViewBody(found, name), ours));
  else lookAtTable(looking, name, found, ours);
}

async function describe({ session, unmodelled }: Looking, name: Name): Promise<Described | undefined> {
  try {
    const [row] = await session.query(sql`DESCRIBE EXTENDED ${id(...name)}`.text);
    return described(Object.values(row ?? {})[0] ?? "{}");
  } catch (error) {
    if (!isDwError(error) || error.errorClass !== "refused") throw error;
    unmodelled.push({ name: name.join("."), what: `an object that Hive does not describe: ${error.why}` });
    return undefined;
  }
}

function lookAtTable(looking: Looking, name: Name, found: Described, ours: HiveObject | undefined): void {
  if (found.format === undefined) {
    looking.unmodelled.push({ name: name.join("."), what: "a table whose files are in a format that STORED AS does not name" });
    return;
  }
  const live = tableBody(found, found.format, name);
  add(looking, "table", name, ours?.kind === "table" ? likeOurs(live, { ...ours, body: ours.body }) : live);
}

function add(looking: Looking, kind: HiveObject["kind"], live: readonly string[], body: JsonObject): void {
  const ours = looking.wanted.get(keyOf(kind, live));
  const name = ours?.name ?? live;
  const { model, dependsOn = [] } = ours ?? {};
  const own = model === undefined ? {} : { model };
  looking.objects.push({ slot: "hive", kind, id: ours?.id ?? objectId("hive", kind, name), name, ...own, dependsOn, body });
}

function tableBody(found: Described, format: TableBody["format"], [database]: Name): TableBody {
  const { type: _, query: __, rewrite: ___, buckets, format: ____, properties, ...rest } = found;
  return { ...rest, database, format, properties, ...(buckets > 0 && { buckets }) };
}

function viewBody({ columns, query, comment }: Described, [database]: Name): ViewBody {
  return { database, columns: columns.map((column) => ({ name: column.name, comment: column.comment })), query, comment };
}

function materializedViewBody(found: Described, name: Name): MaterializedViewBody {
  const { partitions, rewrite, format, location, properties } = found;
  return {
    ...viewBody({ ...found, columns: [...found.columns, ...partitions.map((column) => ({ ...column, nullable: true }))] }, name),
    partitions: partitions.map((column) => column.name),
    rewrite,
    ...(format?.storedAs !== undefined && { storedAs: format.storedAs }),
    location,
    properties,
  };
}

/** Our own words for each part in which the live object is what ours would look like. */
function likeOurs<Body extends JsonObject>(live: Body, ours: HiveObject | undefined): Body {
  if (ours === undefined) return live;
  const wanted = ours.body as JsonObject;
  const shown = asShown(ours);
  const mine = onlyStated(live, wanted);
  const parts = [...new Set([...Object.keys(mine), ...Object.keys(wanted)])].flatMap((part) => {
    if (sameJson(mine[part], shown[part])) return wanted[part] === undefined ? [] : [[part, wanted[part]] as const];
    return mine[part] === undefined ? [] : [[part, mine[part]] as const];
  });
  return Object.fromEntries(parts) as unknown as Body; // the same parts, each in one of two forms of the same type
}

/** What no model states is left to others: properties, and a place that the metastore chose. */
function onlyStated(live: JsonObject, wanted: JsonObject): JsonObject {
  const stated = (wanted.properties ?? {}) as JsonObject; // of tables and materialized views
  const properties = Object.entries((live.properties ?? {}) as JsonObject).filter(([name]) => Object.hasOwn(stated, name));
  const { location, storedAs, ...rest } = live;
  return {
    ...rest,
    ...(live.query !== undefined && { query: unquoted(String(live.query)) }),
    ...(wanted.duckdb !== undefined && { duckdb: wanted.duckdb }), // which Hive does not keep
    ...(Array.isArray(live.partitions) && { partitions: live.partitions.map((column) => withOurComment(column, wanted)) }),
    ...(live.properties !== undefined && { properties: Object.fromEntries(properties) }),
    ...(location !== undefined && wanted.location !== undefined && { location: placeText(String(location)) }),
    ...(storedAs !== undefined && wanted.storedAs !== undefined && { storedAs }),
  };
}

/** No statement changes a partition column's comment: what the table was made with is left to it. */
function withOurComment(column: Json, { partitions }: JsonObject): Json {
  if (!isJsonObject(column) || !Array.isArray(partitions)) return column; // materialized views have names only
  const ours = partitions.filter(isJsonObject).find(({ name }) => name === column.name);
  return ours?.comment === undefined ? column : { ...column, comment: ours.comment };
}

/** A body as introspection would find it, had it just been made. */
function asShown(ours: HiveObject): JsonObject {
  const body = ours.body as JsonObject;
  const place = body.location === undefined ? {} : { location: placeText(String(body.location)) };
  if (ours.kind === "view") return { ...body, query: unquoted(ours.body.query) };
  if (ours.kind === "materialized-view") {
    const columns = ours.body.columns.map(({ name }) => ({ name, comment: "" })); // CREATE MATERIALIZED VIEW has no place for comments
    return { ...body, ...place, query: unquoted(ours.body.query), columns };
  }
  return ours.kind === "table" ? { ...tableAsShown(ours.body), ...place } : body;
}

/** Hive keeps the query of some views without its backticks. */
function unquoted(query: string): string {
  return query.replaceAll("`", "").trim();
}

function tableAsShown(body: TableBody): JsonObject {
  const partitioned = (columns: readonly string[]): boolean =>
    columns.some((column) => body.partitions.some(({ name }) => name === column));
  const columns = body.columns.map((column) => columnAsShown(column, body));
  const enforced = columns.some((column) => column.nullable === false);
  return {
    ...body,
    format: formatAsDescribed(body.format),
    columns: columns as readonly Json[],
    notNull: enforced ? body.notNull : "none",
    key: partitioned(body.key) ? [] : body.key,
    references: body.references.filter((reference) => !partitioned(reference.columns)) as readonly Json[],
  };
}

/** A column has one constraint: a default hides that it is not NULL. */
function columnAsShown(column: ColumnBody, { notNull }: TableBody): ColumnBody {
  return { ...column, nullable: column.nullable || column.default !== undefined || notNull === "none" };
}

/** `file:/a` and `file:///a` are one place, and so is `/a/`. */
function placeText(location: string): string {
  return location
    .replace(/^([a-z0-9]+):\/+(?=[^/])/i, (whole, scheme: string) => (scheme === "file" ? "file:/" : whole))
    .replace(/\/+$/, "");
}
