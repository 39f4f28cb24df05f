import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Storage } from "../../core/storage.js";
import { compressionOf, type TableFile } from "./listing.js";
import { unpack } from "./unpack.js";

/** Paths that DuckDB can open, for the time that a chunk is open: the files themselves, or copies in a folder of ours. */
export class LocalCopies {
  private folder: Promise<string> | undefined;
  private readonly releases: (() => Promise<void>)[] = [];
  private count = 0;

  constructor(
    private readonly storage: Storage,
    private readonly packed: boolean,
  ) {}

  async path(file: TableFile): Promise<string> {
    const local = await this.storage.local(file.path);
    this.releases.push(local.release);
    const compression = compressionOf(file.path);
    if (!this.packed || compression === "none") return local.path;
    const copy = join(await this.ownFolder(), String(this.count++));
    await unpack(local.path, copy, compression, file.path, file.size);
    return copy;
  }

  async release(): Promise<void> {
    await Promise.all(this.releases.splice(0).map((release) => release()));
    if (this.folder !== undefined) await rm(await this.folder, { recursive: true, force: true });
  }

  private ownFolder(): Promise<string> {
    this.folder ??= mkdtemp(join(tmpdir(), "dw-unpacked-"));
    return this.folder;
  }
}
