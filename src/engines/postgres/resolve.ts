import { type CatalogObject, compareText, type ObjectKind, objectId } from "../../core/catalog.js";
import { withGrain } from "../../core/comments.js";
import type { ResolveContext, Resolved } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { Finding } from "../../core/finding.js";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.js";
import type { Loss } from "../../core/loss.js";
import type { Column, FunctionModel, MaterializedViewModel, Model, TableModel, ViewModel } from "../../core/model.js";
import { modelPlace } from "../../core/model-place.js";
import type {
  ColumnBody,
  ForeignKeyBody,
  FunctionBody,
  IndexBody,
  MaterializedViewBody,
  OrderedColumn,
  ParameterBody,
  PartitioningBody,
  TableBody,
  ViewBody,
} from "./body.js";
import { columnBodies, columnComment, columnType, enumChecks, type Flavor } from "./columns.js";
import { derivedName } from "./dialect.js";
import { declaredObjects, enumName, isObjectOn, roleObjects } from "./objects.js";
import type { PostgresIndex, PostgresMaterializedViewOptions, PostgresPartitioning, PostgresTableOptions } from "./options.js";
import { PartitionMistake, partitioningBody } from "./partitions.js";
import { bodyIn, renderBody } from "./sql-text.js";

export type Resolvable = TableModel | ViewModel | MaterializedViewModel | FunctionModel;

/** Everything that resolving one model may need; `losses` and `findings` collect. */
export interface Resolving {
  readonly flavor: Flavor;
  readonly context: ResolveContext;
  readonly losses: Loss[];
  readonly findings: Finding[];
}

type Extended = (object: CatalogObject, model: Resolvable, resolving: Resolving) => CatalogObject;

const DEFAULT_SCHEMA = "public";

/** Resolves the models of one slot. `extend` adds what TimescaleDB has beyond PostgreSQL. */
export function resolveModels(
  models: readonly Model[],
  context: ResolveContext,
  flavor: Flavor,
  extend: Extended = (object) => object,
): Resolved {
  const resolving: Resolving = { flavor, context, losses: [], findings: [] };
  const objects = models
    .filter((model): model is Resolvable => isResolvable(model) && model.on[flavor.slot] !== undefined)
    .map((model) => extend(resolveModel(model, resolving), model, resolving));
  const declared = [...declaredObjects(models, flavor.slot), ...objects];
  const schemas = [...new Set(declared.map((object) => object.name[0] ?? ""))].filter((name) => name !== DEFAULT_SCHEMA).sort();
  const made = [...schemas.map((name) => envelope(flavor, "schema", [name], [], { comment: "" })), ...declared];
  return {
    objects: [
      ...made,
      ...roleObjects(models, flavor.slot, { all: made, of: (name) => made.find(({ model }) => model === name) ?? alone(name, resolving) }),
    ].sort((a, b) => compareText(a.id, b.id)),
    losses: resolving.losses,
    findings: resolving.findings,
  };
}

/** The object of a model that is not among those that are resolved now. */
function alone(name: string, resolving: Resolving): CatalogObject | undefined {
  const model = resolving.context.models.get(name);
  if (isObjectOn(model, resolving.flavor.slot, "enum")) return declaredObjects([model], resolving.flavor.slot)[0];
  const target = targetOf(name, resolving);
  return target && resolveModel(target, { ...resolving, losses: [], findings: [] });
}

const KINDS = { table: "table", view: "view", "materialized-view": "materialized-view", function: "function" } as const;

function isResolvable(model: Model): model is Resolvable {
  return Object.hasOwn(KINDS, model.model);
}

/** In TimescaleDB a materialized view is a continuous aggregate. */
function kindOf(model: Resolvable, { slot }: Flavor): ObjectKind {
  return model.model === "materialized-view" && slot === "timescale" ? "continuous-aggregate" : KINDS[model.model];
}

function envelope(
  { slot }: Flavor,
  kind: ObjectKind,
  name: readonly string[],
  dependsOn: readonly string[],
  body: JsonObject,
  model?: string,
): CatalogObject {
  const needs = [...new Set(dependsOn)].sort(compareText);
  return { slot, kind, id: objectId(slot, kind, name), name, ...(model !== undefined && { model }), dependsOn: needs, body };
}

