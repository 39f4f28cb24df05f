import type { Connections } from "../../connections/open.js";
import { isDwError } from "../../core/errors.js";
import type { Columns, SourceModel } from "../../core/model.js";
import type { At, SourceTable } from "../../core/source.js";
import { openSource } from "../../sources/index.js";
import type { Project } from "../project.js";
import { environmentConnections, storageAccess } from "../storage-access.js";
import { modelTable, namedTable } from "../table-source.js";

export interface SourceSurroundings {
  /** Relative paths start at its root. */
  readonly project: Project;
  readonly connections: Connections;
  readonly warehouse?: string;
  readonly signal: AbortSignal;
  /** A folder for chunk files. */
  readonly scratch: string;
  readonly at: At;
  /** Types for formats without any (CSV): those of the source's model, else of the target's. */
  readonly typed?: Columns;
}

/** The source of a backfill: a format's path, a table of a connection or of a model. DW-SOURCE-UNKNOWN and what opening throws. */
export function openBackfillSource(text: string, surroundings: SourceSurroundings): Promise<SourceTable> {
  const { project, connections, signal, at, typed } = surroundings;
  return openSource(text, {
    at,
    cwd: project.root,
    access: storageAccess({
      variables: project.variables,
      redactor: project.redactor,
      signal: () => signal,
      connections: async () => environmentConnections(project, connections.environment.name),
    }),
    ...(typed && { typed }),
    connection: (name, rest) => tableSource(name, rest, surroundings),
  });
}

export function typesFor(source: SourceModel | undefined, target: Columns | undefined): Columns | undefined {
  return source?.columns ?? target;
}

async function tableSource(name: string, rest: string, surroundings: SourceSurroundings): Promise<SourceTable | undefined> {
  if (name === "model") return modelTable(rest, surroundings);
  const open = await surroundings.connections.named(name).catch((error: unknown) => {
    if (isDwError(error) && error.code === "DW-CONNECTION-UNKNOWN") return undefined;
    throw error;
  });
  return open && namedTable(open, name, rest, surroundings.scratch);
}
