import { fillHoles } from "../../core/catalog.js";
import { DwError } from "../../core/errors.js";
import type { Json } from "../../core/json.js";
import type { BackfillModel, Model, RelationModel, SourceModel, TopicModel } from "../../core/model.js";
import { nearest } from "../../core/nearest.js";
import type { EngineName } from "../../core/types.js";
import type { TargetFormatName } from "../../targets/files/format.js";
import type { Project } from "../project.js";

/** A backfill with its surroundings, before anything is opened. */
export interface Definition {
  readonly name: string;
  readonly warehouse: string | undefined;
  /** SOURCE text. */
  readonly from: string;
  readonly sourceModel?: SourceModel;
  readonly to: TargetPlace;
  readonly model?: BackfillModel;
}

export type TargetPlace =
  | { readonly by: "model"; readonly model: RelationModel | TopicModel; readonly slot: EngineName; readonly models: readonly Model[] }
  | { readonly by: "connection"; readonly connection: string; readonly table: string }
  | FilesPlace;

/** A folder of files; without a model their columns are those of the source. */
export interface FilesPlace {
  readonly by: "files";
  readonly format: TargetFormatName;
  readonly path: string;
  readonly partitionBy: readonly string[];
  readonly model?: RelationModel;
}

/** The backfills that were named, in that order. DW-BACKFILL-UNKNOWN, DW-MODEL-INVALID. */
export async function namedBackfills(
  project: Project,
  environment: string,
  warehouse: string | undefined,
  names: readonly string[],
): Promise<Definition[]> {
  const known = new Map<string, { model: BackfillModel; warehouse: string; models: readonly Model[] }>();
  for (const each of await project.someWarehouses(warehouse)) {
    const models = await project.models(each);
    for (const model of models) if (model.model === "backfill") known.set(model.name, { model, warehouse: each, models });
  }
  return names.map((name) => {
    const found = known.get(name);
    if (found === undefined) throw unknownBackfill(name, [...known.keys()].sort());
    return definitionOf(found.model, found.warehouse, found.models, environment);
  });
}

function unknownBackfill(name: string, known: readonly string[]): DwError {
  const guess = nearest(name, known);
  return new DwError("DW-BACKFILL-UNKNOWN", {
    what: `There is no backfill ${name}.`,
    why: known.length === 0 ? "The models define none." : `The models define ${known.join(", ")}.`,
    fix: guess === undefined ? "Define it with defineBackfill, or use --source and --target." : `Did you mean ${guess}?`,
  });
}

function definitionOf(model: BackfillModel, warehouse: string, models: readonly Model[], environment: string): Definition {
  const from = String(fillHoles(model.from as Json, environment)); // a hole of texts, filled, is a text
  const sourceModel = models.find((candidate): candidate is SourceModel => candidate.model === "source" && candidate.name === from);
  return {
    name: model.name,
    warehouse,
    from: sourceModel ? String(fillHoles(sourceModel.at as Json, environment)) : from, // as above
    ...(sourceModel && { sourceModel }),
    to: model.into === undefined ? modelPlace(models, model.to, model.slot) : modelFiles(model, models, environment),
    model,
  };
}

function modelFiles({ into, to, partitionBy = [] }: BackfillModel, models: readonly Model[], environment: string): FilesPlace {
  const text = String(fillHoles(into as Json, environment)); // a hole of texts, filled, is a text
  const [kind, path] = kindAndRest(text);
  const model = models.find((candidate) => candidate.name === to);
  if (model?.model !== "table") throw noTarget(to, "is no table of this warehouse");
  if (!isFileFormat(kind) || path === "") throw wrongTarget(text);
  return { by: "files", format: kind, path, partitionBy, model };
}

const isFileFormat = (kind: string): kind is TargetFormatName => kind === "parquet" || kind === "csv" || kind === "jsonl";

function kindAndRest(target: string): readonly [kind: string, rest: string] {
  const at = target.indexOf(":");
  return [target.slice(0, Math.max(at, 0)), target.slice(at + 1)];
}

function modelPlace(models: readonly Model[], name: string, slot: EngineName | undefined): TargetPlace {
  const model = models.find((candidate) => candidate.name === name);
  if (model?.model !== "table" && model?.model !== "topic") throw noTarget(name, "is no table or topic of this warehouse");
  const slots = Object.keys(model.on) as EngineName[]; // keys of EngineOptions
  const chosen = slot ?? (slots.length === 1 ? slots[0] : undefined);
  if (chosen === undefined || !slots.includes(chosen)) throw noTarget(name, `is on ${slots.join(", ") || "no engine"}`);
  return { by: "model", model, slot: chosen, models };
}

function noTarget(name: string, why: string): DwError {
  return new DwError("DW-BACKFILL-MAPPING", {
    what: `A backfill cannot fill ${name}: it ${why}.`,
    why: "A backfill loads into one table in one engine.",
    fix: "Name a table model in `to`, and its engine in `slot` where it is on several.",
  });
}

/** `--source S --target T`. `model:NAME` is looked up in the warehouse, `parquet:PATH` is a folder; anything else is CONNECTION:TABLE. */
export async function adHocBackfill(project: Project, warehouse: string | undefined, source: string, target: string): Promise<Definition> {
  const [kind, rest] = kindAndRest(target);
  if (kind === "" || rest === "") throw wrongTarget(target);
  const name = `${source} to ${target}`;
  if (isFileFormat(kind))
    return { name, warehouse: undefined, from: source, to: { by: "files", format: kind, path: rest, partitionBy: [] } };
  if (kind !== "model") return { name, warehouse: undefined, from: source, to: { by: "connection", connection: kind, table: rest } };
  const chosen = await project.onlyWarehouse(warehouse);
  return { name, warehouse: chosen, from: source, to: modelPlace(await project.models(chosen), rest, undefined) };
}

function wrongTarget(target: string): DwError {
  return new DwError("DW-USAGE", {
    what: `${target} is no TARGET.`,
    why: "A target is model:NAME, CONNECTION:TABLE, or a folder of files: parquet:PATH, csv:PATH, jsonl:PATH.",
    fix: "Write for example model:orders, warehouse:public.orders or parquet:exports/orders.",
  });
}
