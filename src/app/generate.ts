import { mkdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type CatalogObject, catalogText, compareText, objectFor } from "../core/catalog.js";
import { DwError } from "../core/errors.js";
import type { Finding } from "../core/finding.js";
import type { Loss } from "../core/loss.js";
import type { Model } from "../core/model.js";
import type { EngineName } from "../core/types.js";
import { engines } from "../engines/index.js";
import { indexText, lossText } from "../present/generated.js";
import { globMatcher } from "./glob.js";
import type { Project } from "./project.js";
import { type Engines, resolveWarehouse } from "./resolve.js";

/** Which objects are generated; everything when both are absent. */
export interface Selection {
  readonly engine?: EngineName;
  /** Glob over model names. */
  readonly model?: string;
}

export interface Generation {
  /** Path relative to the output folder, with forward slashes → text. Sorted. */
  readonly files: ReadonlyMap<string, string>;
  readonly losses: readonly Loss[];
  readonly findings: readonly Finding[];
}

/** Everything that `dw generate` writes for one warehouse; pure, and the same bytes for the same models on every machine. */
export function generateWarehouse(warehouse: string, models: readonly Model[], known: Engines, selection: Selection = {}): Generation {
  const { catalog, losses, findings } = resolveWarehouse(warehouse, models, known);
  const chosen = catalog.objects.filter(selects(selection));
  const rendered = chosen.map((object) => renderObject(object, known));
  const files = new Map<string, string>();
  for (const { object, path, text } of rendered) {
    if (files.has(path)) throw sameFile(object, path);
    files.set(path, text);
  }
  if (!isPartial(selection)) {
    files.set("catalog.json", catalogText(catalog));
    files.set("README.md", indexText(catalog, rendered, findings));
    files.set("losses.md", lossText(warehouse, losses));
  }
  const prefixed = [...files].map(([path, text]): [string, string] => [`${warehouse}/${path}`, text]);
  return { files: new Map(prefixed.sort(([a], [b]) => compareText(a, b))), losses, findings };
}

function isPartial(selection: Selection): boolean {
  return selection.engine !== undefined || selection.model !== undefined;
}

function selects(selection: Selection): (object: CatalogObject) => boolean {
  const matches = selection.model === undefined ? () => true : globMatcher(selection.model);
  return (object) => (selection.engine === undefined || object.slot === selection.engine) && matches(object.model ?? "");
}

function renderObject(object: CatalogObject, known: Engines): { object: CatalogObject; path: string; text: string } {
  const engine = known.get(object.slot);
  if (!engine) throw new Error(`${object.id}: resolved by an engine that is not registered`);
  const filled = objectFor(object, "default");
  const { path, text } = engine.render(filled);
  return { object, path: `${object.slot}/${path}`, text: text.endsWith("\n") ? text : `${text}\n` };
}

function sameFile(object: CatalogObject, path: string): DwError {
  return new DwError("DW-MODEL-INVALID", {
    what: `Model ${object.model}: ${object.id} would be written to ${path}, which another object has already.`,
    why: "One file shows one object.",
    fix: "Give one of them another name.",
  });
}

export interface GenerateOptions {
  /** Absolute. */
  readonly out: string;
  /** Compares and writes nothing. */
  readonly check: boolean;
  readonly partial: boolean;
}

/** What happened to the files, or with `check` what would; paths relative to the output folder, sorted. */
export interface GenerateReport {
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: number;
}

/** Which files dw made in this folder earlier: only those may it remove. One path a line, relative to the warehouse's folder. */
const MANIFEST = "files.txt";

/**
 * Brings `out/<warehouse>` to what was generated. Files that an earlier run made and this one does not are removed; files that
 * people put there stay. A partial generation removes nothing.
 */
export async function writeGenerated(warehouse: string, generation: Generation, options: GenerateOptions): Promise<GenerateReport> {
  const { out, check, partial } = options;
  const manifestPath = `${warehouse}/${MANIFEST}`;
  const before = await readManifest(out, warehouse);
  const wanted = new Map(generation.files);
  const kept = partial ? before : [];
  wanted.set(manifestPath, manifestText(warehouse, [...wanted.keys(), ...kept]));

  const written: string[] = [];
  for (const [path, text] of wanted) {
    if (path === manifestPath && partial && check) continue;
    if ((await readIfThere(join(out, path))) !== text) written.push(path);
  }
  const removed: string[] = [];
  if (!partial) {
    for (const path of before) if (!wanted.has(path) && (await readIfThere(join(out, path))) !== undefined) removed.push(path);
  }
  if (!check) {
    for (const path of written) await writeText(join(out, path), wanted.get(path) ?? "");
    for (const path of removed) await removeFile(out, path);
  }
  return { written: written.sort(compareText), removed, unchanged: wanted.size - written.length };
}

