import { type CatalogObject, type Hole, isHole, objectId } from "../../core/catalog.js";
import { withGrain, withUnit } from "../../core/comments.js";
import { doubleQuoted } from "../../core/double-quotes.js";
import type { ResolveContext, Resolved } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { Json } from "../../core/json.js";
import type { Loss } from "../../core/loss.js";
import { mappedType } from "../../core/mapped-column.js";
import type { Column, MaterializedViewModel, Model, SqlBody, TableModel, ViewModel } from "../../core/model.js";
import { bodyText, readModels } from "../../core/model-sql.js";
import type {
  ColumnBody,
  DatabaseBody,
  FormatBody,
  Held,
  MaterializedViewBody,
  PartitionColumn,
  Properties,
  ReferenceBody,
  TableBody,
  ViewBody,
} from "./body.js";
import { quoting } from "./dialect.js";
import type { HiveMaterializedViewOptions, HiveTableOptions, HiveViewOptions } from "./options.js";
import { mapType } from "./types.js";

type RelationModel = TableModel | ViewModel | MaterializedViewModel;
type TableOptions = HiveTableOptions<string>;

/** Objects of the models that are on Hive, and the databases that they lie in. */
export function resolve(models: readonly Model[], context: ResolveContext): Resolved {
  const losses: Loss[] = [];
  const relations = models.filter(isOnHive).map((model) => relationObject(model, context, losses));
  const made = relations.map(({ body }) => body.database).filter((database) => database !== "default"); // which is always there
  const databases = new Map(made.map(databaseObject).map((database) => [database.id, database]));
  return { objects: [...databases.values(), ...relations], losses, findings: [] };
}

function isOnHive(model: Model): model is RelationModel {
  const relation = model.model === "table" || model.model === "view" || model.model === "materialized-view";
  return relation && model.on.hive !== undefined;
}

type RelationObject = CatalogObject<TableBody> | CatalogObject<ViewBody> | CatalogObject<MaterializedViewBody>;

function optionsOf(model: RelationModel): HiveViewOptions {
  return (model.on.hive ?? {}) as HiveViewOptions; // every kind's options have these two
}

function nameOf(model: RelationModel, context: ResolveContext): [string, string] {
  const { database = context.warehouse, name = model.name } = optionsOf(model);
  return [defaultOf(database), name];
}

function defaultOf(value: string | Hole): string {
  return typeof value === "string" ? value : String(value.$env.default);
}

/** A Hole is JSON; the interface only lacks the index signature that would say so. */
function held<T extends Json>(value: T | Hole): Held<T> {
  return value as Held<T>;
}

function databaseObject(database: Held<string>): CatalogObject<DatabaseBody> {
  const name = [isHole(database) ? String(database.$env.default) : String(database)];
  return { slot: "hive", kind: "database", id: objectId("hive", "database", name), name, dependsOn: [], body: { database } };
}

function relationObject(model: RelationModel, context: ResolveContext, losses: Loss[]): RelationObject {
  const name = nameOf(model, context);
  const reads = model.model === "table" ? [] : modelsRead(model).map((other) => referenced(other, model, context));
  const dependsOn = [
    objectId("hive", "database", [name[0]]),
    ...reads.map((other) => objectId("hive", other.model, nameOf(other, context))),
    ...(model.model === "table" ? referencesOf(model, context).map(({ table }) => objectId("hive", "table", table)) : []),
  ];
  const envelope = { slot: "hive", model: model.name, name, dependsOn, id: objectId("hive", model.model, name) } as const;
  switch (model.model) {
    case "table":
      return { ...envelope, kind: "table", body: tableBody(model, context, losses) };
    case "view":
      return { ...envelope, kind: "view", body: viewBody(model, context) };
    case "materialized-view":
      return { ...envelope, kind: "materialized-view", body: materializedViewBody(model, context) };
  }
}

// ------------------------------------------------------------------------------------------------ tables

