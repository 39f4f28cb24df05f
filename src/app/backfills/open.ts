import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type PreparedBackfill, prepareBackfill } from "../../backfill/prepare.js";
import type { Reader } from "../../backfill/run.js";
import { CHUNK_READING, openDuckDb } from "../../connections/duckdb.js";
import { checkedPredicate } from "../../connections/duckdb-predicate.js";
import type { Connections } from "../../connections/open.js";
import type { ResolvedEnvironment } from "../../core/environment.js";
import type { At, SourceTable } from "../../core/source.js";
import type { TargetTable } from "../../core/target.js";
import type { Project } from "../project.js";
import type { Definition } from "./definition.js";
import { backfillAccess, openBackfillSource, typesFor } from "./source.js";
import { type OpenTarget, openTarget } from "./target.js";

export interface OpenBackfill {
  readonly definition: Definition;
  readonly environment: string;
  readonly connections: Connections;
  readonly target: OpenTarget;
  /** DuckDB connections on which chunks are read. */
  readonly connect: () => Promise<Reader>;
  /** Plans the source; nothing is read yet but metadata. `into` is loaded in the target's place: its staging table. */
  readonly prepare: (where: string | undefined, at: At, into?: TargetTable) => Promise<PreparedBackfill>;
  readonly close: () => Promise<void>;
}

export interface Opening {
  readonly project: Project;
  readonly environment: ResolvedEnvironment;
  readonly connections: Connections;
  readonly signal: AbortSignal;
}

/** The target and what reads for it. The source is opened by `prepare`: status and reset need none. */
export async function openBackfill(definition: Definition, opening: Opening): Promise<OpenBackfill> {
  const { project, environment, connections, signal } = opening;
  const scratch = join(project.root, ".dw", "spool", `${environment.name}-${folderName(definition.name)}`);
  const closers: (() => Promise<void>)[] = [() => rm(scratch, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    const target = await openTarget(definition, {
      connections,
      scratch,
      storage: { cwd: project.root, access: backfillAccess({ project, connections, signal }) },
    });
    closers.push(() => target.table.close());
    const connect = target.table.reader ?? (await readingDatabase(scratch, signal, closers));
    const prepare = async (where: string | undefined, at: At, into?: TargetTable): Promise<PreparedBackfill> => {
      // What a killed run left behind: the lock says that nobody uses it.
      await rm(scratch, { recursive: true, force: true });
      await mkdir(scratch, { recursive: true });
      const typed = typesFor(definition.sourceModel, target.model?.columns, definition.model);
      const source = await openBackfillSource(definition.from, {
        project,
        connections,
        signal,
        scratch,
        at,
        ...(definition.warehouse !== undefined && { warehouse: definition.warehouse }),
        ...(typed && { typed }),
      });
      closers.push(() => source.close());
      return prepared(definition, { ...target, table: into ?? target.table }, source, where, connect);
    };
    return { definition, environment: environment.name, connections, target, connect, prepare, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Names may hold what file systems do not; two that fold alike are told apart by nobody but the lock, so keep them readable. */
const folderName = (name: string): string => name.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 80);

async function readingDatabase(scratch: string, signal: AbortSignal, closers: (() => Promise<void>)[]): Promise<() => Promise<Reader>> {
  const database = await openDuckDb({ ...CHUNK_READING, tempDirectory: join(scratch, "spill") });
  closers.push(() => database.close());
  return () => database.session(signal);
}

async function prepared(
  { name, model, sourceModel }: Definition,
  target: OpenTarget,
  source: SourceTable,
  where: string | undefined,
  connect: () => Promise<Reader>,
): Promise<PreparedBackfill> {
  const db = await connect();
  try {
    const predicate: string[] = [];
    for (const part of [model?.where, where]) {
      if (part !== undefined) predicate.push(`(${await checkedPredicate(db, part, source.columns)})`);
    }
    return await prepareBackfill(
      {
        name,
        source,
        target: target.table,
        ...(sourceModel && { sourceModel }),
        ...(target.model && { targetModel: target.model }),
        ...(model?.map && { map: model.map }),
        ...(predicate.length > 0 && { where: predicate.join(" AND ") }),
        ...(model?.sourceZone !== undefined && { sourceZone: model.sourceZone }),
        ...(model?.quarantine && { quarantine: model.quarantine }),
        ...(model?.deletedWhen !== undefined && { deletedWhen: model.deletedWhen }),
        ...(model?.incremental && "column" in model.incremental && { ranged: true as const }),
      },
      db,
    );
  } finally {
    await db.close();
  }
}
