import { access, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDb, Pg } from "../core/session.js";
import { lockDirectory } from "./directory-lock.js";

/** The databases of an embedded folder. */
export interface Embedded {
  readonly pglite: () => Promise<Pg>;
  readonly duckdb: () => Promise<DuckDb>;
  readonly close: () => Promise<void>;
}

/**
 * An environment without servers: `<folder>/pglite` and `<folder>/warehouse.duckdb`. Whichever is asked for first, the lock
 * of the whole folder is taken before, so that two runs never hold one database each and wait for the other's.
 * A second process: DW-LOCKED.
 */
export function openEmbedded(folder: string): Embedded {
  const lock = once(() => lockDirectory(join(folder, "dw"), folder));
  const pglite = once(async () => {
    await lock.get();
    const { openPglite } = await import("./pglite.js");
    return openPglite(join(folder, "pglite"));
  });
  const duckdb = once(async () => {
    await lock.get();
    return openWarehouse(join(folder, "warehouse.duckdb"));
  });
  return {
    pglite: pglite.get,
    duckdb: duckdb.get,
    close: async () => {
      await (await settled(pglite.begun()))?.close();
      await (await settled(duckdb.begun()))?.close();
      (await settled(lock.begun()))?.();
    },
  };
}

/** DuckDB refuses a half-written file for ever: a new one is made beside its place and moved there whole. */
async function openWarehouse(path: string): Promise<DuckDb> {
  const { openDuckDb } = await import("./duckdb.js");
  if (!(await exists(path))) {
    const unfinished = `${path}.new`;
    await rm(unfinished, { force: true });
    await (await openDuckDb({ path: unfinished })).close();
    await rename(unfinished, path);
  }
  return openDuckDb({ path });
}

interface Once<T> {
  readonly get: () => Promise<T>;
  /** The result, if anybody has asked for it. */
  readonly begun: () => Promise<T> | undefined;
}

function once<T>(make: () => Promise<T>): Once<T> {
  let made: Promise<T> | undefined;
  return {
    get: () => {
      made ??= make();
      return made;
    },
    begun: () => made,
  };
}

/** Undefined for what was never opened or could not be: whoever asked for it has had the error. */
async function settled<T>(work: Promise<T> | undefined): Promise<T | undefined> {
  return work?.catch(() => undefined);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
