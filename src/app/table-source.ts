import { type Connections, type OpenConnection, rowServer } from "../connections/open.js";
import { type CatalogObject, objectFor } from "../core/catalog.js";
import { DwError } from "../core/errors.js";
import type { Column, Model } from "../core/model.js";
import { nearest } from "../core/nearest.js";
import type { MysqlServer } from "../core/session.js";
import type { SourceTable } from "../core/source.js";
import type { EngineName } from "../core/types.js";
import { engines } from "../engines/index.js";
import type { Project } from "./project.js";
import { resolveWarehouse } from "./resolve.js";

/** What a topic or a collection wants to know beside its name. */
export interface TopicRequest {
  readonly typed?: Readonly<Record<string, Column>>;
  readonly snapshot?: string;
}

/** `REST` of `CONNECTION:REST`: SCHEMA.TABLE or TABLE, a topic or a collection. `scratch` is a folder for chunk files. */
export async function namedTable(
  open: OpenConnection,
  connection: string,
  rest: string,
  scratch: string,
  topic: TopicRequest = {},
): Promise<SourceTable> {
  if (open.kind === "kafka") {
    const { openKafkaTopic } = await import("../sources/kafka/index.js");
    return openKafkaTopic(open.kafka, { topic: rest, ...topic });
  }
  if (open.kind === "mongodb") {
    const { openMongoCollection } = await import("../sources/mongodb/index.js");
    return openMongoCollection(open.mongo, { collection: rest, ...(topic.typed && { typed: topic.typed }) });
  }
  const name = rest.split(".");
  if (name.length <= 2 && !name.includes("")) return tableAt(open, name, scratch);
  throw new DwError("DW-SOURCE-UNKNOWN", {
    what: `${connection}:${rest} names no table.`,
    why: "A table of a connection is SCHEMA.TABLE or TABLE.",
    fix: "Write for example legacy:public.orders.",
  });
}

async function tableAt(connection: OpenConnection, name: readonly string[], scratch: string): Promise<SourceTable> {
  if (connection.kind === "mysql" && connection.server === "mysql") return mysqlTable(connection.mysql, name, scratch);
  if (connection.kind === "hive") {
    const { openHiveTable } = await import("../sources/hive/index.js");
    const [database = "", table = ""] = name.length === 1 ? ["default", ...name] : name;
    return openHiveTable(connection.hive, { database, table });
  }
  const open = rowServer(connection, "read rows");
  if (open.kind === "duckdb") {
    const { openDuckdbTable } = await import("../engines/duckdb/read.js");
    return openDuckdbTable(open.duckdb, { name, scratch });
  }
  const { openPgTable } = await import("../engines/postgres/read.js");
  const [schema = "", table = ""] = name.length === 1 ? ["public", ...name] : name;
  return openPgTable(open.pg, { schema, table, scratch });
}

async function mysqlTable(server: MysqlServer, name: readonly string[], scratch: string): Promise<SourceTable> {
  const { openMysqlTable } = await import("../sources/mysql/index.js");
  const [first = "", second] = name;
  if (second !== undefined) return openMysqlTable(server, { database: first, table: second, scratch });
  const [row] = await server.query("SELECT DATABASE() AS current");
  return openMysqlTable(server, { database: row?.current ?? "", table: first, scratch });
}

interface Surroundings {
  readonly project: Project;
  readonly connections: Connections;
  readonly warehouse?: string;
  readonly scratch: string;
}

/** `REST` of `model:REST`: the table or view that a model is in this environment; `NAME@ENGINE` for a model that is on several. */
export async function modelTable(rest: string, surroundings: Surroundings): Promise<SourceTable> {
  const at = rest.lastIndexOf("@");
  const [name, engine] = at === -1 ? [rest, undefined] : [rest.slice(0, at), rest.slice(at + 1)];
  const found = (await places(name, surroundings)).filter(({ slot }) => engine === undefined || slot === engine);
  const [place] = found;
  if (place === undefined) throw noRows(rest, await modelNames(surroundings));
  if (found.length > 1) throw several(name, found);
  return tableAt(await surroundings.connections.slot(place.slot), place.name, surroundings.scratch);
}

interface Place {
  readonly warehouse: string;
  readonly slot: EngineName;
  readonly name: readonly string[];
}

/** Kinds of objects that have rows; a continuous aggregate is read as the view that it is. */
const withRows = new Set<CatalogObject["kind"]>(["table", "view", "materialized-view", "continuous-aggregate"]);

async function places(name: string, { project, connections, warehouse }: Surroundings): Promise<Place[]> {
  const found: Place[] = [];
  for (const each of await project.someWarehouses(warehouse)) {
    const models = await project.models(each);
    if (!models.some((model) => model.name === name)) continue;
    const { catalog } = resolveWarehouse(each, models, engines);
    const objects = catalog.objects.filter((object) => object.model === name && withRows.has(object.kind));
    found.push(...objects.map((object) => placeOf(each, object, connections.environment.name)));
  }
  return found;
}

function placeOf(warehouse: string, object: CatalogObject, environment: string): Place {
  const filled = objectFor(object, environment);
  return { warehouse, slot: object.slot, name: engines.get(object.slot)?.qualifiedName?.(filled) ?? filled.name };
}

async function modelNames({ project, warehouse }: Surroundings): Promise<string[]> {
  const models: Model[] = [];
  for (const each of await project.someWarehouses(warehouse)) models.push(...(await project.models(each)));
  return models.map((model) => model.name);
}

function noRows(rest: string, known: readonly string[]): DwError {
  const near = nearest(rest, known);
  return new DwError("DW-SOURCE-UNKNOWN", {
    what: `model:${rest} names no table or view of the models.`,
    why: "model:NAME is the table, view or aggregate that a model makes, and NAME@ENGINE the one of that engine.",
    fix: near === undefined || near === rest ? "Name a model with rows in an engine that dw can read." : `Did you mean model:${near}?`,
  });
}

function several(name: string, found: readonly Place[]): DwError {
  const slots = [...new Set(found.map(({ slot }) => slot))];
  const many = slots.length > 1;
  return new DwError("DW-USAGE", {
    what: `Model ${name} is in ${many ? slots.join(" and ") : `the warehouses ${found.map(({ warehouse }) => warehouse).join(" and ")}`}.`,
    why: "Rows are read from one place.",
    fix: many ? `Write for example model:${name}@${slots[0]}.` : "Name one with --warehouse.",
  });
}