function resolveModel(model: Resolvable, resolving: Resolving): CatalogObject {
  const { body, models } = bodyOf(model, resolving);
  const name = qualifiedName(model, resolving.flavor);
  const schema = name[0] === DEFAULT_SCHEMA ? [] : [objectId(resolving.flavor.slot, "schema", name.slice(0, 1))];
  const needs = [...schema, ...idsOf(models, resolving), ...enumIds(model, resolving)];
  return envelope(resolving.flavor, kindOf(model, resolving.flavor), name, needs, body, model.name);
}

/** Declared types of columns, arguments and results. */
function enumIds(model: Resolvable, { flavor: { slot }, context }: Resolving): string[] {
  const returned =
    model.model === "function" ? ("table" in model.returns ? Object.values(model.returns.table) : [{ type: model.returns }]) : [];
  const columns = model.model === "function" ? [...Object.values(model.arguments), ...returned] : Object.values(model.columns);
  return columns.flatMap(({ type }) => {
    const named = type.kind === "list" ? type.element.type : type;
    const declared = named.kind === "enum" && named.type !== undefined ? context.models.get(named.type) : undefined;
    return isObjectOn(declared, slot, "enum") ? [objectId(slot, "enum", enumName(declared, slot))] : [];
  });
}

interface BodyAndNeeds {
  readonly body: JsonObject;
  readonly models: readonly string[];
}

function bodyOf(model: Resolvable, resolving: Resolving): BodyAndNeeds {
  switch (model.model) {
    case "table":
      return tableBody(model, resolving);
    case "view":
      return viewBody(model, resolving);
    case "materialized-view":
      return materializedViewBody(model, resolving);
    case "function":
      return functionBody(model, resolving);
  }
}

/** Options are typed where authors write them (engines/postgres/options.ts) and JSON in the model. */
export function optionsOf<Options>(model: Resolvable, { slot }: Flavor): Partial<Options> {
  return (model.on[slot] ?? {}) as Partial<Options>;
}

/** Schema and name in the engine. A schema per environment is refused, because the object's id would change with it. */
function qualifiedName(model: Resolvable, flavor: Flavor): readonly string[] {
  const options = optionsOf<PostgresTableOptions<string>>(model, flavor);
  if (isJsonObject(options.schema as Json | undefined)) {
    throw new DwError("DW-MODEL-INVALID", {
      what: `${modelPlace(model)} has another schema in each environment.`,
      why: "The qualified name is the object's identity in migrations, so it has to be the same everywhere.",
      fix: "Name one schema, and bind the environments to different databases.",
    });
  }
  return [(options.schema as string | undefined) ?? DEFAULT_SCHEMA, options.name ?? model.name];
}

function targetOf(name: string, { flavor, context }: Resolving): Resolvable | undefined {
  const model = context.models.get(name);
  return model !== undefined && isResolvable(model) && model.on[flavor.slot] !== undefined ? model : undefined;
}

function nameOf(resolving: Resolving): (name: string) => readonly string[] | undefined {
  return (name) => {
    const target = targetOf(name, resolving);
    return target && qualifiedName(target, resolving.flavor);
  };
}

function idsOf(models: readonly string[], resolving: Resolving): string[] {
  return models.flatMap((name) => {
    const target = targetOf(name, resolving);
    return target ? [objectId(resolving.flavor.slot, kindOf(target, resolving.flavor), qualifiedName(target, resolving.flavor))] : [];
  });
}

