import { type CatalogObject, objectId } from "../../core/catalog.js";
import type { ResolveContext, Resolved } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { Loss } from "../../core/loss.js";
import { mappedType } from "../../core/mapped-column.js";
import type { Column, Model, SqlBody, TableModel, ViewModel } from "../../core/model.js";
import { modelPlace } from "../../core/model-place.js";
import { bodyText, readModels } from "../../core/model-sql.js";
import type { ColumnBody, SchemaBody, TableBody, ViewBody } from "./body.js";
import { quoting } from "./dialect.js";
import type { DuckdbTableOptions } from "./options.js";
import { mapType } from "./types.js";

type RelationModel = TableModel | ViewModel;

/** Tables and views of the models that are on DuckDB, and their schemas. */
export function resolve(models: readonly Model[], context: ResolveContext): Resolved {
  const losses: Loss[] = [];
  const relations = models.filter(isOnDuckdb).map((model) => relationObject(model, context, losses));
  const schemas = [...new Set(relations.map(({ name }) => name[0] ?? "main"))].filter((schema) => schema !== "main").map(schemaObject);
  return { objects: [...schemas, ...relations], losses, findings: [] };
}

function isOnDuckdb(model: Model): model is RelationModel {
  return (model.model === "table" || model.model === "view") && model.on.duckdb !== undefined;
}

function schemaObject(schema: string): CatalogObject<SchemaBody> {
  return {
    slot: "duckdb",
    kind: "schema",
    id: objectId("duckdb", "schema", [schema]),
    name: [schema],
    dependsOn: [],
    body: { comment: "" },
  };
}

function nameOf(model: RelationModel): [string, string] {
  const { schema = "main", name = model.name } = (model.on.duckdb ?? {}) as DuckdbTableOptions; // typed when the model was written
  return [schema, name];
}

function relationObject(model: RelationModel, context: ResolveContext, losses: Loss[]): CatalogObject<TableBody> | CatalogObject<ViewBody> {
  const name = nameOf(model);
  const references = model.model === "view" ? referencedModels(model, context) : [];
  const schema = name[0] === "main" ? [] : [objectId("duckdb", "schema", [name[0]])];
  const dependsOn = [...schema, ...references.map((target) => objectId("duckdb", target.model, nameOf(target)))];
  const envelope = { slot: "duckdb", model: model.name, name, dependsOn, id: objectId("duckdb", model.model, name) } as const;
  return model.model === "table"
    ? { ...envelope, kind: "table", body: tableBody(model, losses) }
    : { ...envelope, kind: "view", body: viewBody(model, context) };
}

function tableBody(model: TableModel, losses: Loss[]): TableBody {
  const columns = Object.entries(model.columns).map(([name, column]) => columnBody(model, name, column, losses));
  return { columns, key: [...(model.key ?? [])], comment: model.comment ?? "" };
}

function columnBody(model: TableModel, name: string, column: Column, losses: Loss[]): ColumnBody {
  const value = defaultText(model, name, column);
  const generated = column.generated?.duckdb;
  return {
    name,
    type: column.as?.duckdb ?? nativeType(model, name, column, losses),
    nullable: column.nullable,
    ...(value !== undefined && { default: value }),
    ...(generated !== undefined && { generated }),
    comment: column.comment,
  };
}

function nativeType(model: TableModel, name: string, column: Column, losses: Loss[]): string {
  const mapping = mapType(column.type, column);
  return spelledType(mappedType({ engine: "duckdb", label: "DuckDB", model, name, column, mapping }, losses));
}

/** As DuckDB itself prints it. */
export function spelledType(native: string): string {
  return native.replaceAll("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE");
}

function defaultText(model: TableModel, name: string, column: Column): string | undefined {
  const value = column.default;
  if (value === undefined) return undefined;
  if ("now" in value) return column.type.kind === "timestamp" && !column.type.zoned ? "timezone('UTC', now())" : "now()";
  if ("literal" in value) return quoting.literal(value.literal);
  if (value.sql.duckdb !== undefined) return value.sql.duckdb;
  throw invalid(model, `the default of column ${name} has no DuckDB expression`, "Give .defaultSql({ duckdb: … }).");
}

function viewBody(model: ViewModel, context: ResolveContext): ViewBody {
  const columns = Object.entries(model.columns).map(([name, { comment }]) => ({ name, comment }));
  return { columns, query: queryText(model, bodyOf(model), context), comment: model.comment ?? "" };
}

function bodyOf(model: ViewModel): SqlBody {
  const body = model.query.duckdb;
  if (body) return body;
  throw invalid(model, "its query has no DuckDB body", "Add query: { duckdb: sql.duckdb`…` }.");
}

function queryText(model: ViewModel, body: SqlBody, context: ResolveContext): string {
  return bodyText(body, (reference) =>
    reference.ref === "column"
      ? quoting.ident(reference.column)
      : nameOf(referenced(reference.model, model, context))
          .map(quoting.ident)
          .join("."),
  );
}

function referencedModels(model: ViewModel, context: ResolveContext): RelationModel[] {
  return readModels(bodyOf(model)).map((name) => referenced(name, model, context));
}

function referenced(name: string, from: ViewModel, context: ResolveContext): RelationModel {
  const model = context.models.get(name);
  if (model && isOnDuckdb(model)) return model;
  throw invalid(from, `its query reads ${name}, which is not on DuckDB`, `Put ${name} on DuckDB, or read something else.`);
}

function invalid(model: Model, what: string, fix: string): DwError {
  return new DwError("DW-MODEL-INVALID", { what: `${modelPlace(model)}: ${what}.`, why: "DuckDB would refuse it.", fix });
}
