import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Catalog, type CatalogObject, catalogEnvironments, objectFor } from "../core/catalog.js";
import type { Engine } from "../core/engine.js";
import { DwError } from "../core/errors.js";
import type { EngineTarget, Finding } from "../core/finding.js";
import type { Model } from "../core/model.js";
import type { EngineName } from "../core/types.js";
import { engines } from "../engines/index.js";
import { judgeText } from "../engines/starrocks/judge/judge.js";
import { crossFindings } from "./cross-rules.js";
import { globMatcher } from "./glob.js";
import { placeText, positionInModel } from "./model-position.js";
import type { Project } from "./project.js";
import { resolveWarehouse } from "./resolve.js";

/** One statement of a file, or one model (`--json` of DESIGN §3). `ok` is false when a finding is an error. */
export interface Linted {
  /** The file as it was named, or `model NAME`. */
  readonly source: string;
  /** One-based line on which the statement begins; null for a model. */
  readonly line: number | null;
  readonly ok: boolean;
  readonly findings: readonly LintFinding[];
}

export interface LintFinding extends Pick<Finding, "rule" | "severity" | "message" | "fix"> {
  /** `FILE:LINE:COLUMN` of the SQL or of the model's file; absent where a finding is about no file. */
  readonly place?: string;
}

export interface LintRequest {
  /** Files of SQL (`*.sql`), and globs over model names; all models when there are none. */
  readonly words: readonly string[];
  /** `starrocks`, `starrocks@4.0`, `starrocks@3.5/shared-data`. */
  readonly engine?: string;
  readonly backends?: number;
  readonly warehouse?: string;
  readonly cwd: string;
  /** Decides how far a backfill's `since` reaches back. */
  readonly now: Date;
}

/** What is assumed where nothing is said: the newest version with evidence. */
const VERSIONS: Partial<Record<EngineName, string>> = { starrocks: "4.0", timescale: "2.29", postgres: "18", hive: "4.0", kafka: "4.0" };
const BACKENDS = 3;

/** Legality without a server. Throws DW-USAGE for an engine, file or model that cannot be. */
export async function lint(request: LintRequest, project: () => Promise<Project>): Promise<Linted[]> {
  const target = targetOf(request);
  const files = request.words.filter((word) => word.toLowerCase().endsWith(".sql"));
  const models = request.words.filter((word) => !files.includes(word));
  const linted = await Promise.all(files.map((file) => lintFile(file, request, target)));
  if (files.length > 0 && models.length === 0) return linted.flat();
  return [...linted.flat(), ...(await lintModels(await project(), models, request, target))];
}

// ------------------------------------------------------------------------------------------------ target

function targetOf({ engine: text = "starrocks", backends = BACKENDS }: LintRequest): EngineTarget {
  const [, name = "", version, mode] = /^([a-z]+)(?:@(\d+(?:\.\d+)?))?(?:\/(shared-data|shared-nothing))?$/.exec(text) ?? [];
  const engine = [...engines.keys()].find((candidate) => candidate === name);
  if (!engine || (mode !== undefined && engine !== "starrocks")) throw unknownEngine(text);
  return {
    engine,
    version: version ?? VERSIONS[engine] ?? "",
    mode: mode === "shared-data" ? "shared-data" : "shared-nothing",
    backends,
  };
}

function unknownEngine(text: string): DwError {
  return new DwError("DW-USAGE", {
    what: `--engine ${text} is no engine that dw can lint for.`,
    why: `It is one of ${[...engines.keys()].sort().join(", ")}, then @VERSION, then for StarRocks /shared-data.`,
    fix: "Write for example --engine starrocks@3.5/shared-data.",
  });
}

// ------------------------------------------------------------------------------------------------ files

/** Statements in StarRocks's SQL. For other engines a file is read and nothing is said about it. */
async function lintFile(file: string, { cwd, backends }: LintRequest, target: EngineTarget): Promise<Linted[]> {
  const text = await readText(file, cwd);
  if (target.engine !== "starrocks") return [{ source: file, line: 1, ok: true, findings: [noGrammar(target)] }];
  return judgeText(text, target, { isDescribed: backends !== undefined }).map(({ start, findings }) =>
    entry(
      file,
      start.line,
      findings.map((finding) => ({ ...finding, place: placeText({ file }, finding.position ?? start) })),
    ),
  );
}

function noGrammar({ engine }: EngineTarget): LintFinding {
  return {
    rule: `${engine}/sql-file`,
    severity: "unproven",
    message: `dw reads hand-written SQL of StarRocks; this file was not judged for ${engine}.`,
    fix: `Lint the models: dw lint --engine ${engine}.`,
  };
}

async function readText(file: string, cwd: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), "utf8");
  } catch (error) {
    throw new DwError("DW-USAGE", {
      what: `${file} cannot be read.`,
      why: (error as Error).message, // of readFile
      fix: "Name a file that exists; models are named without .sql.",
      cause: error,
    });
  }
}

