import { type Catalog, type CatalogObject, catalogOf, compareText, objectId } from "../../core/catalog.js";
import type { Introspected } from "../../core/engine.js";
import type { JsonObject } from "../../core/json.js";
import type { MysqlRow, MysqlSession } from "../../core/session.js";
import {
  type ColumnBody,
  type MaterializedViewBody,
  type Properties,
  type QueryBody,
  qualifiedName,
  type StarrocksObject,
  starrocksObject,
  type TableBody,
  type ViewBody,
} from "./body.js";
import { isClusterObject } from "./cluster/body.js";
import { introspectCluster } from "./cluster/introspect.js";
import { materializedViewBody, tableBody, viewBody } from "./definition.js";
import { starrocks } from "./dialect.js";
import { awaitJobs, JOB_PATIENCE, type JobPatience, jobsOf } from "./jobs.js";
import { spelledMaterializedView, spelledView } from "./scratch.js";
import { asWanted, readShown, type Shown } from "./shown.js";

const { sql, id } = starrocks;

type Unmodelled = Introspected["unmodelled"][number];

interface Looking {
  readonly session: MysqlSession;
  readonly signal: AbortSignal;
  readonly patience: JobPatience;
  /** What the models want, by kind and name as the engine sees it. */
  readonly wanted: ReadonlyMap<string, StarrocksObject>;
  readonly objects: CatalogObject[];
  readonly unmodelled: Unmodelled[];
}

/**
 * The live catalog of the databases that `wanted` lies in, in the form that resolve gives. A table in the middle of a schema
 * change is waited for: it has two definitions. Queries are compared through scratch views (see scratch.ts). What SHOW CREATE
 * cannot tell is reported in `unmodelled`: rollups, synchronous materialized views, inactive views, other engines' tables.
 */
export async function introspect(
  session: MysqlSession,
  warehouse: string,
  wanted: Catalog,
  signal: AbortSignal = new AbortController().signal,
  patience: JobPatience = JOB_PATIENCE,
): Promise<Introspected> {
  const all = wanted.objects.filter((object) => object.slot === "starrocks");
  const own = all.filter((object) => !isClusterObject(object)).map(starrocksObject);
  const byName = new Map(own.map((object) => [keyOf(object.kind, qualifiedName(object)), object]));
  const looking: Looking = { session, signal, patience, wanted: byName, objects: [], unmodelled: [] };
  const existing = new Set((await session.query("SHOW DATABASES")).map((row) => row.Database ?? ""));
  for (const database of new Set(own.map((object) => qualifiedName(object)[0]))) {
    if (existing.has(database)) await lookAtDatabase(looking, database);
  }
  const cluster = await introspectCluster(session, all.filter(isClusterObject));
  return {
    catalog: catalogOf(warehouse, [...looking.objects, ...cluster]),
    unmodelled: looking.unmodelled.sort((a, b) => compareText(a.name, b.name)),
  };
}

function keyOf(kind: string, name: readonly string[]): string {
  return [kind, ...name].join("\0");
}

async function lookAtDatabase(looking: Looking, database: string): Promise<void> {
  const { session } = looking;
  add(looking, "database", [database], { database, properties: {} });
  const materialized = new Map(
    (await session.query(sql`SHOW MATERIALIZED VIEWS FROM ${id(database)}`.text)).map((row) => [row.name ?? "", row]),
  );
  const relations = await session.query(sql`SHOW FULL TABLES FROM ${id(database)}`.text);
  for (const row of relations) {
    const name = Object.entries(row).find(([column]) => column.startsWith("Tables_in_"))?.[1] ?? "";
    const view = materialized.get(name);
    if (OURS.test(name)) continue;
    if (view) await lookAtMaterializedView(looking, [database, name], view);
    else if (row.Table_type === "VIEW") await lookAtView(looking, [database, name]);
    else await lookAtTable(looking, [database, name]);
  }
  for (const [name, row] of materialized) {
    if (row.refresh_type === "ROLLUP") report(looking, [database, name], "a synchronous materialized view (rollup)");
  }
}

/** A scratch view that a crash left behind, and what a rebuild sets aside until its hold is over: no drift. */
const OURS = /^dw_scratch_|__dw_(?:[0-9a-f]{8}|new)$/;

type Name = readonly [database: string, name: string];

function add(looking: Looking, kind: StarrocksObject["kind"], live: readonly string[], body: JsonObject): void {
  const ours = looking.wanted.get(keyOf(kind, live));
  const name = ours?.name ?? live;
  const { model, dependsOn = [] } = ours ?? {};
  looking.objects.push({
    slot: "starrocks",
    kind,
    id: objectId("starrocks", kind, name),
    name,
    ...(model !== undefined && { model }),
    dependsOn,
    body,
  });
}

