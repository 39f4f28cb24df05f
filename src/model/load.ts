import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { compareText } from "../core/catalog.js";
import { DwError } from "../core/errors.js";
import type { Model, ModelKind } from "../core/model.js";
import { loadFailure } from "./load-failure.js";
import type { ImportFile } from "./typescript.js";

/*
 * The one effect of the model language: `models/<warehouse>/**` becomes a list of models, each with its origin.
 */

/** Folders of `models/`, sorted; none when there is no such folder. */
export async function warehouseNames(root: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, "models"), { withFileTypes: true }).catch(missingIsEmpty);
  return entries
    .filter((entry) => entry.isDirectory() && isVisible(entry.name))
    .map((entry) => entry.name)
    .sort(compareText);
}

/**
 * All models of a warehouse, sorted by name: default and named exports of its .ts, .js and .mjs files. Other exports
 * (shared columns, constants) are left alone. Throws DW-MODEL-LOAD, DW-MODEL-DUPLICATE; an AggregateError when several files fail.
 */
export async function loadModels(root: string, warehouse: string, importFile: ImportFile): Promise<readonly Model[]> {
  const files = await modelFiles(join(root, "models", warehouse));
  const found = new Map<object, Model>();
  const failures: DwError[] = [];
  for (const file of files) {
    const shown = relative(root, file).split(sep).join("/");
    try {
      for (const model of modelsOf(await importFile(file))) {
        // The same object from two files is a re-export, not a second model.
        if (!found.has(model)) found.set(model, { ...model, origin: { warehouse, file: shown } });
      }
    } catch (error) {
      failures.push(loadFailure(shown, file, root, error));
    }
  }
  throwAll(failures);
  const models = [...found.values()].sort((a, b) => compareText(a.name, b.name));
  throwAll(duplicates(models));
  return models;
}

async function modelFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && isModelFile(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => relative(folder, file).split(sep).every(isVisible))
    .sort(compareText)
    .sort((a, b) => Number(isBarrel(a)) - Number(isBarrel(b))); // a model's origin is its own file, not the index that re-exports it
}

const isVisible = (name: string): boolean => !/^[._]|^node_modules$/.test(name);
const isModelFile = (name: string): boolean => /\.(ts|js|mjs)$/.test(name) && !/\.(d|test|spec)\.(ts|js|mjs)$/.test(name);
const isBarrel = (file: string): boolean => /[\\/]index\.(ts|js|mjs)$/.test(file);

function modelsOf(exports: Readonly<Record<string, unknown>>): readonly Model[] {
  return [...new Set(Object.values(exports))].filter(isModel);
}

const kinds: Readonly<Record<ModelKind, true>> = {
  table: true,
  view: true,
  "materialized-view": true,
  topic: true,
  function: true,
  source: true,
  backfill: true,
  check: true,
  pipeline: true,
  object: true,
};

function isModel(value: unknown): value is Model {
  const claim = value as { model?: unknown; name?: unknown } | null;
  return typeof claim === "object" && claim !== null && typeof claim.model === "string" && Object.hasOwn(kinds, claim.model);
}

function duplicates(models: readonly Model[]): readonly DwError[] {
  const pairs = models.flatMap((model, index) => (models[index + 1]?.name === model.name ? [[model, models[index + 1]] as const] : []));
  return pairs.map(
    ([first, second]) =>
      new DwError("DW-MODEL-DUPLICATE", {
        what: `Two models are called ${first.name}.`,
        why: `One is in ${first.origin?.file}, the other in ${second?.origin?.file}; a name means one thing in a warehouse.`,
        fix: "Rename one of them, or give it another name in its engine with `name` under `on`.",
      }),
  );
}

function throwAll(errors: readonly DwError[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} errors`);
}

function missingIsEmpty(error: NodeJS.ErrnoException): never[] {
  if (error.code === "ENOENT") return [];
  throw error;
}
