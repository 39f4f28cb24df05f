import type { Connections } from "../../connections/open.js";
import { isDwError } from "../../core/errors.js";
import type { Columns, SourceModel } from "../../core/model.js";
import type { At, SourceTable } from "../../core/source.js";
import { openSource } from "../../sources/index.js";
import type { Project } from "../project.js";
import { modelTable, namedTable } from "../table-source.js";

export interface SourceSurroundings {
  readonly project: Project;
  readonly connections: Connections;
  readonly warehouse?: string;
  /** Relative paths start here. */
  readonly root: string;
  /** A folder for chunk files. */
  readonly scratch: string;
  readonly at: At;
  /** Types for formats without any (CSV): those of the source's model, else of the target's. */
  readonly typed?: Columns;
}

/** The source of a backfill: a format's path, a table of a connection or of a model. DW-SOURCE-UNKNOWN and what opening throws. */
export function openBackfillSource(text: string, surroundings: SourceSurroundings): Promise<SourceTable> {
  const { root, at, typed } = surroundings;
  return openSource(text, {
    at,
    cwd: root,
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
