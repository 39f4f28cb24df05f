import { type Connections, type OpenConnection, rowServer } from "../../connections/open.js";
import { type CatalogObject, objectFor } from "../../core/catalog.js";
import { DwError } from "../../core/errors.js";
import type { Columns, RelationModel, TopicModel } from "../../core/model.js";
import type { MergeRule, TargetColumn, TargetTable } from "../../core/target.js";
import type { EngineName } from "../../core/types.js";
import { engines } from "../../engines/index.js";
import { type OpenStorage, openWriter } from "../../storage/open.js";
import { resolveWarehouse } from "../resolve.js";
import type { Definition, FilesPlace, TargetPlace } from "./definition.js";

/** A table to load into, with what its model knows beyond the engine. */
export interface OpenTarget {
  readonly table: TargetTable;
  readonly model?: { readonly columns: Columns; readonly zone?: string };
  readonly key: readonly string[];
}

export interface TargetSurroundings {
  readonly connections: Connections;
  readonly scratch: string;
  /** Where folders of files are found. */
  readonly storage: OpenStorage;
}

/** Throws what connections throw, DW-TABLE-MISSING when asked for columns, DW-CONNECTION-UNSUPPORTED. */
export async function openTarget(definition: Definition, surroundings: TargetSurroundings): Promise<OpenTarget> {
  const { to } = definition;
  if (to.by === "files") return filesTargetAt(to, surroundings);
  if (to.by === "model" && to.model.model === "topic") return modelTopic(definition, to, to.model, surroundings);
  return to.by === "model" ? modelTarget(definition, to, surroundings) : connectionTarget(to, surroundings);
}

async function filesTargetAt({ format, path, partitionBy, model }: FilesPlace, { storage }: TargetSurroundings): Promise<OpenTarget> {
  const { filesTarget } = await import("../../targets/files/index.js");
  const writer = await openWriter(path, storage);
  const columns = model?.columns;
  const table = filesTarget({ format, writer, partitionBy, ...(columns && { columns }) });
  if (model === undefined) return { table, key: [] };
  const { key = [], zone } = model as RelationModel & { readonly key?: readonly string[]; readonly zone?: string }; // a table's
  return { table, model: { columns: model.columns, ...(zone !== undefined && { zone }) }, key };
}

async function modelTopic(
  definition: Definition,
  to: Extract<TargetPlace, { by: "model" }>,
  { columns, key = [] }: TopicModel,
  { connections }: TargetSurroundings,
): Promise<OpenTarget> {
  const { topicObject } = await import("../../engines/kafka/body.js");
  const { name, body } = topicObject(objectOf(definition, to, connections.environment.name));
  const [topic = ""] = name;
  if (body.format !== "json") throw noJson(topic, body.format);
  const table = await topicAt(await connections.slot(to.slot), topic, { columns, key });
  return { table, model: { columns }, key };
}

async function topicAt(
  open: OpenConnection,
  topic: string,
  model: { readonly columns?: Columns; readonly key: readonly string[] },
): Promise<TargetTable> {
  if (open.kind !== "kafka") throw noBroker(topic);
  const { topicTarget } = await import("../../targets/kafka/index.js");
  return topicTarget({ kafka: open.kafka, topic, ...model });
}

function noBroker(topic: string): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `The topic ${topic} is on a slot without brokers.`,
    why: "Messages are sent over a connection of kind kafka.",
    fix: "Bind `slots: { kafka: … }` to one in dw.config.ts.",
  });
}

function noJson(topic: string, format: string): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `Messages of ${topic} are ${format}, which this version of dw does not write.`,
    why: "It sends JSON; the schemas of other formats lie in a registry that it does not speak to.",
    fix: 'Backfill a topic whose model says format: "json".',
  });
}

async function modelTarget(
  definition: Definition,
  to: Extract<TargetPlace, { by: "model" }>,
  { connections, scratch, storage }: TargetSurroundings,
): Promise<OpenTarget> {
  const object = objectOf(definition, to, connections.environment.name);
  const model = to.model as RelationModel & { readonly key?: readonly string[]; readonly zone?: string }; // views have neither; a backfill's target is a table
  const pii = new Set(Object.entries(model.columns).flatMap(([name, column]) => (column.pii ? [name] : [])));
  const open = await connections.slot(to.slot);
  const table =
    open.kind === "hive"
      ? await hiveTable(open, engines.get(to.slot)?.qualifiedName?.(object) ?? object.name, storage)
      : await tableOf(open, to.slot, await placeOf(object), pii, scratch);
  return {
    table: modelled(table, model.columns),
    model: { columns: model.columns, ...(model.zone !== undefined && { zone: model.zone }) },
    key: model.key ?? [],
  };
}

function modelled(table: TargetTable, columns: Columns): TargetTable {
  const { staging } = table;
  return {
    ...table,
    columns: async (source) => (await table.columns(source)).map((column) => asModelled(column, columns)),
    ...(staging && {
      staging: (backfill: string) => {
        const staged = staging(backfill);
        return { ...staged, table: async () => modelled(await staged.table(), columns) };
      },
    }),
  };
}

