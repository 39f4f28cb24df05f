import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pLimit from "p-limit";
import type { Storage } from "../../core/storage.js";
import type { TableFile } from "./listing.js";

export interface LocalFile {
  readonly file: TableFile;
  readonly path: string;
}

/** Most footers are shorter; a longer one takes a second reading. */
const END = 64 * 1024;
/** The footer's length, four bytes, and `PAR1` (Parquet, "File Format"). */
const TRAILER = 8;
const AT_ONCE = 8;

/**
 * Local paths at which DuckDB can read the footers of Parquet files: the files themselves, or, where they would have to
 * travel, sparse files of the same size that have only the end.
 */
export async function footerFiles(
  storage: Storage,
  files: readonly TableFile[],
): Promise<{ readonly locals: readonly LocalFile[]; readonly release: () => Promise<void> }> {
  const limit = pLimit(AT_ONCE);
  if (storage.remote !== true) {
    const copies = await Promise.all(files.map((file) => limit(async () => ({ file, ...(await storage.local(file.path)) }))));
    return { locals: copies, release: async () => void (await Promise.all(copies.map(({ release }) => release()))) };
  }
  const folder = await mkdtemp(join(tmpdir(), "dw-footers-"));
  const release = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const sparse = async (file: TableFile, index: number): Promise<LocalFile> => {
      const path = join(folder, `${index}.parquet`);
      await writeEnd(path, file.size, await end(storage, file));
      return { file, path };
    };
    return { locals: await Promise.all(files.map((file, index) => limit(sparse, file, index))), release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function end(storage: Storage, { path, size }: TableFile): Promise<Uint8Array> {
  const last = (length: number): Promise<Uint8Array> => storage.read(path, { start: size - length, length });
  const bytes = await last(Math.min(END, size));
  if (bytes.length < TRAILER) return bytes;
  const footer = Buffer.from(bytes).readUInt32LE(bytes.length - TRAILER) + TRAILER;
  return footer <= bytes.length || footer > size ? bytes : last(footer); // a length beyond the file is DuckDB's to refuse
}

async function writeEnd(path: string, size: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.truncate(size);
    for (let done = 0; done < bytes.length; ) {
      done += (await file.write(bytes, done, bytes.length - done, size - bytes.length + done)).bytesWritten;
    }
  } finally {
    await file.close();
  }
}
