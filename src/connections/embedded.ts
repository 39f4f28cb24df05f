import { access, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDb, Pg } from "../core/session.js";
import { lockDirectory } from "./directory-lock.js";

/** The databases of an embedded folder. */
export interface Embedded {
  readonly pglite: () => Promise<Pg>;
  readonly duckdb: (file: string) => Promise<DuckDb>;
  readonly close: () => Promise<void>;
}

/**
 * An environment without servers: `<folder>/pglite` and files such as `<folder>/warehouse.duckdb`. Whichever is asked for first, the lock
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
  const files = new Map<string, Once<DuckDb>>();
  const duckdb = (file: string): Once<DuckDb> => {
    const opened =
      files.get(file) ??
      once(async () => {
        await lock.get();
        return openWarehouse(join(folder, `${file}.duckdb`));
      });
    files.set(file, opened);
    return opened;
  };
  return {
    pglite: pglite.get,
    duckdb: (file) => duckdb(file).get(),
    close: async () => {
      await (await settled(pglite.begun()))?.close();
      for (const file of files.values()) await (await settled(file.begun()))?.close();
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