function manifestText(warehouse: string, paths: readonly string[]): string {
  const own = [...new Set(paths)].map((path) => path.slice(warehouse.length + 1)).sort(compareText);
  return `${own.join("\n")}\n`;
}

/** Paths as written, prefixed with the warehouse. A line that leads out of the folder is none of ours. */
async function readManifest(out: string, warehouse: string): Promise<string[]> {
  const text = (await readIfThere(join(out, warehouse, MANIFEST))) ?? "";
  return text
    .split(/\r?\n/)
    .filter(
      (line) =>
        line !== "" && !line.startsWith("/") && !line.includes("\\") && !line.split("/").some((part) => part === ".." || part === "."),
    )
    .map((line) => `${warehouse}/${line}`);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

async function removeFile(out: string, path: string): Promise<void> {
  await rm(join(out, path));
  // Folders that became empty go with their last file; one that still holds something refuses, and stays.
  for (let folder = dirname(path); folder.includes("/"); folder = dirname(folder)) {
    const gone = await rmdir(join(out, folder)).then(
      () => true,
      () => false,
    );
    if (!gone) return;
  }
}

export interface GenerateRequest {
  readonly engine?: string;
  /** Glob over model names. */
  readonly model?: string;
  readonly warehouse?: string;
  /** Absolute; `generated` in the project when absent. */
  readonly out?: string;
  readonly check: boolean;
}

export interface GeneratedWarehouse extends GenerateReport {
  readonly warehouse: string;
  readonly losses: readonly Loss[];
  readonly findings: readonly Finding[];
}

/**
 * `dw generate`. Throws DW-GENERATED-STALE with `check`, DW-USAGE for an engine that does not exist, DW-CHECK-UNKNOWN for a
 * selection that no model fits, and what loading and resolving models throws.
 */
export async function generate(project: Project, request: GenerateRequest): Promise<GeneratedWarehouse[]> {
  const selection = selectionOf(request);
  const { check, out = join(project.root, "generated") } = request;
  const made: GeneratedWarehouse[] = [];
  for (const warehouse of await project.someWarehouses(request.warehouse)) {
    const generation = generateWarehouse(warehouse, await project.models(warehouse), engines, selection);
    const report = await writeGenerated(warehouse, generation, { out, check, partial: isPartial(selection) });
    made.push({ warehouse, ...report, losses: generation.losses, findings: generation.findings });
  }
  if (isPartial(selection) && made.every((one) => one.written.length + one.unchanged <= 1)) throw nothingSelected(request);
  const stale = check ? staleFiles(made) : undefined;
  if (stale) throw stale;
  return made;
}

function selectionOf({ engine: name, model }: GenerateRequest): Selection {
  const engine = [...engines.keys()].find((known) => known === name);
  if (engine === undefined && name !== undefined) {
    throw new DwError("DW-USAGE", {
      what: `dw does not generate for ${name}.`,
      why: `It generates for ${[...engines.keys()].sort(compareText).join(", ")}.`,
      fix: "Name one of those with --engine, or leave it out.",
    });
  }
  return { ...(engine !== undefined && { engine }), ...(model !== undefined && { model }) };
}

function nothingSelected({ engine, model }: GenerateRequest): DwError {
  return new DwError("DW-CHECK-UNKNOWN", {
    what: `No model is called ${model ?? "anything"}${engine === undefined ? "" : ` and made for ${engine}`}.`,
    why: "Nothing was generated.",
    fix: "Correct --model (a name, or a glob with * and ?) or --engine.",
  });
}

/** DW-GENERATED-STALE with the files that differ, or nothing. */
export function staleFiles(reports: readonly GenerateReport[]): DwError | undefined {
  const lines = reports.flatMap((report) => [
    ...report.written.map((path) => `  differs or is missing: ${path}`),
    ...report.removed.map((path) => `  no longer generated: ${path}`),
  ]);
  if (lines.length === 0) return undefined;
  return new DwError("DW-GENERATED-STALE", {
    what: `${lines.length} generated files are not what the models say:\n${lines.join("\n")}`,
    why: "Reviews and `dw diff --from git:…` read the committed files.",
    fix: "Run `dw generate` and commit the result.",
  });
}
