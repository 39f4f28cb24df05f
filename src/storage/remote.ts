import { open } from "node:fs/promises";
import pLimit from "p-limit";
import { DwError } from "../core/errors.js";
import type { Storage, StoredFile } from "../core/storage.js";
import { confined } from "./confined.js";
import { missing, tooLarge, truncated, WHOLE_FILE_LIMIT } from "./letters.js";
import { RangeCache } from "./range-cache.js";
import { spool as processSpool, type Spool, type Wanted } from "./spool.js";

export interface RemoteFile {
  /** Bytes. */
  readonly size: number;
  /** Changes when the file does: an ETag, a time of modification. */
  readonly version: string;
}

/** What a protocol must be able to do. Paths are below the root, and confined already. */
export interface RemoteFiles {
  readonly root: string;
  /** Undefined when no file lies there. */
  readonly stat: (path: string) => Promise<RemoteFile | undefined>;
  /** Exactly so many bytes, at least one; undefined when no file lies there. */
  readonly get: (path: string, start: number, length: number) => Promise<Uint8Array | undefined>;
  readonly list: (folder: string) => Promise<{ readonly files: readonly (StoredFile & RemoteFile)[]; readonly folders: readonly string[] }>;
}

/** Large files are fetched in parts of so many bytes, each of which is tried again by itself. */
const PART = 8 * 1024 * 1024;
/** Requests at once: parts of this size bound the memory. */
const LANES = 6;
const KNOWN_FILES = 100_000;

let opened = 0;

/** A Storage on another machine: small reads are remembered, whole files are spooled. */
export function remoteStorage(files: RemoteFiles, spool: Spool = processSpool): Storage {
  const home = `${++opened}:`; // a storage that is opened again sees the files as they are then
  const lanes = pLimit(LANES);
  const known = new Map<string, RemoteFile>();
  const ranges = new RangeCache();
  const at = (path: string): string => confined(files.root, path);

  const remember = (path: string, file: RemoteFile): void => {
    if (known.size < KNOWN_FILES) known.set(path, file);
  };
  const find = async (path: string): Promise<RemoteFile | undefined> => {
    const seen = known.get(path);
    if (seen !== undefined) return seen;
    const found = path === "" ? undefined : await lanes(() => files.stat(path));
    if (found !== undefined) remember(path, found);
    return found;
  };
  const stat = async (path: string): Promise<RemoteFile> => {
    const found = await find(path);
    if (found === undefined) throw missing(path);
    return found;
  };
  const part = async (path: string, start: number, length: number): Promise<Uint8Array> => {
    const bytes = await lanes(() => files.get(path, start, length));
    if (bytes === undefined) throw missing(path);
    if (bytes.length !== length) throw new Error(`asked for ${length} bytes of ${path}, got ${bytes.length}`);
    return bytes;
  };
  const bytes = async (path: string, start: number, length: number): Promise<Uint8Array> => {
    if (length === 0) return new Uint8Array();
    const copy = await spool.present(home + path);
    if (copy !== undefined) return readCopy(copy, start, length);
    return ranges.get(`${start}+${length}:${path}`, length, () => part(path, start, length));
  };
  const wanted = (path: string): Wanted => ({
    key: home + path,
    size: async () => (await stat(path)).size,
    fetch: async (to, size) => {
      await download(path, to, size, part);
      if (size > PART) await unchanged(files, path, await stat(path));
    },
  });
  return {
    root: files.root,
    remote: true,
    exists: async (path) => (await find(at(path))) !== undefined,
    size: async (path) => (await stat(at(path))).size,
    version: async (path) => (await stat(at(path))).version,
    read: async (given, range) => {
      const path = at(given);
      const { size } = await stat(path);
      const { start, length } = range ?? { start: 0, length: size };
      if (length > WHOLE_FILE_LIMIT) throw tooLarge(path, length);
      if (start < 0 || length < 0 || start + length > size) throw truncated(path, start + length, size);
      return bytes(path, start, length);
    },
    list: async (given) => {
      const found = await lanes(() => files.list(at(given).replace(/\/$/, "")));
      for (const file of found.files) remember(file.path, file);
      return {
        files: found.files.map(({ path, size }) => ({ path, size })).sort((a, b) => (a.path < b.path ? -1 : 1)),
        folders: [...found.folders].sort(),
      };
    },
    local: async (path) => spool.copy(wanted(at(path))),
    prefetch: (paths) => {
      for (const path of paths) spool.prefetch(wanted(at(path)));
    },
    close: () => spool.drop((key) => key.startsWith(home)),
  };
}

type Part = (path: string, start: number, length: number) => Promise<Uint8Array>;

/** All parts end before the file is closed, also when one of them fails; the rest is then not begun. */
async function download(path: string, to: string, size: number, part: Part): Promise<void> {
  const file = await open(to, "wx", 0o600);
  try {
    let failed = false;
    const several = pLimit(LANES); // a second bound: parts that wait to be written are in memory, too
    const piece = async (start: number): Promise<void> => {
      if (failed) return;
      try {
        const bytes = await part(path, start, Math.min(PART, size - start));
        for (let done = 0; done < bytes.length; ) {
          done += (await file.write(bytes, done, bytes.length - done, start + done)).bytesWritten;
        }
      } catch (error) {
        failed = true;
        throw error;
      }
    };
    const starts = Array.from({ length: Math.ceil(size / PART) }, (_, index) => index * PART);
    const results = await Promise.allSettled(starts.map((start) => several(piece, start)));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  } finally {
    await file.close();
  }
}

/** Parts of two versions would make a file that never was. */
async function unchanged(files: RemoteFiles, path: string, before: RemoteFile): Promise<void> {
  const after = await files.stat(path);
  if (after?.version === before.version && after.size === before.size) return;
  throw new DwError("DW-FILE-CORRUPT", {
    what: `${path} changed while it was read.`,
    why: "Its parts would be of two versions; a lake's files are written once.",
    fix: "Read the table when nobody writes to this folder, or from a copy.",
  });
}

async function readCopy(
  copy: { readonly path: string; readonly release: () => Promise<void> },
  start: number,
  length: number,
): Promise<Uint8Array> {
  const file = await open(copy.path, "r");
  try {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await file.read(bytes, done, length - done, start + done);
      if (bytesRead === 0) throw truncated(copy.path, start + length, start + done);
      done += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
    await copy.release();
  }
}