function tableBody(model: TableModel, resolving: Resolving): BodyAndNeeds {
  const { flavor } = resolving;
  const table = qualifiedName(model, flavor)[1] ?? model.name;
  const references = (model.references ?? []).filter((reference) => targetOf(reference.model, resolving) !== undefined);
  const options = optionsOf<PostgresTableOptions<string>>(model, flavor);
  const columns = columnBodies(model, resolving);
  const body: TableBody = {
    comment: withGrain(model.comment, model.grain),
    columns,
    ...(model.key && { primaryKey: { name: derivedName([table], "pkey"), columns: model.key } }),
    indexes: indexBodies(table, options.indexes ?? []),
    foreignKeys: references.map((reference): ForeignKeyBody => {
      const target = nameOf(resolving)(reference.model) ?? [];
      return { name: derivedName([table, ...reference.columns], "fkey"), columns: reference.columns, table: target, to: reference.to };
    }),
    checks: enumChecks(table, model.columns, resolving),
    ...(options.partitionBy && { partitioning: partitioned(model, table, options.partitionBy, columns) }),
  };
  return { body, models: references.map((reference) => reference.model).filter((name) => name !== model.name) };
}

function partitioned(
  model: TableModel,
  table: string,
  options: PostgresPartitioning<string>,
  columns: readonly ColumnBody[],
): PartitioningBody {
  try {
    return partitioningBody(table, options, columns);
  } catch (error) {
    if (!(error instanceof PartitionMistake)) throw error;
    throw new DwError("DW-MODEL-INVALID", {
      what: `${modelPlace(model)}: in partitionBy, ${error.message}.`,
      why: "A partition is a table of its own, and its bounds have to be known when it is made.",
      fix: "Correct the bounds; `every` takes steps such as 1 month, 7 days or 1000000, which meet both ends.",
    });
  }
}

function indexBodies(table: string, indexes: readonly PostgresIndex<string>[]): IndexBody[] {
  return indexes
    .map((index): IndexBody => {
      const columns = index.columns.map(orderedColumn);
      const suffix = index.unique ? "key" : "idx";
      return {
        name: index.name ?? derivedName([table, ...columns.map(({ column }) => column)], suffix),
        columns,
        unique: index.unique ?? false,
        method: index.method ?? "btree",
        ...(index.where !== undefined && { where: index.where }),
      };
    })
    .sort((a, b) => compareText(a.name, b.name));
}

export function orderedColumn(column: string | OrderedColumn): OrderedColumn {
  return typeof column === "string" ? { column, order: "asc" } : column;
}

function viewBody(model: ViewModel | MaterializedViewModel, resolving: Resolving): BodyAndNeeds & { readonly body: ViewBody } {
  const { text, models } = renderBody(model, bodyIn(model, model.query, resolving.flavor.dialects), nameOf(resolving));
  return {
    body: {
      comment: model.model === "view" ? (model.comment ?? "") : withGrain(model.comment, model.grain),
      columns: Object.entries(model.columns).map(([name, column]) => ({ name, comment: columnComment(column) })),
      query: text,
    },
    models,
  };
}

function materializedViewBody(model: MaterializedViewModel, resolving: Resolving): BodyAndNeeds {
  const { body, models } = viewBody(model, resolving);
  const table = qualifiedName(model, resolving.flavor)[1] ?? model.name;
  const { indexes = [] } = optionsOf<PostgresMaterializedViewOptions<string>>(model, resolving.flavor);
  const extended: MaterializedViewBody = { ...body, indexes: indexBodies(table, indexes) };
  return { body: extended, models };
}

function functionBody(model: FunctionModel, resolving: Resolving): BodyAndNeeds {
  const { text, models } = renderBody(model, bodyIn(model, model.body, resolving.flavor.dialects), nameOf(resolving));
  // PostgreSQL keeps no length or precision on what a function takes and gives.
  const typeOf = (name: string, column: Column): string =>
    columnType(model, name, column, { ...resolving, losses: [] }).replace(/\([\d, ]+\)/, "");
  const parameters = (columns: Readonly<Record<string, Column>>): ParameterBody[] =>
    Object.entries(columns).map(([name, column]) => ({ name, type: typeOf(name, column) }));
  const { returns } = model;
  const body: FunctionBody = {
    comment: model.comment ?? "",
    arguments: parameters(model.arguments),
    returns: "table" in returns ? parameters(returns.table) : typeOf("result", { type: returns, comment: "", nullable: true }),
    language: model.language,
    volatility: model.volatility,
    source: `\n${text}\n`,
  };
  return { body, models };
}
