import { type CatalogObject, type Hole, isHole, objectId } from "../../core/catalog.js";
import { withUnit } from "../../core/comments.js";
import { doubleQuoted } from "../../core/double-quotes.js";
import type { ResolveContext, Resolved } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { Json, JsonObject } from "../../core/json.js";
import type { Loss } from "../../core/loss.js";
import { mappedType } from "../../core/mapped-column.js";
import type { Column, Columns, MaterializedViewModel, Model, SqlBody, TableModel, ViewModel } from "../../core/model.js";
import { modelPlace } from "../../core/model-place.js";
import type { Dialect } from "../../core/types.js";

import type {
  ColumnBody,
  DatabaseBody,
  DistributionBody,
  Held,
  IndexBody,
  MaterializedViewBody,
  PartitionBody,
  PartitionExpression,
  Properties,
  QueryBody,
  RefreshBody,
  SqlText,
  TableBody,
  ViewBody,
  ViewColumn,
} from "./body.js";
import { clusterObjects } from "./cluster/resolve.js";
import { quoting } from "./dialect.js";
import type { DynamicPartitions, StarrocksMaterializedViewOptions, StarrocksTableOptions, StarrocksViewOptions } from "./options.js";
import { foldType, mapType } from "./types.js";

type RelationModel = TableModel | ViewModel | MaterializedViewModel;
type TableOptions = StarrocksTableOptions<string>;
type ViewOptions = StarrocksMaterializedViewOptions<string>;

/** Objects of the models that are on StarRocks, and the databases that they lie in. */
export function resolve(models: readonly Model[], context: ResolveContext): Resolved {
  const losses: Loss[] = [];
  const relations = models.filter(isOnStarrocks).map((model) => relationObject(model, context, losses));
  const databases = new Map(relations.map((relation) => databaseObject(relation.body.database)).map((database) => [database.id, database]));
  for (const relation of relations) agreeOnDatabase(relation, databases);
  return { objects: [...databases.values(), ...relations, ...clusterObjects(models, context)], losses, findings: [] };
}

type RelationObject = CatalogObject<TableBody> | CatalogObject<ViewBody> | CatalogObject<MaterializedViewBody>;

function isOnStarrocks(model: Model): model is RelationModel {
  const relation = model.model === "table" || model.model === "view" || model.model === "materialized-view";
  return relation && model.on.starrocks !== undefined;
}

function relationObject(model: RelationModel, context: ResolveContext, losses: Loss[]): RelationObject {
  const options: unknown = model.on.starrocks; // typed by kind of model when the model was written
  const { database = context.warehouse, name: own = model.name } = optionsOf(model);
  const name = [defaultOf(database), own];
  const references = model.model === "table" ? [] : referencedModels(model);
  const dependsOn = [
    objectId("starrocks", "database", [defaultOf(database)]),
    ...references.map((reference) => relationId(referenced(reference, model, context), context)),
  ];
  const envelope = { slot: "starrocks", model: model.name, name, dependsOn } as const;
  const id = objectId("starrocks", model.model, name);
  switch (model.model) {
    case "table":
      return { ...envelope, id, kind: "table", body: tableBody(model, options as TableOptions, held(database), losses) };
    case "view":
      return { ...envelope, id, kind: "view", body: viewBody(model, held(database), context, losses) };
    case "materialized-view":
      return {
        ...envelope,
        id,
        kind: "materialized-view",
        body: materializedViewBody(model, options as ViewOptions, held(database), context, losses),
      };
  }
}

function optionsOf(model: RelationModel): StarrocksViewOptions & JsonObject {
  return (model.on.starrocks ?? {}) as StarrocksViewOptions & JsonObject; // every kind's options have these two
}

function databaseObject(database: Held<string>): CatalogObject<DatabaseBody> {
  const name = [defaultOf(database)];
  return {
    slot: "starrocks",
    kind: "database",
    id: objectId("starrocks", "database", name),
    name,
    dependsOn: [],
    body: { database, properties: {} },
  };
}

