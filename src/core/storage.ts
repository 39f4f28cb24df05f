/** One file below an export's root. `path` is relative to the root, with forward slashes. */
export interface StoredFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * Where a legacy export lies: a local folder, an S3 prefix, an HDFS folder. Every path is relative to the root and cannot
 * leave it (DW-FILE-OUTSIDE, also through symbolic links). Missing files are DW-FILE-MISSING.
 */
export interface Storage {
  /** The root as a person wrote it; never with credentials. */
  readonly root: string;
  readonly exists: (path: string) => Promise<boolean>;
  readonly size: (path: string) => Promise<number>;
  /** Changes when a file is written again: an ETag, a time of modification. Absent where nothing tells. */
  readonly version?: (path: string) => Promise<string>;
  /** The whole file, or `length` bytes from `start`. Whole files above 256 MiB: DW-FILE-TOO-LARGE. */
  readonly read: (path: string, range?: { readonly start: number; readonly length: number }) => Promise<Uint8Array>;
  /** Direct children of a folder: files with sizes, folders by name. A missing folder is empty. */
  readonly list: (folder: string) => Promise<{ readonly files: readonly StoredFile[]; readonly folders: readonly string[] }>;
  /** A local path that DuckDB can open: the file itself, or a spooled copy. `release` lets a copy go. */
  readonly local: (path: string) => Promise<{ readonly path: string; readonly release: () => Promise<void> }>;
  /** True where every byte travels: parts are read rather than whole files where they will do. */
  readonly remote?: boolean;
  /** Starts to bring files here that will soon be asked for. Never fails; absent where files are here already. */
  readonly prefetch?: (paths: readonly string[]) => void;
  /** Deletes the spooled copies. Absent where there are none. */
  readonly close?: () => Promise<void>;
}

/**
 * Writing below a root. A file appears under its name whole or not at all, and is durable once `put` has resolved. The root
 * need not exist before the first file. Paths are confined as those of Storage are.
 */
export interface StorageWriter {
  /** As a person wrote it; never with credentials. */
  readonly root: string;
  /** What lies there at this moment; undefined when nothing does. The caller closes it. */
  readonly look: () => Promise<Storage | undefined>;
  /** A new folder on this machine in which files are made ready. */
  readonly stage: () => Promise<{ readonly folder: string; readonly release: () => Promise<void> }>;
  /** Brings a file that was made ready to `path`, in the place of what is there. The local file may be gone afterwards. */
  readonly put: (local: string, path: string) => Promise<void>;
  /** Removes files; those that do not exist are removed already. */
  readonly remove: (paths: readonly string[]) => Promise<void>;
}
