import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { parse } from "yaml";
import { DwError } from "../../../core/errors.js";
import type { Model } from "../../../core/model.js";
import { checkFile, type NamedCheck } from "../../../model/print/check-file.js";
import type { Project } from "../../project.js";
import { isCheckable } from "../select.js";
import { dbtChecks, dbtFile } from "./dbt.js";
import type { FoundCheck, FoundChecks, UnsaidCheck } from "./found.js";
import { sodaChecks } from "./soda.js";

type CheckTool = "dbt" | "soda";

export interface ImportChecksRequest {
  readonly tool: CheckTool;
  /** A schema.yml of dbt, or a file of SodaCL. */
  readonly file: string;
  readonly cwd: string;
  readonly warehouse: string;
  /** Only says what would be written. */
  readonly dryRun: boolean;
}

export interface ImportedChecks {
  /** Relative to `cwd`; undefined when nothing could be expressed. */
  readonly path?: string;
  readonly text: string;
  readonly checks: number;
  readonly unsaid: readonly UnsaidCheck[];
}

/**
 * Another tool's checks as `defineCheck`s of models that the warehouse has. What cannot be expressed, or is about a table that
 * no model is, is listed. Throws DW-USAGE for a file that is none of the tool's, DW-FILE-EXISTS when ours is there already.
 */
export async function importChecks(project: Project, request: ImportChecksRequest): Promise<ImportedChecks> {
  const models = (await project.models(request.warehouse)).filter(isCheckable);
  const { checks, unsaid } = await foundIn(request);
  const known = new Map(models.map((model) => [model.name, model]));
  const judged = checks.map((found) => ({ ...found, why: misfit(found, known) }));
  const usable = judged.filter(({ why }) => why === undefined);
  const left = judged.flatMap(({ table, spec, why }) => (why === undefined ? [] : [{ table, what: spec.check, why }]));
  const named = namedChecks(usable);
  const text = named.length === 0 ? "" : checkFile(named);
  const name = basename(request.file, extname(request.file)).replace(/[^A-Za-z0-9_-]/g, "_");
  const path = join(project.root, "models", request.warehouse, "checks", `${request.tool}_${name}.ts`);
  if (!request.dryRun && text !== "") await write(path, text);
  return {
    ...(text !== "" && { path: relative(request.cwd, path) }),
    text,
    checks: named.length,
    unsaid: [...unsaid, ...left],
  };
}

async function foundIn({ tool, file, cwd }: ImportChecksRequest): Promise<FoundChecks> {
  const path = resolve(cwd, file);
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new DwError("DW-USAGE", {
      what: `There is no file ${path}.`,
      why: "It was named as what to import.",
      fix: "Correct the path.",
      cause,
    });
  });
  try {
    const parsed: unknown = parse(text);
    if (tool === "dbt") return dbtChecks(dbtFile.parse(parsed));
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return sodaChecks(parsed as Record<string, unknown>); // a YAML mapping
  } catch (cause) {
    throw cause instanceof DwError ? cause : notOf(tool, path, cause);
  }
  throw notOf(tool, path);
}

function notOf(tool: CheckTool, path: string, cause?: unknown): DwError {
  return new DwError("DW-USAGE", {
    what: `${path} is no file of ${tool} that dw reads.`,
    why: cause instanceof Error ? cause.message : "It is not a mapping of names.",
    fix: tool === "dbt" ? "Name a schema.yml with models, sources, seeds or snapshots." : "Name a file with `checks for TABLE:`.",
    cause,
  });
}

/** Why a check would stop the models from loading: it is about a table or a column that none of them has. */
function misfit({ table, spec }: FoundCheck, known: ReadonlyMap<string, Model>): string | undefined {
  const model = known.get(table);
  if (model === undefined) return `the warehouse has no model ${table}`;
  if (spec.check === "reference" && !known.has(spec.model)) return `the warehouse has no model ${spec.model}`;
  const columns = "columns" in model ? model.columns : undefined;
  const named = [...("column" in spec && spec.column !== undefined ? [spec.column] : []), ...("columns" in spec ? spec.columns : [])];
  const missing = columns && named.find((name) => !Object.hasOwn(columns, name));
  return missing === undefined ? undefined : `the model has no column ${missing}`;
}

/** Names that say what is promised, none twice. */
function namedChecks(found: FoundChecks["checks"]): NamedCheck[] {
  const taken = new Set<string>();
  return found.map(({ table, spec }) => {
    const subject = "columns" in spec ? spec.columns : "column" in spec && spec.column !== undefined ? [spec.column] : [];
    const plain = [table, spec.check, ...subject].join("_").replace(/[^A-Za-z0-9]+/g, "_");
    let name = plain;
    for (let number = 2; taken.has(name); number++) name = `${plain}_${number}`;
    taken.add(name);
    return { name, on: table, spec };
  });
}

async function write(path: string, text: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) {
    throw new DwError("DW-FILE-EXISTS", {
      what: `${path} is there already.`,
      why: "It may have been edited since it was imported.",
      fix: "Move it away, or look at the difference with --dry-run.",
    });
  }
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { flag: "wx" });
}
