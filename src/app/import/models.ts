import { type Catalog, type CatalogObject, compareText, displayName, type ObjectId } from "../../core/catalog.js";
import type { Fact } from "../../core/change.js";
import { factsBetween } from "../../core/diff.js";
import type { Engine } from "../../core/engine.js";
import { DwError, isDwError } from "../../core/errors.js";
import type { ImportContext } from "../../core/imported.js";
import type { Json } from "../../core/json.js";
import type { Model } from "../../core/model.js";
import { sameSql } from "../../core/same-sql.js";
import type { EngineName } from "../../core/types.js";
import type { Printable } from "../../model/print/file.js";
import { type Engines, resolveWarehouse } from "../resolve.js";
import type { Found } from "./found.js";

/** Something that exists and that the models do not say; `name` is the object's. */
export interface Unsaid {
  readonly name: string;
  readonly what: string;
}

export interface ImportedModels {
  readonly models: readonly Printable[];
  readonly unsaid: readonly Unsaid[];
  /** By model: what its object has and the model does not say. */
  readonly notes: ReadonlyMap<string, readonly string[]>;
}

/**
 * Models of what was found. Each is resolved again and compared with what it came from: a difference is reported, and an
 * object whose model would be refused is reported instead of imported.
 */
export async function modelsOf(found: Found, warehouse: string, engines: Engines): Promise<ImportedModels> {
  const names = modelNames(found.objects);
  const context: ImportContext = {
    warehouse,
    modelName: (id) => names.get(id),
    viewColumnType: (id, column) => found.viewColumnTypes?.get(id)?.get(column),
  };
  const models = found.objects.flatMap((object) => modelOf(object, context, engines) ?? []);
  const judged = await judge(models, found, context, engines);
  return { ...judged, unsaid: [...found.unmodelled, ...judged.unsaid] };
}

interface FromObject {
  readonly object: CatalogObject;
  readonly model: Printable;
}

function modelOf(object: CatalogObject, context: ImportContext, engines: Engines): FromObject | undefined {
  const model = engineOf(object.slot, engines).toModel?.(object, context);
  return model && { object, model: model as Printable }; // engines make models of objects, never checks or backfills
}

function engineOf(slot: EngineName, engines: Engines): Engine {
  const engine = engines.get(slot);
  if (engine?.toModel) return engine;
  throw new DwError("DW-USAGE", {
    what: `dw does not read ${slot}'s objects back into models.`,
    why: "It writes that engine's definitions only.",
    fix: "Write the models by hand; dw diff says when they agree.",
  });
}

/** The object's own name; with its database or schema where two would be called the same. */
function modelNames(objects: readonly CatalogObject[]): Map<ObjectId, string> {
  const own = (object: CatalogObject): string => object.name.at(-1) ?? "";
  const key = (name: string): string => name.toLowerCase();
  const twins = new Set<string>();
  const seen = new Set<string>();
  for (const object of objects) {
    if (CONTAINERS.has(object.kind)) continue;
    if (seen.has(key(own(object)))) twins.add(key(own(object)));
    seen.add(key(own(object)));
  }
  return new Map(
    objects
      .filter((object) => !CONTAINERS.has(object.kind))
      .map((object) => [object.id, tidy(twins.has(key(own(object))) ? object.name.join("_") : own(object))]),
  );
}

/** What no model is: databases and schemas come from the models in them. */
const CONTAINERS = new Set<CatalogObject["kind"]>(["database", "schema"]);

/** Names that could not be a file's are told apart by what is left of them. */
function tidy(name: string): string {
  return name.replace(/[/\\\p{C}]/gu, "_").trim() || "_";
}

// ------------------------------------------------------------------------------------------------ the proof