// ------------------------------------------------------------------------------------------------ models

async function lintModels(project: Project, names: readonly string[], request: LintRequest, target: EngineTarget): Promise<Linted[]> {
  const linted: Linted[] = [];
  for (const warehouse of await project.someWarehouses(request.warehouse)) {
    const models = await project.models(warehouse);
    const { catalog, findings } = resolveWarehouse(warehouse, models, engines);
    const chosen = models.filter(({ name }) => names.length === 0 || names.some((glob) => globMatcher(glob)(name)));
    const ofEngines = slotsOf(catalog.objects).flatMap((slot) => everywhere(slot, catalog, target, request));
    const all = [...findings, ...ofEngines, ...crossFindings(models, catalog, request.now)];
    linted.push(...(await byModel(chosen, all, { project, warehouse: names.length === 0 ? warehouse : undefined })));
  }
  if (names.length > 0 && linted.length === 0) throw noModel(names);
  return linted;
}

const slotsOf = (objects: readonly CatalogObject[]): EngineName[] => [...new Set(objects.map(({ slot }) => slot))];

/** What is found in any environment, once: an option may be legal in one and refused in another. */
function everywhere(slot: EngineName, catalog: Catalog, target: EngineTarget, request: LintRequest): Finding[] {
  const variants = ["default", ...catalogEnvironments(catalog)].map((environment) =>
    catalog.objects.filter((object) => object.slot === slot).map((object) => objectFor(object, environment)),
  );
  const usual = variants[0] ?? [];
  const unusual = variants.filter((objects) => objects.some((object, index) => object !== usual[index])); // without holes they are the same
  const found = [usual, ...unusual].flatMap((objects) => engineFindings(slot, objects, target, request));
  return [...new Map(found.map((finding) => [JSON.stringify(finding), finding])).values()];
}

/** An engine that was not named is linted for its newest version. */
function engineFindings(
  slot: EngineName,
  objects: readonly CatalogObject[],
  target: EngineTarget,
  { engine }: LintRequest,
): readonly Finding[] {
  if (engine !== undefined && slot !== target.engine) return [];
  const own: EngineTarget =
    slot === target.engine ? target : { ...target, engine: slot, version: VERSIONS[slot] ?? "", mode: "shared-nothing" };
  const known: Engine | undefined = engines.get(slot);
  return known?.lint(objects, own) ?? [];
}

interface Reading {
  readonly project: Project;
  /** Where findings that name no model stand; undefined when only some models were asked for. */
  readonly warehouse: string | undefined;
}

/** One entry a model; findings that name none of them stand under the warehouse. */
async function byModel(models: readonly Model[], findings: readonly Finding[], { project, warehouse }: Reading): Promise<Linted[]> {
  const owners = new Map<Model | undefined, Finding[]>();
  const byName = new Map(models.map((model) => [model.name, model]));
  for (const finding of findings) {
    const owner = ownerOf(finding, byName);
    owners.set(owner, [...(owners.get(owner) ?? []), finding]);
  }
  const entries = models.map(async (model) => entry(`model ${model.name}`, null, await placed(model, owners.get(model) ?? [], project)));
  const rest = (owners.get(undefined) ?? []).map(({ place: _, ...finding }) => finding);
  return [
    ...(await Promise.all(entries)),
    ...(warehouse === undefined || rest.length === 0 ? [] : [entry(`warehouse ${warehouse}`, null, rest)]),
  ];
}

/** `place` is a model's name, or `model.column`; both may have dots in them. */
function ownerOf({ place = "" }: Finding, models: ReadonlyMap<string, Model>): Model | undefined {
  for (let end = place.length; end > 0; end = place.lastIndexOf(".", end - 1)) {
    const model = models.get(place.slice(0, end));
    if (model) return model;
  }
  return undefined;
}

/** The same findings with the lines of the model's file. */
async function placed({ name, origin }: Model, findings: readonly Finding[], { root }: Project): Promise<LintFinding[]> {
  const bare = findings.map(({ place: _, ...finding }) => finding);
  if (findings.length === 0 || origin === undefined) return bare;
  const text = await readText(origin.file, root);
  return findings.map(({ place = name, ...finding }) => {
    const column = place.length > name.length ? place.slice(name.length + 1) : undefined;
    return { ...finding, place: placeText(origin, positionInModel(text, name, column)) };
  });
}

function noModel(names: readonly string[]): DwError {
  return new DwError("DW-USAGE", {
    what: `No model is called ${names.join(" or ")}.`,
    why: "Words that do not end in .sql are names of models, or globs over them.",
    fix: "Correct the name; without words all models are linted.",
  });
}

function entry(source: string, line: number | null, findings: readonly LintFinding[]): Linted {
  const shown = findings.map(({ rule, severity, message, fix, place }) => ({
    rule,
    severity,
    message,
    fix,
    ...(place !== undefined && { place }),
  }));
  return { source, line, ok: shown.every(({ severity }) => severity !== "error"), findings: shown };
}
