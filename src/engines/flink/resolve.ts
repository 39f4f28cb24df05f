import { type CatalogObject, type Hole, isHole, objectId } from "../../core/catalog.js";
import type { ResolveContext, Resolved } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { Json, JsonObject } from "../../core/json.js";
import type { Loss } from "../../core/loss.js";
import type { Model, SqlBody, TableModel, TopicModel, ViewModel } from "../../core/model.js";
import { bodyText, readModels } from "../../core/model-sql.js";
import type { CatalogBody, Held, JobBody, NamedTable, Properties, TableBody, ViewBody } from "./body.js";
import { columnBodies, paimonCatalog, paimonName, tableComment } from "./columns.js";
import { quoting } from "./dialect.js";
import type { FlinkTableOptions, FlinkViewOptions } from "./options.js";

type Connected = TableModel | TopicModel;

/** Tables with connectors, views and jobs of the models that are on Flink. */
export function resolve(models: readonly Model[], context: ResolveContext): Resolved {
  const losses: Loss[] = [];
  const objects = models.flatMap((model): CatalogObject[] => {
    if (isConnected(model)) return [tableObject(model, losses)];
    return model.model === "view" && model.on.flink !== undefined ? [viewObject(model, context)] : [];
  });
  return { objects, losses, findings: [] };
}

function isConnected(model: Model): model is Connected {
  return (model.model === "table" || model.model === "topic") && model.on.flink !== undefined;
}

function tableOptions(model: Connected): FlinkTableOptions<string> {
  return model.on.flink as unknown as FlinkTableOptions<string>; // typed when the model was written
}

function tableObject(model: Connected, losses: Loss[]): CatalogObject<TableBody> {
  const name = [tableOptions(model).name ?? model.name];
  return {
    slot: "flink",
    kind: "table",
    id: objectId("flink", "table", name),
    name,
    model: model.name,
    dependsOn: [],
    body: tableBody(model, losses),
  };
}

function tableBody(model: Connected, losses: Loss[]): TableBody {
  const { connector, properties = {}, watermark, metadata = {}, partitionedBy = [], key = true } = tableOptions(model);
  const columns = columnBodies(model, "flink", losses).map((column) => {
    const from: string | undefined = metadata[column.name];
    return from === undefined ? column : { ...column, metadata: from };
  });
  return {
    columns,
    key: key ? [...(model.key ?? [])] : [],
    partitions: [...partitionedBy],
    ...(watermark && { watermark: { ...watermark } }),
    properties: { connector, ...(properties as Properties) }, // a Hole is JSON; the interface only lacks the index signature
    comment: tableComment(model),
  };
}

// ------------------------------------------------------------------------------------------------ views and jobs

function viewObject(model: ViewModel, context: ResolveContext): CatalogObject<ViewBody> {
  const options = model.on.flink as unknown as FlinkViewOptions; // as above
  const body = bodyOf(model);
  const reads = readModels(body);
  const columns = Object.entries(model.columns).map(([name, { comment }]) => ({ name, comment }));
  const query = bodyText(body, (reference) =>
    reference.ref === "column" ? quoting.ident(reference.column) : nameOf(reference.model, model, context).map(quoting.ident).join("."),
  );
  const job = options.job && jobBody(model, options.job, reads, context);
  const name = [options.name ?? model.name];
  return {
    slot: "flink",
    kind: "view",
    id: objectId("flink", "view", name),
    name,
    model: model.name,
    dependsOn: reads.flatMap((read) => ownObject(read, context)),
    body: { columns, query, comment: model.comment ?? "", ...(job && { job }) },
  };
}

/** The id of a model's object in Flink itself; tables of other engines are not ours to order. */
function ownObject(name: string, { models }: ResolveContext): string[] {
  const model = models.get(name);
  if (!model || !("on" in model) || model.model === "check" || model.on.flink === undefined) return [];
  const own = (model.on.flink.name as string | undefined) ?? model.name; // a text in every kind's options
  return [objectId("flink", model.model === "view" ? "view" : "table", [own])];
}

type Job = NonNullable<FlinkViewOptions["job"]>;

function jobBody(
  model: ViewModel,
  { into, parallelism, checkpoint, settings = {} }: Job,
  reads: readonly string[],
  context: ResolveContext,
): JobBody {
  const target = typeof into === "string" ? into : into.name;
  const used = [...new Set([...reads, target])].sort().map((name) => context.models.get(name));
  const tables = used.flatMap((one): NamedTable[] =>
    one && isConnected(one) ? [{ name: tableOptions(one).name ?? one.name, table: tableBody(one, []) }] : [],
  );
  const lakes = used.flatMap((one): CatalogBody[] => (one?.model === "table" && onlyPaimon(one) ? [paimonCatalog(one)] : []));
  return {
    into: nameOf(target, model, context),
    settings: {
      "pipeline.name": model.name,
      "execution.runtime-mode": checkpoint === undefined ? "batch" : "streaming",
      "parallelism.default": text(parallelism),
      ...(checkpoint !== undefined && { "execution.checkpointing.interval": checkpoint as Held<string> }), // a Hole is JSON
      ...(settings as Properties), // as above
    },
    catalogs: [...new Map(lakes.map((lake) => [lake.name, lake])).values()],
    tables,
  };
}

function text(value: number | Hole): Held<string> {
  if (!isHole(value as Json)) return String(value);
  const values = Object.entries((value as Hole).$env).map(([environment, member]): [string, Json] => [environment, String(member)]);
  return { $env: { default: String((value as Hole).$env.default), ...Object.fromEntries(values) } } as Hole & JsonObject; // as a Hole is
}

function onlyPaimon(model: TableModel): boolean {
  return model.on.paimon !== undefined && model.on.flink === undefined;
}

/** How Flink SQL calls a model: by its connector's table, or by its place in the Paimon catalog. */
function nameOf(name: string, from: ViewModel, context: ResolveContext): string[] {
  const model = context.models.get(name);
  if (model?.model === "table" && onlyPaimon(model)) return paimonName(model, context.warehouse);
  if (model && isConnected(model)) return [tableOptions(model).name ?? model.name];
  if (model?.model === "view" && model.on.flink !== undefined) return [(model.on.flink.name as string | undefined) ?? model.name]; // as in ownObject
  throw invalid(from.name, `it uses ${name}, which is neither on flink nor on paimon`, `Put ${name} on one of them.`);
}

function bodyOf(model: ViewModel): SqlBody {
  const body = model.query.flink;
  if (body) return body;
  throw invalid(model.name, "its query has no Flink body", "Add query: { flink: sql.flink`…` }.");
}

function invalid(place: string, what: string, fix: string): DwError {
  return new DwError("DW-MODEL-INVALID", { what: `Model ${place}: ${what}.`, why: "Flink would refuse it.", fix });
}