async function judge(models: readonly FromObject[], found: Found, context: ImportContext, engines: Engines): Promise<ImportedModels> {
  const { warehouse } = context;
  const { kept, refused } = resolvable(models, warehouse, engines);
  const wanted = resolved(kept, warehouse, engines);
  const made = new Map(wanted.objects.map((object) => [object.id, object]));
  const spelled = new Map((await found.inWordsOf?.(wanted))?.objects.map((object) => [object.id, object]));
  const notes = new Map<string, string[]>();
  const unsaid: Unsaid[] = [...refused];
  for (const { object, model } of kept) {
    const differences = [
      ...differencesOf(spelled.get(object.id) ?? object, made.get(object.id), engines),
      ...untyped(object, model, context),
    ];
    if (differences.length > 0) notes.set(model.name, differences);
    unsaid.push(...differences.map((what) => ({ name: displayName(object.name), what })));
  }
  for (const object of found.objects) if (CONTAINERS.has(object.kind)) unsaid.push(...containerNotes(object, made.get(object.id), engines));
  return { models: kept.map(({ model }) => model).sort((a, b) => compareText(a.name, b.name)), unsaid, notes };
}

/** A model that its own engine refuses takes those that read it along: their text would name what is not there. */
function resolvable(found: readonly FromObject[], warehouse: string, engines: Engines): { kept: FromObject[]; refused: Unsaid[] } {
  let kept = [...found];
  const refused: Unsaid[] = [];
  for (;;) {
    const wrong = kept.flatMap((each) => refusal(each, kept, warehouse, engines));
    if (wrong.length === 0) return { kept, refused };
    refused.push(...wrong.map(({ object, why }) => ({ name: displayName(object.name), what: `was left out: ${why}` })));
    const gone = new Set(wrong.map(({ object }) => object.id));
    kept = kept.filter(({ object }) => !gone.has(object.id));
  }
}

function refusal(
  each: FromObject,
  all: readonly FromObject[],
  warehouse: string,
  engines: Engines,
): { object: CatalogObject; why: string }[] {
  try {
    engineOf(each.object.slot, engines).resolve([each.model], {
      warehouse,
      models: new Map(all.map(({ model }) => [model.name, model as Model])),
    });
    return [];
  } catch (error) {
    if (!isDwError(error)) throw error;
    return [{ object: each.object, why: `${error.what} ${error.why}` }];
  }
}

function resolved(kept: readonly FromObject[], warehouse: string, engines: Engines): Catalog {
  return resolveWarehouse(
    warehouse,
    kept.map(({ model }) => model),
    engines,
  ).catalog;
}

function differencesOf(object: CatalogObject, made: CatalogObject | undefined, engines: Engines): string[] {
  if (made === undefined) return ["the model makes another object"];
  const { normalize } = engineOf(object.slot, engines);
  return factsBetween(normalize(made).body, normalize(object).body).filter(isDifference).map(factText);
}

/** A view's definition does not say its columns' types, and text then stands for them. */
function untyped({ id }: CatalogObject, model: Printable, { viewColumnType }: ImportContext): string[] {
  if (model.model !== "view" && model.model !== "materialized-view") return [];
  const names = Object.keys(model.columns).filter((column) => viewColumnType(id, column) === undefined);
  return names.length === 0 ? [] : [`the types of ${names.join(", ")} are not known here: t.text() stands for them`];
}

/** Queries are kept by an engine in its own spelling. */
function isDifference({ from, to }: Fact): boolean {
  return !(typeof from === "string" && typeof to === "string" && sameSql(from, to));
}

function factText({ path, from, to }: Fact): string {
  const where = path.join(".");
  if (to === undefined) return `${where} is not there, and the model makes ${short(from)}`;
  return from === undefined
    ? `${where} is ${short(to)}, which a model cannot say`
    : `${where} is ${short(to)}, and the model makes ${short(from)}`;
}

function short(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 160 ? `${text.slice(0, 157)}...` : text;
}

/** Properties and comments of a database or schema have no model that could say them. */
function containerNotes(object: CatalogObject, made: CatalogObject | undefined, engines: Engines): Unsaid[] {
  if (made === undefined) return [];
  return differencesOf(object, made, engines).map((what) => ({ name: displayName(object.name), what }));
}