function report({ unmodelled }: Looking, name: readonly string[], what: string): void {
  unmodelled.push({ name: name.join("."), what });
}

/** The definition as the engine prints it. Undefined when it cannot be read back, which is reported. */
async function definition(looking: Looking, word: "TABLE" | "VIEW" | "MATERIALIZED VIEW", name: Name): Promise<Shown | undefined> {
  const answer = await looking.session.ask(`SHOW CREATE ${word} ${id(...name).text}`);
  if (!answer.ok) return report(looking, name, `an object that SHOW CREATE refuses: ${answer.message}`) as undefined;
  const [row] = answer.rows;
  const text = Object.entries(row ?? {}).find(([column]) => column.startsWith("Create "))?.[1] ?? "";
  const shown = readShown(text);
  if (!shown) report(looking, name, "a definition that StarRocks shows in a form that nobody can read back");
  return shown;
}

async function lookAtTable(looking: Looking, name: Name): Promise<void> {
  const [database, table] = name;
  const ours = looking.wanted.get(keyOf("table", name));
  if (ours) await settled(looking, { database, table });
  const shown = await definition(looking, "TABLE", name);
  if (!shown) return;
  const { statement } = shown;
  if (statement.statement !== "create-table" || (statement.engine ?? "OLAP").toUpperCase() !== "OLAP") {
    return report(looking, name, "a table of another engine");
  }
  if (statement.partition?.kind === "range" && statement.partition.expression) {
    return report(looking, name, "a table with named partitions over an expression");
  }
  const body = tableBody(statement, database);
  add(looking, "table", name, ours?.kind === "table" ? likeOurs(body, ours.body) : body);
}

/** What the models leave to the cluster is taken as it is, and value columns stand in the models' order: it has no meaning. */
function likeOurs(live: TableBody, wanted: TableBody): TableBody {
  const place = new Map(wanted.columns.map(({ name }, index) => [name, index]));
  const at = ({ name }: ColumnBody): number => (live.key.includes(name) ? -1 : (place.get(name) ?? wanted.columns.length));
  const columns = [...live.columns].sort((a, b) => at(a) - at(b)); // sort is stable: key columns stay as they are
  return { ...live, columns, properties: asWanted(live.properties, wanted.properties) };
}

/** Only unfinished jobs are waited for: how an old one ended is not the question here. */
async function settled(
  { session, signal, patience }: Looking,
  table: { readonly database: string; readonly table: string },
): Promise<void> {
  const open = (await jobsOf(session, table)).find(({ state }) => state !== "FINISHED" && state !== "CANCELLED");
  if (!open) return;
  await awaitJobs(session, table, open.id - 1n, signal, patience).catch((error: unknown) => {
    if (isCancelled(error)) return; // the table is as it was before
    throw error;
  });
}

function isCancelled(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "DW-ENGINE-REFUSED";
}

async function lookAtView(looking: Looking, name: Name): Promise<void> {
  const shown = await definition(looking, "VIEW", name);
  if (shown?.statement.statement !== "create-view") return;
  const body = viewBody(shown.statement, name[0], shown.text);
  const ours = looking.wanted.get(keyOf("view", name));
  const wanted = ours?.kind === "view" ? ours.body : undefined;
  const spelled = wanted && (await spelledView(looking.session, name, wanted));
  add(looking, "view", name, { ...body, query: queryOf(body, wanted, spelled) });
}

async function lookAtMaterializedView(looking: Looking, name: Name, row: MysqlRow): Promise<void> {
  if (row.is_active === "false") report(looking, name, `an inactive materialized view: ${row.inactive_reason ?? "no reason is given"}`);
  const shown = await definition(looking, "MATERIALIZED VIEW", name);
  if (shown?.statement.statement !== "create-materialized-view") return;
  const body = materializedViewBody(shown.statement, name[0], shown.text);
  const ours = looking.wanted.get(keyOf("materialized-view", name));
  const wanted = ours?.kind === "materialized-view" ? ours.body : undefined;
  const spelled = wanted && (await spelledMaterializedView(looking.session, name, wanted));
  const properties: Properties = wanted ? asWanted(body.properties, wanted.properties) : body.properties;
  const live: MaterializedViewBody = { ...body, properties, query: queryOf(body, wanted, spelled) };
  add(looking, "materialized-view", name, live);
}

/** Our own query where the engine spells it as it spells the live one. */
function queryOf(live: ViewBody, wanted: ViewBody | undefined, spelled: string | undefined): QueryBody {
  const same = spelled !== undefined && spelled === live.query.starrocks;
  return wanted && same ? wanted.query : live.query;
}
