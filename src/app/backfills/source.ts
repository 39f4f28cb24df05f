import type { Connections } from "../../connections/open.js";
import { DwError, isDwError } from "../../core/errors.js";
import type { Columns, SourceModel } from "../../core/model.js";
import type { At, SourceTable } from "../../core/source.js";
import { openSource } from "../../sources/index.js";

export interface SourceSurroundings {
  readonly connections: Connections;
  /** Relative paths start here. */
  readonly root: string;
  /** A folder for chunk files. */
  readonly scratch: string;
  readonly at: At;
  /** Types for formats without any (CSV): those of the source's model, else of the target's. */
  readonly typed?: Columns;
}

/** The source of a backfill: a format's path or a table of a connection. DW-SOURCE-UNKNOWN and what opening throws. */
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

async function tableSource(name: string, rest: string, { connections, scratch }: SourceSurroundings): Promise<SourceTable | undefined> {
  const open = await connections.named(name).catch((error: unknown) => {
    if (isDwError(error) && error.code === "DW-CONNECTION-UNKNOWN") return undefined;
    throw error;
  });
  if (open === undefined) return undefined;
  const [schema, table, ...more] = rest.includes(".") ? rest.split(".") : ["public", rest];
  if (open.kind !== "pg" || !schema || !table || more.length > 0) throw noTable(name, rest);
  const { openPgTable } = await import("../../engines/postgres/read.js");
  return openPgTable(open.pg, { schema, table, scratch });
}

function noTable(name: string, rest: string): DwError {
  return new DwError("DW-SOURCE-UNKNOWN", {
    what: `${name}:${rest} names no table that can be read.`,
    why: "A table of a connection is SCHEMA.TABLE or TABLE, and the connection is PostgreSQL.",
    fix: "Write for example legacy:public.orders.",
  });
}
