import { randomUUID } from "node:crypto";
import { mkdir, open, realpath, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DwError, isDwError } from "../core/errors.js";
import type { StorageWriter } from "../core/storage.js";
import { confined } from "./confined.js";
import { openLocal } from "./local.js";

/**
 * Writing into a local folder. Files are made ready below `.dw-staging` of the root itself, because a rename is atomic only
 * inside of one file system; file and folder are flushed to the disk before `put` resolves.
 */
export function localWriter(given: string): StorageWriter {
  const root = resolve(given);
  return {
    root: given,
    look: () =>
      openLocal(root).catch((error: unknown) => {
        if (isDwError(error) && error.code === "DW-TABLE-MISSING") return undefined;
        throw error;
      }),
    stage: async () => {
      const folder = join(root, STAGING, randomUUID());
      await written(root, () => mkdir(folder, { recursive: true }));
      return { folder, release: () => rm(folder, { recursive: true, force: true }) };
    },
    put: async (local, path) => {
      const to = await inside(root, path);
      await written(path, async () => {
        await flush(local);
        await rename(local, to);
        await flush(dirname(to));
      });
    },
    remove: async (paths) => {
      for (const path of paths) await written(path, async () => rm(await inside(root, path), { force: true }));
    },
  };
}

/** Begins with a dot: readers do not see it. */
const STAGING = ".dw-staging";

/** The path's folder exists afterwards. A link inside the root that leads out is DW-FILE-OUTSIDE, as for reading. */
async function inside(root: string, path: string): Promise<string> {
  const full = join(root, confined(root, path));
  await written(path, () => mkdir(dirname(full), { recursive: true }));
  const [home, folder] = [await realpath(root), await realpath(dirname(full))];
  if (folder === home || folder.startsWith(`${home}/`)) return full;
  throw new DwError("DW-FILE-OUTSIDE", {
    what: `The path ${JSON.stringify(path)} leaves ${root}: a symbolic link leads out.`,
    why: "Files are written below the target's folder only.",
    fix: "Replace the link by a folder, or point TARGET at the place that it leads to.",
  });
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const LETTERS: Readonly<Record<string, readonly ["DW-PERMISSION" | "DW-DISK-FULL", string]>> = {
  EACCES: ["DW-PERMISSION", "Give the user that runs dw the right to write there."],
  EPERM: ["DW-PERMISSION", "Give the user that runs dw the right to write there."],
  EROFS: ["DW-PERMISSION", "The file system is mounted read-only: choose another place."],
  ENOSPC: ["DW-DISK-FULL", "Free some space and run again: what has arrived is not loaded twice."],
  EDQUOT: ["DW-DISK-FULL", "Free some space and run again: what has arrived is not loaded twice."],
};

async function written<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ""; // errors of node:fs carry one
    const known = Object.hasOwn(LETTERS, code) ? LETTERS[code] : undefined;
    if (known === undefined) throw error;
    const [letter, fix] = known;
    throw new DwError(letter, { what: `${path} cannot be written.`, why: `The operating system answers ${code}.`, fix, cause: error });
  }
}