/** Two tables of one database have to call it the same in every environment. */
function agreeOnDatabase(relation: RelationObject, databases: ReadonlyMap<string, CatalogObject<DatabaseBody>>): void {
  const shared = databases.get(objectId("starrocks", "database", [relation.name[0] ?? ""]));
  if (JSON.stringify(shared?.body.database) === JSON.stringify(relation.body.database)) return;
  throw invalid(
    { name: relation.model ?? "" },
    `its database ${relation.name[0]} is called differently per environment than in other models`,
    {
      fix: "Give all models of one database the same `database`, for example a shared constant.",
    },
  );
}

// ------------------------------------------------------------------------------------------------ tables

function tableBody(model: TableModel, options: TableOptions, database: Held<string>, losses: Loss[]): TableBody {
  const key = options.key ?? model.key ?? [];
  for (const name of key) columnOf(model, name, "key");
  const columns = keyFirst(model.columns, key).map(([name, column]) => columnBody(model, name, column, options, losses));
  const partition = options.partitionBy && partitionBody(model, options.partitionBy);
  return {
    database,
    table: options.table,
    columns,
    indexes: indexes(options),
    key: [...key],
    comment: tableComment(model),
    ...(partition && { partition }),
    distribution: distribution(options.distributeBy) ?? defaultDistribution(model, options.table, key),
    orderBy: [...(options.orderBy ?? [])],
    properties: tableProperties(options),
  };
}

/** StarRocks wants the key columns first and in key order; the other columns stay as the model has them. */
function keyFirst(columns: Columns, key: readonly string[]): [string, Column][] {
  const entries = Object.entries(columns);
  const keys = key.flatMap((name) => entries.filter(([column]) => column === name));
  return [...keys, ...entries.filter(([name]) => !key.includes(name))];
}

function columnBody(model: TableModel, name: string, column: Column, options: TableOptions, losses: Loss[]): ColumnBody {
  const aggregate = options.aggregate?.[name];
  const value = columnDefault(model, name, column);
  const generated = column.generated?.starrocks;
  const isKey = (options.key ?? model.key ?? []).includes(name);
  if (column.generated && generated === undefined) {
    throw invalid(model, `column ${name} is generated, but not by a StarRocks expression`, {
      fix: "Give .generated({ starrocks: … }).",
    });
  }
  return {
    name,
    type: nativeType(model, name, column, losses),
    nullable: generated === undefined ? column.nullable : true,
    ...(options.table === "aggregate" && !isKey && { aggregate: aggregateText(aggregate ?? "REPLACE") }),
    ...(value && { default: value }),
    ...(options.autoIncrement === name && { autoIncrement: true as const }),
    ...(generated !== undefined && { generated }),
    comment: withUnit(column),
  };
}

/** `SUM`; a state, which names its function's argument types, is spelt as the engine shows it: `avg(double)`. */
function aggregateText(written: string): string {
  return written.includes("(") ? written.toLowerCase() : written.toUpperCase();
}

function nativeType(model: RelationModel, name: string, column: Column, losses: Loss[]): string {
  const own = column.as?.starrocks;
  if (own !== undefined) return foldType(own);
  const mapping = mapType(column.type, column);
  const found: Loss[] = [];
  const native = mappedType({ engine: "starrocks", label: "StarRocks", model, name, column, mapping }, found);
  losses.push(...found.filter(({ level, note }) => level !== "lossless" || note !== ""));
  return native;
}

function columnDefault(model: TableModel, name: string, column: Column): ColumnBody["default"] {
  const value = column.default;
  if (value === undefined) return undefined;
  if ("now" in value) return { expression: "CURRENT_TIMESTAMP" };
  if ("literal" in value) return { literal: String(value.literal) };
  const expression = value.sql.starrocks;
  if (expression !== undefined) return { expression };
  throw invalid(model, `the default of column ${name} has no StarRocks expression`, { fix: "Give .defaultSql({ starrocks: … })." });
}