/** The object that the model makes in its slot, with the environment's values filled in. */
function objectOf(definition: Definition, to: Extract<TargetPlace, { by: "model" }>, environment: string): CatalogObject {
  const { catalog } = resolveWarehouse(definition.warehouse ?? "", to.models, engines);
  const found = catalog.objects.find(
    (object) => object.slot === to.slot && object.kind === to.model.model && object.model === to.model.name,
  );
  if (found === undefined) throw new Error(`${to.model.name} makes no ${to.model.model} in ${to.slot}`);
  return objectFor(found, environment);
}

interface Place {
  readonly name: readonly string[];
  readonly merge: MergeRule;
}

async function placeOf(object: CatalogObject): Promise<Place> {
  if (object.slot !== "starrocks") return { name: object.name, merge: { merge: "append" } };
  const { qualifiedName, starrocksObject } = await import("../../engines/starrocks/body.js");
  const { mergeRule } = await import("../../engines/starrocks/load.js");
  const table = starrocksObject(object);
  if (table.kind !== "table") throw new Error(`${object.id} is no table`);
  return { name: qualifiedName(table), merge: mergeRule(table.body) };
}

async function tableOf(
  connection: OpenConnection,
  slot: EngineName,
  place: Place,
  pii: ReadonlySet<string>,
  scratch: string,
): Promise<TargetTable> {
  if (isStarrocks(connection)) return starrocksTable(connection, place.name, place.merge);
  const open = rowServer(connection, "load rows");
  if (open.kind === "duckdb") {
    const { duckdbTarget } = await import("../../engines/duckdb/load.js");
    return duckdbTarget({ engine: slot, ...place, connect: () => open.duckdb.session() });
  }
  const [schema = "public", table = ""] = place.name;
  const { pgTarget } = await import("../../engines/postgres/load.js");
  const target = pgTarget(open.pg, { engine: slot === "timescale" ? "timescale" : "postgres", schema, table, pii, scratch });
  if (slot !== "timescale" || open.pg.server.timescale === undefined) return target;
  const { hypertableUpkeep } = await import("../../engines/timescale/upkeep.js");
  return { ...target, upkeep: hypertableUpkeep(open.pg, { schema, table }) };
}

async function hiveTable(
  { hive, files = {} }: Extract<OpenConnection, { kind: "hive" }>,
  name: readonly string[],
  storage: OpenStorage,
): Promise<TargetTable> {
  const [{ hiveTarget }, { addressOf }] = await Promise.all([
    import("../../targets/hive/index.js"),
    import("../../targets/hive/location.js"),
  ]);
  const [database = "default", table = ""] = name.length === 1 ? ["default", ...name] : name;
  return hiveTarget({ hive, database, table, writer: (location) => openWriter(addressOf(location, files), storage) });
}

type Mysql = Extract<OpenConnection, { kind: "mysql" }>;
type Starrocks = Mysql & Required<Pick<Mysql, "http">>;

function isStarrocks(open: OpenConnection): open is Starrocks {
  return open.kind === "mysql" && open.http !== undefined;
}

async function starrocksTable(
  { mysql, http }: Starrocks,
  [database = "", table = ""]: readonly string[],
  merge?: MergeRule,
): Promise<TargetTable> {
  const { starrocksTarget } = await import("../../engines/starrocks/load.js");
  return starrocksTarget({ http, connect: () => mysql.session(), name: [database, table], ...(merge && { merge }) });
}

/** Lengths and values that the engine does not enforce are the model's promise all the same; computed columns are not loaded. */
function asModelled(column: TargetColumn, columns: Columns): TargetColumn {
  const model = columns[column.name];
  if (model === undefined) return column;
  const writable = column.writable && model.generated === undefined;
  const narrower =
    column.type.kind === "text" && column.type.max === undefined && (model.type.kind === "text" || model.type.kind === "enum");
  return { ...column, writable, ...(narrower && { type: model.type }) };
}

async function connectionTarget(
  to: Extract<TargetPlace, { by: "connection" }>,
  { connections, scratch, storage }: TargetSurroundings,
): Promise<OpenTarget> {
  const connection = await connections.named(to.connection);
  if (connection.kind === "kafka") return { table: await topicAt(connection, to.table, { key: [] }), key: [] };
  const name = to.table.split(".");
  if (name.length > 2 || name.includes("") || (isStarrocks(connection) && name.length < 2)) throw wrongTable(to.table);
  if (isStarrocks(connection)) return { table: await starrocksTable(connection, name), key: [] };
  if (connection.kind === "hive") return { table: await hiveTable(connection, name, storage), key: [] };
  const open = rowServer(connection, "load rows");
  const place: Place = { name: open.kind === "pg" && name.length === 1 ? ["public", ...name] : name, merge: { merge: "append" } };
  const engine = open.kind === "duckdb" ? "duckdb" : open.pg.server.timescale === undefined ? "postgres" : "timescale";
  return { table: await tableOf(open, engine, place, new Set(), scratch), key: [] };
}

function wrongTable(table: string): DwError {
  return new DwError("DW-USAGE", {
    what: `${table} is no table name.`,
    why: "A table of a connection is named SCHEMA.TABLE or TABLE.",
    fix: "Correct the part of --target after the colon.",
  });
}
