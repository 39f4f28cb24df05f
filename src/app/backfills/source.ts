import type { Connections } from "../../connections/open.js";
import { isDwError } from "../../core/errors.js";
import type { BackfillModel, Column, ColumnMapping, Columns, SourceModel } from "../../core/model.js";
import type { At, SourceTable } from "../../core/source.js";
import { openSource } from "../../sources/index.js";
import type { StorageAccess } from "../../storage/open.js";
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
  const { project, at, typed } = surroundings;
  return openSource(text, {
    at,
    cwd: project.root,
    access: backfillAccess(surroundings),
    ...(typed && { typed }),
    connection: (name, rest) => tableSource(name, rest, surroundings),
  });
}

/** How sources and targets on other machines are reached. */
export function backfillAccess({
  project,
  connections,
  signal,
}: Pick<SourceSurroundings, "project" | "connections" | "signal">): StorageAccess {
  return storageAccess({
    variables: project.variables,
    redactor: project.redactor,
    signal: () => signal,
    connections: async () => environmentConnections(project, connections.environment.name),
  });
}

/**
 * Types for texts: those of the source's model, else of the target's under the names that the map gives them. Instants take
 * the zone that the model or the backfill states for texts without one; a column whose zone the map states is read as
 * wall-clock times, which the mapping turns into instants.
 */
export function typesFor(
  source: SourceModel | undefined,
  target: Columns | undefined,
  backfill: Pick<BackfillModel, "map" | "sourceZone"> = {},
): Columns | undefined {
  const columns = source?.columns ?? (target && sourceNames(target, backfill.map ?? {}));
  if (columns === undefined) return undefined;
  const zone = source?.zone ?? backfill.sourceZone;
  const zoned = new Set(Object.values(backfill.map ?? {}).flatMap((mapping) => ("zone" in mapping ? [mapping.column] : [])));
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, textColumn(column, zone, zoned.has(name))]));
}

function sourceNames(target: Columns, map: Readonly<Record<string, ColumnMapping>>): Columns {
  const named = Object.entries(target).flatMap(([name, column]): [string, Column][] => {
    const mapping = map[name];
    // What is translated has another type before: the source's model states it, or it is text.
    if (mapping !== undefined && ("values" in mapping || "factor" in mapping || "path" in mapping)) return [];
    return [[mapping !== undefined && "column" in mapping ? mapping.column : name, column]];
  });
  return Object.fromEntries(named);
}

function textColumn(column: Column, zone: string | undefined, isWallClock: boolean): Column {
  if (column.type.kind !== "timestamp" || !column.type.zoned) return column;
  if (isWallClock) return { ...column, type: { ...column.type, zoned: false } };
  const stated = column.zone ?? zone;
  return stated === undefined ? column : { ...column, zone: stated };
}

async function tableSource(name: string, rest: string, surroundings: SourceSurroundings): Promise<SourceTable | undefined> {
  if (name === "model") return modelTable(rest, surroundings);
  const open = await surroundings.connections.named(name).catch((error: unknown) => {
    if (isDwError(error) && error.code === "DW-CONNECTION-UNKNOWN") return undefined;
    throw error;
  });
  const { typed, at, scratch } = surroundings;
  const topic = { ...(typed && { typed }), ...(at.snapshot !== undefined && { snapshot: at.snapshot }) };
  return open && namedTable(open, name, rest, scratch, topic);
}