function tableComment(model: TableModel | MaterializedViewModel): string {
  if (model.comment === undefined) return model.grain;
  return model.grain === "" ? model.comment : `${model.comment} (${model.grain})`; // an imported table has no grain yet
}

function partitionBody(model: RelationModel, partition: NonNullable<TableOptions["partitionBy"]>): PartitionBody {
  if (partition.by === "range") {
    for (const column of partition.columns) columnOf(model, column, "partition");
    return {
      by: "range",
      columns: [...partition.columns],
      partitions: partition.partitions.map(({ name, from, to }) => ({
        name,
        from: partition.columns.map((_, index) => from?.[index] ?? null),
        to: partition.columns.map((_, index) => to?.[index] ?? null),
      })),
    };
  }
  if (partition.by === "list") {
    for (const column of partition.columns) columnOf(model, column, "partition");
    return { by: "list", columns: [...partition.columns], partitions: partition.partitions.map(({ name, values }) => ({ name, values })) };
  }
  return { by: "expression", expressions: partitionExpressions(model, partition) };
}

function partitionExpressions(model: RelationModel, partition: NonNullable<ViewOptions["partitionBy"]>): PartitionExpression[] {
  if (partition.by === "sql") return partition.expressions.map((sql) => ({ sql }));
  if (partition.by === "columns") return partition.columns.map((column) => ({ column: columnOf(model, column, "partition") }));
  return [{ dateTrunc: columnOf(model, partition.column, "partition"), unit: partition.unit }];
}

function columnOf(model: RelationModel, name: string, use: string): string {
  if (Object.hasOwn(model.columns, name)) return name;
  throw invalid(model, `its ${use} names the column ${name}, which it does not have`, { fix: "Name one of the model's columns." });
}

function distribution(wanted: TableOptions["distributeBy"]): DistributionBody | undefined {
  if (wanted === undefined) return undefined;
  const buckets = wanted.buckets === undefined ? {} : { buckets: wanted.buckets };
  return wanted.by === "hash" ? { by: "hash", columns: [...wanted.columns], ...buckets } : { by: "random", ...buckets };
}

/** What the engine does when DISTRIBUTED BY is left out (recorded); for unique and aggregate tables it refuses. */
function defaultDistribution(model: TableModel, table: TableOptions["table"], key: readonly string[]): DistributionBody {
  if (table === "primary") return { by: "hash", columns: [...key] };
  if (table === "duplicate") return { by: "random" };
  throw invalid(model, `a table of kind ${table} needs distributeBy`, {
    fix: "Add distributeBy: hash([…]) to the StarRocks options.",
  });
}

const USING = { bitmap: "BITMAP", ngram: "NGRAMBF", inverted: "GIN", vector: "VECTOR" } as const;

function indexes(options: TableOptions): IndexBody[] {
  const bitmaps = (options.bitmapIndexes ?? []).map((column) => ({ column, using: "bitmap" as const }));
  return [...bitmaps, ...(options.indexes ?? [])].map((index): IndexBody => {
    const { name, comment = "", properties = {} } = index as NonNullable<TableOptions["indexes"]>[number]; // a bitmap has none of these
    return { name: name ?? `idx_${index.column}`, columns: [index.column], using: USING[index.using], properties, comment };
  });
}

type StorageOptions = Pick<TableOptions, "replication" | "compression" | "colocateWith" | "partitionTtl" | "properties">;

function storageProperties(options: StorageOptions): Record<string, Held<string> | undefined> {
  return {
    replication_num: heldText(options.replication),
    compression: options.compression?.toUpperCase(),
    colocate_with: options.colocateWith,
    partition_ttl: heldText(options.partitionTtl),
    ...heldTexts(options.properties),
  };
}

