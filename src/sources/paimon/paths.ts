import type { Storage } from "../../core/storage.js";
import { outside } from "./letters.js";
import type { DataFile } from "./manifests.js";
import type { TableOptions } from "./options.js";
import type { Partitions } from "./partitions.js";

/** Where files lie (Paimon, "Specification / Data File"; FileStorePathFactory, DataFilePathFactory). Relative to the root. */
export class Paths {
  /** What is put in place of an external location, once it was found. */
  private readonly moved = new Map<string, string>();

  constructor(
    private readonly storage: Storage,
    private readonly options: TableOptions,
    private readonly partitions: Partitions,
  ) {}

  /** `dt=…/bucket-0/` */
  bucket(partition: Uint8Array, bucket: number, file: string): string {
    const folder = this.options.pathDirectory === undefined ? "" : `${this.options.pathDirectory.replace(/\/+$/, "")}/`;
    return `${folder}${this.partitions.of(partition, file).path}bucket-${bucket === POSTPONED ? "postpone" : bucket}/`;
  }

  async dataFile(file: DataFile): Promise<string> {
    const inside = this.bucket(file.stored ?? file.partition, file.bucket, file.manifest) + file.name;
    return file.externalPath === undefined ? inside : this.relocated(file.externalPath, inside);
  }

  async indexFile(name: string, externalPath: string | undefined, partition: Uint8Array, bucket: number): Promise<string> {
    const inside = this.options.indexBesideData ? this.bucket(partition, bucket, name) + name : `index/${name}`;
    return externalPath === undefined ? inside : this.relocated(externalPath, inside);
  }

  /**
   * An external path names a place outside the warehouse. In an export its files lie below the root, in a folder that is
   * some tail of the external one; the shortest tail is the table's own layout.
   */
  private async relocated(external: string, inside: string): Promise<string> {
    const path = external.replace(/^[a-zA-Z][\w+.-]*:(\/\/[^/]*)?/, "");
    const known = [...this.moved].find(([prefix]) => path.startsWith(prefix));
    if (known !== undefined) return known[1] + path.slice(known[0].length);
    const steps = path.split("/").filter((step) => step !== "");
    if (steps.includes("..")) throw outside(external, FIX);
    const own = inside.split("/").length;
    const tails = steps.map((_, start) => steps.slice(start).join("/")).slice(-MAX_STEPS);
    for (const tail of [...tails.filter((candidate) => candidate.split("/").length >= own), inside]) {
      if (await this.storage.exists(tail)) {
        if (path.endsWith(tail)) this.remember(path.slice(0, -tail.length));
        return tail;
      }
    }
    throw outside(external, FIX);
  }

  private remember(prefix: string): void {
    if (prefix !== "") this.moved.set(prefix, "");
  }
}

export const POSTPONED = -2;
const MAX_STEPS = 32;
const FIX = "Copy the files of the external path into the export, below the table's folder, keeping their partition and bucket folders.";