function tableBody(model: TableModel, context: ResolveContext, losses: Loss[]): TableBody {
  const options = model.on.hive as unknown as TableOptions; // typed when the model was written
  const partitioned = options.partitionedBy ?? [];
  for (const column of namedColumns(options)) columnOf(model, column);
  const columns = Object.entries(model.columns)
    .filter(([name]) => !partitioned.includes(name))
    .map(([name, column]) => columnBody(model, name, column, losses));
  if (columns.length === 0)
    throw invalid(model.name, "every column is a partition", "Leave one column out of partitionedBy: it holds the rows.");
  const partitions = partitioned.map((name) => partitionColumn(model, name, losses));
  const { notNull = options.table === "external" ? "none" : "enforce" } = options;
  return {
    database: held(options.database ?? context.warehouse),
    table: options.table,
    columns,
    partitions,
    clusteredBy: [...(options.clusteredBy ?? [])],
    sortedBy: (options.sortedBy ?? []).map((sort) => (typeof sort === "string" ? { column: sort, order: "asc" } : sort)),
    ...(options.buckets !== undefined && { buckets: options.buckets }),
    ...(options.skewedBy && { skewed: { asDirectories: false, ...options.skewedBy } }),
    format: formatBody(options),
    ...(options.location !== undefined && { location: held(options.location) }),
    properties: { ...(options.table === "transactional" && { transactional: "true" }), ...heldProperties(options.properties) },
    notNull,
    key: [...(model.key ?? [])],
    references: referencesOf(model, context),
    comment: commentOf(model),
  };
}

function namedColumns({ partitionedBy = [], clusteredBy = [], sortedBy = [], skewedBy }: TableOptions): string[] {
  const sorted = sortedBy.map((sort) => (typeof sort === "string" ? sort : sort.column));
  return [...partitionedBy, ...clusteredBy, ...sorted, ...(skewedBy?.columns ?? [])];
}

function columnOf(model: TableModel, name: string): Column {
  const column = Object.hasOwn(model.columns, name) ? model.columns[name] : undefined;
  if (column) return column;
  throw invalid(model.name, `its Hive options name the column ${name}, which it does not have`, "Name one of the model's columns.");
}

function formatBody({ storedAs, storedBy, serde, delimited = {} }: TableOptions): FormatBody {
  const handler = storedBy === undefined ? undefined : storedBy === "iceberg" ? "ICEBERG" : storedBy.handler;
  return {
    ...(storedAs !== undefined && { storedAs: storedAs.toUpperCase() }),
    ...(handler !== undefined && { storedBy: handler }),
    ...(serde && { serde: serde.class }),
    serdeProperties: { ...serde?.properties },
    delimited: Object.fromEntries(Object.entries(delimited).filter((entry): entry is [string, string] => entry[1] !== undefined)),
  };
}

function heldProperties(properties: Readonly<Record<string, string | Hole>> = {}): Properties {
  return properties as Properties; // as in held()
}

function nativeType(model: TableModel, name: string, column: Column, losses: Loss[]): string {
  return mappedType({ engine: "hive", label: "Hive", model, name, column, mapping: mapType(column.type, column) }, losses);
}

function columnBody(model: TableModel, name: string, column: Column, losses: Loss[]): ColumnBody {
  const type = nativeType(model, name, column, losses);
  const value = defaultText(model, name, column, type);
  return {
    name,
    type,
    nullable: column.nullable,
    ...(value !== undefined && { default: value }),
    comment: withUnit(column),
  };
}

function partitionColumn(model: TableModel, name: string, losses: Loss[]): PartitionColumn {
  const column = columnOf(model, name);
  return { name, type: nativeType(model, name, column, losses), comment: withUnit(column) };
}

