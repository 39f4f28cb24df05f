import { access, mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { Connections, OpenConnection } from "../../connections/open.js";
import { DwError } from "../../core/errors.js";
import type { Column, SourceModel } from "../../core/model.js";
import type { SourceColumn, SourceTable } from "../../core/source.js";
import { engines } from "../../engines/index.js";
import { modelFile, type Printable } from "../../model/print/file.js";
import { type Found, foundInFile, foundLive } from "./found.js";
import { type ImportedModels, modelsOf, type Unsaid } from "./models.js";

/*
 * `dw import`: models of what exists. Objects of an engine become the models that make them again, which is proved by making
 * them; a table that no engine of dw keeps (a lake, files, another team's database) becomes a source.
 */

export interface ImportRequest {
  /** `ddl:FILE`, `odcs:FILE`, `CONNECTION:`, `CONNECTION:SCHEMA[.TABLE]`, or a source of rows: `iceberg:PATH`, `csv:GLOB`, … */
  readonly source: string;
  readonly engine?: string;
  readonly warehouse: string;
  /** Folder that the warehouse's folder is written into. */
  readonly out: string;
  readonly cwd: string;
  /** What a source is to be called; its path says it otherwise. */
  readonly name?: string;
  /** Only says what would be written. */
  readonly dryRun: boolean;
}

export interface ImportSurroundings {
  /** True when dw.config.ts knows a connection of that name. */
  readonly isConnection: (name: string) => Promise<boolean>;
  readonly connections: () => Promise<Connections>;
  /** Whoever opens it closes it, at the end of the command. */
  readonly openSource: (source: string) => Promise<SourceTable>;
}

export interface ImportReport {
  readonly warehouse: string;
  readonly files: readonly { readonly path: string; readonly model: string; readonly text: string }[];
  readonly unsaid: readonly Unsaid[];
  /** True when the models were resolved again and compared with what is there. */
  readonly isProved: boolean;
}

/** Throws DW-USAGE, DW-FILE-EXISTS when a file is there already (then nothing is written), and what the source throws. */
export async function importModels(request: ImportRequest, around: ImportSurroundings): Promise<ImportReport> {
  const { models, unsaid, notes } = await imported(request, around);
  const isProved = !request.source.startsWith("odcs:") && models.some(({ model }) => model !== "source");
  const paths = filePaths(models, resolve(request.cwd, request.out, request.warehouse));
  const files = models.map((model) => {
    const path = paths.get(model.name) ?? "";
    const fileOf = (name: string): string => importPath(path, paths.get(name) ?? "");
    return { path, model: model.name, text: modelFile(model, { from: "dwright", fileOf, notes: notes.get(model.name) ?? [] }) };
  });
  if (!request.dryRun) await write(files);
  return {
    warehouse: request.warehouse,
    files: files.map((file) => ({ ...file, path: relative(request.cwd, file.path) })),
    unsaid,
    isProved,
  };
}

async function imported(request: ImportRequest, around: ImportSurroundings): Promise<ImportedModels> {
  const { source, engine, warehouse, cwd } = request;
  const [, name = "", rest = ""] = /^([^:]*):(.*)$/s.exec(source) ?? [];
  if (name === "ddl") return modelsOf(await foundInFile(rest, engine, { cwd, warehouse }), warehouse, engines);
  if (name === "odcs") {
    const { modelsOfContract } = await import("./odcs.js");
    return { ...(await modelsOfContract(resolve(cwd, rest), engine)), notes: new Map() };
  }
  const open = (await around.isConnection(name)) ? await (await around.connections()).named(name) : undefined;
  if (open && holdsObjects(open)) {
    const found: Found = await foundLive(open, { connection: name, rest, warehouse, ...(engine !== undefined && { engine }) });
    return modelsOf(found, warehouse, engines);
  }
  const sources = open && rest === "" ? (await tableNames(open)).map((table) => `${name}:${table}`) : [source];
  const models: SourceModel[] = [];
  for (const each of sources) models.push(await sourceModel(each, sources.length === 1 ? request.name : undefined, around));
  return { models, unsaid: models.flatMap(mixedFields), notes: new Map() };
}

/** Fields of documents that hold values of several types: JSON keeps them all, and a person should know. */
function mixedFields({ name, columns = {} }: SourceModel): Unsaid[] {
  return Object.entries(columns).flatMap(([field, { comment }]) =>
    comment.startsWith("of several types") ? [{ name: `${name}.${field}`, what: `${comment}; it is read as JSON` }] : [],
  );
}

/** Whether what is there was made by an engine of dw's; another database only gives rows. */
function holdsObjects(open: OpenConnection): boolean {
  return open.kind !== "mongodb" && (open.kind !== "mysql" || open.server === "starrocks");
}

// ------------------------------------------------------------------------------------------------ sources of rows

/** All tables of the connection's own database. */
async function tableNames(open: OpenConnection): Promise<string[]> {
  if (open.kind === "mongodb") return [...(await open.mongo.collections())];
  if (open.kind !== "mysql") return [];
  const rows = await open.mysql.query(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name",
  );
  return rows.map((row) => row.name ?? "");
}

/** A table that dw reads and does not make. */
async function sourceModel(source: string, name: string | undefined, around: ImportSurroundings): Promise<SourceModel> {
  const { columns } = await around.openSource(source);
  return {
    model: "source",
    name: name ?? sourceName(source.slice(source.indexOf(":") + 1)),
    at: source,
    columns: Object.fromEntries(columns.map((column) => [column.name, sourceColumn(column)])),
  };
}

/** The last part of a path that says anything. */
function sourceName(rest: string): string {
  const parts = rest.split(/[/:?#]/).filter((part) => part !== "" && !/[*[\]{}=]/.test(part));
  const last = (parts.at(-1) ?? "source").replace(/\.(parquet|csv|tsv|jsonl|ndjson|json|orc|avro|gz|zst|bz2|db)\b/gi, "");
  return last.replace(/[^\p{L}\p{N}_]+/gu, "_").replace(/^_+|_+$/g, "") || "source";
}

function sourceColumn({ type, nullable, comment = "" }: SourceColumn): Column {
  return { type, nullable, comment };
}

// ------------------------------------------------------------------------------------------------ files

/** One file a model, in the folder of its database or schema where there are several. */
function filePaths(models: readonly Printable[], folder: string): Map<string, string> {
  const taken = new Set<string>();
  return new Map(
    models.map(({ name }) => {
      const plain = name.replace(/[^A-Za-z0-9_-]/g, "_");
      let file = plain;
      for (let number = 2; taken.has(file.toLowerCase()); number++) file = `${plain}_${number}`;
      taken.add(file.toLowerCase());
      return [name, join(folder, `${file}.ts`)];
    }),
  );
}

function importPath(from: string, to: string): string {
  const path = relative(dirname(from), to).replaceAll("\\", "/").replace(/\.ts$/, ".js");
  return path.startsWith(".") ? path : `./${path}`;
}

/** All or none: a file that is there already was somebody's work. */
async function write(files: readonly { readonly path: string; readonly text: string }[]): Promise<void> {
  const there = (await Promise.all(files.map(async ({ path }) => ((await exists(path)) ? [path] : [])))).flat();
  if (there.length > 0) {
    throw new DwError("DW-FILE-EXISTS", {
      what: `${there.length === 1 ? "A file is" : `${there.length} files are`} there already: ${there.slice(0, 5).join(", ")}${there.length > 5 ? ", …" : ""}.`,
      why: "Models are written by hand, and an import would replace them.",
      fix: "Import into another folder with --out, compare, and move what you want.",
    });
  }
  for (const { path, text } of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: "wx" });
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
