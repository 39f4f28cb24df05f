import { type BigIntStats, constants } from "node:fs";
import { open, readdir, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, resolve, sep } from "node:path";
import { DwError } from "../core/errors.js";
import type { Storage, StoredFile } from "../core/storage.js";
import { outside } from "./confined.js";
import { missing, noRoot, tooLarge, truncated, WHOLE_FILE_LIMIT } from "./letters.js";

/**
 * An export in a local folder. The root is resolved once; a path that resolves, through `..` or a symbolic link, to
 * anything outside of it is DW-FILE-OUTSIDE. Names are taken literally: a percent sign is a percent sign.
 * Throws DW-TABLE-MISSING when the root does not exist.
 */
export async function openLocal(root: string): Promise<Storage> {
  const real = await realpath(resolve(root)).catch((cause) => {
    throw noRoot(root, cause);
  });
  const confined = (path: string): Promise<string> => confine(real, root, path);
  const size = async (path: string): Promise<number> => Number((await fileStat(await confined(path), path)).size);
  return {
    root,
    size,
    version: async (path) => (await fileStat(await confined(path), path)).mtimeNs.toString(36),
    exists: async (path) => {
      const full = await confined(path);
      return stat(full).then(
        (found) => found.isFile(),
        () => false,
      );
    },
    read: async (path, range) => readFrom(await confined(path), path, range),
    list: async (folder) => listFolder(await confined(folder), folder, confined),
    local: async (path) => {
      const full = await confined(path);
      await fileStat(full, path);
      return { path: full, release: async () => {} };
    },
  };
}

async function confine(real: string, root: string, path: string): Promise<string> {
  if (path.includes("\0")) throw outside(root, path, "it contains a NUL character");
  if (isAbsolute(path) || /^[A-Za-z]:|^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(path)) throw outside(root, path, "it is absolute");
  const full = join(real, path);
  if (!within(real, full)) throw outside(root, path, "it climbs out with ..");
  const target = await realpath(full).catch(() => undefined); // what does not exist cannot be a link out
  if (target !== undefined && !within(real, target)) throw outside(root, path, "a symbolic link leads out");
  return target ?? full;
}

function within(real: string, full: string): boolean {
  return full === real || full.startsWith(real.endsWith(sep) ? real : real + sep);
}

async function fileStat(full: string, path: string): Promise<BigIntStats> {
  const found = await stat(full, { bigint: true }).catch((cause) => {
    throw fileError(path, cause);
  });
  if (!found.isFile()) throw fileError(path, undefined);
  return found;
}

async function readFrom(full: string, path: string, range: { start: number; length: number } | undefined): Promise<Uint8Array> {
  const handle = await open(full, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause) => {
    throw fileError(path, cause);
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw fileError(path, undefined);
    const { start, length } = range ?? { start: 0, length: found.size };
    if (length > WHOLE_FILE_LIMIT) throw tooLarge(path, length);
    if (start < 0 || length < 0 || start + length > found.size) throw truncated(path, start + length, found.size);
    return await readFully(handle, path, start, length);
  } finally {
    await handle.close();
  }
}

type Handle = Awaited<ReturnType<typeof open>>;

async function readFully(handle: Handle, path: string, start: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, start + done);
    if (bytesRead === 0) throw truncated(path, start + length, start + done);
    done += bytesRead;
  }
  return bytes;
}

async function listFolder(
  at: string,
  folder: string,
  confined: (path: string) => Promise<string>,
): Promise<{ files: StoredFile[]; folders: string[] }> {
  const entries = await readdir(at).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return [];
    throw fileError(folder, cause);
  });
  const files: StoredFile[] = [];
  const folders: string[] = [];
  for (const name of entries.sort()) {
    const path = folder === "" ? name : `${folder}/${name}`;
    // A link that dangles or leads out stops the listing: leaving it out would read half of a table.
    const full = await confined(path);
    const found = await stat(full).catch((cause) => {
      throw fileError(path, cause);
    });
    if (found.isFile()) files.push({ path, size: found.size });
    if (found.isDirectory()) folders.push(name);
  }
  return { files, folders };
}

function fileError(path: string, cause: unknown): DwError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code; // errors of node:fs carry one
  if (code === "EACCES" || code === "EPERM") {
    return new DwError("DW-PERMISSION", {
      what: `${path} cannot be read.`,
      why: "The operating system refused access.",
      fix: "Give the user that runs dw the right to read it.",
      cause,
    });
  }
  return missing(path, cause);
}
