import type { Storage } from "../../core/storage.js";
import { SpoolFolder } from "../../formats/spool.js";
import { compressionOf, type TableFile } from "./listing.js";
import { unpack } from "./unpack.js";

/** Paths that DuckDB can open, for the time that a chunk is open: the files themselves, or copies in a folder of ours. */
export class LocalCopies {
  private readonly folder = new SpoolFolder("unpacked");
  private readonly releases: (() => Promise<void>)[] = [];

  constructor(
    private readonly storage: Storage,
    private readonly packed: boolean,
  ) {}

  async path(file: TableFile): Promise<string> {
    const local = await this.storage.local(file.path);
    this.releases.push(local.release);
    const compression = compressionOf(file.path);
    if (!this.packed || compression === "none") return local.path;
    const copy = await this.folder.file("text");
    await unpack(local.path, copy, compression, file.path, file.size);
    return copy;
  }

  async release(): Promise<void> {
    await Promise.all(this.releases.splice(0).map((release) => release()));
    await this.folder.close();
  }
}
