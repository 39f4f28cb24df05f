import { access } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Connections, openConnections } from "../connections/open.js";
import type { Config } from "../core/config.js";
import { type ResolvedEnvironment, resolveEnvironment } from "../core/environment.js";
import { DwError } from "../core/errors.js";
import type { Model } from "../core/model.js";
import type { Redactor } from "../core/redactor.js";
import { loadModels, warehouseNames } from "../model/load.js";
import { loadFailure } from "../model/load-failure.js";
import { importer } from "../model/typescript.js";
import { validateModels } from "../model/validate.js";
import { parseConfig } from "./config-schema.js";

export type { Connections };

export interface OpenProject {
  /** Where dw.config.ts is looked for, here and in the folders above. */
  readonly cwd: string;
  /** The configuration's file, when it is named; relative to `cwd`. */
  readonly config?: string;
  readonly redactor: Redactor;
  /** The process's environment variables, for secrets. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** A user's project: what dw.config.ts says and what lies beside it. */
export interface Project {
  /** Absolute; the folder of dw.config.ts. models/, migrations/ and generated/ lie in it. */
  readonly root: string;
  readonly config: Config;
  /** From raw to served. */
  readonly layers: readonly string[];
  readonly redactor: Redactor;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Sorted folder names of models/. */
  readonly warehouses: () => Promise<readonly string[]>;
  /**
   * Checked models of a warehouse, sorted by name. Throws DW-WAREHOUSE-UNKNOWN, DW-MODEL-LOAD, DW-MODEL-DUPLICATE,
   * DW-MODEL-INVALID; an AggregateError when there is more than one mistake.
   */
  readonly models: (warehouse: string) => Promise<readonly Model[]>;
  /** The warehouse that `--warehouse` names, or the only one there is. DW-WAREHOUSE-UNKNOWN. */
  readonly onlyWarehouse: (named: string | undefined) => Promise<string>;
  /** The warehouse that `--warehouse` names, or all of them. DW-WAREHOUSE-UNKNOWN. */
  readonly someWarehouses: (named: string | undefined) => Promise<readonly string[]>;
  /** Throws DW-ENV-UNKNOWN. */
  readonly environment: (name: string) => ResolvedEnvironment;
  /** The databases of an environment; nothing is opened before it is asked for. Closed with the project. */
  readonly connect: (environment: ResolvedEnvironment) => Connections;
  readonly close: () => Promise<void>;
}

const defaultLayers = ["ods", "dwd", "dws", "ads"];
const configNames = ["dw.config.ts", "dw.config.mjs", "dw.config.js"];

/** Finds and checks the configuration. Models are loaded when somebody asks for them. DW-CONFIG-MISSING, DW-CONFIG-INVALID. */
export async function openProject(options: OpenProject): Promise<Project> {
  const file = await configFile(options);
  const root = dirname(file);
  const importFile = await importer(root);
  const exported = await importFile(file).catch((error) => {
    throw asConfigError(loadFailure(file.slice(root.length + 1), file, root, error));
  });
  const config = parseConfig(file, exported.default);
  const layers = config.layers ?? defaultLayers;
  const connected: Connections[] = [];
  const loaded = new Map<string, Promise<readonly Model[]>>();
  const known = async (warehouse: string): Promise<string> => {
    const names = await warehouseNames(root);
    if (names.includes(warehouse)) return warehouse;
    throw unknownWarehouse(root, warehouse, names);
  };
  const load = async (warehouse: string): Promise<readonly Model[]> => {
    const models = await loadModels(root, await known(warehouse), importFile);
    validateModels(models, { layers });
    return models;
  };
  return {
    root,
    config,
    layers,
    redactor: options.redactor,
    variables: options.variables,
    warehouses: () => warehouseNames(root),
    models: (warehouse) => {
      const models = loaded.get(warehouse) ?? load(warehouse);
      loaded.set(warehouse, models);
      return models;
    },
    onlyWarehouse: async (named) => (named === undefined ? only(root, await warehouseNames(root)) : known(named)),
    someWarehouses: async (named) => (named === undefined ? some(root, await warehouseNames(root)) : [await known(named)]),
    environment: (name) => resolveEnvironment(config, name),
    connect: (environment) => {
      const connections = openConnections(environment, { root, variables: options.variables, redactor: options.redactor });
      connected.push(connections);
      return connections;
    },
    close: async () => {
      for (const connections of connected.splice(0)) await connections.close();
    },
  };
}

async function configFile({ cwd, config }: OpenProject): Promise<string> {
  const start = resolve(cwd);
  if (config !== undefined) {
    const named = resolve(start, config);
    if (await exists(named)) return named;
    throw new DwError("DW-CONFIG-MISSING", {
      what: `There is no file ${named}.`,
      why: "It was named as the configuration.",
      fix: "Correct --config, or leave it out: dw looks for dw.config.ts here and in the folders above.",
    });
  }
  for (let folder = start; ; folder = dirname(folder)) {
    for (const name of configNames) if (await exists(join(folder, name))) return join(folder, name);
    if (folder === dirname(folder)) break;
  }
  throw new DwError("DW-CONFIG-MISSING", {
    what: `No dw.config.ts was found in ${start} or above it.`,
    why: "This command needs a project.",
    fix: "Run it inside a project or pass --cwd DIR; `dw init DIR` makes a new one.",
  });
}

function asConfigError(error: DwError): DwError {
  return new DwError("DW-CONFIG-INVALID", { what: error.what, why: error.why, fix: error.fix, cause: error });
}

function only(root: string, names: readonly string[]): string {
  const [first, ...others] = some(root, names);
  if (first !== undefined && others.length === 0) return first;
  throw new DwError("DW-WAREHOUSE-UNKNOWN", {
    what: "No warehouse was named, and there are several.",
    why: `models/ has ${names.join(", ")}.`,
    fix: "Name one with --warehouse.",
  });
}

/** Work on nothing would end well and say nothing. */
function some(root: string, names: readonly string[]): readonly string[] {
  if (names.length > 0) return names;
  throw new DwError("DW-WAREHOUSE-UNKNOWN", {
    what: `There is no warehouse in ${join(root, "models")}.`,
    why: "Each folder there is one.",
    fix: "Make one, or copy one with `dw init`.",
  });
}

function unknownWarehouse(root: string, warehouse: string, names: readonly string[]): DwError {
  return new DwError("DW-WAREHOUSE-UNKNOWN", {
    what: `There is no warehouse ${warehouse}.`,
    why: `${join(root, "models")} has ${names.length === 0 ? "none" : names.join(", ")}.`,
    fix: "Correct --warehouse.",
  });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
