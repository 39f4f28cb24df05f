import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connections } from "../connections/open.js";
import type { Config, Connection } from "../core/config.js";
import { DwError, isDwError } from "../core/errors.js";
import { instantOf } from "../core/instant.js";
import type { Column } from "../core/model.js";
import type { Redactor } from "../core/redactor.js";
import type { At, SourceTable } from "../core/source.js";
import { type OpenConnectionSource, openSource } from "../sources/index.js";
import type { Project } from "./project.js";
import { type ConfiguredConnections, environmentConnections, storageAccess } from "./storage-access.js";
import { modelTable, namedTable, type TopicRequest } from "./table-source.js";

export interface SourceRequest {
  /** `NAME:REST`. */
  readonly source: string;
  readonly cwd: string;
  readonly snapshot?: string;
  readonly ref?: string;
  /** A date or an instant as a person writes it; without a zone it is UTC. */
  readonly asOf?: string;
  /** Name of the model that types the columns of a format without types. */
  readonly model?: string;
  readonly warehouse?: string;
}

/** What a source may need of the project; asked for only where it does. */
export interface SourceProject {
  readonly project: () => Promise<Project>;
  readonly connections: () => Promise<Connections>;
  /** Stops requests to other machines. Asked for only where there are any. */
  readonly signal: () => AbortSignal;
  readonly redactor: Redactor;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** Opens what `--source`, `--snapshot`, `--ref`, `--as-of` and `--model` say. The caller closes it. */
export async function openRequestedSource(request: SourceRequest, from: SourceProject): Promise<SourceTable> {
  const typed = request.model === undefined ? undefined : await modelColumns(request, request.model, from);
  return openSource(request.source, {
    cwd: request.cwd,
    at: at(request),
    connection: connectionSource(from, request.warehouse, {
      ...(typed && { typed }),
      ...(request.snapshot !== undefined && { snapshot: request.snapshot }),
    }),
    access: storageAccess({
      variables: from.variables,
      redactor: from.redactor,
      signal: from.signal,
      connections: () => bucketConnections(from),
    }),
    ...(typed && { typed }),
  });
}

function at({ snapshot, ref, asOf }: SourceRequest): At {
  if ([snapshot, ref, asOf].filter((value) => value !== undefined).length > 1) {
    throw new DwError("DW-USAGE", {
      what: "More than one of --snapshot, --ref and --as-of was given.",
      why: "Each names one state of the table.",
      fix: "Give one of them.",
    });
  }
  return {
    ...(snapshot !== undefined && { snapshot }),
    ...(ref !== undefined && { ref }),
    ...(asOf !== undefined && { asOf: instant(asOf) }),
  };
}

function instant(text: string): number {
  const found = instantOf(text, "UTC");
  if (found !== undefined && Number.isFinite(found)) return found;
  throw new DwError("DW-USAGE", {
    what: `--as-of ${text} is not a time.`,
    why: "It is a date or an instant in ISO 8601.",
    fix: "Write for example 2024-06-30T12:00:00Z; without a zone it is UTC.",
  });
}

async function modelColumns(request: SourceRequest, name: string, from: SourceProject): Promise<Readonly<Record<string, Column>>> {
  const project = await from.project();
  const models = (await Promise.all((await project.someWarehouses(request.warehouse)).map(project.models))).flat();
  const found = models.filter((model) => model.name === name && "columns" in model);
  const [model] = found;
  if (found.length === 1 && model !== undefined && "columns" in model && model.columns !== undefined) return model.columns;
  throw new DwError("DW-USAGE", {
    what: found.length > 1 ? `Several warehouses have a model ${name}.` : `There is no model ${name} with columns.`,
    why: "The model's columns say as what the values are read.",
    fix: found.length > 1 ? "Name one with --warehouse." : "Name a table or source of models/.",
  });
}

/** `pgsource:public.orders`, a table of a connection by its name in dw.config.ts, and `model:orders`. */
function connectionSource(from: SourceProject, warehouse: string | undefined, topic: TopicRequest): OpenConnectionSource {
  return async (name, rest) => {
    if (name !== "model" && !(await isConnection(name, from))) return undefined;
    const [project, connections] = [await from.project(), await from.connections()];
    return withScratch(async (scratch) =>
      name === "model"
        ? modelTable(rest, { project, connections, scratch, ...(warehouse !== undefined && { warehouse }) })
        : namedTable(await connections.named(name), name, rest, scratch, topic),
    );
  };
}

/** A table with a folder for its chunk files, which goes when it is closed. */
async function withScratch(open: (scratch: string) => Promise<SourceTable>): Promise<SourceTable> {
  const scratch = await mkdtemp(join(tmpdir(), "dw-rows-"));
  const remove = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  try {
    const table = await open(scratch);
    return { ...table, close: () => table.close().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Those of the environment; without a project, or where none has a connection of kind s3, no environment is asked for. */
async function bucketConnections(from: SourceProject): Promise<ConfiguredConnections | undefined> {
  const config = await configured(from);
  if (config === undefined || !connectionSets(config).some((set) => Object.values(set).some(({ kind }) => kind === "s3"))) return undefined;
  const { name } = (await from.connections()).environment;
  return environmentConnections(await from.project(), name);
}

/** Whether some environment of dw.config.ts, where there is one, knows a connection of that name. */
export async function isConnection(name: string, from: Pick<SourceProject, "project">): Promise<boolean> {
  const config = await configured(from);
  const sets = config === undefined ? [] : connectionSets(config);
  return sets.some((set) => Object.hasOwn(set, name));
}

function connectionSets({ connections, environments }: Config): readonly Readonly<Record<string, Connection>>[] {
  return [connections, ...Object.values(environments).map((environment) => environment.connections)].filter((set) => set !== undefined);
}

async function configured(from: Pick<SourceProject, "project">): Promise<Config | undefined> {
  try {
    return (await from.project()).config;
  } catch (error) {
    if (isDwError(error) && error.code === "DW-CONFIG-MISSING") return undefined;
    throw error;
  }
}