function tableProperties(options: TableOptions): Properties {
  return present({
    enable_persistent_index: heldText(options.persistentIndex),
    bloom_filter_columns: options.bloomFilter?.join(","),
    partition_live_number: heldText(options.partitionLiveNumber),
    partition_retention_condition: heldText(options.partitionRetention),
    ...(options.dynamicPartitions && dynamicProperties(options.dynamicPartitions)),
    ...storageProperties(options),
  });
}

function dynamicProperties(dynamic: DynamicPartitions): Record<string, Held<string> | undefined> {
  const all: Record<string, Held<string> | undefined> = {
    enable: heldText(dynamic.enabled ?? true),
    time_unit: dynamic.unit.toUpperCase(),
    start: heldText(dynamic.start),
    end: heldText(dynamic.end),
    prefix: dynamic.prefix ?? "p",
    buckets: heldText(dynamic.buckets),
    time_zone: dynamic.timeZone,
    history_partition_num: heldText(dynamic.history),
    start_day_of_week: heldText(dynamic.startDayOfWeek),
    start_day_of_month: heldText(dynamic.startDayOfMonth),
    replication_num: heldText(dynamic.replication),
  };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [`dynamic_partition.${name}`, value]));
}

function present(properties: Readonly<Record<string, Held<string> | undefined>>): Properties {
  const entries = Object.entries(properties).flatMap(([name, value]): [string, Held<string>][] =>
    value === undefined ? [] : [[name, value]],
  );
  return Object.fromEntries(entries);
}

// ------------------------------------------------------------------------------------------------ views

function viewBody(model: ViewModel | MaterializedViewModel, database: Held<string>, context: ResolveContext, losses: Loss[]): ViewBody {
  for (const [name, column] of Object.entries(model.columns)) nativeType(model, name, column, losses);
  return { database, columns: viewColumns(model.columns), comment: model.comment ?? "", query: queryBody(model, context) };
}

function materializedViewBody(
  model: MaterializedViewModel,
  options: ViewOptions,
  database: Held<string>,
  context: ResolveContext,
  losses: Loss[],
): MaterializedViewBody {
  const distributed = distribution(options.distributeBy);
  return {
    ...viewBody(model, database, context, losses),
    comment: tableComment(model),
    partition: options.partitionBy ? partitionExpressions(model, options.partitionBy) : [],
    ...(distributed && { distribution: distributed }),
    orderBy: [...(options.orderBy ?? [])],
    refresh: refresh(options),
    properties: present(storageProperties(options)),
  };
}

function viewColumns(columns: Columns): ViewColumn[] {
  return Object.entries(columns).map(([name, column]) => ({ name, comment: withUnit(column) }));
}

function refresh({ refresh: wanted, deferred }: ViewOptions): RefreshBody {
  const moment = deferred ? "deferred" : "immediate";
  if (typeof wanted === "string") return { mode: wanted, moment };
  return { mode: "async", moment, every: wanted.every, ...(wanted.start !== undefined && { start: wanted.start }) };
}

function queryBody(model: ViewModel | MaterializedViewModel, context: ResolveContext): QueryBody {
  const body = model.query.starrocks;
  if (!body) throw invalid(model, "its query has no StarRocks body", { fix: "Add query: { starrocks: sql.starrocks`…` }." });
  const starrocks = queryText(body, model, context);
  const duckdb = model.query.duckdb && queryText(model.query.duckdb, model, context);
  return duckdb === undefined ? { starrocks } : { starrocks, duckdb };
}

/** The body's text without outer blanks and with references quoted; a column stands without its table, so that aliases work. */
function queryText(body: SqlBody, model: RelationModel, context: ResolveContext): SqlText {
  const ident = identFor(body.dialect, model);
  const pieces = body.parts.map((part): Held<string>[] => {
    if (typeof part === "string") return [part];
    const target = referenced(part.model, model, context);
    if (part.ref === "column") return [ident(columnOf(target, part.column, `reference from ${model.name}`))];
    const { database = context.warehouse, name = target.name } = optionsOf(target);
    return [quotedDatabase(database, ident), `.${ident(name)}`];
  });
  return outdent(joinPieces(pieces.flat()));
}