function defaultText(model: TableModel, name: string, { default: value }: Column, type: string): string | undefined {
  if (value === undefined) return undefined;
  if ("now" in value) return "CURRENT_TIMESTAMP()";
  if ("literal" in value) return literalOf(value.literal, type);
  if (value.sql.hive !== undefined) return value.sql.hive;
  throw invalid(`${model.name}.${name}`, "its default has no Hive expression", "Give .defaultSql({ hive: … }).");
}

/** Hive compares types exactly: the text 'new' is no default of a varchar(8). */
function literalOf(value: string | number | boolean, type: string): string {
  const text = quoting.literal(value);
  return ["string", "int", "boolean"].includes(type) ? text : `CAST(${text} AS ${type})`;
}

/** References to keys that Hive knows: it refuses a foreign key without the other table's primary key. Others are checks. */
function referencesOf(model: TableModel, context: ResolveContext): ReferenceBody[] {
  return (model.references ?? []).flatMap(({ columns, model: name, to }) => {
    const target = context.models.get(name);
    if (!target || target === model || !isOnHive(target) || target.model !== "table" || !declaresKey(target, to)) return [];
    return [{ columns: [...columns], table: nameOf(target, context), to: [...to] }];
  });
}

/** A partition column cannot be in a declared key. */
function declaresKey(target: TableModel, to: readonly string[]): boolean {
  const { partitionedBy = [] } = target.on.hive as unknown as TableOptions; // as in tableBody
  const { key = [] } = target;
  return key.join("\0") === to.join("\0") && !key.some((column) => partitionedBy.includes(column));
}

// ------------------------------------------------------------------------------------------------ views

function viewBody(model: ViewModel | MaterializedViewModel, context: ResolveContext): ViewBody {
  const columns = Object.entries(model.columns).map(([name, column]) => ({ name, comment: withUnit(column) }));
  const text = (body: SqlBody, ident: (name: string) => string): string =>
    bodyText(body, (reference) =>
      reference.ref === "column"
        ? ident(reference.column)
        : nameOf(referenced(reference.model, model, context), context)
            .map(ident)
            .join("."),
    );
  const { duckdb } = model.query;
  return {
    database: held(optionsOf(model).database ?? context.warehouse),
    columns,
    query: text(bodyOf(model), quoting.ident),
    ...(duckdb && { duckdb: text(duckdb, doubleQuoted) }),
    comment: commentOf(model),
  };
}

function modelsRead(model: ViewModel | MaterializedViewModel): string[] {
  return [...new Set([bodyOf(model), model.query.duckdb].flatMap((body) => (body ? readModels(body) : [])))].sort();
}

function materializedViewBody(model: MaterializedViewModel, context: ResolveContext): MaterializedViewBody {
  const options = model.on.hive as unknown as HiveMaterializedViewOptions<string>; // typed when the model was written
  return {
    ...viewBody(model, context),
    partitions: [...(options.partitionedBy ?? [])],
    rewrite: options.rewrite ?? true,
    ...(options.storedAs !== undefined && { storedAs: options.storedAs.toUpperCase() }),
    ...(options.location !== undefined && { location: held(options.location) }),
    properties: heldProperties(options.properties),
  };
}

function bodyOf(model: ViewModel | MaterializedViewModel): SqlBody {
  const body = model.query.hive;
  if (body) return body;
  throw invalid(model.name, "its query has no Hive body", "Add query: { hive: sql.hive`…` }.");
}

function referenced(name: string, from: RelationModel, context: ResolveContext): RelationModel {
  const model = context.models.get(name);
  if (model && isOnHive(model)) return model;
  throw invalid(from.name, `its query reads ${name}, which is not on Hive`, `Put ${name} on Hive, or read something else.`);
}

function commentOf(model: RelationModel): string {
  return withGrain(model.comment, "grain" in model ? model.grain : "");
}

function invalid(place: string, what: string, fix: string): DwError {
  return new DwError("DW-MODEL-INVALID", { what: `Model ${place}: ${what}.`, why: "Hive would refuse it.", fix });
}