function identFor(dialect: Dialect, model: RelationModel): (name: string) => string {
  if (dialect === "starrocks") return quoting.ident;
  if (dialect === "duckdb") return doubleQuoted;
  throw invalid(model, `a query in the dialect of ${dialect} stands where one of StarRocks or DuckDB is wanted`, {
    fix: "Use the tag of the dialect: sql.starrocks`…`.",
  });
}

function quotedDatabase(database: string | Hole, ident: (name: string) => string): Held<string> {
  if (typeof database === "string") return ident(database);
  const values = Object.entries(database.$env).map(([environment, name]): [string, Json] => [environment, ident(String(name))]);
  return { $env: { default: ident(defaultOf(database)), ...Object.fromEntries(values) } };
}

function joinPieces(pieces: readonly Held<string>[]): Held<string>[] {
  const joined: Held<string>[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (typeof piece === "string" && typeof last === "string") joined[joined.length - 1] = last + piece;
    else joined.push(piece);
  }
  return joined;
}

/** Without the indentation of the TypeScript file that it stands in, so that moving a model changes no view. */
function outdent(pieces: readonly Held<string>[]): SqlText {
  const margins = pieces.flatMap((piece) => (typeof piece === "string" ? (piece.match(/\n[ \t]*(?=\S)/g) ?? []) : []));
  const margin = Math.min(...margins.map((text) => text.length - 1), 200);
  const cut = new RegExp(`\\n[ \\t]{0,${margin}}`, "g");
  const trimmed = pieces.map((piece, index) =>
    typeof piece === "string" ? trimOuter(piece.replace(cut, "\n"), index === 0, index === pieces.length - 1) : piece,
  );
  const [only] = trimmed;
  return trimmed.length === 1 && typeof only === "string" ? only : trimmed;
}

function trimOuter(text: string, first: boolean, last: boolean): string {
  const start = first ? text.trimStart() : text;
  return last ? start.replace(/[\s;]+$/, "") : start;
}

function referencedModels(model: ViewModel | MaterializedViewModel): string[] {
  const bodies = [model.query.starrocks, model.query.duckdb].flatMap((body) => body?.parts ?? []);
  return [...new Set(bodies.flatMap((part) => (typeof part === "string" ? [] : [part.model])))].sort();
}

function referenced(name: string, from: RelationModel, context: ResolveContext): RelationModel {
  const model = context.models.get(name);
  if (model && isOnStarrocks(model)) return model;
  const what = model ? `its query reads ${name}, which is not on StarRocks` : `its query reads ${name}, which no model is`;
  throw invalid(from, what, { fix: `Put ${name} on StarRocks, or read something else.` });
}

function relationId(model: RelationModel, context: ResolveContext): string {
  const { database = context.warehouse, name = model.name } = optionsOf(model);
  return objectId("starrocks", model.model, [defaultOf(database), name]);
}

// ------------------------------------------------------------------------------------------------ values and letters

function defaultOf(database: string | Hole): string {
  return typeof database === "string" ? database : String(database.$env.default);
}

function held(value: string | Hole): Held<string> {
  return value as Held<string>; // a Hole is JSON; the interface only lacks the index signature
}

function heldText(value: string | number | boolean | Hole | undefined): Held<string> | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "object") return String(value);
  const environments = Object.entries(value.$env).map(([environment, member]): [string, Json] => [environment, String(member)]);
  return { $env: { default: String(value.$env.default), ...Object.fromEntries(environments) } };
}

function heldTexts(values: Readonly<Record<string, string | Hole>> = {}): Record<string, Held<string> | undefined> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, isHole(value as Json) ? heldText(value) : String(value)]));
}

function invalid(model: Pick<Model, "name" | "origin">, what: string, { fix }: { readonly fix: string }): DwError {
  return new DwError("DW-MODEL-INVALID", {
    what: `${modelPlace(model)}: ${what}.`,
    why: "StarRocks would refuse or misunderstand it.",
    fix,
  });
}
